"""Screens with the same change put together, and what a plan does to the air of every clip. Pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from avtech_controller.planning._airtime import AirChange, ClipAir
from avtech_controller.planning._plan import Plan, ScreenChange
from avtech_schema.canonical import canonical_bytes, sha256_hex
from avtech_schema.identifiers import ByteSize, ClientId, ScreenId, VideoId


@dataclass(frozen=True, slots=True)
class ClipRange:
    """What a clip gains (or loses, below 0) over a week on the screens of a group: least, most and all together, in seconds.

    `screens` of the group have a gain or loss of it at all.
    """

    clip: VideoId
    least: int
    most: int
    total: int
    screens: int


@dataclass(frozen=True, slots=True)
class ChangeGroup:
    """Screens of one client with the same change, which `first` stands for; `digest` identifies the change, not a manifest.

    What the change does to the air may differ from screen to screen, since the rest of their programmes may.
    """

    digest: str
    changes: tuple[ScreenChange, ...]

    @property
    def first(self) -> ScreenChange:
        """The change of the first screen."""
        return self.changes[0]

    @property
    def screens(self) -> tuple[ScreenId, ...]:
        """The screens in order of their names."""
        return tuple(change.screen for change in self.changes)

    @property
    def download(self) -> ByteSize:
        """The bytes of clips that all of its players together lack."""
        return ByteSize(self.first.download * len(self.changes))

    def air(self) -> tuple[ClipRange, ...]:
        """What the clips gain in the coming week, those that gain or lose most on all screens first."""
        return _ranges(self.changes, lambda air: air.clips)

    def clock_air(self) -> dict[tuple[date, str], tuple[ClipRange, ...]]:
        """What they gain in weeks of clock changes by day and time zone, where that is not as usual."""
        days = {(clock.day, clock.time_zone) for change in self.changes if change.air and (clock := change.air.clock)}
        found = {at: _ranges(self.changes, partial(_clips_at, at)) for at in days}
        return {at: found[at] for at in sorted(found) if found[at]}


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
        key = (change.kind, change.client, id(change.details), change.download, change.emergency_only, change.emptied)
        shared.setdefault(key, []).append(change)
    merged: dict[str, list[ScreenChange]] = {}
    for changes in shared.values():
        merged.setdefault(change_digest(changes[0]), []).extend(changes)
    groups = (ChangeGroup(digest, tuple(sorted(found, key=lambda change: change.screen))) for digest, found in merged.items())
    return tuple(sorted(groups, key=lambda group: (group.first.client, -len(group.changes), group.first.screen)))


def change_digest(change: ScreenChange) -> str:
    """The identity of what happens to a screen: equal for screens on which the same changes, whatever else they show."""
    parts = [change.kind.value, change.client, list(change.details), change.download, change.emergency_only, change.emptied]
    return sha256_hex(canonical_bytes(parts))[:16]


def clip_totals(plan: Plan) -> tuple[ClipTotal, ...]:
    """What every clip gains or loses in the coming week, those that gain or lose most first."""
    by_client: dict[ClientId, list[ScreenChange]] = {}
    for change in plan.changes:
        by_client.setdefault(change.client, []).append(change)
    found = (
        ClipTotal(client, total.clip, total.total, total.screens)
        for client, changes in by_client.items()
        for total in _ranges(changes, lambda air: air.clips)
    )
    return tuple(sorted(found, key=lambda total: (-abs(total.gain), total.client, total.clip)))


def _clips_at(at: tuple[date, str], air: AirChange) -> tuple[ClipAir, ...]:
    clock = air.clock
    return clock.clips if clock and not clock.as_usual and (clock.day, clock.time_zone) == at else ()


def _ranges(changes: Iterable[ScreenChange], clips: Callable[[AirChange], Sequence[ClipAir]]) -> tuple[ClipRange, ...]:
    """Every clip's gains over some screens; screens that share an answer are counted, not gone through."""
    counts: dict[int, tuple[AirChange, int]] = {}
    for change in changes:
        if change.air:
            counts[id(change.air)] = (change.air, counts.get(id(change.air), (None, 0))[1] + 1)
    found: dict[VideoId, ClipRange] = {}
    for air, screens in counts.values():
        for clip in clips(air):
            known = found.get(clip.clip)
            least, most = (known.least, known.most) if known else (clip.gain, clip.gain)
            total, others = (known.total, known.screens) if known else (0, 0)
            found[clip.clip] = ClipRange(
                clip.clip, min(least, clip.gain), max(most, clip.gain), total + clip.gain * screens, others + screens
            )
    return tuple(sorted(found.values(), key=lambda clip: (-abs(clip.total), clip.clip)))
