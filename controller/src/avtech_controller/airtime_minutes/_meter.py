"""Adds up the air of clips: what each group of shares plays while it is on air, caps included."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from avtech_schema.airtime import Lineup, Share
from avtech_schema.identifiers import VideoId
from avtech_schema.manifest import Asset
from avtech_schema.zones import offset_at, time_zone

Groups = tuple[tuple[Share, ...], ...]
"""The shares on air, and the groups that step in, in order, when those before have reached their caps."""
_HOUR = 3600
_NONE_LEFT = 1e-9


@dataclass(frozen=True, slots=True)
class Air:
    """Seconds on air: of each clip, and of it by rules alone; by rules (`scheduled`), by the fallback, with nothing to play.

    `approximate`: a rule with a cap was on air, whose plays depend on what has played.
    """

    clips: Mapping[VideoId, float]
    ruled: Mapping[VideoId, float]
    scheduled: float
    fallback: float
    nothing: float
    approximate: bool


@dataclass(frozen=True, slots=True)
class _Mix:
    """What one play of a lineup is: the mean length of a play, and the part of the air that each clip has."""

    seconds: float
    parts: Mapping[VideoId, float]


@dataclass(slots=True)
class Meter:
    """Adds up the air of groups of shares; those with caps must come in rising order."""

    zone: str
    assets: Mapping[VideoId, Asset]
    _plain: dict[Groups, float] = field(default_factory=dict)
    _shares: dict[tuple[str | None, str], tuple[Share, float]] = field(default_factory=dict)
    _mixes: dict[str, _Mix] = field(default_factory=dict)
    _nothing: float = 0
    _hour: int = 0
    _plays: dict[str, float] = field(default_factory=dict)
    _capped: bool = False

    def add(self, groups: Groups, start: int, end: int) -> None:
        """Count groups that are on air over [start, end); none means that nothing can play."""
        if not groups:
            self._nothing += end - start
        elif len(groups) == 1 and all(share.max_plays_per_hour is None for share in groups[0]):
            self._plain[groups] = self._plain.get(groups, 0) + end - start
        else:
            self._capped = True
            for hour, begin, stop in _hours(self.zone, start, end):
                if hour != self._hour:
                    self._hour, self._plays = hour, {}
                self._flow(groups, stop - begin)

    def total(self) -> Air:
        """All that was counted."""
        for (shares,), seconds in self._plain.items():
            cycle = self._cycle(shares)
            for share in shares:
                self._give(share, seconds * share.weight * self._mix(share.lineup).seconds / cycle)
        clips: dict[VideoId, float] = {}
        ruled: dict[VideoId, float] = {}
        for share, seconds in self._shares.values():
            for clip, part in self._mix(share.lineup).parts.items():
                clips[clip] = clips.get(clip, 0) + seconds * part
                if share.rule is not None:
                    ruled[clip] = ruled.get(clip, 0) + seconds * part
        scheduled = sum(seconds for share, seconds in self._shares.values() if share.rule is not None)
        fallback = sum(seconds for share, seconds in self._shares.values() if share.rule is None)
        return Air(clips, ruled, scheduled, fallback, self._nothing, self._capped)

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
                    self._mixes[here.key] = _mixed(here, self._mixes, self.assets)
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
