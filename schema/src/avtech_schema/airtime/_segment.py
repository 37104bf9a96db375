"""What is on air: a segment, the shares that divide it, and the lineups they draw on."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from avtech_schema.identifiers import Slug, VideoId
from avtech_schema.manifest import Cut


@dataclass(frozen=True, slots=True)
class Turn:
    """One item of a lineup that may play now: a clip or a nested lineup, and its weight in turns."""

    weight: int
    clip: VideoId | None = None
    lineup: "Lineup | None" = None


@dataclass(frozen=True, slots=True)
class Lineup:
    """What of a playlist may play now, never empty; `key` is the identity of the turns, nested ones included."""

    key: str
    playlist: Slug
    turns: tuple[Turn, ...] = field(compare=False, repr=False)

    def lineups(self) -> Iterator["Lineup"]:
        """This lineup and all that are nested in it, each once, in order."""
        seen: set[str] = set()
        stack: list[Lineup] = [self]
        while stack:
            lineup = stack.pop()
            if lineup.key not in seen:
                seen.add(lineup.key)
                yield lineup
                stack.extend(turn.lineup for turn in reversed(lineup.turns) if turn.lineup)

    def clips(self) -> tuple[VideoId, ...]:
        """All clips, each once, in the order of the playlist."""
        found: dict[VideoId, None] = {}
        seen = {self.key}
        stack = [iter(self.turns)]
        while stack:
            for turn in stack[-1]:
                if turn.clip:
                    found[turn.clip] = None
                elif turn.lineup and turn.lineup.key not in seen:
                    seen.add(turn.lineup.key)
                    stack.append(iter(turn.lineup.turns))
                    break
            else:
                stack.pop()
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Share:
    """One rule's part of the air, or the fallback's, whose `rule` and `schedule` are None."""

    rule: str | None
    schedule: Slug | None
    playlist: Slug
    lineup: Lineup
    weight: int = 1
    max_plays_per_hour: int | None = None
    cut: Cut = Cut.CLIP
    emergency: bool = False


@dataclass(frozen=True, slots=True)
class OnAir:
    """A clip that may play; `rule` and `schedule` are None for the fallback, `playlist` is the one the rule names."""

    clip: VideoId
    rule: str | None
    schedule: Slug | None
    playlist: Slug


@dataclass(frozen=True, slots=True)
class Segment:
    """What is on air from one change to the next.

    `shares` are the rules that tie, or the fallback as the one share; empty when nothing at all can play. `reserves`
    are the groups that step in, in order, when all before them have reached their cap. `until` is the next instant
    (UTC) at which any of this changes, caps apart; None if it stays. `key` is the identity of the content.
    """

    key: str
    time_zone: str
    shares: tuple[Share, ...]
    reserves: tuple[tuple[Share, ...], ...] = ()
    until: datetime | None = None
    cut: Cut = Cut.CLIP

    @property
    def is_fallback(self) -> bool:
        """Whether no rule can play."""
        return all(share.rule is None for share in self.shares)

    def on_air(self) -> tuple[OnAir, ...]:
        """Every clip that may play, rule by rule, in the playlists' order (reserves apart)."""
        return tuple(
            OnAir(clip, share.rule, share.schedule, share.playlist) for share in self.shares for clip in share.lineup.clips()
        )

    def playlists(self) -> frozenset[Slug]:
        """Every playlist that has a clip on air, nested ones included (reserves apart)."""
        return frozenset(lineup.playlist for share in self.shares for lineup in share.lineup.lineups())

    def interrupts(self, previous: "Segment | None") -> bool:
        """Whether this segment cuts into the clip on screen: a rule that cuts in is on air that was not before."""
        before = set() if previous is None else {share.rule for share in previous.shares}
        return any(share.cut is Cut.NOW and share.rule not in before for share in self.shares)
