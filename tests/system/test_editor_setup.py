"""What editors and hooks are given: schemas that suffice alone, settings for VS Code, and the pre-commit hook."""

import json
import os
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from avtech_controller.cli import cli
from avtech_controller.cli._main import run

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
TEMPLATE = ROOT / "controller/src/avtech_controller/templates/repository"
_GIT = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"]


def _resources(root: Path) -> list[Path]:
    return sorted(path for folder in ("fleet", "content-index") for path in (root / folder).rglob("*.yaml"))


def _check(schema: Path, *files: Path) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [BIN / "check-jsonschema", "--schemafile", schema, *files]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    assert run(cli, ["init", str(tmp_path / "screens")]) == 0
    return tmp_path / "screens"


def test_the_shipped_fleet_validates_by_the_schema_alone() -> None:
    ran = _check(ROOT / "schema/json/v1/avtech.schema.json", *_resources(ROOT))
    assert ran.returncode == 0, ran.stdout


def test_a_new_repository_validates_by_its_own_schemas_each_file_by_that_of_its_first_line(fresh: Path) -> None:
    files = _resources(fresh)
    ran = _check(fresh / "schema/json/v1/avtech.schema.json", *files)
    assert ran.returncode == 0, ran.stdout
    by_schema: dict[Path, list[Path]] = {}
    for path in files:
        first = path.read_text().splitlines()[0]
        by_schema.setdefault((path.parent / first.partition("$schema=")[2]).resolve(), []).append(path)
    for schema, some in by_schema.items():
        assert _check(schema, *some).returncode == 0, schema


def test_the_schema_alone_finds_what_is_wrong(fresh: Path) -> None:
    schedule = fresh / "fleet/CLI-EXAMPLE/schedules/opening-hours.yaml"
    schedule.write_text(schedule.read_text().replace("days:", "weekdays:", 1))
    ran = _check(fresh / "schema/json/v1/avtech.schema.json", schedule)
    assert ran.returncode == 1
    assert "weekdays" in ran.stdout


@pytest.mark.parametrize("name", ["settings.json", "extensions.json"])
def test_the_settings_of_this_repository_are_those_of_a_new_one(name: str, fresh: Path) -> None:
    shipped = (ROOT / ".vscode" / name).read_text()
    assert shipped == (TEMPLATE / "vscode" / name).read_text() == (fresh / ".vscode" / name).read_text()


def test_the_settings_give_every_resource_a_schema_that_is_there(fresh: Path) -> None:
    settings = json.loads((fresh / ".vscode/settings.json").read_text())
    ((schema, patterns),) = settings["yaml.schemas"].items()
    assert (fresh / schema).is_file()
    for path in _resources(fresh):
        name = path.relative_to(fresh).as_posix()
        assert any(fnmatch(name, pattern.replace("**/", "*")) for pattern in patterns), name
    extensions = json.loads((fresh / ".vscode/extensions.json").read_text())
    assert extensions["recommendations"] == ["redhat.vscode-yaml"]


def test_the_hooks_manifest_is_what_pre_commit_takes() -> None:
    manifest = ROOT / ".pre-commit-hooks.yaml"
    ran = subprocess.run([BIN / "pre-commit", "validate-manifest", manifest], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def _run_hook(repository: Path, configuration: str, home: Path) -> subprocess.CompletedProcess[str]:
    (repository / ".pre-commit-config.yaml").write_text(configuration)
    subprocess.run([*_GIT, "add", "-A"], cwd=repository, check=True)
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "PRE_COMMIT_HOME": str(home)}
    command: list[str | Path] = [BIN / "pre-commit", "run", "--all-files"]
    return subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, check=False)


def test_the_hooks_entry_stops_a_commit_that_breaks_the_desired_state(fresh: Path, tmp_path: Path) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    local = yaml.safe_dump({"repos": [{"repo": "local", "hooks": [hook | {"language": "system"}]}]})
    passed = _run_hook(fresh, local, tmp_path / "home")
    assert passed.returncode == 0, passed.stdout
    offers = fresh / "fleet/CLI-EXAMPLE/playlists/offers.yaml"
    offers.write_text(offers.read_text().replace("playlist: welcome", "playlist: welcom"))
    stopped = _run_hook(fresh, local, tmp_path / "home")
    assert stopped.returncode == 1
    assert "AVT204" in stopped.stdout
    assert "fleet/CLI-EXAMPLE/playlists/offers.yaml:" in stopped.stdout


@pytest.mark.slow
def test_pre_commit_installs_the_hook_from_this_repository_and_runs_it(fresh: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    listed = [
        "git",
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
        "schema",
        "controller",
        "setup.py",
        "LICENSE",
    ]
    names = subprocess.run(
        [*listed, ".pre-commit-hooks.yaml", "pyproject.toml"], cwd=ROOT, check=True, capture_output=True
    ).stdout
    for name in filter(None, names.decode().split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "all"]):
        subprocess.run([*_GIT, *command], cwd=source, check=True)
    environment = {**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "home")}
    tried: list[str | Path] = [BIN / "pre-commit", "try-repo", source, "avtech-validate", "--all-files"]
    ran = subprocess.run(tried, cwd=fresh, env=environment, capture_output=True, text=True, check=False, timeout=110)
    if "Failed" not in ran.stdout and ran.returncode and "Could not fetch" in ran.stdout + ran.stderr:
        pytest.skip("no package index can be reached")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Passed" in ran.stdout
