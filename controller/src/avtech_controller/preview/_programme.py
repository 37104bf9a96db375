"""What is on air as an editor speaks of it: playlists that share the air, what steps in when a cap is reached, and clips."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from avtech_schema.airtime import Lineup, Segment, Share
from avtech_schema.canonical import canonical_bytes, sha256_hex
from avtech_schema.identifiers import Slug, VideoId
from avtech_schema.manifest import Asset, Cut, Manifest


class Kind(StrEnum):
    """Why something is on air; `NOTHING` is the built-in slate."""

    RULES = "rules"
    FALLBACK = "fallback"
    EMERGENCY = "emergency"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Item:
    """What a playlist holds: a clip with the SHA-256 of its file, or another playlist; its weight in turns."""

    playlist: Slug
    name: str
    weight: int
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """One rule's part of the air; `rule` is None for the fallback, `cap` is in plays an hour."""

    playlist: Slug
    rule: str | None
    clips: tuple[VideoId, ...]
    weight: int
    cap: int | None
    cuts: bool
    items: tuple[Item, ...] = ()
    """The playlist's items, and those of the playlists in it; equal ones are one, with their weights together."""

    def weight_of(self, clip: VideoId) -> int:
        """The turns of a clip, in whichever of the playlists holds it."""
        return max((item.weight for item in self.items if item.name == clip), default=1)


@dataclass(frozen=True, slots=True)
class Programme:
    """What is on air from one change to the next.

    The parts of the first group share the air; each later group steps in when all before it have reached their caps.
    Two programmes with one `identity` look the same on the screen, whatever the rules behind them are called.
    """

    identity: str
    kind: Kind
    groups: tuple[tuple[Part, ...], ...]

    @property
    def label(self) -> str:
        """Such as `offers` or `brand (at most 4 an hour), else offers`."""
        return ", else ".join(" + ".join(_part(part) for part in group) for group in self.groups) or "nothing"

    @property
    def main(self) -> Slug | None:
        """The playlist that fills most of the time: the first that no cap silences."""
        parts = [part for group in self.groups for part in group]
        return next((part.playlist for part in parts if part.cap is None), parts[0].playlist if parts else None)

    def parts(self) -> Iterator[Part]:
        """All parts, group by group."""
        for group in self.groups:
            yield from group

    def clips(self) -> tuple[VideoId, ...]:
        """Every clip, once, in the order of the playlists."""
        return tuple(dict.fromkeys(clip for part in self.parts() for clip in part.clips))


def name_of(programme: Programme) -> str:
    """A programme in a few words."""
    prefix = {Kind.FALLBACK: "fallback: ", Kind.EMERGENCY: "EMERGENCY: "}.get(programme.kind, "")
    return prefix + programme.label


class Programmes:
    """The programmes of one manifest's segments, each made once."""

    def __init__(self, manifest: Manifest) -> None:
        self._assets = manifest.assets
        self._known: dict[str, Programme] = {}

    def of(self, segment: Segment) -> Programme:
        """A segment in an editor's words."""
        if segment.key not in self._known:
            self._known[segment.key] = _programme(segment, self._assets)
        return self._known[segment.key]


def _programme(segment: Segment, assets: Mapping[VideoId, Asset]) -> Programme:
    shared = tuple(group for group in (segment.shares, *segment.reserves) if group)
    kind = _kind(segment)
    identity = [kind.value, [[_identity(share, group, assets) for share in group] for group in shared]]
    groups = tuple(tuple(_made(share, assets) for share in group) for group in shared)
    return Programme(sha256_hex(canonical_bytes(identity))[:24], kind, groups)


def _kind(segment: Segment) -> Kind:
    if not segment.shares:
        return Kind.NOTHING
    if any(share.emergency for share in segment.shares):
        return Kind.EMERGENCY
    return Kind.FALLBACK if segment.is_fallback else Kind.RULES


def _made(share: Share, assets: Mapping[VideoId, Asset]) -> Part:
    return Part(
        playlist=share.playlist,
        rule=share.rule,
        clips=share.lineup.clips(),
        weight=share.weight,
        cap=share.max_plays_per_hour,
        cuts=share.cut is Cut.NOW,
        items=_items(share.lineup, assets),
    )


def _items(lineup: Lineup, assets: Mapping[VideoId, Asset]) -> tuple[Item, ...]:
    found: dict[tuple[Slug, str], Item] = {}
    for one in lineup.lineups():
        for turn in one.turns:
            name = turn.clip or (turn.lineup.playlist if turn.lineup else "")
            known = found.get((one.playlist, name))
            weight = turn.weight + (known.weight if known else 0)
            found[one.playlist, name] = Item(one.playlist, name, weight, assets[turn.clip].sha256 if turn.clip else "")
    return tuple(found.values())


def _identity(share: Share, group: tuple[Share, ...], assets: Mapping[VideoId, Asset]) -> list[object]:
    """What of a share shows: not its rule's name, and its weight only beside others; but the very files of its clips."""
    weight = share.weight if len(group) > 1 else 1
    files = [assets[clip].sha256 for clip in share.lineup.clips()]
    return [share.playlist, share.lineup.key, weight, share.max_plays_per_hour, share.cut.value, files]


def _part(part: Part) -> str:
    return f"{part.playlist} (at most {part.cap} an hour)" if part.cap else part.playlist
