"""Works out airtimes: at once where that takes no time, beside the event loop where it may, so that playing goes on."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from avtech_schema.manifest import Manifest

T = TypeVar("T")
_HEAVY = 100
_RECURRENCE = 10
_ITEMS = 50
_LONGEST_S = 120


def is_heavy(manifest: Manifest) -> bool:
    """Whether working out its airtime may take long enough to be felt: by its rules, their recurrences, and items."""
    rules = sum(1 + (_RECURRENCE if rule.rrule else 0) + len(rule.excluded) // _RECURRENCE for rule in manifest.rules)
    return rules + sum(map(len, manifest.playlists.values())) // _ITEMS > _HEAVY


class Reckoner:
    """Does what may take long in a thread; `alive` is called every second meanwhile, for two minutes at most."""

    def __init__(self, alive: Callable[[], None]) -> None:
        self._alive = alive

    async def do(self, work: Callable[[], T], *, heavy: bool) -> T:
        """What comes of a piece of work, which is no other's at the same time."""
        if not heavy:
            return work()
        task = asyncio.ensure_future(asyncio.to_thread(work))
        task.add_done_callback(_seen)
        for _ in range(_LONGEST_S):
            if task in (await asyncio.wait([task], timeout=1.0))[0]:
                break
            self._alive()
        return await task


def _seen(task: "asyncio.Future[T]") -> None:
    """Whoever waited may have been cancelled: what it failed with is nobody's then."""
    if not task.cancelled():
        task.exception()
