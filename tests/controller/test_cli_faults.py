"""What `avtech` says when its surroundings are wrong: programs that are missing, and failures as JSON."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
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


def without_git(repository: Repository, *command: str) -> "subprocess.CompletedProcess[str]":
    """Run `avtech` in a process of its own, where no program can be found."""
    program = str(Path(sys.executable).with_name("avtech"))
    environment = {**os.environ, "PATH": str(repository.store_path)}
    return subprocess.run(
        [program, *command], cwd=repository.keys, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize(
    "command",
    ["publish --yes", "plan --base HEAD~1", "verify", "status", "gc", "rollout status", "publish --renew", "init new"],
)
def test_without_git_a_command_that_needs_it_says_so(repository: Repository, command: str) -> None:
    options = [] if command == "init new" else repository.options()
    ran = without_git(repository, *command.split(), *options)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.splitlines()[0] == "error: git is not installed, or not in PATH"


@pytest.mark.parametrize("command", ["plan", "plan --commit HEAD", "compile --commit HEAD", "validate --commit HEAD"])
def test_what_reads_commits_and_no_history_needs_no_git_program(repository: Repository, command: str) -> None:
    publish = ["publish", *repository.options(), "--yes", "--keys-dir", str(repository.keys)]
    assert run(cli, publish) == 0
    repository.screen(3)
    repository.commit("another screen")
    name, *more = command.split()
    where = {"plan": repository.options(), "compile": ["-C", str(repository.path)], "validate": [str(repository.path)]}
    ran = without_git(repository, name, *where[name], *more)
    assert ran.returncode == 0, ran.stderr
    with_git = subprocess.run(
        [str(Path(sys.executable).with_name("avtech")), name, *where[name], *more], capture_output=True, text=True, check=True
    )
    assert with_git.stdout == ran.stdout
    if name != "validate":
        assert "SCR-ACME-0003" in ran.stdout


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
    repository.commit("without trust/")
    assert run(cli, [command, *repository.options()]) == 2
    assert "avtech keys init" in capsys.readouterr().err


def test_a_failure_is_json_on_stdout_where_the_result_would_be(repository: Repository, capsys: Capture) -> None:
    capsys.readouterr()
    for command, code in (
        (["status", "--repo", str(repository.path), "--output", "json"], 2),
        (["status", *repository.options(), "--output=json", "--nonsense"], 2),
        (["publish", *repository.options(), "--output", "json", "--yes", "--commit", "none"], 2),
        (["plan", *repository.options(), "--store", "file:///nowhere", "--output", "json"], 2),
    ):
        assert run(cli, command) == code
        captured = capsys.readouterr()
        value = json.loads(captured.out)
        assert value["format_version"] == 1
        assert value["error"]["exit_code"] == code
        assert captured.err.startswith(f"error: {value['error']['message']}")
        assert f"help: {value['error']['hint']}" in captured.err


def test_the_variable_asks_for_json_too_and_the_option_outranks_it(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("AVTECH_OUTPUT", "json")
    capsys.readouterr()
    assert run(cli, ["status", "--repo", str(repository.path)]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["exit_code"] == 2
    assert run(cli, ["status", "--repo", str(repository.path), "--output", "text"]) == 2
    assert capsys.readouterr().out == ""


def test_every_result_as_json_is_one_document_with_its_version(repository: Repository, tmp_path: Path, capsys: Capture) -> None:
    repo = ["--repo", str(repository.path)]
    capsys.readouterr()
    for command in (
        ["publish", *repository.options()],
        ["publish", *repository.options(), "--yes", "--keys-dir", str(repository.keys)],
        ["plan", *repository.options()],
        ["status", *repository.options()],
        ["compile", *repo, "-o", str(tmp_path / "compiled")],
        ["preview", *repo, "-o", str(tmp_path / "preview")],
        ["schema", "-o", str(tmp_path / "schemas")],
        ["schema", "-o", str(tmp_path / "schemas"), "--check"],
        ["content", "list", *repo],
        ["init", str(tmp_path / "new"), "--no-git"],
        ["keys", "new", str(tmp_path / "one.pem"), "--no-passphrase"],
        ["keys", "rotate", "root", *repo],
        ["keys", "sign", *repo, "--key", str(repository.keys / "root-1.pem"), "--yes"],
    ):
        assert run(cli, [*command, "--output", "json"]) == 0, command
        assert json.loads(capsys.readouterr().out)["format_version"] == 1, command


def test_a_plan_that_is_stopped_is_one_document(repository: Repository, capsys: Capture) -> None:
    publish = ["publish", *repository.options(), "--keys-dir", str(repository.keys), "--yes"]
    repository.write(
        "fleet/fleet.yaml",
        "apiVersion: avtech/v1\nkind: Fleet\nmetadata: {name: test}\nspec: {limits: {changedScreens: 0}}\n",
    )
    repository.commit("limits")
    assert run(cli, publish) == 0
    repository.screen(1, extra="  timeZone: Asia/Tokyo\n")
    repository.commit("change")
    capsys.readouterr()
    assert run(cli, ["publish", *repository.options(), "--output", "json"]) == 4
    captured = capsys.readouterr()
    assert json.loads(captured.out)["outcome"] == "planned"
    assert captured.err.startswith("error: ")


def test_wrong_usage_is_one_line_and_one_of_help(capsys: Capture) -> None:
    assert run(cli, ["plan", "--nonsense"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("error: No such option")
    assert lines[1].endswith("plan --help` shows how it is used")
    assert len(lines) == 2


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        (["publish", "--accept-rewind"], "avtech publish"),
        (["--verbose", "rollout", "tick", "--patch"], "avtech rollout tick"),
        (["--log-format"], "avtech"),
    ],
)
def test_an_option_without_its_value_names_the_help_of_its_command(arguments: list[str], path: str, capsys: Capture) -> None:
    assert run(cli, arguments) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        f"error: Option '{arguments[-1]}' requires an argument.",
        f"  help: `{path} --help` shows how it is used",
    ]


def test_a_message_cannot_steer_the_terminal_or_break_its_line(tmp_path: Path, capsys: Capture) -> None:
    assert run(cli, ["plan", "--repo", f"{tmp_path}/\x1b[31mred\u2028new"]) == 2
    told = capsys.readouterr().err
    assert "\x1b" not in told
    assert len(told.splitlines()) == 2


def test_two_names_for_the_repository_are_refused(tmp_path: Path, capsys: Capture) -> None:
    assert run(cli, ["validate", "-C", str(tmp_path), str(tmp_path)]) == 2
    assert "give the one or the other" in capsys.readouterr().err


def test_keys_are_not_made_for_what_is_no_desired_state(tmp_path: Path, capsys: Capture) -> None:
    keys = tmp_path / "keys"
    assert run(cli, ["keys", "init", "-C", str(tmp_path), "--keys-dir", str(keys), "--no-passphrase"]) == 2
    assert "it has no fleet/fleet.yaml" in capsys.readouterr().err
    assert not keys.exists()


def test_whoever_stops_a_command_is_not_told_that_it_did_nothing(capsys: Capture) -> None:
    @click.command()
    def wait() -> None:
        raise KeyboardInterrupt

    assert run(wait, []) == 2
    assert capsys.readouterr().err.split("\n")[-3:-1] == [
        "interrupted: what was done until then stays",
        "  help: nothing is half done; the same command may be run again",
    ]


def test_whoever_declines_is_told_that_nothing_was_changed(capsys: Capture) -> None:
    @click.command()
    def ask() -> None:
        raise click.Abort

    assert run(ask, []) == 2
    assert capsys.readouterr().err == "aborted: nothing was changed\n"
