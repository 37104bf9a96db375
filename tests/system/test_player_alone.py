"""A device installs the player alone: no git, no boto3, no pydantic, no controller; and it plays what was released."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.system.published import CLIENT, SCREEN, publish_example

ROOT = Path(__file__).resolve().parents[2]
UNWANTED = {"avtech-controller", "boto3", "botocore", "gitpython", "pygit2", "pydantic", "ffmpeg-python", "rich"}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a virtual environment as `uv sync --package avtech-player --no-dev` makes it on a device."""
    place = tmp_path_factory.mktemp("device") / "venv"
    uv = str(Path(sys.executable).parent / "uv")
    command = [uv, "sync", "--quiet", "--locked", "--package", "avtech-player", "--no-dev", "--python", sys.executable]
    env = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(place), "VIRTUAL_ENV": ""}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    return place / "bin"


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program of the device, with nothing else on its PATH."""
    words = [str(part) for part in command]
    env = {"PATH": str(Path(words[0]).parent)}
    return subprocess.run(words, env=env, capture_output=True, text=True, check=False, timeout=60)


def test_a_device_gets_nothing_that_only_the_controller_needs(device: Path) -> None:
    code = "from importlib.metadata import distributions as d\nfor x in d(): print(x.name.lower())"
    installed = set(run(device / "python", "-c", code).stdout.split())
    assert "avtech-player" in installed
    assert not UNWANTED & installed


def test_what_it_imports_to_run_is_its_own(device: Path) -> None:
    modules = "avtech_player.cli, avtech_player.cli.run, avtech_player.daemon, avtech_player.assembly"
    loaded = set(run(device / "python", "-c", f"import sys, {modules}\nprint(*sys.modules)").stdout.split())
    assert "avtech_player.daemon" in loaded
    assert not {"git", "boto3", "pydantic", "avtech_controller", "avtech_schema.resources"} & loaded


@pytest.mark.media
def test_it_plays_a_release_with_nothing_else_on_the_path(device: Path, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    example = publish_example(tmp_path, (tmp_path / "store").as_uri())
    config = tmp_path / "player.yaml"
    who = ["--screen", SCREEN, "--client", CLIENT, "--store", example.store, "--engine", "simulated"]
    where: list[str | Path] = [
        "--root",
        example.repo / "trust" / "1.root.json",
        "--state-dir",
        tmp_path / "state",
        "--config",
        config,
    ]
    assert run(device / "avtech-player", "enroll", *who, *where).returncode == 0
    daemon = subprocess.Popen([str(device / "avtech-player"), "run", "--config", str(config)], env={"PATH": str(device)})
    try:
        deadline = time.monotonic() + 60
        state = None
        while state != "synced" and time.monotonic() < deadline:
            told = run(device / "avtech-player", "status", "--config", config, "--output", "json")
            state = json.loads(told.stdout)["state"] if told.returncode == 0 else None
        assert state == "synced"
    finally:
        daemon.terminate()
        assert daemon.wait(20) == 0
