"""The root command: sub-commands (each imports only what it needs), logging, and failures as one line."""

import sys
from typing import Any, NoReturn

import click

from avtech_controller.cli._lazy import LazyGroup
from avtech_controller.cli._logging import LOG_FORMATS, configure_logging
from avtech_schema.errors import AvtechError

COMMANDS = {
    "init": "avtech_controller.cli.init:init",
    "validate": "avtech_controller.cli.validate:validate",
    "explain": "avtech_controller.cli.explain:explain",
    "compile": "avtech_controller.cli.compile:compile_",
    "airtime": "avtech_controller.cli.airtime:airtime",
    "preview": "avtech_controller.cli.preview:preview",
    "dev": "avtech_controller.cli.dev:dev",
    "plan": "avtech_controller.cli.plan:plan",
    "publish": "avtech_controller.cli.publish:publish",
    "rollout": "avtech_controller.cli.rollout:rollout",
    "retry": "avtech_controller.cli.retry:retry",
    "verify": "avtech_controller.cli.verify:verify",
    "gc": "avtech_controller.cli.gc:gc",
    "status": "avtech_controller.cli.status:status",
    "keys": "avtech_controller.cli.keys:keys",
    "content": "avtech_controller.cli.content:content",
    "import": "avtech_controller.cli.import_:import_",
    "schema": "avtech_controller.cli.schema:schema",
    "completion": "avtech_controller.cli.completion:completion",
    "demo": "avtech_controller.cli.demo:demo",
}


@click.group(
    cls=LazyGroup,
    places=COMMANDS,
    context_settings={"auto_envvar_prefix": "AVTECH", "help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="avtech-controller", prog_name="avtech")
@click.option(
    "--log-format",
    type=click.Choice(LOG_FORMATS),
    default="text",
    show_default=True,
    help="How logs are written on stderr.",
)
@click.option("--verbose", "-v", is_flag=True, help="Log what is done, step by step.")
def cli(*, log_format: str, verbose: bool) -> None:
    """Digital signage run from Git: validate, plan, publish, and see what played.

    \b
    A first run:
      avtech init my-screens        a desired-state repository with a working example
      avtech validate my-screens    every problem, at its place
      avtech plan my-screens        what would change on which screens
    """
    configure_logging(log_format, verbose=verbose)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run `avtech`; every way out is one of the exit codes of docs/reference/cli.md."""
    sys.exit(run(cli, arguments))


def run(command: click.Command, arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code; failures are told on stderr in one line, never as a traceback."""
    try:
        result: Any = command.main(arguments, standalone_mode=False)
    except click.exceptions.Exit as stopped:
        return stopped.exit_code
    except click.Abort:
        click.echo("aborted: nothing was changed", err=True)
        return 2
    except click.ClickException as error:
        error.show()
        return 2
    except AvtechError as error:
        tell(error)
        return error.exit_code
    except BrokenPipeError:
        return 0
    except Exception as error:  # noqa: BLE001  the last line of defence: a bug is one line too
        return _tell_bug(error)
    return result if isinstance(result, int) else 0


def tell(error: AvtechError) -> None:
    """One line for what happened, one for what to do."""
    click.echo(f"error: {error}", err=True)
    if error.hint:
        click.echo(f"  help: {error.hint}", err=True)


def _tell_bug(error: Exception) -> int:
    import logging

    logging.getLogger("avtech").debug("internal error", exc_info=error)
    kind = type(error).__name__
    click.echo(f"internal error: {kind}: {' '.join(str(error).split())[:300]}", err=True)
    click.echo("  help: this is a bug in avtech; run again with --verbose and report it", err=True)
    return 3
