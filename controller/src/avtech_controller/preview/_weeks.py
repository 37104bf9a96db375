"""Every screen's week, each computed once, and screens that show the same put together. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import IntEnum

from avtech_controller.compiler import CompiledScreen
from avtech_controller.planning import Standing, content_of, same_manifest
from avtech_controller.preview._calendar import calendar
from avtech_controller.preview._compare import Change, DayPair, changes, pair_days
from avtech_controller.preview._later import first_difference
from avtech_schema.airtime import time_zone
from avtech_schema.canonical import sha256_hex
from avtech_schema.identifiers import ClientId, ScreenId, Sha256
from avtech_schema.manifest import Manifest

WEEK = 7
MAX_DAYS = 31
MAX_SEARCHES = 50
"""How many different weeks of one preview are looked beyond; a search among dates takes a fifth of a second."""


class State(IntEnum):
    """What becomes of a screen, in the order in which a page shows them."""

    CHANGED = 0
    """It plays something else on these days."""
    ADDED = 1
    UNKNOWN = 2
    """What it plays now cannot be read."""
    OTHERWISE = 3
    """It plays the same on these days, but something else about it changes; `remarks` say what."""
    SAME = 4
    ALONE = 5
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
class ScreenWeek:
    """Screens of one client that show the same on the same local days; `zones` are their time zones."""

    client: ClientId
    screens: tuple[ScreenId, ...]
    zones: tuple[str, ...]
    state: State
    days: tuple[DayPair, ...]
    changes: tuple[Change, ...]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Week:
    state: State
    client: ClientId
    zone: str
    days: tuple[DayPair, ...]
    remarks: tuple[str, ...]
    identity: str


_Key = tuple[str, str, date, date]
"""A manifest but for its screen's name, that of its base (empty: there is none), and the days."""
_UNKNOWN = "unknown"


class Memory:
    """Weeks that were computed for the preview before this one, for whoever makes one after another."""

    def __init__(self) -> None:
        self._weeks: dict[_Key, _Week] = {}
        self._used: dict[_Key, _Week] = {}
        self._contents: dict[Sha256, str] = {}
        self._used_contents: dict[Sha256, str] = {}
        self._zones: dict[str, str] = {}
        self._searches = MAX_SEARCHES

    def key(self, compiled: CompiledScreen, base: Standing | None, dates: Dates) -> _Key:
        """What a screen's week depends on."""
        content = self._content(compiled)
        old = base.screens.get(compiled.screen) if base else None
        if base is None or old is None:
            before = ""
        elif same_manifest(old, compiled):
            before = content
        else:
            before = known.content if (known := base.manifests.get(old.digest)) else _UNKNOWN
        zone = self._zones.get(content) or compiled.manifest.time_zone
        self._zones[content] = zone
        return content, before, *dates.of(zone)

    def week(self, key: _Key, compiled: CompiledScreen, base: Standing | None) -> _Week:
        """A screen's week, computed unless one with its key was met before."""
        week = self._used.get(key) or self._weeks.get(key)
        if week is None:
            week = _week(compiled, key, _before(compiled, key, base), search=self._searches > 0, compared=base is not None)
            self._searches -= week.state in (State.SAME, State.OTHERWISE) and key[0] != key[1]
        self._used[key] = week
        return week

    def _content(self, compiled: CompiledScreen) -> str:
        known = self._used_contents.get(compiled.digest) or self._contents.get(compiled.digest)
        content = known or content_of(compiled.data, compiled.screen)
        self._used_contents[compiled.digest] = content
        return content

    def forget(self) -> None:
        """Drop what the last preview did not show."""
        self._weeks, self._used = self._used, {}
        self._contents, self._used_contents = self._used_contents, {}
        held = set(self._contents.values())
        self._zones = {content: zone for content, zone in self._zones.items() if content in held}
        self._searches = MAX_SEARCHES


def screen_weeks(
    wanted: Iterable[CompiledScreen],
    base: Standing | None,
    dates: Dates,
    memory: Memory | None = None,
    *,
    limit: int | None = None,
) -> tuple[ScreenWeek, ...]:
    """The weeks of some screens: those that change first, then those that most screens show.

    Every screen that differs from its base is there. Of those that do not, only so many are computed that there are about
    `limit` different weeks in all, if it is given: the rest is left out.
    """
    memory = memory or Memory()
    alike: dict[_Key, list[CompiledScreen]] = {}
    for compiled in wanted:
        alike.setdefault(memory.key(compiled, base, dates), []).append(compiled)
    grouped: dict[str, list[tuple[ScreenId, _Week]]] = {}
    for key in sorted(alike, key=lambda key: (_stays(key, base), -len(alike[key]), alike[key][0].screen)):
        if limit is not None and len(grouped) >= limit and _stays(key, base):
            break
        week = memory.week(key, alike[key][0], base)
        grouped.setdefault(week.identity, []).extend((compiled.screen, week) for compiled in alike[key])
    memory.forget()
    weeks = [_screen_week(members) for members in grouped.values()]
    return tuple(sorted(weeks, key=lambda week: (week.state, -len(week.screens), week.screens)))


def _stays(key: _Key, base: Standing | None) -> bool:
    """Whether screens with this key have nothing to compare with, or the very manifest they had."""
    return base is None or key[0] == key[1]


def _before(compiled: CompiledScreen, key: _Key, base: Standing | None) -> Manifest | None:
    """What a screen had; None if it had none, or one that cannot be read."""
    if base is None or key[1] in ("", _UNKNOWN):
        return None
    old = base.screens[compiled.screen]
    return compiled.manifest if same_manifest(old, compiled) else base.manifests[old.digest].manifest


def _week(compiled: CompiledScreen, key: _Key, old: Manifest | None, *, search: bool, compared: bool) -> _Week:
    new, days = compiled.manifest, key[2:]
    same = old is new
    pairs = pair_days(calendar(old, *days) if old and not same else None, calendar(new, *days))
    differs = any(pair.before is not None for pair in pairs)
    remarks = (*_about(old, new), *(() if differs else _later(old, new, days[1], search=search))) if old else ()
    if not compared:
        state = State.ALONE
    elif old is None:
        state = State.UNKNOWN if key[1] == _UNKNOWN else State.ADDED
    else:
        state = State.CHANGED if differs else State.OTHERWISE if remarks else State.SAME
    identity = _identity(compiled.client, (state, remarks), pairs)
    return _Week(state, compiled.client, new.time_zone, pairs, remarks, identity)


def _about(old: Manifest, new: Manifest) -> Iterator[str]:
    """What changes about a screen besides what it plays."""
    if old.time_zone != new.time_zone:
        yield f"its time zone changes from {old.time_zone} to {new.time_zone}"
    if old.display.power != new.display.power:
        yield "the hours in which its panel is on change"
    if replace(old.display, power=None) != replace(new.display, power=None):
        yield "its panel's size or orientation changes"


def _later(old: Manifest, new: Manifest, last: date, *, search: bool) -> Iterator[str]:
    """When what a screen plays changes, if not on the days up to `last`."""
    if old.rules == new.rules and old.playlists == new.playlists and old.assets == new.assets and old.fallback == new.fallback:
        return
    if not search:
        yield "its rules, playlists or clips change, but not on these days"
    elif day := first_difference(old, new, last):
        yield f"what it plays changes later, first on {day:%A} {day.day} {day:%B} {day.year}"


def _identity(client: ClientId, state: tuple[State, tuple[str, ...]], pairs: tuple[DayPair, ...]) -> str:
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
        remarks=week.remarks,
    )
