"""`avtech-player doctor`: what is wrong with this device, and what to do about it."""

import os
from collections.abc import Mapping
from pathlib import Path

import click
import orjson

from avtech_player.cli._options import FORMAT_VERSION, config_option, output_option
from avtech_player.config import ConfigProblemsError, load_config
from avtech_player.secrets_file import with_secrets
from avtech_schema.errors import ConfigurationError

_COLOURS = {"ok": "green", "warning": "yellow", "error": "red"}


@click.command()
@config_option
@output_option
def doctor(config_path: Path, output: str) -> int:
    """Look at the configuration, key, root, state, disk, clock, store, mpv, ffmpeg, display, panel, broker and local API.

    Exit code 1 says that something does not work; warnings alone do not.

    \b
    Examples:
      avtech-player doctor --config player.yaml
      avtech-player doctor --config player.yaml --output json
    """
    findings = _findings(config_path)
    if output == "json":
        click.echo(orjson.dumps({"format_version": FORMAT_VERSION, "findings": findings}).decode())
    else:
        for finding in findings:
            label = click.style(f"{finding['severity']:<8}", fg=_COLOURS[finding["severity"]])
            click.echo(f"{label} {finding['check']:<8} {finding['message']}")
            if finding["help"]:
                click.echo(f"{'':<17} = help: {finding['help']}")
    return int(any(finding["severity"] == "error" for finding in findings))


def _findings(path: Path) -> list[dict[str, str]]:
    try:
        config = load_config(path, os.environ)
    except ConfigProblemsError as error:
        return [_finding("config", "error", f"{one.place}: {one.message}", one.help) for one in error.problems]
    except ConfigurationError as error:
        return [_finding("config", "error", str(error), error.hint)]
    from avtech_player.doctor import diagnose

    read = [_finding("config", "ok", f"{path} makes sense", "")]
    environment: Mapping[str, str] = os.environ
    try:
        environment = with_secrets(config.secrets, os.environ)
    except ConfigurationError as error:
        read.append(_finding("config", "error", str(error), error.hint))
    return [*read, *(_finding(one.check, one.severity, one.message, one.help) for one in diagnose(config, environment))]


def _finding(check: str, severity: str, message: str, help_: str) -> dict[str, str]:
    return {"check": check, "severity": severity, "message": message, "help": help_}
