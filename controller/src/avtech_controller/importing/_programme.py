"""From assets to playlists and rules: the same clips at the same times, in the same order and with the same shares. Pure.

A device plays all assets that are active in a circle, one turn each, by their order. Here a playlist is made of the assets of
one window (days and time of day), and rules that are on air together share it by the number of their clips. A device's dates
are instants and its windows local time; here both are local time of its zone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import gcd
from zoneinfo import ZoneInfo

from avtech_controller.importing._assets import ALL_DAYS, FOREVER, Window
from avtech_controller.importing._fates import Carried
from avtech_schema.identifiers import VideoId
from avtech_schema.localtime import DAY_SECONDS
from avtech_schema.zones import local_instant, time_zone

_MAX_WEIGHT = 1000
_DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Validity:
    """Local date-times of the device's zone, half-open; None is unbounded."""

    first: str | None = None
    last: str | None = None


ALWAYS = Validity()


@dataclass(frozen=True, slots=True)
class Item:
    """One turn of a playlist."""

    carried: Carried
    validity: Validity

    @property
    def clip(self) -> VideoId:
        """The clip."""
        return self.carried.clip


@dataclass(frozen=True, slots=True)
class Block:
    """One playlist and the rule that plays it; `validity` bounds the rule, and then its items are unbounded."""

    label: str
    window: Window
    validity: Validity
    items: tuple[Item, ...]
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Programme:
    """The blocks in order, and what differs from the device in sentences."""

    blocks: tuple[Block, ...]
    notes: tuple[str, ...]


def arrange(carried: Sequence[Carried], zone: str, now: datetime) -> Programme:
    """Arrange assets, given in the order of the device; dates that are past at `now` are left out."""
    zone_info = time_zone(zone)
    windows: dict[Window, list[Item]] = {}
    for one in carried:
        windows.setdefault(one.asset.window, []).append(Item(one, _validity(one, zone_info, now)))
    tied = {window for window in windows if any(_meet(window, other) for other in windows if other is not window)}
    blocks = [block for window, items in windows.items() for block in _blocks(window, items, shared=window in tied)]
    weighted = _weighed(blocks, tied)
    return Programme(tuple(_labelled(weighted)), tuple(_notes(weighted, zone, tied=bool(tied))))


def days_of(window: Window) -> list[str]:
    """The days of a window as rules name them."""
    return [_DAY_NAMES[day - 1] for day in window.days]


def clock(seconds: int) -> str:
    """A time of day as rules spell it."""
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    return f"{hours:02}:{minutes:02}" + (f":{rest:02}" if rest else "")


def _validity(one: Carried, zone: ZoneInfo, now: datetime) -> Validity:
    first, last = one.asset.start, one.asset.end
    return Validity(
        _local(first, zone) if first is not None and first > now else None,
        _local(last, zone) if last is not None and last < FOREVER else None,
    )


def _local(instant: datetime, zone: ZoneInfo) -> str:
    """The wall clock at the first whole second not before an instant."""
    return _whole(instant).astimezone(zone).replace(tzinfo=None).isoformat(timespec="seconds")


def _whole(instant: datetime) -> datetime:
    return instant.replace(microsecond=0) + timedelta(seconds=bool(instant.microsecond))


def _blocks(window: Window, items: list[Item], *, shared: bool) -> list[Block]:
    """One block where that keeps every asset's share; where rules tie, one for each validity, for a weight is a constant."""
    by_validity: dict[Validity, list[Item]] = {}
    for item in items:
        by_validity.setdefault(item.validity, []).append(item)
    if len(by_validity) > 1 and not shared:
        return [Block("", window, ALWAYS, tuple(items))]
    return [
        Block("", window, validity, tuple(Item(item.carried, ALWAYS) for item in held))
        for validity, held in by_validity.items()
    ]


def _weighed(blocks: list[Block], tied: set[Window]) -> list[Block]:
    """Give the blocks that may be on air together a weight by their number of clips."""
    counts = [len(block.items) if block.window in tied else 1 for block in blocks]
    shared = [count for block, count in zip(blocks, counts, strict=True) if block.window in tied]
    divisor = gcd(*shared) if shared else 1
    largest = max(shared, default=1) // divisor

    def weight(block: Block, count: int) -> int:
        if block.window not in tied:
            return 1
        return count // divisor if largest <= _MAX_WEIGHT else max(1, round(count * _MAX_WEIGHT / (largest * divisor)))

    return [replace(block, weight=weight(block, count)) for block, count in zip(blocks, counts, strict=True)]


def _labelled(blocks: Iterable[Block]) -> Iterable[Block]:
    taken: dict[str, int] = {}
    for block in blocks:
        label = _label(block.window)
        taken[label] = taken.get(label, 0) + 1
        yield replace(block, label=label if taken[label] == 1 else f"{label}-{taken[label]}")


def _label(window: Window) -> str:
    days, names = window.days, days_of(window)
    parts: list[str] = []
    if days != ALL_DAYS:
        run = len(days) > 2 and days == tuple(range(days[0], days[-1] + 1))
        parts.append(f"{names[0]}-{names[-1]}" if run else "-".join(names))
    if window.span is not None:
        parts.append("-".join(clock(seconds).replace(":", "") for seconds in window.span))
    return "-".join(parts) or "always"


def _meet(one: Window, other: Window) -> bool:
    """Whether two windows are ever open at the same time (on a week without a change of the clocks)."""
    return any(a < d and c < b for a, b in _week(one) for c, d in _week(other))


def _week(window: Window) -> list[tuple[int, int]]:
    """The seconds of a week in which a window is open; what crosses the week's end comes back at its beginning."""
    week = 7 * DAY_SECONDS
    start, until = window.span or (0, DAY_SECONDS)
    length = until - start if until > start else until + DAY_SECONDS - start
    opens = [(day - 1) * DAY_SECONDS + start for day in window.days]
    return [(begin - shift, begin + length - shift) for begin in opens for shift in (0, week)]


def _notes(blocks: Sequence[Block], zone: str, *, tied: bool) -> Iterable[str]:
    if tied:
        yield (
            "Several windows are open at the same time. Every asset keeps its share of the turns, and the order within its "
            "window; the device's order across windows is not kept: turns are dealt out evenly."
        )
    if max((block.weight for block in blocks), default=1) == _MAX_WEIGHT:
        yield f"Shares are rounded: a rule's weight is at most {_MAX_WEIGHT}."
    moved = sorted({item.clip for block in blocks for item in block.items if _is_moved(item, block.validity, zone)})
    if moved:
        names = ", ".join(moved[:5]) + (", …" if len(moved) > 5 else "")
        yield f"A date of these falls into an hour that comes twice, and may be an hour off: {names}."
    if any(_touches_the_night(block.window) for block in blocks):
        yield (
            f"Windows are wall time in {zone}. When the clocks are put back, a window that begins or ends in the hour that "
            "comes twice is one unbroken stretch here; the device plays it in two pieces."
        )


def _touches_the_night(window: Window) -> bool:
    """Whether it begins or ends in hours in which clocks are changed, wherever that is."""
    return any(not 4 * 3600 <= seconds < 22 * 3600 for seconds in window.span or ())


def _is_moved(item: Item, bounds: Validity, zone: str) -> bool:
    """Whether a bound means another instant than the device's date: local time cannot tell the hours that come twice apart."""
    first, last = item.validity.first or bounds.first, item.validity.last or bounds.last
    asset = item.carried.asset
    return any(
        text is not None and instant is not None and local_instant(text, zone, end=end) != _whole(instant)
        for text, instant, end in ((first, asset.start, False), (last, asset.end, True))
    )
