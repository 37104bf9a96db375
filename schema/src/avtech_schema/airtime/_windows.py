"""When a rule may be on air: its windows as intervals of instants (DESIGN section 3)."""

from collections.abc import Iterator
from datetime import date
from zoneinfo import ZoneInfo

from avtech_schema.airtime._lineups import FOREVER
from avtech_schema.localtime import DAY_SECONDS
from avtech_schema.manifest import Rule
from avtech_schema.recurrence import recurring_days
from avtech_schema.zones import bound_instant, local_day, wall_instant

Interval = tuple[int, int]
"""Instants, half-open."""

_REACH = 2
"""A window that began as many days ago may still last: a day on the wall clock, and a transition of up to a day."""


def windows(rule: Rule, zone: ZoneInfo, start: int, end: int) -> list[Interval]:
    """The intervals in which a rule is active and which touch [start, end), rising, merged where they meet."""
    if runs_through(rule):
        found: Iterator[Interval] = iter([(-FOREVER, FOREVER)])
        first_day, last_day = _day_bounds(rule)
        low = wall_instant(zone, first_day, 0, last=False) if first_day is not None else -FOREVER
        high = wall_instant(zone, last_day + 1, 0, last=True) if last_day is not None else FOREVER
    else:
        found = (window(rule, zone, day) for day in days(rule, local_day(zone, start) - _REACH, local_day(zone, end) + 1))
        low, high = -FOREVER, FOREVER
    if rule.valid_from and len(rule.valid_from) > 10:
        low = max(low, bound_instant(zone, rule.valid_from, end=False))
    if rule.valid_until and len(rule.valid_until) > 10:
        high = min(high, bound_instant(zone, rule.valid_until, end=True))
    cut = ((max(first, low), min(last, high)) for first, last in found)
    return _merged((first, last) for first, last in cut if first < last and last > start and first < end)


def runs_through(rule: Rule) -> bool:
    """Whether nothing but its validity bounds a rule: it is on air day and night."""
    whole_days = rule.from_s == 0 and rule.until_s == DAY_SECONDS and len(rule.days) == 7
    return whole_days and not rule.excluded and rule.rrule is None


def days(rule: Rule, first: int, last: int) -> Iterator[int]:
    """The days (ordinals) from `first` to `last`, inclusive, on which a window of the rule begins."""
    earliest, latest = _day_bounds(rule)
    first = max(first, 1, earliest if earliest is not None else 1)
    last = min(last, date.max.toordinal(), latest if latest is not None else last)
    chosen = (
        iter(range(first, last + 1))
        if rule.rrule is None or rule.valid_from is None
        else recurring_days(rule.rrule, date.fromisoformat(rule.valid_from[:10]), first, last)
    )
    excluded = {date.fromisoformat(text).toordinal() for text in rule.excluded}
    return (day for day in chosen if (day + 6) % 7 in rule.days and day not in excluded)


def window(rule: Rule, zone: ZoneInfo, day: int) -> Interval:
    """The window that begins on a day, before any cut; empty (end not after start) if a transition swallows it."""
    until = rule.until_s if rule.until_s > rule.from_s else rule.until_s + DAY_SECONDS
    return wall_instant(zone, day, rule.from_s, last=False), wall_instant(zone, day, until, last=True)


def _day_bounds(rule: Rule) -> tuple[int | None, int | None]:
    """The first and last day on which a window may begin; date-times only cut, so a day is left around them."""
    first = last = None
    if rule.valid_from:
        first = date.fromisoformat(rule.valid_from[:10]).toordinal() - (_REACH if len(rule.valid_from) > 10 else 0)
    if rule.valid_until:
        last = date.fromisoformat(rule.valid_until[:10]).toordinal() + (len(rule.valid_until) > 10)
    return first, last


def _merged(intervals: Iterator[Interval]) -> list[Interval]:
    merged: list[Interval] = []
    for first, last in sorted(intervals):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return merged
