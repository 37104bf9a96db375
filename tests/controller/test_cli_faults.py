"""What `avtech` says when its surroundings are wrong: programs that are missing, and failures as JSON."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from avtech_controller.cli import cli
from avtech_controller.cli._main import run
from tests.controller.repository import Repository, make_repository

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    for name in ("AVTECH_STORE", "AVTECH_PUBLISH_KEY", "AVTECH_KEYS_DIR", "AVTECH_KEY_PASSPHRASE", "AVTECH_OUTPUT"):
        monkeypatch.delenv(name, raising=False)
    made = make_repository(tmp_path)
    arguments = ["keys", "init", "--repo", str(made.path), "--keys-dir", str(made.keys), "--no-passphrase", "--screens", "1"]
    assert run(cli, arguments) == 0
    made.commit("first")
    return made


@pytest.mark.parametrize("command", [["publish", "--yes"], ["plan", "--commit", "HEAD"], ["init", "new"]])
def test_without_git_a_command_that_needs_it_says_so(repository: Repository, command: list[str]) -> None:
    if command[0] != "init":
        command = [*command, *repository.options()]
    start = "from avtech_controller.cli import main; main()"
    environment = {**os.environ, "PATH": str(repository.store_path)}
    ran = subprocess.run(
        [sys.executable, "-c", start, *command],
        cwd=repository.keys,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.splitlines()[0] == "error: git is not installed, or not in PATH"


def test_whose_signatures_count_is_read_from_the_commit_that_is_published(repository: Repository, capsys: Capture) -> None:
    publish = ["publish", *repository.options(), "--yes", "--keys-dir", str(repository.keys)]
    with_trust = repository.git("rev-parse", "HEAD")
    repository.git("rm", "-q", "--cached", "-r", "trust")
    repository.git("commit", "-q", "-m", "forgot trust/")
    without = repository.git("rev-parse", "HEAD")
    for command in (publish, ["publish", *repository.options()], ["plan", *repository.options(), "--commit", "HEAD"]):
        assert run(cli, command) == 2
        told = capsys.readouterr().err
        assert f"commit {without[:12]} has no trust/" in told
        assert "help: commit trust/" in told
    shutil.rmtree(repository.path / "trust")
    assert run(cli, [*publish, "--commit", with_trust]) == 0


def test_trust_that_lies_elsewhere_by_a_link_is_refused(repository: Repository, tmp_path: Path, capsys: Capture) -> None:
    trust = repository.path / "trust"
    trust.rename(tmp_path / "elsewhere")
    trust.symlink_to(tmp_path / "elsewhere")
    assert run(cli, ["plan", *repository.options()]) == 2
    assert "lies outside of the repository by a symbolic link" in capsys.readouterr().err
    repository.commit("a link")
    assert run(cli, ["publish", *repository.options(), "--yes", "--keys-dir", str(repository.keys)]) == 2
    assert "is a symbolic link" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["plan", "status"])
def test_a_repository_without_trust_is_a_wrong_setting(repository: Repository, command: str, capsys: Capture) -> None:
    shutil.rmtree(repository.path / "trust")
    assert run(cli, [command, *repository.options()]) == 2
    assert "avtech keys init" in capsys.readouterr().err
