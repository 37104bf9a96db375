"""Screens with the same change put together, and what a plan does to the air of every clip. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from avtech_controller.planning._plan import Plan, ScreenChange
from avtech_schema.canonical import canonical_bytes, sha256_hex
from avtech_schema.identifiers import ByteSize, ClientId, ScreenId, VideoId


@dataclass(frozen=True, slots=True)
class ChangeGroup:
    """Screens of one client with the same change, which `first` stands for; `digest` identifies the change, not a manifest."""

    digest: str
    first: ScreenChange
    screens: tuple[ScreenId, ...]

    @property
    def download(self) -> ByteSize:
        """The bytes of clips that all of its players together lack."""
        return ByteSize(self.first.download * len(self.screens))


@dataclass(frozen=True, slots=True)
class ClipTotal:
    """The seconds of air that a clip gains (or loses, below 0) in the coming week, on all screens together, and how many."""

    client: ClientId
    clip: VideoId
    gain: int
    screens: int


def group_changes(plan: Plan) -> tuple[ChangeGroup, ...]:
    """The plan's changes by client, those of most screens first."""
    shared: dict[tuple[object, ...], list[ScreenChange]] = {}
    for change in plan.changes:
        key = (change.kind, change.client, id(change.details), id(change.air), change.emergency_only)
        shared.setdefault(key, []).append(change)
    merged: dict[str, list[ScreenChange]] = {}
    for changes in shared.values():
        merged.setdefault(change_digest(changes[0]), []).extend(changes)
    groups = (
        ChangeGroup(digest, found[0], tuple(sorted(change.screen for change in found))) for digest, found in merged.items()
    )
    return tuple(sorted(groups, key=lambda group: (group.first.client, -len(group.screens), group.screens[0])))


def change_digest(change: ScreenChange) -> str:
    """The identity of what happens to a screen: equal for screens on which the same changes, whatever else they show."""
    air = change.air.identity if change.air else None
    parts = [change.kind.value, change.client, list(change.details), change.download, change.emergency_only, air]
    return sha256_hex(canonical_bytes(parts))[:16]


def clip_totals(plan: Plan) -> tuple[ClipTotal, ...]:
    """What every clip gains or loses in the coming week, those that gain or lose most first."""
    totals: dict[tuple[ClientId, VideoId], tuple[int, int]] = {}
    for client, clip, gain, screens in _gains(plan):
        known = totals.get((client, clip), (0, 0))
        totals[client, clip] = (known[0] + gain * screens, known[1] + screens)
    found = (ClipTotal(client, clip, gain, screens) for (client, clip), (gain, screens) in totals.items())
    return tuple(sorted(found, key=lambda total: (-abs(total.gain), total.client, total.clip)))


def _gains(plan: Plan) -> Iterator[tuple[ClientId, VideoId, int, int]]:
    """Each clip's gain with the number of screens that have the very same change of air."""
    counts: dict[tuple[ClientId, int], list[ScreenChange]] = {}
    for change in plan.changes:
        if change.air:
            counts.setdefault((change.client, id(change.air)), []).append(change)
    for (client, _), changes in counts.items():
        air = changes[0].air
        for clip in air.clips if air else ():
            yield client, clip.clip, clip.gain, len(changes)
