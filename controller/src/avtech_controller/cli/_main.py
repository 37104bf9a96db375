"""The root command: sub-commands (each imports only what it needs), logging, and failures as one line."""

import gc
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Any, NoReturn

import click

from avtech_controller.cli._lazy import LazyGroup
from avtech_controller.cli._logging import LOG_FORMATS, configure_logging, error_line, logs_are_json
from avtech_schema.errors import AvtechError

_YOUNG_OBJECTS = 100_000
"""So many are made before rubbish is looked for: most of what a command makes, it keeps."""
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


_AGAIN = "nothing is half done; the same command may be run again"


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run `avtech`; every way out is one of the exit codes of docs/reference/cli.md."""
    gc.set_threshold(_YOUNG_OBJECTS, 20, 50)
    code = run(cli, arguments)
    gc.freeze()  # nothing need be looked through for rubbish on the way out
    sys.exit(code)


def run(command: click.Command, arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code; failures are told on stderr in one line, never as a traceback, and on stdout
    as JSON where the result would have been JSON."""
    as_json = wants_json(sys.argv[1:] if arguments is None else arguments, os.environ)
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # no other package has a say in what a resource is
    try:
        result: Any = command.main(arguments, standalone_mode=False)
    except click.exceptions.Exit as stopped:
        return stopped.exit_code
    except click.Abort as stopped:
        if isinstance(stopped.__cause__, KeyboardInterrupt):  # not the answer to a question: who knows what was done
            return _fail("what was done until then stays", _AGAIN, 2, as_json=as_json, kind="interrupted")
        return _fail("nothing was changed", "", 2, as_json=as_json, kind="aborted")
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 2
    except click.ClickException as error:
        return _fail(error.format_message(), _usage(error, command, arguments), 2, as_json=as_json)
    except AvtechError as error:
        return _fail(str(error), error.hint, error.exit_code, as_json=as_json)
    except BrokenPipeError:
        return 0
    except Exception as error:  # noqa: BLE001  the last line of defence: a bug is one line too
        return _fail(*_bug(error), 3, as_json=as_json, kind="internal error")
    return result if isinstance(result, int) else 0


def wants_json(arguments: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Whether the result is to be JSON, told before a command line is understood: it may be the very thing that is wrong."""
    chosen = environment.get("AVTECH_OUTPUT", "")
    for word, following in pairwise([*arguments, ""]):
        if word == "--output":
            chosen = following
        elif word.startswith("--output="):
            chosen = word.removeprefix("--output=")
    return chosen == "json"


def tell(error: AvtechError) -> None:
    """One line for what happened, one for what to do."""
    _fail(str(error), error.hint, error.exit_code, as_json=False)


def _fail(message: str, hint: str, code: int, *, as_json: bool, kind: str = "error") -> int:
    from avtech_controller.render import clean

    line, help_ = (clean(" ".join(text.splitlines())) for text in (message, hint))
    if logs_are_json():
        click.echo(error_line(kind, line, help_), err=True)
    else:
        click.echo(f"{kind}: {line}" + (f"\n  help: {help_}" if hint else ""), err=True)
    if as_json:
        import json

        error = {"message": message, "hint": hint, "exit_code": code}
        with suppress(BrokenPipeError):
            click.echo(json.dumps({"format_version": 1, "error": error}, indent=2))
    return code


def _usage(error: click.ClickException, command: click.Command, arguments: Sequence[str] | None) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context else _path(command, sys.argv[1:] if arguments is None else arguments)
    return f"`{path} --help` shows how it is used"


def _path(command: click.Command, arguments: Sequence[str]) -> str:
    """The commands that a command line names, for errors that do not tell where they happened."""
    path = ["avtech"]
    for word in arguments:
        if not isinstance(command, click.Group):
            break
        if found := command.get_command(click.Context(command), word):
            command = found
            path.append(word)
    return " ".join(path)


def _bug(error: Exception) -> tuple[str, str]:
    import logging

    logging.getLogger("avtech").debug("internal error", exc_info=error)
    told = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    return told, "this is a bug in avtech; run again with --verbose and report it"
