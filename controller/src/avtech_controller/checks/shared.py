"""How much of its time a rule really has: less where rules of its rank share the air, none where higher ones cover it.

Judged on the safe side, by the minutes of a week: others count only with what they surely play, and the best screen counts.
"""

from collections.abc import Callable
from dataclasses import dataclass

from avtech_controller.checks.air import Always
from avtech_controller.checks.airing import Airing, week_minutes
from avtech_controller.checks.view import View
from avtech_controller.desired._state import SlugKey
from avtech_schema.manifest import Rule

RulePlace = tuple[SlugKey, int]
"""A rule: its schedule and its place there."""
TurnLength = Callable[[SlugKey], float | None]
"""How long a turn of a playlist is on average, in milliseconds; None if that cannot be told."""
LEAST = 0.02
"""A part of the air smaller than this is not looked for."""
_MAX_PARTS = 64
"""Into so many parts a rule's time is split by what it is shared with; beyond, sharing is left out of account."""


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a rule's time that is its own, from 0 to 1, and the rules it loses the rest to."""

    of_time: float = 1.0
    others: tuple[RulePlace, ...] = ()


@dataclass(frozen=True, slots=True)
class _Claim:
    """A rule with the minutes of the week it surely fills, and its weight in the time that is shared."""

    place: RulePlace
    rank: tuple[bool, int]
    filled: int
    weight: float


class SharedAir:
    """The part of its time that each rule has on the screen where it has most."""

    def __init__(self, view: View, airing: Airing, length: TurnLength) -> None:
        self._airing = airing
        self._always = Always(view)
        self._length = length
        self._claims: dict[RulePlace, _Claim] = {}

    def part(self, key: SlugKey, place: int) -> Part:
        """The part of its time that a rule has."""
        best = Part(0.0)
        for schedules in self._airing.meeting:
            if key in schedules and best.of_time < 1:
                here = [self._claim(one, number) for one in schedules for number in range(len(self._airing.rules[one]))]
                own = self._claim(key, place)
                part = self._part(own, [other for other in here if other.place != own.place and other.filled])
                best = part if part.of_time > best.of_time else best
        return best

    def _claim(self, key: SlugKey, place: int) -> _Claim:
        if (key, place) not in self._claims:
            self._claims[key, place] = self._claimed(key, place, self._airing.rules[key][place])
        return self._claims[key, place]

    def _claimed(self, key: SlugKey, place: int, rule: Rule) -> _Claim:
        playlist = SlugKey(key.client, rule.playlist)
        length = self._length(playlist) or 0.0
        limits = (rule.valid_from, rule.valid_until, rule.rrule, rule.max_plays_per_hour)
        plays = limits == (None,) * 4 and not rule.excluded and length and self._always.playlist(playlist)
        filled = week_minutes(rule.from_s, rule.until_s, rule.days, inner=True) if plays else 0
        return _Claim((key, place), (rule.emergency, rule.priority), filled, rule.weight * length)

    def _part(self, claim: _Claim, others: list[_Claim]) -> Part:
        key, place = claim.place
        rule = self._airing.rules[key][place]
        touched = week_minutes(rule.from_s, rule.until_s, rule.days, inner=False)
        met = [other for other in others if other.filled & touched and other.rank >= claim.rank]
        left = touched
        for other in met:
            left &= ~other.filled if other.rank > claim.rank else -1
        pieces = [(left, claim.weight)]
        for other in met:
            if other.rank == claim.rank and len(pieces) < _MAX_PARTS:
                pieces = [piece for minutes, total in pieces for piece in _split(minutes, total, other) if piece[0]]
        own = sum(minutes.bit_count() * claim.weight / total for minutes, total in pieces if total)
        return Part(own / (touched.bit_count() or 1), tuple(other.place for other in met))


def _split(minutes: int, total: float, other: _Claim) -> tuple[tuple[int, float], tuple[int, float]]:
    return (minutes & other.filled, total + other.weight), (minutes & ~other.filled, total)
