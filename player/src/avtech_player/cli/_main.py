"""The root command: lazy sub-commands, logging, and failures as one line."""

import importlib
import sys
from typing import Any, NoReturn

import click

from avtech_player.cli._options import LogOptions
from avtech_player.logs import LOG_FORMATS, configure_logging, logs_are_json, tell, tell_bug, tell_failure
from avtech_schema.errors import AvtechError

COMMANDS = {
    "run": "avtech_player.cli.run:run_",
    "sync": "avtech_player.cli.sync:sync",
    "status": "avtech_player.cli.status:status",
    "enroll": "avtech_player.cli.enroll:enroll",
    "doctor": "avtech_player.cli.doctor:doctor",
    "cleanup": "avtech_player.cli.cleanup:cleanup",
    "screenshot": "avtech_player.cli.screenshot:screenshot",
    "install-units": "avtech_player.cli.install_units:install_units",
}


class LazyGroup(click.Group):
    """Imports a command's module when the command is asked for: `status` need not wait for the network's libraries."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


@click.group(cls=LazyGroup, context_settings={"auto_envvar_prefix": "AVTECH_PLAYER", "help_option_names": ["-h", "--help"]})
@click.version_option(package_name="avtech-player", prog_name="avtech-player")
@click.option(
    "--log-format",
    type=click.Choice(LOG_FORMATS),
    default="text",
    show_default=True,
    help="How logs are written on stderr.",
)
@click.option("--verbose", "-v", is_flag=True, help="Log what is done, step by step.")
@click.pass_context
def cli(context: click.Context, *, log_format: str, verbose: bool) -> None:
    """One screen of the fleet: pulls its release, proves it, plays it, reports what it did.

    \b
    A first run:
      avtech-player enroll --screen SCR-ACME-0001 --client CLI-ACME --store s3://bucket/fleet \\
          --root 1.root.json --state-dir /var/lib/avtech-player --config player.yaml
      avtech-player run --config player.yaml
      avtech-player status --config player.yaml
    """
    configure_logging(log_format, verbose=verbose)
    context.obj = LogOptions(log_format, verbose)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run `avtech-player`; every way out is one of the exit codes of docs/reference/cli.md."""
    sys.exit(run(cli, arguments))


def run(command: click.Command, arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code; failures are told on stderr in one line, never as a traceback."""
    try:
        result: Any = command.main(arguments, prog_name="avtech-player", standalone_mode=False)
    except click.exceptions.Exit as stopped:
        return stopped.exit_code
    except click.Abort:
        return tell("nothing was changed", "", 2, kind="aborted")
    except click.ClickException as error:
        if not logs_are_json():
            error.show()
            return 2
        return tell(error.format_message(), "", 2)
    except AvtechError as error:
        return tell_failure(error)
    except BrokenPipeError:
        return 0
    except Exception as error:  # noqa: BLE001  the last line of defence: a bug is one line too
        return tell_bug(error)
    return result if isinstance(result, int) else 0
