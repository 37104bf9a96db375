"""`avtech schema`: what it prints and writes is what the models say."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from avtech_controller.cli._main import cli, run
from avtech_schema.json_schemas import json_schemas, spelt
from avtech_schema.resources import KINDS


@pytest.mark.parametrize("kind", ["Avtech", *KINDS])
def test_the_schema_of_each_kind_is_printed_in_any_case_of_its_name(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(cli, ["schema", kind]) == 0
    printed = json.loads(capsys.readouterr().out)
    Draft202012Validator.check_schema(printed)
    assert printed == json_schemas()[f"{kind.lower()}.schema.json"]


def test_without_a_kind_the_schema_that_takes_them_all_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(cli, ["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["$id"] == "urn:avtech:schema:v1:avtech"


def test_all_schemas_are_written_and_stale_ones_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = tmp_path / "new" / "v1"
    assert run(cli, ["schema", "-o", str(directory)]) == 0
    assert {path.name: path.read_text() for path in directory.iterdir()} == {n: spelt(s) for n, s in json_schemas().items()}
    assert len(capsys.readouterr().out.splitlines()) == len(json_schemas())
    (directory / "screen.schema.json").write_text("{}")
    assert run(cli, ["schema", "-o", str(directory), "--check"]) == 1
    assert "screen.schema.json" in capsys.readouterr().err
    assert run(cli, ["schema", "screen", "-o", str(directory)]) == 0
    assert run(cli, ["schema", "-o", str(directory), "--check"]) == 0


def test_the_schemas_that_ship_are_those_of_this_version() -> None:
    shipped = Path(__file__).parents[2] / "schema" / "json" / "v1"
    assert run(cli, ["schema", "-o", str(shipped), "--check"]) == 0


def test_a_kind_that_does_not_exist_and_a_check_of_nothing_are_usage_errors(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(cli, ["schema", "Screens"]) == 2
    assert run(cli, ["schema", "--check"]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_directory_that_cannot_be_written_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert run(cli, ["schema", "-o", str(tmp_path / "file")]) == 3
    assert capsys.readouterr().err.startswith("error: cannot write to ")
    assert run(cli, ["schema", "-o", str(tmp_path / "file"), "--check"]) == 2
