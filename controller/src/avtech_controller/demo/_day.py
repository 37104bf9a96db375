"""One screen's day as a bar of 24 hours (23 or 25 when the clocks change), and as a table for those who read it aloud."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from html import escape

from avtech_controller.demo.story import DaySegment, ScreenDay
from avtech_controller.preview import PALETTE

_TICKS = range(0, 25, 3)
_HEAD = "".join(f'<th scope="col">{name}</th>' for name in ("Local time", "On air", "Clips"))


def colours(days: Sequence[ScreenDay]) -> Mapping[str, str]:
    """A colour for each label, in the order in which they appear; the fallback has none."""
    labels = dict.fromkeys(segment.label for day in days for segment in day.segments if not segment.is_fallback)
    return {label: PALETTE[place % len(PALETTE)] for place, label in enumerate(labels)}


def render_day(day: ScreenDay, now: datetime, colour: Mapping[str, str]) -> str:
    """The bar, its axis in local time, and the same as a table."""
    start, end = _midnights(day)
    segments = [segment for segment in day.segments if segment.end > start and segment.start < end]
    zone = escape(str(day.zone))
    bar = "".join(_bar_segment(segment, day, start, end, colour) for segment in segments)
    mark = f'<i style="left:{_percent(now, start, end):.3f}%" title="now"></i>' if start <= now < end else ""
    rows = "".join(_row(segment, day, start, end) for segment in segments)
    what = "; ".join(f"{_span(segment, day, start, end)} {segment.label}" for segment in segments)
    return (
        f'<section class="day"><header><h3>{escape(day.screen)}</h3><span class="soft">{escape(day.title)} · {zone} · '
        f"{day.day:%a} {day.day.isoformat()}</span></header>"
        f'<div class="bar" role="img" aria-label="{escape(what)}">{bar}{mark}</div>'
        f'<div class="axis" aria-hidden="true">{_axis(day, start, end)}</div>'
        f'<details><summary>as a table</summary><div class="wide"><table><thead><tr>{_HEAD}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div></details></section>"
    )


def _midnights(day: ScreenDay) -> tuple[datetime, datetime]:
    """The day's two local midnights, in UTC: the lengths of days differ."""
    first = datetime.combine(day.day, time(), day.zone)
    last = datetime.combine(day.day + timedelta(days=1), time(), day.zone)
    return first.astimezone(UTC), last.astimezone(UTC)


def _percent(instant: datetime, start: datetime, end: datetime) -> float:
    share = (instant.astimezone(UTC) - start) / (end - start)
    return 100 * min(max(share, 0.0), 1.0)


def _bar_segment(segment: DaySegment, day: ScreenDay, start: datetime, end: datetime, colour: Mapping[str, str]) -> str:
    left, right = _percent(segment.start, start, end), _percent(segment.end, start, end)
    classes = " ".join(["fallback"] * segment.is_fallback + ["emergency"] * segment.is_emergency)
    paint = "" if segment.is_fallback else f";background:{colour[segment.label]}"
    title = escape(f"{_span(segment, day, start, end)}  {segment.label}: {', '.join(segment.clips)}")
    return (
        f'<span class="{classes}" style="left:{left:.3f}%;width:{right - left:.3f}%{paint}" title="{title}">'
        f"{escape(segment.label)}</span>"
    )


def _row(segment: DaySegment, day: ScreenDay, start: datetime, end: datetime) -> str:
    kind = " (fallback)" if segment.is_fallback else " (emergency)" if segment.is_emergency else ""
    cells = (escape(segment.label + kind), escape(", ".join(segment.clips)))
    return f'<tr><th scope="row">{_span(segment, day, start, end)}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'


def _span(segment: DaySegment, day: ScreenDay, start: datetime, end: datetime) -> str:
    first, last = max(segment.start.astimezone(UTC), start), min(segment.end.astimezone(UTC), end)
    until = "24:00" if last == end else _clock(last, day)
    return f"{_clock(first, day)}–{until}"


def _clock(instant: datetime, day: ScreenDay) -> str:
    local = instant.astimezone(day.zone)
    return f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"


def _axis(day: ScreenDay, start: datetime, end: datetime) -> str:
    ticks = ((hour, end if hour == 24 else datetime.combine(day.day, time(hour), day.zone)) for hour in _TICKS)
    return "".join(f'<span style="left:{_percent(at, start, end):.3f}%">{hour:02d}</span>' for hour, at in ticks)
