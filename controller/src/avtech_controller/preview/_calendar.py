"""The calendar of one manifest: local days, true to their length, with the blocks that are on air in each. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from avtech_controller.preview._programme import Kind, Programme, Programmes
from avtech_schema.airtime import airtimes, panel, time_zone
from avtech_schema.localtime import DAY_SECONDS
from avtech_schema.manifest import Manifest
from avtech_schema.zones import from_instant, to_instant, wall_instant

_QUARTER = 900


@dataclass(frozen=True, slots=True)
class Block:
    """One programme on one day: seconds passed since the day's midnight, and the same as the clocks there show it.

    `from_before` and `goes_on` say that it began on the day before, or continues on the next.
    """

    start: int
    end: int
    start_clock: str
    end_clock: str
    programme: Programme
    from_before: bool = False
    goes_on: bool = False


@dataclass(frozen=True, slots=True)
class Day:
    """One local day of `seconds` (23 or 25 hours when the clocks change, 0 if the calendar there skips it).

    `off` is when the panel is off, `note` what is unusual about the day; then `hours` are its full hours (seconds since
    midnight, as the clocks show them).
    """

    date: date
    seconds: int
    blocks: tuple[Block, ...]
    hours: tuple[tuple[int, str], ...] = ()
    off: tuple[tuple[int, int], ...] = ()
    note: str = ""


def calendar(manifest: Manifest, first: date, last: date) -> tuple[Day, ...]:
    """The local days from `first` to `last`, both inclusive."""
    zone = time_zone(manifest.time_zone)
    midnights = [wall_instant(zone, day, 0, last=False) for day in range(first.toordinal(), last.toordinal() + 2)]
    found = airtimes(manifest, from_instant(midnights[0]), from_instant(midnights[-1]))
    programmes = Programmes(manifest)
    spans = [(to_instant(start), programmes.of(segment)) for start, segment in found]
    ends = [start for start, _ in spans[1:]] + [midnights[-1]]
    air = [(start, end, programme) for (start, programme), end in zip(spans, ends, strict=False)]
    off = list(_panel_off(manifest, midnights[0], midnights[-1]))
    return tuple(_day(first + timedelta(days=number), span, zone, air, off) for number, span in enumerate(pairwise(midnights)))


def _day(
    day: date,
    span: tuple[int, int],
    zone: ZoneInfo,
    air: list[tuple[int, int, Programme]],
    off: list[tuple[int, int]],
) -> Day:
    start, end = span
    blocks = tuple(
        Block(
            start=max(first, start) - start,
            end=min(last, end) - start,
            start_clock=clock(max(first, start), zone),
            end_clock="24:00" if last >= end else clock(last, zone),
            programme=programme,
            from_before=first < start and programme.kind is not Kind.FALLBACK,
            goes_on=last > end and programme.kind is not Kind.FALLBACK,
        )
        for first, last, programme in air
        if first < end and last > start
    )
    dark = tuple((max(first, start) - start, min(last, end) - start) for first, last in off if first < end and last > start)
    note = _note(end - start)
    hours = tuple(_hours(start, end, zone)) if note else ()
    return Day(day, end - start, blocks, hours, dark, note)


def clock(instant: int, zone: ZoneInfo) -> str:
    """What the clocks show; an hour that comes twice is marked the second time."""
    local = datetime.fromtimestamp(instant, zone)
    text = f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
    return f"{text} again" if local.fold else text


def _hours(start: int, end: int, zone: ZoneInfo) -> Iterator[tuple[int, str]]:
    for instant in range(start, end, _QUARTER):
        local = datetime.fromtimestamp(instant, zone)
        if local.minute == 0:
            yield instant - start, f"{local:%H}"


def _note(seconds: int) -> str:
    if seconds == 0:
        return "this day does not exist here"
    if seconds == DAY_SECONDS:
        return ""
    hours = f"{seconds / 3600:g} hours"
    return f"{hours}: clocks go {'forward' if seconds < DAY_SECONDS else 'back'}"


def _panel_off(manifest: Manifest, start: int, end: int) -> Iterator[tuple[int, int]]:
    """When the panel is off between two instants, in order."""
    while start < end:
        now = panel(manifest, from_instant(start))
        until = end if now.until is None else min(to_instant(now.until), end)
        if not now.on:
            yield start, until
        start = until
