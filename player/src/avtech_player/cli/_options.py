"""Options that several commands share."""

from dataclasses import dataclass
from pathlib import Path

import click


@dataclass(frozen=True, slots=True)
class LogOptions:
    """How logs are written, for the command that goes on as another process."""

    log_format: str = "text"
    verbose: bool = False


FORMAT_VERSION = 1
"""Of every result as JSON; a field may come, none goes or changes its meaning without a new version."""
config_option = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="AVTECH_PLAYER_CONFIG",
    default=Path("/etc/avtech-player/player.yaml"),
    show_default=True,
    help="The player's configuration.",
)
output_option = click.option(
    "--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How results are printed."
)
