"""`avtech keys init`: keys and trust are made once, and kept out of Git."""

import json
from pathlib import Path

import pytest

from avtech_controller.cli import cli
from avtech_controller.cli._main import run
from tests.controller.repository import Repository, make_repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return make_repository(tmp_path)


def init(repository: Repository, *more: str, keys: Path | None = None) -> int:
    return run(cli, ["keys", "init", "--repo", str(repository.path), "--keys-dir", str(keys or repository.keys), *more])


def test_keys_and_trust_are_made_and_it_says_what_goes_where(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AVTECH_KEY_PASSPHRASE", "correct horse")
    assert init(repository) == 0
    out = capsys.readouterr().out
    assert "AVTECH_PUBLISH_KEY" in out
    assert "correct horse" not in out
    assert sorted(path.name for path in (repository.path / "trust").iterdir()) == ["1.root.json", "1.targets.json"]
    assert b"ENCRYPTED" in (repository.keys / "root-1.pem").read_bytes()


def test_the_result_as_json_names_the_files(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    assert init(repository, "--no-passphrase", "--root-keys", "1", "--root-threshold", "1", "--output", "json") == 0
    value = json.loads(capsys.readouterr().out)
    assert [Path(path).name for path in value["keys"]] == ["root-1.pem", "targets.pem", "publish.pem", "heartbeat.pem"]
    assert value["bins"] == 64


def test_without_a_passphrase_nothing_is_made(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AVTECH_KEY_PASSPHRASE", raising=False)
    assert init(repository) == 2
    assert "--no-passphrase" in capsys.readouterr().err
    assert not repository.keys.exists()


def test_a_second_run_changes_nothing(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    assert init(repository, "--no-passphrase") == 0
    assert init(repository, "--no-passphrase") == 2
    assert "never overwritten" in capsys.readouterr().err


def test_keys_inside_the_work_tree_are_refused_unless_git_ignores_them(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    inside = repository.path / "secret/keys"
    assert init(repository, "--no-passphrase", keys=inside) == 2
    assert "would be committed" in capsys.readouterr().err
    assert not inside.exists()
    repository.write(".gitignore", "secret/\n")
    assert init(repository, "--no-passphrase", keys=inside) == 0
    assert (inside / "publish.pem").exists()
