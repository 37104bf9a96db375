"""`avtech-player run`: the daemon."""

import os
from pathlib import Path

import click

from avtech_player._light import stay_light
from avtech_player.config import load_config


@click.command("run")
@click.option(
    "--config",
    "configs",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    envvar="AVTECH_PLAYER_CONFIG",
    default=[Path("/etc/avtech-player/player.yaml")],
    show_default=True,
    help="The player's configuration; may be given several times for simulated players.",
)
def run_(configs: tuple[Path, ...]) -> int:
    """Play, and keep playing: until SIGTERM, whatever the network, the store or a release does.

    SIGUSR1 has the player look for a release at once.

    \b
    Examples:
      avtech-player run --config player.yaml
      avtech-player run --config sim-1.yaml --config sim-2.yaml     simulated players in one process
      AVTECH_PLAYER_POLL_SECONDS=5 avtech-player run --config player.yaml
    """
    found = [load_config(path, os.environ) for path in configs]
    stay_light()
    from avtech_player.process import run_process

    run_process(found)
    return 0
