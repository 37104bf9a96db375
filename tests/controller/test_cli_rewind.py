"""A history that was rewritten: nothing follows a release from it, unless somebody names the very commit that is left."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from avtech_controller.cli import cli
from avtech_controller.cli._main import run
from tests.controller.repository import Repository, make_repository

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> Repository:
    """Released is the second commit of a branch; the remote has it."""
    for name in ("AVTECH_STORE", "AVTECH_PUBLISH_KEY", "AVTECH_KEYS_DIR", "AVTECH_KEY_PASSPHRASE", "AVTECH_OUTPUT"):
        monkeypatch.delenv(name, raising=False)
    made = make_repository(tmp_path)
    arguments = ["keys", "init", "--repo", str(made.path), "--keys-dir", str(made.keys), "--no-passphrase", "--screens", "1"]
    assert run(cli, arguments) == 0
    made.commit("first")
    made.screen(3)
    made.commit("second")
    made.git("init", "-q", "--bare", "-b", "main", str(tmp_path / "remote.git"))
    made.git("-C", str(tmp_path / "remote.git"), "config", "uploadpack.allowAnySHA1InWant", "true")
    made.git("remote", "add", "origin", str(tmp_path / "remote.git"))
    made.git("push", "-q", "origin", "main")
    assert publish(made) == 0
    capsys.readouterr()
    return made


def publish(repository: Repository, *more: str) -> int:
    return run(cli, ["publish", *repository.options(), "--yes", "--keys-dir", str(repository.keys), *more])


def rewritten(repository: Repository, directory: Path, *, depth: int = 0) -> tuple[Repository, str, str]:
    """Force-push another second commit, and clone that; returns the clone, the released commit and the new one."""
    released = repository.git("rev-parse", "HEAD")
    repository.git("reset", "-q", "--hard", "HEAD~1")
    repository.screen(4)
    fresh = repository.commit("another second")
    repository.git("push", "-q", "--force", "origin", "main")
    shallow = [f"--depth={depth}"] if depth else []
    clone = ["git", "clone", "-q", *shallow, f"file://{directory}/remote.git", str(directory / "clone")]
    subprocess.run(clone, check=True)
    return replace(repository, path=directory / "clone"), released, fresh


def test_a_rewritten_history_is_refused_and_the_released_commit_named(
    repository: Repository, tmp_path: Path, capsys: Capture
) -> None:
    clone, released, _ = rewritten(repository, tmp_path)
    assert publish(clone) == 5
    told = capsys.readouterr().err
    assert released[:12] in told
    assert f"--accept-rewind {released[:12]}" in told
    assert publish(repository) == 5, "a clone that still knows the commit says so too"
    assert f"does not descend from the released {released[:12]}" in capsys.readouterr().err


def test_the_plan_of_a_work_tree_says_that_no_commit_on_it_could_be_published(
    repository: Repository, tmp_path: Path, capsys: Capture
) -> None:
    assert run(cli, ["plan", *repository.options()]) == 0
    assert "would be stopped" not in capsys.readouterr().err
    _, released, _ = rewritten(repository, tmp_path)
    for options in ([], ["--commit", "HEAD"]):
        run(cli, ["plan", *repository.options(), *options])
        assert f"does not descend from the released {released[:12]}" in capsys.readouterr().err


def test_who_names_the_released_commit_leaves_its_history_and_the_record_says_so(
    repository: Repository, tmp_path: Path, capsys: Capture
) -> None:
    clone, released, fresh = rewritten(repository, tmp_path)
    options = ["--accept-rewind", released[:12], "--accept-removals", "1", "--output", "json"]
    assert publish(clone, *options) == 2, "the released commit says whose commits may follow it"
    assert f"git fetch origin {released}" in capsys.readouterr().out
    clone.git("fetch", "-q", "origin", released)
    assert publish(clone, *options) == 0
    done = json.loads(capsys.readouterr().out)
    assert (done["commit"], done["rewound"], done["sequence"]) == (fresh, released, 2)
    assert run(cli, ["verify", *repository.options(), "--chain", "--no-assets", "--output", "json"]) == 0
    notes = json.loads(capsys.readouterr().out)["notes"]
    assert any(f"release 2 of {fresh[:12]} left the history of {released[:12]}; accepted by" in note for note in notes)
    clone.screen(5)
    clone.commit("third")
    assert publish(clone, "--output", "json") == 0
    assert json.loads(capsys.readouterr().out)["rewound"] is None


@pytest.mark.parametrize("named", ["0123456789ab", "HEAD", "abc", "no-such-branch"])
def test_naming_another_commit_does_not_help(repository: Repository, tmp_path: Path, capsys: Capture, named: str) -> None:
    clone, _, _ = rewritten(repository, tmp_path)
    assert publish(clone, "--accept-rewind", named) in {2, 5}
    told = capsys.readouterr().err
    assert "is released" in told or "is not a commit" in told
    assert run(cli, ["status", *repository.options(), "--output", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["release"]["sequence"] == 1


def test_a_shallow_clone_cannot_tell_and_a_whole_one_can(repository: Repository, tmp_path: Path, capsys: Capture) -> None:
    clone, released, _ = rewritten(repository, tmp_path, depth=1)
    options = ("--accept-rewind", released, "--accept-removals", "1")
    assert publish(clone, *options) == 5
    assert "unshallow" in capsys.readouterr().err
    clone.git("fetch", "-q", "--unshallow")
    clone.git("fetch", "-q", "origin", released)
    assert publish(clone, *options) == 0


def test_a_commit_that_follows_needs_no_word_and_records_none(repository: Repository, capsys: Capture) -> None:
    released = repository.git("rev-parse", "HEAD")
    repository.screen(4)
    repository.commit("third")
    assert publish(repository, "--accept-rewind", released, "--output", "json") == 0
    assert json.loads(capsys.readouterr().out)["rewound"] is None


def test_a_name_of_a_release_that_is_over_does_not_help(repository: Repository, tmp_path: Path, capsys: Capture) -> None:
    """A job that is run again with yesterday's word must not leave what was released since."""
    earlier = repository.git("rev-parse", "HEAD")
    repository.screen(4)
    repository.commit("third")
    assert publish(repository) == 0
    clone, _, _ = rewritten(repository, tmp_path)
    capsys.readouterr()
    assert publish(clone, "--accept-rewind", earlier) == 5
    assert "nobody agreed to leave that" in capsys.readouterr().err
