"""The page docs/reference/resources.md, made from the models: `python -m avtech_schema.reference PAGE`."""

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from avtech_schema.examples import EXAMPLES
from avtech_schema.json_schemas import json_schemas
from avtech_schema.resources import KINDS

_HEAD = """# Resources: what people write

One resource per YAML document; several documents may stand in one file, parted by `---`. Below are all kinds with all their
fields. A field without default is optional unless it says required; any other key is an error. Times, dates and validity are
explained in [airtime](airtime.md).

YAML is read as version 1.2: `22:30` and `no` are texts. For completion and checks while you type, point your editor at the JSON
Schemas in `schema/json/v1/`; for example, as the first line of a file in `fleet/CLI-ACME/`:
`# yaml-language-server: $schema=../../schema/json/v1/avtech.schema.json`.

This page is made from the models by `python -m avtech_schema.reference docs/reference/resources.md`; a test fails when it is
stale.
"""
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 ,./=;:?&_-]*")
_RESERVED = {"null", "true", "false"}


def reference() -> str:
    """The text of the page."""
    schemas = json_schemas()
    return "\n".join([_HEAD, *(_section(kind, schemas[f"{kind.lower()}.schema.json"]) for kind in KINDS)])


def _section(kind: str, schema: Mapping[str, Any]) -> str:
    rows = [_row(path, field, schema, required=required) for path, field, required in _fields(schema, schema, "")]
    example = "\n".join(_yaml(EXAMPLES[kind], ""))
    table = "\n".join(["| field | value | default | meaning |", "|---|---|---|---|", *rows])
    return f"## {kind}\n\n{schema['description']}\n\n```yaml\n{example}\n```\n\n{table}\n"


def _row(path: str, field: Mapping[str, Any], root: Mapping[str, Any], *, required: bool) -> str:
    meaning = " ".join(str(_resolved(field, root)["description"]).split()).replace("|", "\\|")
    return f"| `{path}` | {_values(field, root)} | {'required' if required else _default(field)} | {meaning} |"


def _fields(schema: Mapping[str, Any], root: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    """Every field below an object, depth first: its path, its schema, whether it is required."""
    for name, field in schema.get("properties", {}).items():
        yield f"{path}{name}", field, name in schema.get("required", ())
        for inner, suffix in _objects(field, root):
            yield from _fields(inner, root, f"{path}{name}{suffix}.")


def _objects(field: Mapping[str, Any], root: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str]]:
    """The objects with fields of their own that a field holds, itself or in a list."""
    for one in _alternatives(field, root):
        if "properties" in one:
            yield one, ""
        if "properties" in (element := _resolved(one.get("items", {}), root)):
            yield element, "[]"


def _alternatives(field: Mapping[str, Any], root: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    whole = _resolved(field, root)
    found = whole.get("anyOf", [whole]) if "properties" not in whole else [whole]
    return [_resolved(one, root) for one in found if one.get("type") != "null"]


def _resolved(field: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    target: Mapping[str, Any] = root["$defs"][field["$ref"].rpartition("/")[2]] if "$ref" in field else {}
    return {**target, **field}


def _values(field: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    return " or ".join(_value(one, root) for one in _alternatives(field, root))


def _value(one: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    if "const" in one:
        return f"`{one['const']}`"
    if "enum" in one:
        return ", ".join(f"`{value}`" for value in one["enum"])
    examples = ", ".join(f"`{example}`" for example in one.get("examples", ())) if one["type"] == "string" else ""
    match one["type"]:
        case "integer":
            return f"whole number{_range(one)}"
        case "array":
            return f"list of {_values(one['items'], root)}"
        case "object":
            return "labels" if "properties" not in one else "object"
        case "string" if examples:
            return f"text like {examples}"
        case kind:
            return {"string": "text", "boolean": "`true`, `false`"}[kind]


def _range(one: Mapping[str, Any]) -> str:
    low, high = one.get("minimum"), one.get("maximum")
    if high is None:
        return "" if low is None else f", {low} or more"
    return f", {low} to {high}"


def _default(field: Mapping[str, Any]) -> str:
    default = field.get("default")
    return "" if default is None else f"`{json.dumps(_stated(default))}`"


def _stated(default: Any) -> Any:
    """A default without the parts that are nothing."""
    if isinstance(default, dict):
        return {key: _stated(value) for key, value in default.items() if value is not None}
    return default


def _yaml(value: Any, indent: str) -> Iterator[str]:
    """The lines of a mapping in YAML."""
    for key, inner in value.items():
        if isinstance(inner, dict):
            yield f"{indent}{key}:"
            yield from _yaml(inner, indent + "  ")
        elif isinstance(inner, list) and inner and isinstance(inner[0], dict):
            yield f"{indent}{key}:"
            for element in inner:
                first, *rest = _yaml(element, indent + "    ")
                yield f"{indent}  - {first.strip()}"
                yield from rest
        else:
            yield f"{indent}{key}: {_scalar(inner)}"


def _scalar(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_scalar(element) for element in value)}]"
    if (
        isinstance(value, str)
        and _PLAIN.fullmatch(value)
        and value not in _RESERVED
        and ": " not in value
        and ", " not in value
    ):
        return value
    return json.dumps(value, ensure_ascii=False)


def main(arguments: list[str] | None = None) -> int:
    """Write the page, or check that it is the one there."""
    parser = argparse.ArgumentParser(prog="python -m avtech_schema.reference", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether the page is stale; exit 1 if it is")
    parser.add_argument("page", type=Path, help="docs/reference/resources.md")
    options = parser.parse_args(arguments)
    if not options.check:
        options.page.write_text(reference(), "utf-8")
    elif options.page.read_text("utf-8") != reference():
        sys.stderr.write(f"{options.page} is stale\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
