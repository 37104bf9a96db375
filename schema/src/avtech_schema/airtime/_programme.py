"""A manifest's whole programme: sweeping its rules over a stretch of time, and finding the next change."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date

from avtech_schema.airtime._effort import Effort
from avtech_schema.airtime._lineups import Lineups
from avtech_schema.airtime._segment import Lineup, Segment, Share
from avtech_schema.airtime._windows import Interval, runs_through, windows
from avtech_schema.canonical import canonical_bytes, sha256_hex
from avtech_schema.identifiers import VideoId
from avtech_schema.localtime import DAY_SECONDS
from avtech_schema.manifest import Cut, Manifest, Rule
from avtech_schema.recurrence import last_recurring_day, steps_of
from avtech_schema.zones import bound_instant, time_zone, wall_instant

_HORIZON_DAYS = (2, 12, 100, 400, 1500, 4018)
"""How far the next change is sought, in growing steps: eleven years, so that a rule of 29 February is found."""
_AFTER_BOUND_DAYS = 400
"""Beyond that, how far after each bound of validity."""

_INSTANT_STEPS, _RULE_STEPS, _WINDOW_STEPS = 30, 10, 10
"""What an instant at which something changes takes, a rule, and a window of it (see `Effort`)."""

_Group = tuple[tuple[int, Lineup], ...]
"""Places of rules that tie, with what they can play; the fallback has the place -1."""


class Programme:
    """What a manifest plays at any instant."""

    def __init__(self, manifest: Manifest, unplayable: Collection[VideoId] = (), effort: Effort | None = None) -> None:
        self._effort = effort or Effort()
        self._manifest = manifest
        self._zone = time_zone(manifest.time_zone)
        self._lineups = Lineups(manifest, self._zone, unplayable, self._effort)
        self._ranks = [(rule.emergency, rule.priority) for rule in manifest.rules]
        self._capped = [rule.max_plays_per_hour is not None for rule in manifest.rules]
        self._shares: dict[tuple[int, str], tuple[Share, str]] = {}
        self._segments: dict[tuple[tuple[tuple[int, str], ...], ...], Segment] = {}

    def sweep(self, start: int, end: int, *, least: int | None = None) -> Iterator[tuple[int, Segment | None]]:
        """What is on air over [start, end): each segment with its first instant; their `until` is left open.

        It may end early, from `least` on, when it took all the effort that is allowed: None stands at that instant then.

        Raises:
            EffortError: it took more before.
        """
        intervals = self._intervals(start, end)
        edges = {edge for spans in intervals.values() for span in spans for edge in span}
        names = {self._manifest.rules[place].playlist for place in intervals}
        for name in names | ({self._manifest.fallback} if self._manifest.fallback else set()):
            known = self._lineups.edges(name)
            edges.update(known[bisect_left(known, start) : bisect_left(known, end)])
        active = _Active(intervals, self._ranks)
        key = ""
        for instant in sorted({start, *(edge for edge in edges if start < edge < end)}):
            may_end = least is not None and instant > least
            if may_end and self._effort.is_spent:
                yield instant, None
                return
            groups = self._groups(active.by_rank(instant), instant)
            steps = _INSTANT_STEPS + sum(map(len, groups))
            (self._effort.take if may_end else self._effort.require)(steps)
            segment = self._segment(groups)
            if segment.key != key:
                key = segment.key
                yield instant, segment

    def next_change(self, key: str, start: int) -> int | None:
        """The first instant from `start` on at which the content is not that of `key`; None if it stays.

        Raises:
            EffortError: it took more than is allowed.
        """
        reached = start
        for days in _HORIZON_DAYS:
            if (found := self._change(key, reached, start + days * DAY_SECONDS)) is not None:
                return found
            reached = start + days * DAY_SECONDS
        for bound in sorted(bound for bound in self._bounds() if bound > reached - _AFTER_BOUND_DAYS * DAY_SECONDS):
            stretch = max(reached, bound - 2 * DAY_SECONDS), bound + _AFTER_BOUND_DAYS * DAY_SECONDS
            if stretch[0] < stretch[1] and (found := self._change(key, *stretch)) is not None:
                return found
            reached = max(reached, stretch[1])
        return None

    def _change(self, key: str, start: int, end: int) -> int | None:
        return next((instant for instant, segment in self.sweep(start, end) if segment and segment.key != key), None)

    def _bounds(self) -> Iterator[int]:
        """Every instant at which a validity, a right or a recurrence begins or ends."""
        for rule in self._manifest.rules:
            yield from self._lineups.edges(rule.playlist)
            if rule.valid_from:
                yield bound_instant(self._zone, rule.valid_from, end=False)
            if rule.valid_until:
                yield bound_instant(self._zone, rule.valid_until, end=True)
            if rule.rrule and (day := last_recurring_day(rule.rrule)):
                yield wall_instant(self._zone, day, 0, last=False)
            yield from (wall_instant(self._zone, date.fromisoformat(text).toordinal(), 0, last=False) for text in rule.excluded)
        if self._manifest.fallback:
            yield from self._lineups.edges(self._manifest.fallback)

    def _intervals(self, start: int, end: int) -> dict[int, list[Interval]]:
        """The windows of all rules that can matter, by the rule's place."""
        rules = self._manifest.rules
        least = max(
            (self._ranks[place] for place, rule in enumerate(rules) if self._covers(rule, start, end)), default=(False, -1)
        )
        wanted = (place for place in range(len(rules)) if self._ranks[place] >= least)
        found = ((place, self._windows(rules[place], start, end)) for place in wanted)
        return {place: spans for place, spans in found if spans}

    def _windows(self, rule: Rule, start: int, end: int) -> list[Interval]:
        self._effort.require(_RULE_STEPS + (steps_of(rule.rrule) if rule.rrule else 0) + len(rule.excluded))
        spans = windows(rule, self._zone, start, end)
        self._effort.require(_WINDOW_STEPS * len(spans))
        return spans

    def _covers(self, rule: Rule, start: int, end: int) -> bool:
        """Whether a rule is on air without a break or a cap: what is below it does not matter."""
        if rule.max_plays_per_hour is not None or not runs_through(rule):
            return False
        edges = self._lineups.edges(rule.playlist)
        if bisect_left(edges, start + 1) != bisect_left(edges, end) or self._lineups.at(rule.playlist, start) is None:
            return False
        return any(first <= start and end <= last for first, last in windows(rule, self._zone, start, end))

    def _groups(self, ranked: Iterable[Collection[int]], instant: int) -> tuple[_Group, ...]:
        """The rules that can play by rank, down to the first group that no cap can silence; the fallback comes last."""
        groups: list[_Group] = []
        for places in ranked:
            able = ((place, self._lineups.at(self._manifest.rules[place].playlist, instant)) for place in sorted(places))
            if group := tuple((place, lineup) for place, lineup in able if lineup):
                groups.append(group)
                if not all(self._capped[place] for place, _ in group):
                    return tuple(groups)
        if self._manifest.fallback and (lineup := self._lineups.at(self._manifest.fallback, instant)):
            groups.append(((-1, lineup),))
        return tuple(groups)

    def _segment(self, groups: tuple[_Group, ...]) -> Segment:
        signature = tuple(tuple((place, lineup.key) for place, lineup in group) for group in groups)
        if signature not in self._segments:
            found = [[self._share(place, lineup) for place, lineup in group] for group in groups]
            shares, *reserves = [tuple(share for share, _ in group) for group in found] or [()]
            self._segments[signature] = Segment(
                key=sha256_hex("\n".join(" ".join(key for _, key in group) for group in found).encode())[:32],
                time_zone=self._manifest.time_zone,
                shares=shares,
                reserves=tuple(reserves),
                cut=Cut.NOW if any(share.cut is Cut.NOW for share in shares) else Cut.CLIP,
            )
        return self._segments[signature]

    def _share(self, place: int, lineup: Lineup) -> tuple[Share, str]:
        """A rule's share, and the identity of its content."""
        if (place, lineup.key) not in self._shares:
            share = self._made_share(place, lineup)
            self._shares[place, lineup.key] = share, _key(share)
        return self._shares[place, lineup.key]

    def _made_share(self, place: int, lineup: Lineup) -> Share:
        if place < 0:
            return Share(None, None, lineup.playlist, lineup)
        rule = self._manifest.rules[place]
        cut = Cut.NOW if rule.emergency else rule.cut
        return Share(rule.id, rule.schedule, rule.playlist, lineup, rule.weight, rule.max_plays_per_hour, cut, rule.emergency)


class _Active:
    """Which rules are active by rank, asked for rising instants. The intervals of one rule neither meet nor overlap."""

    def __init__(self, intervals: dict[int, list[Interval]], ranks: Sequence[tuple[bool, int]]) -> None:
        self._ranks = ranks
        self._places: dict[tuple[bool, int], set[int]] = {}
        for rank in sorted({ranks[place] for place in intervals}, reverse=True):
            self._places[rank] = set()
        spans = [(first, last, place) for place, own in intervals.items() for first, last in own]
        self._starts = sorted(((first, place) for first, _, place in spans), reverse=True)
        self._ends = sorted(((last, place) for _, last, place in spans), reverse=True)

    def by_rank(self, instant: int) -> Iterable[Collection[int]]:
        """The places of the rules active at an instant, the highest rank first."""
        while self._starts and self._starts[-1][0] <= instant:
            _, place = self._starts.pop()
            self._places[self._ranks[place]].add(place)
        while self._ends and self._ends[-1][0] <= instant:
            _, place = self._ends.pop()
            self._places[self._ranks[place]].discard(place)
        return self._places.values()


def _key(share: Share) -> str:
    s = share
    identity = [s.rule, s.schedule, s.playlist, s.lineup.key, s.weight, s.max_plays_per_hour, s.cut.value, s.emergency]
    return sha256_hex(canonical_bytes(identity))
