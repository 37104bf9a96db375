"""Airtime: what is on air at an instant, over a stretch of time, and compiled ahead for a player."""

from bisect import bisect_right
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from avtech_schema.airtime._programme import Programme
from avtech_schema.airtime._segment import Segment
from avtech_schema.identifiers import VideoId
from avtech_schema.localtime import DAY_SECONDS
from avtech_schema.manifest import Manifest
from avtech_schema.zones import LATEST, from_instant, to_instant


def airtime(manifest: Manifest, instant: datetime, *, unplayable: Collection[VideoId] = ()) -> Segment:
    """What is on air at an instant, leaving out clips that cannot be played.

    Raises:
        ValueError: the instant has no offset, or the manifest's zone or a recurrence is none.
    """
    return _compiled(manifest, to_instant(instant), to_instant(instant) + 1, unplayable)[0][1]


def airtimes(manifest: Manifest, start: datetime, end: datetime) -> list[tuple[datetime, Segment]]:
    """What is on air from `start` to `end`: consecutive segments, each with the instant (UTC) it begins or `start`.

    Raises:
        ValueError: as for `airtime`.
    """
    first, last = to_instant(start), to_instant(end)
    if last <= first:
        return []
    return [(from_instant(instant), segment) for instant, segment in _compiled(manifest, first, last, ())]


@dataclass(frozen=True, slots=True)
class Timeline:
    """Some days of airtime compiled ahead; `at` then costs a bisection. Compile anew before the `horizon`."""

    start: datetime
    horizon: datetime
    _starts: tuple[int, ...]
    _segments: tuple[Segment, ...]

    @classmethod
    def compile(cls, manifest: Manifest, start: datetime, *, days: int = 8, unplayable: Collection[VideoId] = ()) -> "Timeline":
        """Compile the airtime of a manifest from `start` on.

        Raises:
            ValueError: as for `airtime`.
        """
        first = to_instant(start)
        horizon = from_instant(first + days * DAY_SECONDS)
        starts, segments = zip(*_compiled(manifest, first, to_instant(horizon), unplayable), strict=True)
        return cls(start.astimezone(UTC), horizon, starts, segments)

    def at(self, instant: datetime) -> Segment:
        """What is on air at an instant: the same answer as `airtime` gives.

        Raises:
            ValueError: the instant is not within `start` and `horizon`.
        """
        if not self.start <= instant < self.horizon:
            raise ValueError(f"{instant.isoformat()} is not in the compiled days: {self.start} to {self.horizon}")
        return self._segments[bisect_right(self._starts, to_instant(instant)) - 1]


def _compiled(manifest: Manifest, start: int, end: int, unplayable: Collection[VideoId]) -> list[tuple[int, Segment]]:
    programme = Programme(manifest, unplayable)
    swept = list(programme.sweep(start, end))
    ends = [instant for instant, _ in swept[1:]] + [programme.next_change(swept[-1][1].key, end)]
    return [
        (instant, replace(segment, until=None if until is None or until >= LATEST else from_instant(until)))
        for (instant, segment), until in zip(swept, ends, strict=True)
    ]
