"""The week around the next change of a zone's clocks."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from avtech_schema.localtime import DAY_SECONDS
from avtech_schema.zones import from_instant, local_day, offset_at, time_zone, to_instant, wall_instant

CLOCK_CHANGE_DAYS = 400
"""How far ahead a change of the clocks is looked for."""


@dataclass(frozen=True, slots=True)
class ClockWeek:
    """The seven local days around a change of the clocks, as instants, and the day of the change."""

    day: date
    start: datetime
    end: datetime


@lru_cache(maxsize=4096)
def next_clock_week(zone_name: str, after: datetime) -> ClockWeek | None:
    """The week around the next change of a zone's clocks that begins on or after an instant; None if there is none ahead.

    Raises:
        ValueError: there is no such zone.
    """
    zone = time_zone(zone_name)
    first = to_instant(after)
    before = offset_at(zone, first)
    for days in range(1, CLOCK_CHANGE_DAYS + 1):
        instant = first + days * DAY_SECONDS
        if offset_at(zone, instant) != before:
            day = _changed_day(zone_name, instant - DAY_SECONDS, instant)
            edges = (wall_instant(zone, edge, 0, last=False) for edge in (day - 3, day + 4))
            start, end = (from_instant(edge) for edge in edges)
            return ClockWeek(date.fromordinal(day), start, end)
    return None


def _changed_day(zone_name: str, before: int, after: int) -> int:
    """The local day on which the clocks change, between two instants whose offsets differ."""
    zone = time_zone(zone_name)
    offset = offset_at(zone, before)
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (middle, after) if offset_at(zone, middle) == offset else (before, middle)
    return local_day(zone, before)
