"""The life of the player's process: its threads, its event loop, and a way out that nothing blocks."""

import asyncio
import logging
import os
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from avtech_player.config import Config
from avtech_player.daemon import run_players

_WORKERS = 8
_PATIENCE_SECONDS = 1.0


def run_process(configs: Sequence[Config]) -> None:
    """Run players until SIGTERM or SIGINT.

    Raises:
        ConfigurationError: a configuration is wrong, another process runs one of them, or several want a real screen.
        DiskError: a state directory cannot be made.
    """
    asyncio.run(_run(configs))


async def _run(configs: Sequence[Config]) -> None:
    executor = ThreadPoolExecutor(_WORKERS, thread_name_prefix="avtech")
    asyncio.get_running_loop().set_default_executor(executor)
    try:
        await run_players(configs, os.environ)
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
        if sys.exc_info()[0] is None:
            _leave_stuck_threads()


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
