"""Playout: the next clip of a segment, by an exact weighted rotation that survives restarts (DESIGN section 3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from avtech_schema.airtime._segment import Segment, Share
from avtech_schema.canonical import sha256_hex
from avtech_schema.fields import Fields, FieldsError
from avtech_schema.identifiers import Slug, VideoId
from avtech_schema.zones import offset_at, time_zone, to_instant

MAX_SEGMENTS = 64
"""The positions of as many segments are kept, the most recent ones."""
MAX_COUNTS = 20_000
"""The positions of all segments hold at most as many counts, unless the current segment alone holds more."""
_MAX_ROTATIONS = 10_000
_MAX_PLACES = 100_000

Counts = tuple[int, ...]
"""How many turns each place of a rotation has had in the current round."""


@dataclass(frozen=True, slots=True)
class Play:
    """The clip to play next, whose it is, and what `History.after` must remember of it.

    `rule` and `schedule` are None for the fallback. `hour` is the instant at which the local clock hour began.
    """

    clip: VideoId
    rule: str | None
    schedule: Slug | None
    playlist: Slug
    segment: str
    hour: int
    steps: tuple[tuple[str, Counts], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class History:
    """What has played: positions of the rotations of recent segments, and the plays per rule of one clock hour."""

    positions: Mapping[str, Mapping[str, Counts]] = field(default_factory=dict)
    hour: int = 0
    plays: Mapping[str, int] = field(default_factory=dict)

    def after(self, play: Play) -> "History":
        """The history once a clip has been put on screen."""
        positions = dict(self.positions)
        positions[play.segment] = {**positions.pop(play.segment, {}), **dict(play.steps)}
        held = sum(_size(rotations) for rotations in positions.values())
        while len(positions) > 1 and (len(positions) > MAX_SEGMENTS or held > MAX_COUNTS):
            held -= _size(positions.pop(next(iter(positions))))
        plays = dict(self.plays) if play.hour == self.hour else {}
        if play.rule is not None:
            plays[play.rule] = plays.get(play.rule, 0) + 1
        return History(positions, play.hour, plays)

    def played(self, rule: str | None, hour: int) -> int:
        """How often a rule has played in the clock hour that began at `hour`."""
        return self.plays.get(rule, 0) if rule is not None and hour == self.hour else 0

    def to_json(self) -> dict[str, Any]:
        """The history as a JSON value."""
        return {
            "positions": [
                {"segment": segment, "rotations": [[name, list(counts)] for name, counts in rotations.items()]}
                for segment, rotations in self.positions.items()
            ],
            "hour": self.hour,
            "plays": [[rule, count] for rule, count in self.plays.items()],
        }

    @classmethod
    def from_json(cls, value: object) -> "History":
        """Read what `to_json` made.

        Raises:
            ValueError: it is something else.
        """
        fields = Fields(value, "history")
        positions: dict[str, Mapping[str, Counts]] = {}
        for entry in list(fields.objects("positions"))[-MAX_SEGMENTS:]:
            positions[entry.text("segment", limit=64)] = dict(_rotations(entry.sequence("rotations", limit=_MAX_ROTATIONS)))
            entry.finish()
        hour = fields.integer("hour", low=-(2**53))
        plays = _plays(fields.sequence("plays", limit=_MAX_ROTATIONS))
        fields.finish()
        return cls(positions, hour, plays)


def playout(segment: Segment, history: History, instant: datetime) -> Play | None:
    """The next clip of a segment after what has played; None only if the segment has nothing at all to play.

    A rule that has had its plays of this local clock hour steps aside for those it ties with, then for the reserves in
    order; when every one is capped and there is no fallback, the rules of the segment play on, so that nothing goes black.
    """
    if not segment.shares:
        return None
    hour = _hour(segment.time_zone, to_instant(instant))
    group = segment.shares
    for candidates in (segment.shares, *segment.reserves):
        if free := tuple(share for share in candidates if _is_free(share, history, hour)):
            group = free
            break
    positions = history.positions.get(segment.key, {})
    steps: list[tuple[str, Counts]] = []
    share = group[0]
    if len(group) > 1:
        tied = sha256_hex("\0".join(str(share.rule) for share in group).encode())[:16]
        place = _step(f"ties/{tied}", [share.weight for share in group], positions, steps)
        share = group[place]
    return Play(
        clip=_clip(share, positions, steps),
        rule=share.rule,
        schedule=share.schedule,
        playlist=share.playlist,
        segment=segment.key,
        hour=hour,
        steps=tuple(steps),
    )


def next_turn(weights: Sequence[int], counts: Sequence[int]) -> int:
    """The place whose turn it is, by the quota method; `counts` are the turns so far of a round of `sum(weights)`.

    Of the places below their upper quota at this step, the one whose next turn is due first; ties go to the first.
    So after k turns each has had its share k·w/W, give or take less than one.

    Raises:
        ValueError: the counts are none that this method reaches.
    """
    total, step = sum(weights), sum(counts) + 1
    best = -1
    for place, (weight, count) in enumerate(zip(weights, counts, strict=True)):
        if count * total >= step * weight:
            continue
        if best < 0 or (count + 1) * weights[best] < (counts[best] + 1) * weight:
            best = place
    if best < 0:
        raise ValueError("no place is below its quota")
    return best


def _clip(share: Share, positions: Mapping[str, Counts], steps: list[tuple[str, Counts]]) -> VideoId:
    lineup = share.lineup
    while True:
        rotation = f"{share.rule or ''}/{lineup.playlist}"
        turn = lineup.turns[_step(rotation, [turn.weight for turn in lineup.turns], positions, steps)]
        if turn.clip:
            return turn.clip
        if turn.lineup is None:
            raise ValueError(f"a turn of {lineup.playlist} holds neither a clip nor a playlist")
        lineup = turn.lineup


def _step(rotation: str, weights: Sequence[int], positions: Mapping[str, Counts], steps: list[tuple[str, Counts]]) -> int:
    """Choose a place and note the counts after it; counts that do not fit (a damaged history) start a new round."""
    counts = positions.get(rotation, ())
    if len(counts) != len(weights) or sum(counts) >= sum(weights):
        counts = (0,) * len(weights)
    try:
        place = next_turn(weights, counts)
    except ValueError:
        counts = (0,) * len(weights)
        place = next_turn(weights, counts)
    after = tuple(count + (index == place) for index, count in enumerate(counts))
    steps.append((rotation, after if sum(after) < sum(weights) else (0,) * len(weights)))
    return place


def _size(rotations: Mapping[str, Counts]) -> int:
    return sum(len(counts) for counts in rotations.values())


def _is_free(share: Share, history: History, hour: int) -> bool:
    return share.max_plays_per_hour is None or history.played(share.rule, hour) < share.max_plays_per_hour


def _hour(zone_name: str, instant: int) -> int:
    """The instant at which the clocks of a zone last showed a full hour (as they run now)."""
    return instant - (instant + offset_at(time_zone(zone_name), instant)) % 3600


def _rotations(value: list[Any]) -> list[tuple[str, Counts]]:
    found: list[tuple[str, Counts]] = []
    for pair in value:
        match pair:
            case [str(name), list(counts)] if len(counts) <= _MAX_PLACES and all(map(_is_count, counts)):
                found.append((name, tuple(counts)))
            case _:
                raise FieldsError(f"history: {pair!r:.80} is not the position of a rotation")
    return found


def _plays(value: list[Any]) -> dict[str, int]:
    found: dict[str, int] = {}
    for pair in value:
        match pair:
            case [str(rule), int(count)] if _is_count(count):
                found[rule] = count
            case _:
                raise FieldsError(f"history: {pair!r:.80} is not the plays of a rule")
    return found


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= 2**53
