"""Commands are imported when they are asked for, and listed in the words they say of themselves."""

import subprocess
import sys

import click
import pytest

from avtech_controller.cli._main import COMMANDS, cli

HEAVY = {"boto3", "botocore", "tuf", "git", "pydantic", "PIL", "watchfiles", "ffmpeg", "rich"}


def loaded_by(*arguments: str) -> set[str]:
    """The modules that a run of the program imports."""
    code = (
        "import sys; from avtech_controller.cli._main import cli, run; assert run(cli, sys.argv[1:]) == 0; print(*sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True, timeout=60)
    return {name.partition(".")[0] for name in ran.stdout.splitlines()[-1].split()}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["airtime", "--help"]], ids=" ".join)
def test_help_waits_for_nothing_heavy(arguments: list[str]) -> None:
    found = loaded_by(*arguments)
    assert "avtech_controller" in found
    assert not HEAVY & found


def test_the_list_of_commands_says_what_each_says_of_itself() -> None:
    context = click.Context(cli, terminal_width=200, max_content_width=200)
    told = cli.get_help(context).partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in told] == list(COMMANDS)
    for line, name in zip(told, COMMANDS, strict=True):
        command = cli.get_command(context, name)
        assert command is not None
        assert line.split(maxsplit=1)[1] == command.get_short_help_str(200 - 6 - max(map(len, COMMANDS)))


def test_a_command_that_is_none_is_not_found() -> None:
    assert cli.get_command(click.Context(cli), "frobnicate") is None
