"""How long a store may take, how slow it may be, and a count of what came of asking it."""

from collections import Counter
from dataclasses import dataclass, field

from avtech_player._store_failures import FailureKind

SLOWEST_RATE = 512
"""Bytes a second below which a transfer is given up, and resumed later."""


@dataclass(frozen=True, slots=True)
class Patience:
    """What a store is given, in seconds: to take a connection, between two bytes, for a small object whole, and for a clip.

    A body must bring `slowest` bytes a second on average over every `window`.
    """

    connect: float = 10.0
    stall: float = 20.0
    small: float = 30.0
    longest: float = 3600.0
    window: float = 20.0
    slowest: int = SLOWEST_RATE


class Pace:
    """Notices a body that trickles: fewer bytes than it must bring over a window of time."""

    def __init__(self, now: float, patience: Patience) -> None:
        self._since = now
        self._patience = patience
        self._bytes = 0

    def too_slow(self, now: float, received: int) -> bool:
        """Count what came; `now` is monotonic, in seconds."""
        self._bytes += received
        passed = now - self._since
        if passed < self._patience.window:
            return False
        slow = self._bytes < self._patience.slowest * passed
        self._since, self._bytes = now, 0
        return slow


@dataclass(slots=True)
class Tally:
    """What came of asking a store since the start: requests, bytes of objects that arrived, and failures by their kind."""

    requests: int = 0
    received: int = 0
    failures: Counter[FailureKind] = field(default_factory=Counter)
    busy_at: str = ""
    """The address whose answer was the last, if that said that the store has too much to do; it may say for how long."""
