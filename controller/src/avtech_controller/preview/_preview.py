"""A preview: everything its page and its pictures show, gathered from the desired state, its base and the store."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from avtech_controller.compiler import CompiledScreen
from avtech_controller.desired import DesiredState
from avtech_controller.preview._base import Chosen
from avtech_controller.preview._overview import Row, chosen_weeks, overview
from avtech_controller.preview._pictures import Cache, gather_pictures
from avtech_controller.preview._weeks import Dates, Memory, ScreenWeek, State, screen_weeks
from avtech_controller.stores import ObjectStore
from avtech_schema.identifiers import ClientId, ScreenId, Slug, VideoId
from avtech_schema.resources import Video

MAX_WEEKS = 50
"""Different weeks on one page, unless all are asked for."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip as a page shows it; `picture` is a small JPEG."""

    title: str
    seconds: float
    picture: bytes | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """The weeks of some screens. `after` and `before` say in words which states these are; `before` is empty without one.

    `changed` counts screens that play something else on these days or are new, `otherwise` those that change in another
    way, `unknown` those that cannot be compared; `overview` has every change, also of weeks that are not drawn.
    `left_out` counts the screens that are not drawn, `gone` are screens that only the base has.
    """

    first: date
    last: date
    after: str
    before: str
    weeks: tuple[ScreenWeek, ...]
    screens: int
    changed: int
    otherwise: int = 0
    unknown: int = 0
    overview: tuple[Row, ...] = ()
    left_out: int = 0
    gone: tuple[ScreenId, ...] = ()
    clips: Mapping[VideoId, Clip] = field(default_factory=dict)
    screen_titles: Mapping[ScreenId, str] = field(default_factory=dict)
    playlist_titles: Mapping[tuple[ClientId, Slug], str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subject:
    """What is previewed: a valid state (in words: `label`), and those of its screens that are asked for, compiled."""

    state: DesiredState
    label: str
    screens: Mapping[ScreenId, CompiledScreen]


@dataclass(slots=True)
class Workshop:
    """Where previews are made: the store and the repository pictures come from, and what was made before."""

    repo: Path
    store: ObjectStore | None
    pictures: Cache = field(default_factory=dict)
    weeks: Memory = field(default_factory=Memory)


def make_preview(subject: Subject, chosen: Chosen, dates: Dates, workshop: Workshop, *, every: bool = False) -> Preview:
    """Compute the weeks and gather the pictures of the clips in them; `every` lifts the limit of `MAX_WEEKS`."""
    limit = None if every else MAX_WEEKS
    weeks = screen_weeks(subject.screens.values(), chosen.base, dates, workshop.weeks, limit=limit)
    rows = overview(weeks)
    drawn = chosen_weeks(weeks, rows, limit)
    videos = _videos(drawn, subject.state, chosen.state)
    pictures = gather_pictures(videos.values(), workshop.store, workshop.repo, workshop.pictures)
    days = [pair.day.date for week in drawn for pair in week.days]
    first, last = dates.of("Etc/UTC")
    return Preview(
        first=min(days, default=first),
        last=max(days, default=last),
        after=subject.label,
        before=chosen.label,
        weeks=drawn,
        overview=rows,
        screens=len(subject.screens),
        changed=_count(weeks, State.CHANGED, State.ADDED),
        otherwise=_count(weeks, State.OTHERWISE),
        unknown=_count(weeks, State.UNKNOWN),
        left_out=len(subject.screens) - sum(len(week.screens) for week in drawn),
        gone=tuple(sorted(chosen.base.screens.keys() - subject.state.screens.keys())) if chosen.base else (),
        clips={name: _clip(video, pictures.found.get(name)) for name, video in videos.items()},
        screen_titles=_screen_titles(drawn, subject.state),
        playlist_titles={
            (key.client, key.name): playlist.spec.title
            for key, playlist in subject.state.playlists.items()
            if playlist.spec.title
        },
        notes=chosen.notes + pictures.notes,
    )


def _count(weeks: Iterable[ScreenWeek], *states: State) -> int:
    return sum(len(week.screens) for week in weeks if week.state in states)


def _videos(weeks: Iterable[ScreenWeek], state: DesiredState, before: DesiredState | None) -> dict[VideoId, Video]:
    """The index entries of every clip that is shown, in the order in which they appear."""
    shown = dict.fromkeys(
        clip
        for week in weeks
        for pair in week.days
        for piece in (*(pair.before or ()), *pair.after)
        for clip in piece.block.programme.clips()
    )
    older: Mapping[VideoId, Video] = before.videos if before else {}
    found = ((clip, state.videos.get(clip) or older.get(clip)) for clip in shown)
    return {clip: video for clip, video in found if video is not None}


def _screen_titles(weeks: Iterable[ScreenWeek], state: DesiredState) -> dict[ScreenId, str]:
    named = (screen for week in weeks for screen in week.screens[:MAX_WEEKS])
    return {name: title for name in named if (title := state.screens[name].spec.title)}


def _clip(video: Video, picture: bytes | None) -> Clip:
    return Clip(video.spec.title or video.spec.original_name, video.spec.duration_ms / 1000, picture)
