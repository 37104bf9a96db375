"""What a change does to a screen's air: minutes gained and lost, clip by clip, in the coming week and around a clock change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from avtech_controller.airtime_minutes import Air, ClockWeek, air, next_clock_week
from avtech_schema.identifiers import VideoId
from avtech_schema.manifest import Manifest

WEEK = timedelta(days=7)
_USUAL = 120
"""Seconds by which a clip's change may differ between two weeks that are told as one."""


@dataclass(frozen=True, slots=True)
class ClipAir:
    """The seconds of air that a clip has over a week on one screen, before and after."""

    clip: VideoId
    before: int
    after: int

    @property
    def gain(self) -> int:
        """The seconds that it gains; negative if it loses."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class ClockChange:
    """The clips whose air differs in the week around the next change of the clocks, and whether that is as in ordinary weeks.

    `day` is the local day of the change in `time_zone`.
    """

    day: date
    time_zone: str
    clips: tuple[ClipAir, ...]
    as_usual: bool


@dataclass(frozen=True, slots=True)
class AirChange:
    """What a change does to one screen's air: the clips whose seconds differ, those that gain or lose most first.

    `scheduled` are the seconds by rules before and after. `emptied`: the screen had scheduled air in the coming week, or
    any air at all, and has none now. `clock` is None when no change of the clocks is ahead or was asked for, or when it
    lies in the coming week.
    """

    clips: tuple[ClipAir, ...]
    scheduled: tuple[int, int]
    emptied: bool
    approximate: bool
    clock: ClockChange | None


@dataclass(frozen=True, slots=True)
class ScreenAir:
    """A manifest's air over the coming week, and over the week of the next change of the clocks if that is measured."""

    manifest: Manifest
    week: Air
    clock: tuple[ClockWeek, str, Air] | None

    def beside(self, week: ClockWeek) -> tuple[Air, Air]:
        """The air over the ordinary weeks before and after that of a change of the clocks."""
        return air(self.manifest, week.start - WEEK, week.start), air(self.manifest, week.end, week.end + WEEK)


def measure(manifest: Manifest, now: datetime, *, clock: bool = True) -> ScreenAir:
    """Reckon a manifest's air from `now` (aware) on, and, if `clock`, around the next change of its clocks.

    Raises:
        ValueError: the manifest's zone or a recurrence is none.
    """
    end = now + WEEK
    found = next_clock_week(manifest.time_zone, now) if clock else None
    around = None
    if found and found.day >= end.date():
        around = (found, manifest.time_zone, air(manifest, found.start, found.end))
    return ScreenAir(manifest, air(manifest, now, end), around)


def compare_air(old: ScreenAir | None, new: ScreenAir | None) -> AirChange:
    """What becomes of a screen's air; None stands for a screen that is not there."""
    before, after = (found.week if found else None for found in (old, new))
    clips = _clips(before, after)
    approximate = any(found.approximate for found in (before, after) if found)
    scheduled = tuple(round(found.scheduled) if found else 0 for found in (before, after))
    return AirChange(
        clips=clips,
        scheduled=(scheduled[0], scheduled[1]),
        emptied=bool(before and after) and _emptied(before, after),
        approximate=approximate,
        clock=_clock_change(old, new),
    )


def _emptied(before: Air | None, after: Air | None) -> bool:
    if before is None or after is None:
        return False
    return any(was >= 1 > now for was, now in ((before.scheduled, after.scheduled), (_all(before), _all(after))))


def _all(found: Air) -> float:
    return found.scheduled + found.fallback


def _clock_change(old: ScreenAir | None, new: ScreenAir | None) -> ClockChange | None:
    """Told only when old and new speak of the same week: a screen whose zone changes has two."""
    first, second = (side.clock if side else None for side in (old, new))
    known = second or first
    if known is None or (first and second and first[0] != second[0]):
        return None
    week, zone, _ = known
    before, after = (side[2] if side else None for side in (first, second))
    usual = _ruled_gains(old.week if old else None, new.week if new else None)
    around = _ruled_gains(before, after)
    stretch = (week.end - week.start) / WEEK
    as_usual = _alike(usual, around, stretch) or _between(_gains_beside(old, new, week), around, stretch)
    return ClockChange(week.day, zone, _clips(before, after), as_usual=as_usual)


def _gains_beside(old: ScreenAir | None, new: ScreenAir | None, week: ClockWeek) -> list[dict[VideoId, float]]:
    """What clips gain by rules in the weeks before and after: what the coming week cannot know, such as a later embargo."""
    olds, news = (side.beside(week) if side else (None, None) for side in (old, new))
    return [_ruled_gains(before, after) for before, after in zip(olds, news, strict=True)]


def _ruled_gains(before: Air | None, after: Air | None) -> dict[VideoId, float]:
    """What clips gain by rules; the fallback fills what is left, and a longer or shorter week is no news."""
    old, new = (found.ruled if found else {} for found in (before, after))
    gains = {clip: new.get(clip, 0) - old.get(clip, 0) for clip in old.keys() | new.keys()}
    return {clip: gain for clip, gain in gains.items() if abs(gain) > _USUAL}


def _alike(usual: Mapping[VideoId, float], around: Mapping[VideoId, float], stretch: float) -> bool:
    """Whether every clip gains as much in both weeks, in time or in proportion, or there is nothing to tell."""
    if not around:
        return True
    return all(
        min(abs(usual.get(clip, 0) - around.get(clip, 0)), abs(usual.get(clip, 0) * stretch - around.get(clip, 0))) <= _USUAL
        for clip in usual.keys() | around.keys()
    )


def _between(beside: Sequence[Mapping[VideoId, float]], around: Mapping[VideoId, float], stretch: float) -> bool:
    """Whether every clip's gain lies between those of the ordinary weeks beside: a validity may begin or end among them."""
    for clip in {clip for gains in (*beside, around) for clip in gains}:
        ordinary = [gains.get(clip, 0) * factor for gains in beside for factor in (1, stretch)]
        if not min(ordinary) - _USUAL <= around.get(clip, 0) <= max(ordinary) + _USUAL:
            return False
    return True


def _clips(before: Air | None, after: Air | None) -> tuple[ClipAir, ...]:
    old, new = (_seconds(found) for found in (before, after))
    found = (ClipAir(clip, old.get(clip, 0), new.get(clip, 0)) for clip in old.keys() | new.keys())
    return tuple(sorted((clip for clip in found if clip.gain), key=lambda clip: (-abs(clip.gain), clip.clip)))


def _seconds(found: Air | None) -> Mapping[VideoId, int]:
    return {clip: round(seconds) for clip, seconds in found.clips.items()} if found else {}
