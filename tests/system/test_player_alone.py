"""A device installs the player alone: no git, no boto3, no pydantic, no controller; and it plays what was released."""

import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from tests.system.published import CLIENT, SCREEN, publish_example

ROOT = Path(__file__).resolve().parents[2]
UNWANTED = {"avtech-controller", "boto3", "botocore", "gitpython", "pygit2", "pydantic", "ffmpeg-python", "rich"}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def uv() -> str:
    """The program that builds and installs."""
    return str(Path(sys.executable).parent / "uv")


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a virtual environment as `uv sync --package avtech-player --no-dev` makes it on a device."""
    place = tmp_path_factory.mktemp("device") / "venv"
    command = [uv(), "sync", "--quiet", "--locked", "--package", "avtech-player", "--no-dev", "--python", sys.executable]
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


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The three wheels, as `uv build` makes them for whoever installs them."""
    place = tmp_path_factory.mktemp("wheels")
    build = [uv(), "build", "--quiet", "--all-packages", "--wheel", "--out-dir", str(place)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    return place


@pytest.fixture(scope="module")
def installed(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a fresh environment that holds the wheels of the player and the schema, and what they ask for."""
    place = tmp_path_factory.mktemp("installed") / "venv"
    mine = [str(next(wheels.glob(f"{name}-*.whl"))) for name in ("avtech_schema", "avtech_player")]
    for command in (
        [uv(), "venv", "--quiet", "--python", sys.executable, str(place)],
        [uv(), "pip", "install", "--quiet", "--python", str(place / "bin" / "python"), *mine],
    ):
        done = subprocess.run(command, cwd=place.parent, capture_output=True, text=True, check=False, timeout=200)
        assert done.returncode == 0, done.stderr
    return place / "bin"


def test_the_wheels_hold_what_the_packages_do_and_nothing_else(wheels: Path) -> None:
    names = sorted(path.name.partition("-")[0] for path in wheels.glob("*.whl"))
    assert names == ["avtech_controller", "avtech_player", "avtech_schema"]
    for path in wheels.glob("*.whl"):
        name = path.name.partition("-")[0]
        source = ROOT / name.removeprefix("avtech_") / "src"
        tracked = subprocess.run(
            ["git", "ls-files", "--", "."], cwd=source, capture_output=True, text=True, check=True, timeout=30
        )
        with zipfile.ZipFile(path) as wheel:
            held = {member for member in wheel.namelist() if ".dist-info/" not in member}
        assert set(tracked.stdout.split()) <= held
        assert not [member for member in held if not member.startswith(f"{name}/") or "__pycache__" in member]


def test_installed_from_wheels_every_command_says_what_it_does(installed: Path) -> None:
    told = run(installed / "avtech-player", "--help")
    assert (told.returncode, told.stderr) == (0, "")
    for command in ("run", "sync", "status", "enroll", "doctor", "cleanup", "screenshot", "install-units"):
        assert f"  {command} " in told.stdout
        assert "Examples:" in run(installed / "avtech-player", command, "--help").stdout
    assert "avtech_player" not in run(installed / "python", "-c", "import avtech_schema, sys; print(*sys.modules)").stdout
    assert run(installed / "python", "-c", "import avtech_controller").returncode == 1


def test_installed_from_wheels_the_doctor_looks_at_everything(installed: Path, tmp_path: Path) -> None:
    """The slate, the units and the schema's data are where they are looked for."""
    (tmp_path / "store").mkdir()
    example = publish_example(tmp_path, (tmp_path / "store").as_uri())
    config = str(tmp_path / "player.yaml")
    who = ["--screen", SCREEN, "--client", CLIENT, "--store", example.store, "--engine", "simulated"]
    root = str(example.repo / "trust" / "1.root.json")
    where = ["--root", root, "--state-dir", str(tmp_path / "state"), "--config", config]
    assert run(installed / "avtech-player", "enroll", *who, *where).returncode == 0
    told = run(installed / "avtech-player", "doctor", "--config", config, "--output", "json")
    assert told.returncode == 0, told.stdout + told.stderr
    findings = json.loads(told.stdout)["findings"]
    assert {one["check"] for one in findings} >= {"config", "key", "root", "state", "disk", "clock", "store", "engine", "api"}
    synced = run(installed / "avtech-player", "sync", "--config", config)
    assert (synced.returncode, "its trial comes when the player runs" in synced.stdout) == (0, True)
    slate = "from avtech_player.engine._playlist import SLATE; print(SLATE.stat().st_size)"
    assert int(run(installed / "python", "-c", slate).stdout) > 1000
