"""Spans of local time, as seconds of the wall clock: what rights and validities allow, and the windows of rules."""

from collections.abc import Iterator
from datetime import date

from avtech_schema.localtime import DAY_SECONDS, seconds_of_day
from avtech_schema.manifest import Rule

ALWAYS = (-(1 << 62), 1 << 62)
"""The span without bounds."""
Span = tuple[int, int]
"""Seconds of the wall clock since the year 1, half-open."""


def window_of(rule: Rule, day: int) -> Span:
    """The window of a rule that begins on a day (ordinal); empty (the end not after the start) where dates cut it off."""
    until = rule.until_s if rule.until_s > rule.from_s else rule.until_s + DAY_SECONDS
    low, high = span_of(
        rule.valid_from if rule.valid_from and len(rule.valid_from) > 10 else None,
        rule.valid_until if rule.valid_until and len(rule.valid_until) > 10 else None,
    )
    return max(low, day * DAY_SECONDS + rule.from_s), min(high, day * DAY_SECONDS + until)


def span_of(first: str | None, last: str | None) -> Span:
    """A validity as seconds of the wall clock; a last date includes its whole day."""
    start = _seconds(first) if first else ALWAYS[0]
    end = _seconds(last) + (DAY_SECONDS if len(last) == 10 else 0) if last else ALWAYS[1]
    return start, end


def _seconds(bound: str) -> int:
    day = date.fromisoformat(bound[:10]).toordinal() * DAY_SECONDS
    return day + (seconds_of_day(bound[11:]) if len(bound) > 10 else 0)


def merged_spans(spans: Iterator[Span]) -> tuple[Span, ...]:
    """The same time as spans that rise and lie apart."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((start, end))
    return tuple(merged)
