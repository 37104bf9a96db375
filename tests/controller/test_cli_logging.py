"""Errors on stderr: lines for people, and one JSON object where the logs are JSON."""

import json
from pathlib import Path

import pytest

from avtech_controller.cli._main import cli, run


def test_errors_are_json_where_logs_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(cli, ["-v", "--log-format", "json", "compile", "-C", str(tmp_path / "nowhere"), "-o", str(tmp_path / "out")])
    entries = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert (code, entries[-1]["level"], entries[-1]["kind"]) == (2, "error", "error")
    assert {"time", "logger", "message", "help"} <= entries[-1].keys()


def test_errors_are_lines_otherwise(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(cli, ["compile", "-C", str(tmp_path / "nowhere"), "-o", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.startswith("error: ")
