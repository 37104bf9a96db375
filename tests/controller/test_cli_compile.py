"""`avtech compile`: all manifests or none, in a directory that is nobody else's."""

import json
from pathlib import Path

import pytest

from avtech_controller.cli._main import cli, run
from avtech_schema.canonical import sha256_hex
from avtech_schema.manifest import parse_manifest
from tests.controller.desired_files import MINIMAL, client, write


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write(tmp_path / "repository", {**MINIMAL, **client("CLI-B")})


def written(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_manifests_are_written_by_client_and_screen(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "deep" / "out"
    assert run(cli, ["compile", "-C", str(root), "-o", str(target), "--output", "json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    files = written(target)
    assert sorted(files) == ["CLI-A/SCR-A-1.json", "CLI-B/SCR-B-1.json"]
    assert {entry["file"]: entry["digest"] for entry in summary["screens"]} == {n: sha256_hex(d) for n, d in files.items()}
    assert summary["commit"] is None
    assert parse_manifest(files["CLI-A/SCR-A-1.json"]).screen == "SCR-A-1"
    assert list(tmp_path.glob("deep/.*")) == []


def test_an_earlier_run_is_replaced_as_a_whole(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "out"
    assert run(cli, ["compile", "-C", str(root), "-o", str(target)]) == 0
    for path in (root / "fleet/CLI-B").rglob("*.yaml"):
        path.unlink()
    (root / "content-index/CLI-B/VID-B-ONE.yaml").unlink()
    assert run(cli, ["compile", "-C", str(root), "-o", str(target)]) == 0
    assert sorted(written(target)) == ["CLI-A/SCR-A-1.json"]
    assert "1 manifest of the work tree" in capsys.readouterr().err


def test_nothing_is_written_when_there_are_errors(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "fleet/x.yaml").write_text("kind: Screne\n")
    assert run(cli, ["compile", "-C", str(root), "-o", str(tmp_path / "out")]) == 1
    assert not (tmp_path / "out").exists()
    assert "1 error; the first is AVT120 at fleet/x.yaml:1:7" in capsys.readouterr().err


def test_a_directory_with_other_files_is_left_alone(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = write(tmp_path / "out", {"precious.txt": "x"})
    assert run(cli, ["compile", "-C", str(root), "-o", str(target)]) == 2
    assert written(target) == {"precious.txt": b"x"}
    assert "precious.txt" in capsys.readouterr().err


@pytest.mark.parametrize("target", ["/proc/nothing/out", "/dev/null", "/dev/null/out"])
def test_a_place_that_cannot_be_written_is_one_line(root: Path, capsys: pytest.CaptureFixture[str], target: str) -> None:
    assert run(cli, ["compile", "-C", str(root), "-o", target]) == 2
    err = capsys.readouterr().err
    assert "error: " in err
    assert "Traceback" not in err
