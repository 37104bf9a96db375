"""What `avtech` says when its surroundings are wrong: programs that are missing, and failures as JSON."""

import os
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
