"""Writing from a task that may be cancelled at any moment."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Write something down; whoever is cancelled meanwhile waits for its end, so that no later write is overtaken by it."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # Seen: the cancellation is what is told.
        raise
