"""Airtime by brute force: every minute is asked what the wall clock shows. Shares no code with avtech_schema.airtime.

All boundaries in these tests are whole minutes. Minutes count from 1970 in UTC; `local` minutes from 1970 on the wall.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

from avtech_schema.identifiers import Slug
from avtech_schema.manifest import Cut, Manifest, Rule

DAY = 1440
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Clock:
    """What the wall clock of a zone shows in each minute from `first` on."""

    first: int
    local: tuple[int, ...]
    firsts: dict[int, int]
    lasts: dict[int, int]

    def first_reaching(self, target: int) -> int:
        """The first minute in which the clock shows `target`, or the one in which it jumps past it."""
        return self.firsts[target] if target in self.firsts else self._passing(target)

    def last_reaching(self, target: int) -> int:
        """The last minute in which the clock shows `target`, or the one in which it jumps past it."""
        return self.lasts[target] if target in self.lasts else self._passing(target)

    def _passing(self, target: int) -> int:
        return next(self.first + place for place, shown in enumerate(self.local) if shown > target)


@lru_cache(maxsize=64)
def clock(zone: str, middle: date) -> Clock:
    """The clock of a zone for thirty days around a date."""
    first = ((middle - _EPOCH).days - 15) * DAY
    # The system's zones may be of another year than the pinned ones, and differ.
    with (resources.files("tzdata") / "zoneinfo" / zone).open("rb") as file:
        zone_info = ZoneInfo.from_file(file)
    local = tuple(_wall(zone_info, minute) for minute in range(first, first + 30 * DAY))
    minutes = range(first, first + len(local))
    lasts = dict(zip(local, minutes, strict=True))
    return Clock(first, local, dict(zip(reversed(local), reversed(minutes), strict=True)), lasts)


def _wall(zone: ZoneInfo, minute: int) -> int:
    shown = datetime.fromtimestamp(minute * 60, zone).replace(tzinfo=None)
    return (shown - datetime(1970, 1, 1)) // timedelta(minutes=1)


def spell(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * 60, ZoneInfo("UTC"))


@dataclass(frozen=True)
class Answer:
    """What is on air: the rules that share it with their clips, the groups in reserve, whether it cuts in."""

    shares: tuple[tuple[str | None, tuple[str, ...]], ...]
    reserves: tuple[tuple[tuple[str | None, tuple[str, ...]], ...], ...]
    cuts: bool


class Oracle:
    """Answers for one manifest around a date."""

    def __init__(self, manifest: Manifest, middle: date, unplayable: Collection[str] = ()) -> None:
        self.manifest = manifest
        self.clock = clock(manifest.time_zone, middle)
        self.unplayable = unplayable
        self.days = [middle + timedelta(days=n) for n in range(-12, 13)]
        self.windows = {
            rule.id: [self._window(rule, day) for day in self.days if self._begins(rule, day)] for rule in manifest.rules
        }

    def at(self, minute: int) -> Answer:
        """What is on air in a minute."""
        able = [
            (rule, clips)
            for rule in self.manifest.rules
            if self._active(rule, minute) and (clips := self._clips(rule.playlist, minute))
        ]
        groups: list[list[tuple[Rule, tuple[str, ...]]]] = []
        while able:
            best = max((rule.emergency, rule.priority) for rule, _ in able)
            group = [(rule, clips) for rule, clips in able if (rule.emergency, rule.priority) == best]
            able = [entry for entry in able if entry not in group]
            groups.append(group)
            if not all(rule.max_plays_per_hour for rule, _ in group):
                break
        answers: list[tuple[tuple[str | None, tuple[str, ...]], ...]] = [
            tuple((rule.id, clips) for rule, clips in group) for group in groups
        ]
        if not groups or all(rule.max_plays_per_hour for group in groups for rule, _ in group):
            fallback = self._clips(self.manifest.fallback, minute) if self.manifest.fallback else ()
            answers += [((None, fallback),)] if fallback else []
        cuts = bool(groups) and any(rule.emergency or rule.cut is Cut.NOW for rule, _ in groups[0])
        return Answer(answers[0] if answers else (), tuple(answers[1:]), cuts)

    def _begins(self, rule: Rule, day: date) -> bool:
        text = day.isoformat()
        if rule.valid_from and len(rule.valid_from) == 10 and text < rule.valid_from:
            return False
        if rule.valid_until and len(rule.valid_until) == 10 and text > rule.valid_until:
            return False
        if rule.rrule:
            interval = int(rule.rrule.partition("INTERVAL=")[2])
            since = (day - date.fromisoformat(str(rule.valid_from)[:10])).days
            if since < 0 or since % interval:
                return False
        return day.weekday() in rule.days and text not in rule.excluded

    def _window(self, rule: Rule, day: date) -> tuple[int, int]:
        midnight = (day - _EPOCH).days * DAY
        length = (rule.until_s - rule.from_s) // 60
        start = midnight + rule.from_s // 60
        return self.clock.first_reaching(start), self.clock.last_reaching(start + (length if length > 0 else length + DAY))

    def _active(self, rule: Rule, minute: int) -> bool:
        if rule.valid_from and len(rule.valid_from) > 10 and minute < self.clock.first_reaching(_minutes(rule.valid_from)):
            return False
        if rule.valid_until and len(rule.valid_until) > 10 and minute >= self.clock.last_reaching(_minutes(rule.valid_until)):
            return False
        return any(start <= minute < end for start, end in self.windows[rule.id])

    def _valid(self, first: str | None, last: str | None, minute: int) -> bool:
        if first and minute < self.clock.first_reaching(_minutes(first)):
            return False
        return not last or minute < self.clock.last_reaching(_minutes(last) + (DAY if len(last) == 10 else 0))

    def _clips(self, playlist: Slug, minute: int) -> tuple[str, ...]:
        found: list[str] = []
        for item in self.manifest.playlists[playlist]:
            if not self._valid(item.valid_from, item.valid_until, minute):
                continue
            if item.playlist:
                found += self._clips(item.playlist, minute)
            elif item.clip and item.clip not in self.unplayable:
                asset = self.manifest.assets[item.clip]
                if self._valid(asset.rights_from, asset.rights_until, minute):
                    found.append(item.clip)
        return tuple(dict.fromkeys(found))


def _minutes(bound: str) -> int:
    return (datetime.fromisoformat(bound) - datetime(1970, 1, 1)) // timedelta(minutes=1)
