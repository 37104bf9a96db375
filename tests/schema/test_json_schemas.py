"""The JSON Schemas are fresh, valid, and agree with the models on what people may write."""

import copy
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError as ModelError

from avtech_schema.examples import EXAMPLES, PARTS
from avtech_schema.json_schemas import json_schemas, main, stale
from avtech_schema.resources import ANY_RESOURCE, KINDS, Strict

DIRECTORY = Path(__file__).parents[2] / "schema/json/v1"
SCHEMAS = json_schemas()


def ecma(schema: Any) -> Any:
    """A schema whose patterns mean in Python what they mean in ECMA 262: `$` is the very end, not before a last newline."""
    if isinstance(schema, dict):
        spelt = {key: ecma(value) for key, value in schema.items()}
        if isinstance(spelt.get("pattern"), str):
            spelt["pattern"] = re.sub(r"\$(?=\)|$)", r"\\Z", spelt["pattern"])
        return spelt
    return [ecma(value) for value in schema] if isinstance(schema, list) else schema


VALIDATORS = {name: Draft202012Validator(ecma(schema)) for name, schema in SCHEMAS.items()}


def by_schema(document: Any) -> bool:
    accepted = VALIDATORS["avtech.schema.json"].is_valid(document)
    if isinstance(document, dict) and isinstance(kind := document.get("kind"), str) and kind in KINDS:
        assert VALIDATORS[f"{kind.lower()}.schema.json"].is_valid(document) == accepted
    return accepted


def by_model(document: Any) -> bool:
    try:
        ANY_RESOURCE.validate_python(document)
    except ModelError:
        return False
    return True


def test_the_files_are_what_the_models_say() -> None:
    assert stale(DIRECTORY) == []


def test_the_command_writes_checks_and_tells_what_is_stale(tmp_path: Path) -> None:
    target = tmp_path / "v1"
    assert main([str(target)]) == 0
    assert main(["--check", str(target)]) == 0
    (target / "old.schema.json").write_text("{}")
    (target / "screen.schema.json").write_text("{}")
    command = [sys.executable, "-m", "avtech_schema.json_schemas", "--check", str(target)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert [line.rpartition("/")[2] for line in ran.stderr.splitlines()] == [
        "old.schema.json is stale",
        "screen.schema.json is stale",
    ]


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_each_schema_is_one_of_draft_2020_12_and_describes_every_field(name: str) -> None:
    schema = json.loads((DIRECTORY / name).read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:avtech:schema:v1:{name.partition('.')[0]}"
    assert schema["title"]
    assert schema["description"]
    for definition in schema.get("$defs", {}).values():
        for field, said in definition.get("properties", {}).items():
            described = {**schema["$defs"].get(str(said.get("$ref")).rpartition("/")[2], {}), **said}
            assert described.get("description"), field
            assert said.get("title") or "$ref" in said, field


def _examples(field: dict[str, Any], schema: dict[str, Any]) -> list[Any]:
    """The examples of a field: its own, its only values, or those of what it refers to, offers or lists."""
    target = schema["$defs"].get(str(field.get("$ref")).rpartition("/")[2], {})
    whole = {**target, **field}
    own = whole.get("examples", whole.get("enum", [whole["const"]] if "const" in whole else []))
    offered = [example for one in whole.get("anyOf", ()) if "required" not in one for example in _examples(one, schema)]
    listed = [[example] for example in _examples(whole["items"], schema)] if "items" in whole else []
    return [*own, *offered, *listed]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_field_has_a_description_and_examples_that_are_valid(kind: str) -> None:
    schema = json.loads((DIRECTORY / f"{kind.lower()}.schema.json").read_text("utf-8"))
    for part in (schema, *schema["$defs"].values()):
        for name, field in part.get("properties", {}).items():
            examples = _examples(field, schema)
            assert examples, (part.get("title"), name)
            valid = Draft202012Validator(ecma({"$defs": schema["$defs"], "allOf": [field]}))
            for example in examples:
                assert valid.is_valid(example), (part.get("title"), name, example)


@pytest.mark.parametrize("name", sorted(PARTS))
def test_the_example_of_each_part_is_one_that_its_model_takes(name: str) -> None:
    (model,) = {model for model in _models(Strict) if model.__name__ == name}
    model.model_validate(PARTS[name])


def _models(base: type[Strict]) -> Iterator[type[Strict]]:
    for model in base.__subclasses__():
        yield model
        yield from _models(model)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_example_of_each_kind_is_valid(kind: str) -> None:
    assert by_model(EXAMPLES[kind])
    assert by_schema(EXAMPLES[kind])


RULE = {"play": "a"}
DAMAGE: list[tuple[str, str, Any, bool]] = [
    ("Video", "spec.durationMs", 0, False),
    ("Video", "spec.durationMs", 1, True),
    ("Video", "spec.durationMs", 20_000, True),
    ("Video", "spec.durationMs", 20_001, False),
    ("Video", "spec.durationMs", -1, False),
    ("Video", "spec.durationMs", "10000", False),
    ("Video", "spec.durationMs", True, False),
    ("Video", "spec.durationMs", 0.5, False),
    ("Video", "spec.durationMs", None, False),
    ("Video", "spec.durationMs", 10**30, False),
    ("Video", "spec.sha256", "A" * 64, False),
    ("Video", "spec.rights", {}, False),
    ("Video", "spec.rights", {"from": None, "until": None}, False),
    ("Video", "spec.rights", None, True),
    ("Video", "spec.state", "deleted", False),
    ("Video", "metadata.name", "VID-", False),
    ("Video", "metadata.name", "VID-ä", False),
    ("Video", "metadata.name", "CLI-ACME", False),
    ("Screen", "metadata.name", "SCR-A--B", False),
    ("Screen", "metadata.name", "SCR-" + "A" * 60, True),
    ("Screen", "metadata.name", "SCR-" + "A" * 61, False),
    ("Screen", "metadata.name", "scr-acme", False),
    ("Screen", "metadata.name", "SCR-A\n", False),
    ("Screen", "metadata.name", 7, False),
    ("Screen", "metadata.labels", {"Site": "x"}, False),
    ("Screen", "metadata.labels", {"site": ""}, False),
    ("Screen", "metadata.labels", {"site": 1}, False),
    ("Screen", "metadata.labels", {"a.b/c-d": "x y"}, True),
    ("Screen", "spec.extra", 1, False),
    ("Screen", "extra", 1, False),
    ("Screen", "apiVersion", "avtech/v2", False),
    ("Screen", "kind", "Monitor", False),
    ("Screen", "spec.display.orientation", "upside-down", False),
    ("Screen", "spec.display.resolution", "1920×1080", False),
    ("Screen", "spec.display.powerHours.days", [], False),
    ("Screen", "spec.display.powerHours.from", "7:00", False),
    ("Screen", "spec.display.powerHours.from", "24:00", False),
    ("Screen", "spec.device", {"publicKey": "ed25519:" + "A" * 43 + "="}, True),
    ("Screen", "spec.device", {"publicKey": "ed25519:AAAA"}, False),
    ("Group", "spec", {"client": "CLI-ACME"}, False),
    ("Group", "spec", {"client": "CLI-ACME", "screens": [], "matchLabels": {}}, False),
    ("Group", "spec", {"client": "CLI-ACME", "screens": ["SCR-1"], "matchLabels": {}}, True),
    ("Group", "spec", {"client": "CLI-ACME", "matchLabels": None}, False),
    ("Fleet", "metadata.name", "Main", False),
    ("Fleet", "spec.rollout.waves", [{}], False),
    ("Fleet", "spec.rollout.waves", [{"percent": 0}], True),
    ("Fleet", "spec.limits.changedPercent", 101, False),
    ("Client", "spec.timeZone", "Europe Madrid", False),
    ("Playlist", "spec.items", [], False),
    ("Playlist", "spec.items", [{}], False),
    ("Playlist", "spec.items", [{"clip": "VID-A", "playlist": "a"}], False),
    ("Playlist", "spec.items", [{"clip": "VID-A", "playlist": None}], True),
    ("Playlist", "spec.items", [{"clip": None, "playlist": None}], False),
    ("Playlist", "spec.items", [{"clip": "VID-A", "weight": 0}], False),
    ("Playlist", "spec.items", [{"clip": "VID-A", "validFrom": "2026-13-01"}], False),
    ("Playlist", "spec.items", [{"clip": "VID-A", "validFrom": "2026-12-01T25:00"}], False),
    ("Schedule", "spec.screens", {}, False),
    ("Schedule", "spec.screens", {"names": [], "groups": []}, False),
    ("Schedule", "spec.rules", [], False),
    ("Schedule", "spec.rules", [RULE], True),
    ("Schedule", "spec.rules", [{**RULE, "from": "22:30:15", "until": "24:00"}], True),
    ("Schedule", "spec.rules", [{**RULE, "from": 1350}], False),
    ("Schedule", "spec.rules", [{**RULE, "until": "24:01"}], False),
    ("Schedule", "spec.rules", [{**RULE, "days": ["monday"]}], False),
    ("Schedule", "spec.rules", [{**RULE, "priority": 101}], False),
    ("Schedule", "spec.rules", [{**RULE, "emergency": True}], False),
    ("Schedule", "spec.rules", [{**RULE, "emergency": True, "validUntil": None}], False),
    ("Schedule", "spec.rules", [{**RULE, "emergency": True, "validUntil": "2026-10-05T18:00", "cut": "clip"}], False),
    ("Schedule", "spec.rules", [{**RULE, "emergency": True, "validUntil": "2026-10-05T18:00", "cut": "now"}], True),
    ("Schedule", "spec.rules", [{**RULE, "emergency": True, "validUntil": "2026-10-05T18:00", "cut": None}], True),
    ("Schedule", "spec.rules", [{**RULE, "emergency": False, "cut": "clip"}], True),
    ("Schedule", "spec.rules", [{**RULE, "rrule": "FREQ=DAILY"}], False),
    ("Schedule", "spec.rules", [{**RULE, "rrule": "FREQ=DAILY", "validFrom": "2026-01-01"}], True),
    ("Schedule", "spec.rules", [{**RULE, "rrule": "FREQ=HOURLY", "validFrom": "2026-01-01"}], False),
    ("Schedule", "spec.rules", [{**RULE, "rrule": None}], True),
    ("Schedule", "spec.rules", [{**RULE, "maxPlaysPerHour": 0}], False),
    ("AirCheck", "spec.at", "2026-10-05", False),
    ("AirCheck", "spec.at", "2026-10-05T12:00+02:00", True),
    ("AirCheck", "spec.plays", "VID-", False),
    ("AirCheck", "spec.plays", "-a", False),
]


@pytest.mark.parametrize(("kind", "where", "value", "valid"), DAMAGE)
def test_model_and_schema_agree_on(kind: str, where: str, value: Any, valid: bool) -> None:
    document = copy.deepcopy(EXAMPLES[kind])
    *path, last = where.split(".")
    holder = document
    for name in path:
        holder = holder[name]
    holder[last] = value
    assert (by_model(document), by_schema(document)) == (valid, valid)


MODEL_ONLY: list[tuple[str, dict[str, Any]]] = [
    ("an empty window", {**RULE, "from": "08:00", "until": "08:00"}),
    ("an end before the beginning", {**RULE, "validFrom": "2026-02-01", "validUntil": "2026-01-01"}),
    ("a date that is none", {**RULE, "validFrom": "2026-02-30"}),
    ("a recurrence that names no day", {**RULE, "validFrom": "2026-01-01", "rrule": "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"}),
]


@pytest.mark.parametrize(("what", "rule"), MODEL_ONLY, ids=[what for what, _ in MODEL_ONLY])
def test_what_a_schema_cannot_say_the_model_does(what: str, rule: dict[str, Any]) -> None:
    document = copy.deepcopy(EXAMPLES["Schedule"])
    document["spec"]["rules"] = [rule]
    assert (by_model(document), by_schema(document)) == (False, True), what


odd = st.sampled_from(
    [
        None,
        True,
        0,
        1,
        20_000,
        20_001,
        -1,
        0.5,
        "",
        "a",
        "A",
        "x" * 300,
        "08:30",
        "24:00",
        "2026-12-24",
        "now",
        [],
        ["a"],
        {},
        {"a": "b"},
    ]
)


@settings(deadline=None, max_examples=400)
@given(st.sampled_from(sorted(EXAMPLES)), st.data())
def test_whatever_is_put_anywhere_model_and_schema_agree(kind: str, data: st.DataObject) -> None:
    document = copy.deepcopy(EXAMPLES[kind])
    for _ in range(data.draw(st.integers(1, 2))):
        spots = list(_spots(document))
        holder, key = data.draw(st.sampled_from(spots))
        if data.draw(st.booleans()):
            holder[key] = copy.deepcopy(data.draw(odd))
        elif isinstance(holder, dict) and data.draw(st.booleans()):
            holder["surplus"] = copy.deepcopy(data.draw(odd))
        else:
            del holder[key]
        if not document:
            break
    if by_schema(document):
        assert by_model(document) or _only_models_see(document)
    else:
        assert not by_model(document)


def _only_models_see(document: dict[str, Any]) -> bool:
    """Whether all that is wrong is an order of times or a meaning, which JSON Schema cannot express."""
    try:
        ANY_RESOURCE.validate_python(document)
    except ModelError as error:
        return all(detail["type"] == "value_error" for detail in error.errors())
    return False


def _spots(value: Any) -> Iterator[tuple[Any, Any]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(pairs):
        yield value, key
        yield from _spots(inner)
