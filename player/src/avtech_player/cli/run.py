"""`avtech-player run`: the daemon."""

import os
from pathlib import Path

import click

from avtech_player.cli._options import LogOptions
from avtech_player.config import load_settings, make_config


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
@click.pass_obj
def run_(logs: LogOptions, configs: tuple[Path, ...]) -> int:
    """Play, and keep playing: until SIGTERM, whatever the network, the store or a release does.

    SIGUSR1 has the player look for a release at once. Started by systemd, it says when something is on screen, what it does,
    and that it lives.

    \b
    Examples:
      avtech-player run --config player.yaml
      avtech-player run --config sim-1.yaml --config sim-2.yaml     simulated players in one process
      AVTECH_PLAYER_POLL_SECONDS=5 avtech-player run --config player.yaml
    """
    from avtech_player.handover import Handover, become_daemon

    settings = tuple(load_settings(path, os.environ) for path in configs)
    for one in settings:
        make_config(one)  # What is wrong is told by the file's lines, which the daemon does not know.
    become_daemon(Handover(settings, logs.log_format, logs.verbose))
