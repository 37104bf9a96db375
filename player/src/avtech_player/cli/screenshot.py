"""`avtech-player screenshot`: what is on the screen of the running player."""

import os
import sys
from pathlib import Path

import click

from avtech_player.cli._options import config_option
from avtech_player.config import load_config
from avtech_schema.errors import ConfigurationError


@click.command()
@config_option
@click.option(
    "--output",
    "-o",
    "target",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    default=Path("screenshot.png"),
    show_default=True,
    help="The PNG to write; - is the standard output.",
)
def screenshot(config_path: Path, target: Path) -> None:
    """Write what the running player shows as a PNG, asked by its local API.

    \b
    Examples:
      avtech-player screenshot --config player.yaml --output lobby.png
      ssh lobby avtech-player screenshot --output - > lobby.png
    """
    from avtech_player.api_client import ApiClient
    from avtech_player.durable import replace_atomically

    reply = ApiClient(load_config(config_path, os.environ)).ask("GET", "/v1/screenshot")
    if str(target) == "-":
        if sys.stdout.isatty():
            raise ConfigurationError("a picture is not for a terminal", hint="name a file, or redirect the output")
        sys.stdout.buffer.write(reply.body)
        return
    replace_atomically(target.absolute(), reply.body)
    click.echo(f"wrote {target} ({len(reply.body)} bytes)", err=True)
