"""From a flood of messages to few looks: each is soon followed by one look, at a random moment, and looks keep apart."""

import asyncio
import random
from collections.abc import Callable

APART_SECONDS = 5.0
"""Two looks that messages ask for are at least so far apart."""


def ring_at(now: float, last: float | None, *, spread: float, chance: float) -> float:
    """When to look for a message that comes `now`, after a look at `last`; `chance` is a random number from 0 to 1."""
    earliest = now if last is None else max(now, last + APART_SECONDS)
    return earliest + spread * chance


class Alarm:
    """Calls `look` within `spread` seconds of being rung; rung again before that, it calls once. For one event loop."""

    def __init__(self, look: Callable[[], None], *, spread: float) -> None:
        self._look = look
        self._spread = spread
        self._last: float | None = None
        self._set: asyncio.TimerHandle | None = None

    def ring(self) -> None:
        """A message came."""
        if self._set is None:
            loop = asyncio.get_running_loop()
            at = ring_at(loop.time(), self._last, spread=self._spread, chance=random.random())  # noqa: S311
            self._set = loop.call_at(at, self._go)

    def cancel(self) -> None:
        """Look no more."""
        if self._set is not None:
            self._set.cancel()

    def _go(self) -> None:
        self._set = None
        self._last = asyncio.get_running_loop().time()
        self._look()
