"""Before and after: where two calendars differ, and the same in words. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

from avtech_controller.preview._calendar import Block, Day
from avtech_controller.preview._programme import Programme


@dataclass(frozen=True, slots=True)
class Piece:
    """A block, or a part of one that a difference cuts; `changed` says that the other side shows something else then."""

    block: Block
    changed: bool


@dataclass(frozen=True, slots=True)
class DayPair:
    """One day before and after; `before` is None where there is nothing to compare with, or where nothing changes."""

    day: Day
    after: tuple[Piece, ...]
    before: tuple[Piece, ...] | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What is replaced by what, at the same hours of some days."""

    days: tuple[date, ...]
    start_clock: str
    end_clock: str
    before: Programme
    after: Programme


def pair_days(before: tuple[Day, ...] | None, after: tuple[Day, ...]) -> tuple[DayPair, ...]:
    """Put two calendars of the same dates side by side; days that have other lengths (a changed time zone) are whole."""
    if before is None:
        return tuple(DayPair(day, tuple(Piece(block, changed=False) for block in day.blocks)) for day in after)
    return tuple(_pair(old, new) for old, new in zip(before, after, strict=True))


def _pair(old: Day, new: Day) -> DayPair:
    spans = _differences(old.blocks, new.blocks)
    if not spans:
        return DayPair(new, tuple(Piece(block, changed=False) for block in new.blocks))
    clocks = {block.end: block.end_clock for block in (*old.blocks, *new.blocks)}
    clocks |= {block.start: block.start_clock for block in (*old.blocks, *new.blocks)}
    return DayPair(new, tuple(_cut(new.blocks, spans, clocks)), tuple(_cut(old.blocks, spans, clocks)))


def changes(pairs: Iterable[DayPair]) -> tuple[Change, ...]:
    """Everything that changes, in the order of the first day it changes on; equal changes of several days are one."""
    found: dict[tuple[str, str, str, str], Change] = {}
    for pair in pairs:
        for start, end, old, new in _replaced(pair):
            key = (start, end, old.identity, new.identity)
            known = found.get(key)
            days = (*known.days, pair.day.date) if known else (pair.day.date,)
            found[key] = Change(days, start, end, old, new)
    return tuple(found.values())


def _replaced(pair: DayPair) -> Iterator[tuple[str, str, Programme, Programme]]:
    for old in pair.before or ():
        for new in pair.after:
            start, end = max(old.block.start, new.block.start), min(old.block.end, new.block.end)
            if old.changed and new.changed and start < end:
                first = old.block if old.block.start == start else new.block
                last = old.block if old.block.end == end else new.block
                yield first.start_clock, last.end_clock, old.block.programme, new.block.programme


def _differences(old: tuple[Block, ...], new: tuple[Block, ...]) -> list[tuple[int, int]]:
    """The spans, in order and apart, in which two days do not show the same."""
    edges = sorted({edge for block in (*old, *new) for edge in (block.start, block.end)})
    spans: list[tuple[int, int]] = []
    for start, end in pairwise(edges):
        if _identity(old, start) == _identity(new, start):
            continue
        if spans and spans[-1][1] == start:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return spans


def _identity(blocks: tuple[Block, ...], second: int) -> str | None:
    return next((block.programme.identity for block in blocks if block.start <= second < block.end), None)


def _cut(blocks: tuple[Block, ...], spans: list[tuple[int, int]], clocks: Mapping[int, str]) -> Iterator[Piece]:
    """The blocks, cut where a difference begins or ends; `clocks` is what the clocks show at every edge."""
    for block in blocks:
        edges = sorted({block.start, block.end, *(edge for span in spans for edge in span if block.start < edge < block.end)})
        for start, end in pairwise(edges):
            part = replace(
                block,
                start=start,
                end=end,
                start_clock=block.start_clock if start == block.start else clocks[start],
                end_clock=block.end_clock if end == block.end else clocks[end],
                from_before=block.from_before and start == block.start,
                goes_on=block.goes_on and end == block.end,
            )
            yield Piece(part, any(first <= start < last for first, last in spans))
