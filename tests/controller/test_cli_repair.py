"""`avtech publish --repair`: a store that lost or altered what is released is mended, or says what is missing."""

import json
from pathlib import Path

import pytest

from avtech_controller.cli import cli
from avtech_controller.cli._main import run
from avtech_schema.canonical import sha256_hex
from avtech_schema.identifiers import ClientId
from avtech_schema.layout import content_key
from tests.controller.repository import CLIP, Repository, make_repository

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> Repository:
    for name in ("AVTECH_STORE", "AVTECH_PUBLISH_KEY", "AVTECH_KEYS_DIR", "AVTECH_KEY_PASSPHRASE", "AVTECH_OUTPUT"):
        monkeypatch.delenv(name, raising=False)
    made = make_repository(tmp_path)
    arguments = ["keys", "init", "--repo", str(made.path), "--keys-dir", str(made.keys), "--no-passphrase", "--screens", "1"]
    assert run(cli, arguments) == 0
    made.commit("first")
    assert run(cli, ["publish", *made.options(), "--yes", "--keys-dir", str(made.keys)]) == 0
    capsys.readouterr()
    return made


def repair(repository: Repository, *more: str) -> int:
    return run(cli, ["publish", "--repair", *repository.options(), *more])


def manifests(repository: Repository) -> list[Path]:
    return sorted(path for path in (repository.store_path / "targets").rglob("*") if path.is_file())


def test_a_whole_store_is_left_as_it_is(repository: Repository, capsys: Capture) -> None:
    assert repair(repository) == 0
    assert "2 manifests checked, 0 put back" in capsys.readouterr().out


def test_lost_and_altered_manifests_are_put_back_from_their_commits(repository: Repository, capsys: Capture) -> None:
    repository.screen(3)
    repository.commit("third")
    assert run(cli, ["publish", *repository.options(), "--yes", "--keys-dir", str(repository.keys)]) == 0
    before = {path: path.read_bytes() for path in manifests(repository)}
    lost, flipped, huge = before
    lost.unlink()
    flipped.write_bytes(before[flipped][:-1] + b"!")
    huge.write_bytes(bytes(9_000_000))
    capsys.readouterr()
    assert repair(repository, "--output", "json") == 0
    value = json.loads(capsys.readouterr().out)
    assert (value["format_version"], value["outcome"], len(value["restored"])) == (1, "whole", 3)
    assert {path: path.read_bytes() for path in manifests(repository)} == before
    assert repair(repository) == 0
    assert "0 put back" in capsys.readouterr().out


def test_a_manifest_that_another_version_made_is_named_and_nothing_is_written(repository: Repository, capsys: Capture) -> None:
    first = manifests(repository)[0]
    first.unlink()
    repository.git("checkout", "-q", "--orphan", "other")
    repository.commit("a history without the released commit")
    repository.git("branch", "-q", "-D", "main")
    repository.git("reflog", "expire", "--expire=now", "--all")
    repository.git("gc", "-q", "--prune=now")
    assert repair(repository) == 1
    told = capsys.readouterr().err
    assert "the manifest of SCR-ACME-0001 cannot be put back" in told
    assert "publish a newer commit" in told
    assert not first.exists()


def test_clips_that_are_missing_are_named_with_what_to_do(repository: Repository, capsys: Capture) -> None:
    clip = repository.store_path / content_key(ClientId("CLI-ACME"), sha256_hex(CLIP))
    clip.unlink()
    assert repair(repository, "--output", "json") == 1
    captured = capsys.readouterr()
    assert "VID-ACME-A of CLI-ACME: the clip is not in the store" in captured.err
    assert "avtech content add" in captured.err
    value = json.loads(captured.out)
    assert [(one["clip"], one["stored_bytes"]) for one in value["clips"]] == [("VID-ACME-A", None)]
    clip.write_bytes(b"short")
    assert repair(repository) == 1
    assert "holds 5 bytes instead of" in capsys.readouterr().err


def test_a_lost_timestamp_is_told_and_signed_anew_for_the_last_release(repository: Repository, capsys: Capture) -> None:
    repository.screen(3)
    repository.commit("third")
    publish = ["publish", *repository.options(), "--yes", "--keys-dir", str(repository.keys)]
    assert run(cli, publish) == 0
    timestamp = repository.store_path / "metadata/timestamp.json"
    old = json.loads(timestamp.read_bytes())
    timestamp.unlink()
    assert run(cli, ["status", *repository.options()]) == 3
    assert "store-damaged.md" in capsys.readouterr().err
    assert repair(repository, "--keys-dir", str(repository.keys)) == 2
    assert not timestamp.exists()
    assert repair(repository, "--keys-dir", str(repository.keys), "--yes") == 0
    captured = capsys.readouterr()
    assert "release 2" in captured.out
    new = json.loads(timestamp.read_bytes())
    assert new["signed"]["version"] > old["signed"]["version"]
    assert new["signed"]["meta"] == old["signed"]["meta"]
    assert run(cli, publish) == 0
    assert "already released" in capsys.readouterr().out


def test_a_store_without_a_release_has_nothing_to_mend(tmp_path: Path, repository: Repository, capsys: Capture) -> None:
    (tmp_path / "other").mkdir()
    assert run(cli, ["publish", "--repair", "--repo", str(repository.path), "--store", f"file://{tmp_path}/other"]) == 2
    assert "nothing is released" in capsys.readouterr().err
    assert repair(repository, "--renew") == 2
