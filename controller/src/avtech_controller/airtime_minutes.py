"""How long each clip is on air over a stretch of time: the expected share of every segment, by weights and lengths. Pure.

Weights count plays, so a clip's part of the air is its plays per round times its length. Only time in which the panel is
on counts. A rule's cap is reckoned as a flow: within each local clock hour the rules play in proportion to their weights
until a cap is reached, and those next in order fill the rest. That leaves out where single clips begin and end, so
minutes under a cap, and those of stretches shorter than a round, are approximate.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache

from avtech_schema.airtime import Lineup, Segment, Share, airtimes, panel
from avtech_schema.identifiers import VideoId
from avtech_schema.localtime import DAY_SECONDS
from avtech_schema.manifest import Asset, Manifest
from avtech_schema.zones import from_instant, local_day, offset_at, time_zone, to_instant, wall_instant

CLOCK_CHANGE_DAYS = 400
"""How far ahead a change of the clocks is looked for."""
_HOUR = 3600
_NONE_LEFT = 1e-9


@dataclass(frozen=True, slots=True)
class Air:
    """Seconds on air: of each clip, by rules (`scheduled`) and by the fallback, and with nothing to play.

    `approximate`: a rule with a cap was on air, whose plays depend on what has played.
    """

    clips: Mapping[VideoId, float]
    scheduled: float
    fallback: float
    nothing: float
    approximate: bool


@dataclass(frozen=True, slots=True)
class ClockWeek:
    """The seven local days around a change of the clocks, as instants, and the day of the change."""

    day: date
    start: datetime
    end: datetime


def air(manifest: Manifest, start: datetime, end: datetime) -> Air:
    """How long each clip of a screen is on air from `start` to `end` (aware).

    Raises:
        ValueError: an instant has no offset, or the manifest's zone or a recurrence is none.
    """
    meter = _Meter(manifest)
    spans = list(_panel_on(manifest, to_instant(start), to_instant(end)))
    found = airtimes(manifest, start, end)
    ends = [instant for instant, _ in found[1:]] + [end]
    for (first, segment), last in zip(found, ends, strict=True):
        for begin, stop in _overlaps(spans, to_instant(first), to_instant(last)):
            meter.add(segment, begin, stop)
    return meter.total()


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
    """The local day that ends with another offset than it began with, between two instants whose offsets differ."""
    zone = time_zone(zone_name)
    offset = offset_at(zone, before)
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (middle, after) if offset_at(zone, middle) == offset else (before, middle)
    return local_day(zone, before)


@dataclass(frozen=True, slots=True)
class _Mix:
    """What one play of a lineup is: the mean length of a play, and the part of the air that each clip has."""

    seconds: float
    parts: Mapping[VideoId, float]


@dataclass(slots=True)
class _Meter:
    """Adds up the air of segments, asked for in rising order."""

    manifest: Manifest
    _plain: dict[str, tuple[Segment, float]] = field(default_factory=dict)
    _shares: dict[tuple[str | None, str], tuple[Share, float]] = field(default_factory=dict)
    _mixes: dict[str, _Mix] = field(default_factory=dict)
    _nothing: float = 0
    _hour: int = 0
    _plays: dict[str, float] = field(default_factory=dict)
    _capped: bool = False

    def add(self, segment: Segment, start: int, end: int) -> None:
        """Count a segment that is on air over [start, end)."""
        if not segment.shares:
            self._nothing += end - start
        elif not segment.reserves and all(share.max_plays_per_hour is None for share in segment.shares):
            known = self._plain.get(segment.key)
            self._plain[segment.key] = (segment, (known[1] if known else 0) + end - start)
        else:
            self._capped = True
            for hour, begin, stop in _hours(segment.time_zone, start, end):
                if hour != self._hour:
                    self._hour, self._plays = hour, {}
                self._flow((segment.shares, *segment.reserves), stop - begin)

    def total(self) -> Air:
        """All that was counted."""
        for segment, seconds in self._plain.values():
            cycle = self._cycle(segment.shares)
            for share in segment.shares:
                self._give(share, seconds * share.weight * self._mix(share.lineup).seconds / cycle)
        clips: dict[VideoId, float] = {}
        scheduled = fallback = 0.0
        for share, seconds in self._shares.values():
            for clip, part in self._mix(share.lineup).parts.items():
                clips[clip] = clips.get(clip, 0) + seconds * part
            if share.rule is None:
                fallback += seconds
            else:
                scheduled += seconds
        return Air(clips, scheduled, fallback, self._nothing, self._capped)

    def _flow(self, groups: Sequence[tuple[Share, ...]], seconds: float) -> None:
        """Let groups play for some seconds of one clock hour, as `playout` lets them: by caps, then in order."""
        while seconds > _NONE_LEFT:
            free = next((found for group in groups if (found := [share for share in group if self._left(share) > 0])), None)
            shares = free or list(groups[0])
            plays = seconds / self._cycle(shares)
            if free:
                plays = min(plays, *(self._left(share) / share.weight for share in free))
            for share in shares:
                self._give(share, plays * share.weight * self._mix(share.lineup).seconds)
                if share.rule is not None:
                    self._plays[share.rule] = self._plays.get(share.rule, 0) + plays * share.weight
            seconds -= plays * self._cycle(shares)

    def _left(self, share: Share) -> float:
        """The plays that a share has left in this hour; what is less than a millionth of a play is none."""
        if share.max_plays_per_hour is None or share.rule is None:
            return float("inf")
        left = share.max_plays_per_hour - self._plays.get(share.rule, 0)
        return left if left > 1e-6 else 0

    def _cycle(self, shares: Sequence[Share]) -> float:
        """The seconds that a round takes in which every share has as many plays as its weight."""
        return sum(share.weight * self._mix(share.lineup).seconds for share in shares)

    def _give(self, share: Share, seconds: float) -> None:
        key = (share.rule, share.lineup.key)
        known = self._shares.get(key)
        self._shares[key] = (share, (known[1] if known else 0) + seconds)

    def _mix(self, lineup: Lineup) -> _Mix:
        if lineup.key not in self._mixes:
            stack = [(lineup, False)]
            while stack:
                here, nested_are_known = stack.pop()
                if here.key in self._mixes:
                    continue
                if nested_are_known:
                    self._mixes[here.key] = _mixed(here, self._mixes, self.manifest.assets)
                else:
                    stack.append((here, True))
                    stack.extend((turn.lineup, False) for turn in here.turns if turn.lineup)
        return self._mixes[lineup.key]


def _mixed(lineup: Lineup, known: Mapping[str, _Mix], assets: Mapping[VideoId, Asset]) -> _Mix:
    """What a play of a lineup is, when that is known of all that it nests."""
    weights = sum(turn.weight for turn in lineup.turns)
    seconds: dict[VideoId, float] = {}
    for turn in lineup.turns:
        if turn.clip:
            seconds[turn.clip] = seconds.get(turn.clip, 0) + assets[turn.clip].duration / 1000 * turn.weight / weights
        elif turn.lineup:
            nested = known[turn.lineup.key]
            for clip, part in nested.parts.items():
                seconds[clip] = seconds.get(clip, 0) + nested.seconds * part * turn.weight / weights
    mean = sum(seconds.values())
    return _Mix(mean, {clip: length / mean for clip, length in seconds.items()})


def _hours(zone_name: str, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The local clock hours of a stretch: when each began, and the part of it that lies in the stretch."""
    zone = time_zone(zone_name)
    while start < end:
        hour = start - (start + offset_at(zone, start)) % _HOUR
        stop = min(end, hour + _HOUR)
        yield hour, start, stop
        start = stop


def _panel_on(manifest: Manifest, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The stretches in which the panel is on."""
    while start < end:
        found = panel(manifest, datetime.fromtimestamp(start, UTC))
        until = min(end, to_instant(found.until)) if found.until else end
        if found.on:
            yield start, until
        start = until


def _overlaps(spans: Sequence[tuple[int, int]], start: int, end: int) -> Iterator[tuple[int, int]]:
    """What [start, end) has in common with rising spans."""
    for first, last in spans:
        if first < end and start < last:
            yield max(first, start), min(last, end)
