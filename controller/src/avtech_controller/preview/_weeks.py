"""Every screen's week, each computed once, and screens that show the same put together. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum

from avtech_controller.compiler import CompiledScreen
from avtech_controller.preview._calendar import Day, calendar
from avtech_controller.preview._compare import Change, DayPair, changes, pair_days
from avtech_schema.airtime import time_zone
from avtech_schema.canonical import sha256_hex
from avtech_schema.identifiers import ClientId, ScreenId
from avtech_schema.manifest import Manifest

WEEK = 7
MAX_DAYS = 31


class State(IntEnum):
    """What becomes of a screen, in the order in which a page shows them. `UNKNOWN`: its released manifest is unreadable."""

    CHANGED = 0
    ADDED = 1
    UNKNOWN = 2
    SAME = 3
    ALONE = 4
    """There is nothing to compare with."""


@dataclass(frozen=True, slots=True)
class Dates:
    """The days to show, both inclusive; None stands for Monday of this week in each screen's zone, and for a week's length."""

    now: datetime
    first: date | None = None
    last: date | None = None

    def of(self, zone: str) -> tuple[date, date]:
        """The first and last day in a time zone."""
        today = self.now.astimezone(time_zone(zone)).date()
        week = timedelta(days=WEEK - 1)
        if self.first is not None:
            return self.first, self.first + week if self.last is None else self.last
        if self.last is not None:
            return self.last - week, self.last
        monday = today - timedelta(days=today.weekday())
        return monday, monday + week


@dataclass(frozen=True, slots=True)
class Base:
    """What a preview compares with: a manifest for each screen that existed, None where it cannot be read."""

    screens: Mapping[ScreenId, Manifest | None]


@dataclass(frozen=True, slots=True)
class ScreenWeek:
    """Screens of one client that show the same on the same local days; `zones` are their time zones."""

    client: ClientId
    screens: tuple[ScreenId, ...]
    zones: tuple[str, ...]
    state: State
    days: tuple[DayPair, ...]
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class _Week:
    state: State
    client: ClientId
    zone: str
    days: tuple[DayPair, ...]
    identity: str


class Memory:
    """Weeks that were computed for the preview before this one, for whoever makes one after another."""

    def __init__(self) -> None:
        self._weeks: dict[tuple[str, str, date, date], _Week] = {}
        self._used: dict[tuple[str, str, date, date], _Week] = {}

    def week(self, compiled: CompiledScreen, base: Base | None, days: tuple[date, date]) -> _Week:
        """A screen's week, computed unless an equal manifest with an equal base was met before."""
        key = (_nameless(compiled.manifest, compiled.data), _before_key(base, compiled.screen), *days)
        week = self._used.get(key) or self._weeks.get(key) or _week(compiled, base, days)
        self._used[key] = week
        return week

    def forget(self) -> None:
        """Drop what the last preview did not show."""
        self._weeks, self._used = self._used, {}


def screen_weeks(
    wanted: Iterable[CompiledScreen], base: Base | None, dates: Dates, memory: Memory | None = None
) -> tuple[ScreenWeek, ...]:
    """The weeks of some screens: those that change first, then those that most screens show."""
    memory = memory or Memory()
    grouped: dict[str, list[tuple[ScreenId, _Week]]] = {}
    for compiled in wanted:
        week = memory.week(compiled, base, dates.of(compiled.manifest.time_zone))
        grouped.setdefault(week.identity, []).append((compiled.screen, week))
    memory.forget()
    weeks = [_screen_week(members) for members in grouped.values()]
    return tuple(sorted(weeks, key=lambda week: (week.state, -len(week.screens), week.screens)))


def _nameless(manifest: Manifest, data: bytes) -> str:
    """The identity of a manifest but for its screen's name."""
    return sha256_hex(data.replace(f'"screen":"{manifest.screen}"'.encode(), b'"screen":""'))


def _before_key(base: Base | None, screen: ScreenId) -> str:
    if base is None or screen not in base.screens:
        return ""
    before = base.screens[screen]
    return _nameless(before, before.canonical()) if before else "unknown"


def _week(compiled: CompiledScreen, base: Base | None, days: tuple[date, date]) -> _Week:
    first, last = days
    after = calendar(compiled.manifest, first, last)
    before: tuple[Day, ...] | None = None
    state = State.ALONE
    if base is not None:
        old = base.screens.get(compiled.screen)
        state = State.ADDED if compiled.screen not in base.screens else State.UNKNOWN if old is None else State.SAME
        before = calendar(old, first, last) if old else None
    pairs = pair_days(before, after)
    if any(pair.before is not None for pair in pairs):
        state = State.CHANGED
    return _Week(state, compiled.client, compiled.manifest.time_zone, pairs, _identity(compiled.client, state, pairs))


def _identity(client: ClientId, state: State, pairs: tuple[DayPair, ...]) -> str:
    """Equal for weeks that look the same in every part, each by its own clocks."""
    seen = [
        (
            pair.day.date,
            pair.day.seconds,
            pair.day.off,
            [
                [(piece.block.start, piece.block.end, piece.block.programme.identity, piece.changed) for piece in side]
                for side in (pair.before or (), pair.after)
            ],
        )
        for pair in pairs
    ]
    return sha256_hex(repr((client, state, seen)).encode())


def _screen_week(members: list[tuple[ScreenId, _Week]]) -> ScreenWeek:
    week = members[0][1]
    return ScreenWeek(
        client=week.client,
        screens=tuple(sorted(screen for screen, _ in members)),
        zones=tuple(sorted({found.zone for _, found in members})),
        state=week.state,
        days=week.days,
        changes=changes(week.days),
    )
