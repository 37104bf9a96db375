"""Playlist, Schedule, AirCheck: what plays and when (DESIGN section 3)."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from avtech_schema.identifiers import MAX_NAME_LENGTH, SLUG_PATTERN, VIDEO_PATTERN
from avtech_schema.localtime import INSTANT_PATTERN
from avtech_schema.manifest import Cut
from avtech_schema.recurrence import RRULE_PATTERN, check_rrule
from avtech_schema.resources._common import (
    ClientName,
    FromTime,
    Labels,
    LocalBound,
    LocalDate,
    ScreenName,
    SlugMetadata,
    SlugName,
    Strict,
    Title,
    UntilTime,
    VideoName,
    Weekdays,
    Weight,
    check_bounds,
    parse_instant,
    says,
    window_is_empty,
)


def _recurrence(text: str) -> str:
    check_rrule(text)
    return text


RecurrenceText = Annotated[
    str,
    StringConstraints(max_length=500),
    AfterValidator(_recurrence),
    Field(examples=["FREQ=MONTHLY;BYDAY=1FR"], json_schema_extra={"pattern": RRULE_PATTERN}),
]


class PlaylistItem(Strict):
    """A clip, or a whole playlist that counts as one item."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [says("clip"), says("playlist")]})

    clip: VideoName | None = None
    """The clip to play."""
    playlist: SlugName | None = None
    """A playlist to nest: each of its turns plays its next clip."""
    weight: Weight = 1
    """Turns this item gets, relative to the other items."""
    valid_from: LocalBound | None = None
    """First day, or local time, on which the item may play."""
    valid_until: LocalBound | None = None
    """Last day (inclusive), or local time (exclusive), on which the item may play."""

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        if (self.clip is None) == (self.playlist is None):
            raise ValueError("an item names either a `clip` or a `playlist`")
        check_bounds(self.valid_from, self.valid_until)
        return self


class PlaylistSpec(Strict):
    """Clips in order."""

    client: ClientName
    """Whose playlist it is; it holds clips of this client only."""
    title: Title | None = None
    """What it is for, for humans."""
    items: Annotated[list[PlaylistItem], Field(min_length=1)]
    """The items in order."""


class Playlist(Strict):
    """Clips in order; may nest other playlists."""

    api_version: Literal["avtech/v1"]
    kind: Literal["Playlist"]
    metadata: SlugMetadata
    spec: PlaylistSpec


class ScreenSelector(Strict):
    """Which screens: those named, those in the groups, and those that carry all of the labels."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [says("names"), says("groups"), says("matchLabels")]})

    names: list[ScreenName] = []
    """Screens by name."""
    groups: list[SlugName] = []
    """Groups of this client."""
    match_labels: Labels | None = None
    """Screens of this client that carry all of these labels."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.names and not self.groups and not self.match_labels:
            raise ValueError("a schedule selects screens by `names`, `groups` or `matchLabels`")
        return self


class ScheduleRule(Strict):
    """When a playlist is on air. A rule that narrows nothing is on air all day, every day."""

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                {
                    "if": {"required": ["emergency"], "properties": {"emergency": {"const": True}}},
                    "then": {**says("validUntil"), "not": {"required": ["cut"], "properties": {"cut": {"const": "clip"}}}},
                },
                {"if": says("rrule"), "then": says("validFrom")},
            ]
        }
    )

    play: SlugName
    """The playlist."""
    title: Title | None = None
    """What the rule is for, for humans."""
    from_: Annotated[FromTime | None, Field(alias="from")] = None
    """Start of the window in local wall time; midnight if missing."""
    until: UntilTime | None = None
    """End of the window (exclusive); midnight if missing. Earlier than `from` crosses midnight."""
    days: Weekdays | None = None
    """Weekdays on which a window begins; every day if missing."""
    valid_from: LocalBound | None = None
    """First day on which a window begins, or the local time from which the rule may play."""
    valid_until: LocalBound | None = None
    """Last day on which a window begins (inclusive), or the local time at which the rule ends (exclusive)."""
    except_: Annotated[list[LocalDate], Field(alias="except")] = []
    """Dates on which no window begins."""
    rrule: RecurrenceText | None = None
    """RFC 5545 recurrence of the days, date parts only, anchored at `validFrom`: `FREQ=MONTHLY;BYDAY=1FR`."""
    priority: Annotated[int, Field(ge=0, le=100, examples=[20])] = 0
    """The highest priority on air wins."""
    weight: Weight = 1
    """Share of the air among rules of the same priority."""
    emergency: Annotated[bool, Field(examples=[True])] = False
    """Outranks every priority and cuts in at once; needs `validUntil`."""
    cut: Annotated[Cut, Field(strict=False)] | None = None
    """`now` interrupts the clip on screen when the rule begins; `clip` waits for its end (default, except in emergencies)."""
    max_plays_per_hour: Annotated[int, Field(ge=1, le=3600, examples=[6])] | None = None
    """Most plays of this rule in a local clock hour; then it steps aside."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if window_is_empty(self.from_, self.until):
            raise ValueError("`from` and `until` are equal: the window is empty")
        check_bounds(self.valid_from, self.valid_until)
        if self.emergency and self.valid_until is None:
            raise ValueError("an emergency needs `validUntil`: it must end by itself")
        if self.emergency and self.cut is Cut.CLIP:
            raise ValueError("an emergency cuts in at once: `cut: clip` cannot hold")
        if self.rrule is not None and self.valid_from is None:
            raise ValueError("`rrule` counts from `validFrom`, which is missing")
        if self.rrule is not None:
            check_rrule(self.rrule, self.valid_from)
        return self


class ScheduleSpec(Strict):
    """Screens, and the rules for their air."""

    client: ClientName
    """Whose schedule it is."""
    title: Title | None = None
    """What it is for, for humans."""
    screens: ScreenSelector
    """The screens it speaks of."""
    rules: Annotated[list[ScheduleRule], Field(min_length=1)]
    """The rules."""


class Schedule(Strict):
    """When which playlist is on air on which screens."""

    api_version: Literal["avtech/v1"]
    kind: Literal["Schedule"]
    metadata: SlugMetadata
    spec: ScheduleSpec


class AirCheckSpec(Strict):
    """What must be on air on a screen at an instant."""

    client: ClientName
    """Whose check it is."""
    screen: ScreenName
    """The screen."""
    at: Annotated[
        str,
        StringConstraints(pattern=INSTANT_PATTERN),
        Field(examples=["2026-12-24T18:00", "2026-12-24T17:00:00Z"]),
    ]
    """The instant: local to the screen, or with an offset."""
    plays: Annotated[
        str,
        StringConstraints(pattern=f"({VIDEO_PATTERN})|({SLUG_PATTERN})", max_length=MAX_NAME_LENGTH),
        Field(examples=["VID-ACME-WELCOME", "autumn-promo"]),
    ]
    """A clip or a playlist that must be among what is on air then."""

    @model_validator(mode="after")
    def _instant(self) -> Self:
        parse_instant(self.at)
        return self


class AirCheck(Strict):
    """An assertion on airtime, checked by `avtech validate`."""

    api_version: Literal["avtech/v1"]
    kind: Literal["AirCheck"]
    metadata: SlugMetadata
    spec: AirCheckSpec
