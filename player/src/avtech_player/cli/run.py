"""`avtech-player run`: the daemon."""

import asyncio
import logging
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click

from avtech_player.config import Config, load_config

_WORKERS = 8
_PATIENCE_SECONDS = 2.0


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
    return asyncio.run(_run([load_config(path, os.environ) for path in configs]))


async def _run(configs: list[Config]) -> int:
    from avtech_player.daemon import run_players

    executor = ThreadPoolExecutor(_WORKERS, thread_name_prefix="avtech")
    asyncio.get_running_loop().set_default_executor(executor)
    try:
        await run_players(configs, os.environ)
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
        if sys.exc_info()[0] is None:
            _leave_stuck_threads()
    return 0


def _leave_stuck_threads() -> None:
    """A thread that waits for a dead network cannot be told to stop; everything that matters is on the disk by now."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    workers = [thread for thread in threading.enumerate() if thread.name.startswith("avtech")]
    for thread in workers:
        thread.join(max(0.0, deadline - time.monotonic()))
    if any(thread.is_alive() for thread in workers):
        logging.shutdown()
        sys.stdout.flush()
        os._exit(0)
