"""Airtime: what is on air at an instant, over a stretch of time, and compiled ahead for a player."""

from bisect import bisect_right
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from avtech_schema.airtime._effort import Effort, EffortError
from avtech_schema.airtime._programme import Programme
from avtech_schema.airtime._segment import Segment
from avtech_schema.identifiers import VideoId
from avtech_schema.localtime import DAY_SECONDS
from avtech_schema.manifest import Manifest
from avtech_schema.zones import LATEST, from_instant, to_instant

_LEAST_SECONDS = 600
"""However much it takes, airtime is compiled this far ahead, or not at all."""


def airtime(manifest: Manifest, instant: datetime, *, unplayable: Collection[VideoId] = ()) -> Segment:
    """What is on air at an instant, leaving out clips that cannot be played.

    Raises:
        ValueError: the instant has no offset, or the manifest's zone or a recurrence is none.
    """
    found, _ = _compiled(manifest, to_instant(instant), to_instant(instant) + 1, unplayable, Effort())
    return found[0][1]


def airtimes(manifest: Manifest, start: datetime, end: datetime) -> list[tuple[datetime, Segment]]:
    """What is on air from `start` to `end`: consecutive segments, each with the instant (UTC) it begins or `start`.

    Raises:
        ValueError: as for `airtime`.
    """
    first, last = to_instant(start), to_instant(end)
    if last <= first:
        return []
    found, _ = _compiled(manifest, first, last, (), Effort())
    return [(from_instant(instant), segment) for instant, segment in found]


@dataclass(frozen=True, slots=True)
class Timeline:
    """Some days of airtime compiled ahead; `at` then costs a bisection. Compile anew before the `horizon`.

    A segment that lasts to the horizon may have that as its `until` when more could not be found out.
    """

    start: datetime
    horizon: datetime
    _starts: tuple[int, ...]
    _segments: tuple[Segment, ...]

    @classmethod
    def compile(
        cls,
        manifest: Manifest,
        start: datetime,
        *,
        days: int = 8,
        unplayable: Collection[VideoId] = (),
        most: int | None = None,
    ) -> "Timeline":
        """Compile the airtime of a manifest from `start` on.

        With `most`, at most so much is done (in steps of about a microsecond on a desktop), and the horizon comes sooner if
        that is not enough, but not within ten minutes.

        Raises:
            ValueError: as for `airtime`, or not even the first ten minutes can be worked out with that.
        """
        first = to_instant(start)
        found, horizon = _compiled(manifest, first, first + days * DAY_SECONDS, unplayable, Effort(most))
        starts, segments = zip(*found, strict=True)
        return cls(start.astimezone(UTC), from_instant(horizon), starts, segments)

    def at(self, instant: datetime) -> Segment:
        """What is on air at an instant: the same answer as `airtime` gives.

        Raises:
            ValueError: the instant is not within `start` and `horizon`.
        """
        if not self.start <= instant < self.horizon:
            raise ValueError(f"{instant.isoformat()} is not in the compiled days: {self.start} to {self.horizon}")
        return self._segments[bisect_right(self._starts, to_instant(instant)) - 1]


def _compiled(
    manifest: Manifest, start: int, end: int, unplayable: Collection[VideoId], effort: Effort
) -> tuple[list[tuple[int, Segment]], int]:
    """The segments from `start` on, and the instant up to which they are known: `end`, unless the effort was spent before."""
    programme = Programme(manifest, unplayable, effort)
    swept: list[tuple[int, Segment]] = []
    last: int | None = None
    for instant, segment in programme.sweep(start, end, least=start + _LEAST_SECONDS):
        if segment is None:
            last = end = instant
        else:
            swept.append((instant, segment))
    if last is None:
        try:
            last = programme.next_change(swept[-1][1].key, end)
        except EffortError:
            last = end
    ends = [*(instant for instant, _ in swept[1:]), last]
    return [
        (instant, replace(segment, until=None if until is None or until >= LATEST else from_instant(until)))
        for (instant, segment), until in zip(swept, ends, strict=True)
    ], end
