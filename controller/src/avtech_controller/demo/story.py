"""What the demo's page tells, as plain values: the caller measures, the page only shows."""

from dataclasses import dataclass
from datetime import date, datetime, tzinfo


@dataclass(frozen=True, slots=True)
class Fact:
    """One number that sums something up, such as `0.84 s` from publish to first frame."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Table:
    """The summary; a cell that is one of the states of a screen (`synced`, `failed`, …) is marked as such."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class DaySegment:
    """What is on air from `start` to `end` (aware): its playlists, and its clips with their titles."""

    start: datetime
    end: datetime
    label: str
    clips: tuple[str, ...] = ()
    is_fallback: bool = False
    is_emergency: bool = False


@dataclass(frozen=True, slots=True)
class ScreenDay:
    """One local day of one screen; segments are in order and are cut to the day."""

    screen: str
    title: str
    zone: tzinfo
    day: date
    segments: tuple[DaySegment, ...]


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture of what was on screen (PNG or JPEG); `alt` says it to those who cannot see it."""

    image: bytes
    caption: str
    alt: str


@dataclass(frozen=True, slots=True)
class StoryEvent:
    """Something that was seen: when (aware), in which chapter, and what."""

    at: datetime
    chapter: str
    text: str


@dataclass(frozen=True, slots=True)
class DemoStory:
    """The whole story. `now` (aware) is marked in the days; every part may be empty."""

    title: str
    lead: str
    now: datetime
    facts: tuple[Fact, ...] = ()
    tables: tuple[Table, ...] = ()
    days: tuple[ScreenDay, ...] = ()
    shots: tuple[Shot, ...] = ()
    events: tuple[StoryEvent, ...] = ()
