"""docs/reference/resources.md is fresh, names every field, and its examples are what the models accept."""

import re
from pathlib import Path

import pytest
import yaml

from avtech_schema.examples import EXAMPLES
from avtech_schema.reference import main, reference
from avtech_schema.resources import KINDS, Metadata, Strict

PAGE = Path(__file__).parents[2] / "docs/reference/resources.md"


def models(model: type[Strict]) -> list[type[Strict]]:
    return [model, *(inner for sub in model.__subclasses__() for inner in models(sub))]


def test_the_page_is_what_the_models_say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check", str(PAGE)]) == 0
    (tmp_path / "page.md").write_text("")
    assert main(["--check", str(tmp_path / "page.md")]) == 1
    assert "is stale" in capsys.readouterr().err
    assert main([str(tmp_path / "page.md")]) == 0
    assert (tmp_path / "page.md").read_text() == reference()


def test_every_field_of_every_model_is_named() -> None:
    named = {path.rpartition(".")[2] for path in re.findall(r"^\| `([\w.\[\]]+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)}
    for model in models(Strict):
        if model not in (Strict, Metadata):
            assert {field.alias for field in model.model_fields.values()} <= named, model


def test_its_examples_are_those_that_are_tested() -> None:
    shown = [
        yaml.load(block, yaml.BaseLoader) for block in re.findall(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    ]
    assert [example["kind"] for example in shown] == list(KINDS)
    assert [texts(example) for example in shown] == [texts(EXAMPLES[kind]) for kind in KINDS]


def texts(value: object) -> object:
    """A value with its leaves as YAML spells them."""
    match value:
        case dict():
            return {key: texts(inner) for key, inner in value.items()}
        case list():
            return [texts(inner) for inner in value]
        case bool():
            return str(value).lower()
        case _:
            return str(value)
