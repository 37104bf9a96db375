"""Fleet, Client, Screen, Group: where things play and under which limits."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, WithJsonSchema, model_validator

from avtech_schema.manifest import Orientation
from avtech_schema.resources._common import (
    ClientMetadata,
    ClientName,
    FromTime,
    Labels,
    LocalBound,
    ScreenMetadata,
    ScreenName,
    SlugMetadata,
    SlugName,
    Strict,
    TimeZoneName,
    Title,
    UntilTime,
    Weekdays,
    check_bounds,
    says,
    window_is_empty,
)
from avtech_schema.rollout import ALLOWANCE_PATTERN, MAX_ALLOWANCE, MAX_SOAK, MAX_WAVES, parse_allowance

Percent = Annotated[int, Field(ge=0, le=100, examples=[20])]
ScreenCount = Annotated[int, Field(ge=0, examples=[5])]
"""A number of screens."""


def _allowance(value: int | str) -> int | str:
    if isinstance(value, str) and not value.endswith("%"):
        raise ValueError(f"expected a number of screens, or a share such as `2%`, found {value[:80]!r}")
    parse_allowance(value)
    return value


ScreenAllowance = Annotated[
    int | str,
    AfterValidator(_allowance),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": MAX_ALLOWANCE},
                {"type": "string", "pattern": ALLOWANCE_PATTERN, "examples": ["2%"]},
            ]
        }
    ),
]
"""A number of screens, or a share of them."""


class Limits(Strict):
    """Safety limits of one publication; a plan beyond any of them needs consent that names its numbers."""

    changed_percent: Percent = 50
    """Largest share of the released screens that one publication may change, in percent."""
    changed_screens: ScreenCount | None = None
    """Largest number of released screens that one publication may change."""
    removed_percent: Percent = 10
    """Largest share of the released screens that one publication may remove, in percent."""
    removed_screens: ScreenCount | None = None
    """Largest number of released screens that one publication may remove."""
    emptied_percent: Percent = 10
    """Largest share of the released screens that may lose all their scheduled airtime of the next 7 days, in percent."""
    emptied_screens: ScreenCount | None = None
    """Largest number of released screens that may lose all their scheduled airtime of the next 7 days."""
    minimum_screens: ScreenCount = 10
    """Percentages are not applied while fewer screens than this are released."""


class ClientLimits(Limits):
    """Safety limits that hold for the screens of one client alone, besides those of the whole fleet."""

    changed_percent: Percent = 100
    """Largest share of the client's released screens that one publication may change, in percent."""
    removed_percent: Percent = 50
    """Largest share of the client's released screens that one publication may remove, in percent."""
    emptied_percent: Percent = 50
    """Largest share of the client's released screens that may lose all their scheduled airtime, in percent."""


class Freeze(Strict):
    """A time in which nothing is published, except changes that only add or end emergencies."""

    from_: Annotated[LocalBound, Field(alias="from")]
    """First day or local time of the freeze, in the fleet's time zone."""
    until: LocalBound
    """Last day (inclusive) or local time (exclusive) of the freeze."""
    reason: Annotated[str, StringConstraints(min_length=1, max_length=200), Field(examples=["Christmas"])]
    """Why, for whoever is stopped by it."""

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        check_bounds(self.from_, self.until, names=("from", "until"))
        return self


class FleetDefaults(Strict):
    """What clients and screens inherit."""

    time_zone: TimeZoneName = "Etc/UTC"
    """The time zone of clients that name none, and of freezes."""
    limits: ClientLimits = ClientLimits()
    """Safety limits for the screens of each client that has none of its own."""


class Retention(Strict):
    """How long what is no longer used stays in the store."""

    releases: Annotated[int, Field(ge=1, examples=[20])] = 20
    """Releases whose manifests and clips are kept."""
    days: Annotated[int, Field(ge=1, examples=[90])] = 90
    """Days for which a release's manifests and clips are kept at least."""


class Wave(Strict):
    """One step of a rollout: which screens, and how long to watch them."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [says("percent"), says("matchLabels")]})

    percent: Percent | None = None
    """Share of the changing screens in this and all earlier waves, in percent; which ones differs from rollout to rollout."""
    match_labels: Labels = {}
    """Screens that carry all of these labels are in this wave, before any others."""
    soak_minutes: Annotated[int, Field(ge=0, le=MAX_SOAK, examples=[60])] = 30
    """How long the wave is watched before the next begins."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.percent is None and not self.match_labels:
            raise ValueError("a wave gives `percent`, `matchLabels`, or both")
        return self


class Rollout(Strict):
    """How a release reaches the fleet: all at once, or wave by wave."""

    waves: Annotated[list[Wave], Field(max_length=MAX_WAVES - 1)] = []
    """The waves in order; none means all screens at once. Screens that no wave takes come last, after the same soak."""
    min_reporting: Percent = 90
    """Share of the screens that have the release, of those that ever reported, that must speak of it before it goes on."""
    min_samples: Annotated[int, Field(ge=1, examples=[3])] = 1
    """Number of screens of a wave that must speak of the release before it goes on; all of a wave that has fewer."""
    max_failed: ScreenAllowance = 0
    """Screens on which the release may fail before it halts: a number, or a share of those that have it such as `2%`."""
    max_lost: ScreenAllowance = "5%"
    """Screens that may fall silent after they got the release before it halts: a number, or a share."""
    lost_minutes: Annotated[int, Field(ge=1, le=100_000, examples=[30])] = 15
    """A screen that reported before and has not for so long is lost; players report every 5 minutes."""
    deadline_minutes: Annotated[int, Field(ge=1, le=1_000_000, examples=[720])] | None = None
    """A wave that lacks reports for so long halts the rollout; without it, the rollout waits."""
    on_halt: Literal["revert", "hold"] = "revert"
    """What happens to the screens already touched when a rollout halts: back to what was good, or left as they are."""


class Moved(Strict):
    """A screen's new name. It is the same screen to plans and safety limits, not one removed and another added."""

    kind: Literal["Screen"]
    """What was renamed."""
    from_: Annotated[ScreenName, Field(alias="from")]
    """The name under which it was released."""
    to: ScreenName
    """The name it has now."""

    @model_validator(mode="after")
    def _moves(self) -> Self:
        if self.from_ == self.to:
            raise ValueError("`from` and `to` are the same name")
        return self


class FleetChecks(Strict):
    """Warnings that a fleet may do without, because what they warn of is its way of working."""

    gaps: Literal["warn", "ignore"] = "warn"
    """Times within a screen's power hours in which no rule is on air, so that its fallback plays."""
    orientation: Literal["warn", "ignore"] = "warn"
    """Upright clips on screens that hang across, and the other way round."""


class FleetSpec(Strict):
    """The fleet as a whole."""

    store: Annotated[str, Field(examples=["s3://signage/live?endpoint=https://s3.example.com"])] | None = None
    """Object store: `file:///dir` or `s3://bucket/prefix?endpoint=https://host`. `--store`, AVTECH_STORE override it."""
    defaults: FleetDefaults = FleetDefaults()
    """What clients and screens inherit."""
    limits: Limits = Limits()
    """Safety limits of one publication, for the fleet as a whole."""
    freezes: list[Freeze] = []
    """Times in which nothing is published."""
    rollout: Rollout = Rollout()
    """How a release reaches the fleet."""
    retention: Retention = Retention()
    """How long what is no longer used stays in the store."""
    moved: list[Moved] = []
    """Screens that were renamed; an entry may go when the new name is released."""
    checks: FleetChecks = FleetChecks()
    """Warnings that the fleet wants or does without."""


class Fleet(Strict):
    """The one resource that speaks of the whole fleet; it stands in fleet/fleet.yaml."""

    api_version: Literal["avtech/v1"]
    kind: Literal["Fleet"]
    metadata: SlugMetadata
    spec: FleetSpec


class ClientSpec(Strict):
    """A tenant."""

    title: Title
    """The client's name, for humans."""
    time_zone: TimeZoneName | None = None
    """Time zone of screens that name none; the fleet's default if missing."""
    storage_quota_bytes: Annotated[int, Field(ge=0, examples=[50_000_000_000])] | None = None
    """Most bytes of active clips the client may hold; no limit if missing."""
    fallback: SlugName | None = None
    """Playlist that plays on the client's screens when no rule can."""
    limits: ClientLimits | None = None
    """Safety limits for this client's screens, besides the fleet's; those of the fleet's `defaults` if missing."""


class Client(Strict):
    """A tenant: its own screens, playlists, schedules and clips."""

    api_version: Literal["avtech/v1"]
    kind: Literal["Client"]
    metadata: ClientMetadata
    spec: ClientSpec


class PowerHoursSpec(Strict):
    """When the panel is on, in local wall time; `until` earlier than `from` crosses midnight."""

    from_: Annotated[FromTime, Field(alias="from")]
    """When the panel goes on."""
    until: UntilTime
    """When the panel goes off."""
    days: Weekdays | None = None
    """Days on which it goes on; every day if missing."""

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if window_is_empty(self.from_, self.until):
            raise ValueError("`from` and `until` are equal: the window is empty")
        return self


class DisplaySpec(Strict):
    """The panel."""

    resolution: Annotated[
        str, StringConstraints(pattern=r"^[1-9][0-9]{1,4}x[1-9][0-9]{1,4}$"), Field(examples=["3840x2160"])
    ] = "1920x1080"
    """Width x height in pixels, as the panel is built (before it is turned)."""
    orientation: Annotated[Orientation, Field(strict=False)] = Orientation.LANDSCAPE
    """How the panel hangs."""
    power_hours: PowerHoursSpec | None = None
    """When the panel is on; always if missing."""


def _public_key(text: str) -> str:
    from avtech_schema.envelope import public_key

    public_key(text)
    return text


class DeviceSpec(Strict):
    """The player behind a screen."""

    public_key: Annotated[
        str,
        StringConstraints(pattern=r"^ed25519:[A-Za-z0-9+/]{43}=$"),
        AfterValidator(_public_key),
        Field(examples=["ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="]),
    ]
    """Public half of the device key, as `avtech-player enroll` prints it."""


class ScreenSpec(Strict):
    """One screen."""

    client: ClientName
    """Whose screen it is."""
    title: Title | None = None
    """Where it hangs, for humans."""
    time_zone: TimeZoneName | None = None
    """The screen's IANA time zone; the client's if missing."""
    display: DisplaySpec = DisplaySpec()
    """The panel."""
    device: DeviceSpec | None = None
    """The player behind it; missing until it is enrolled."""
    fallback: SlugName | None = None
    """Playlist that plays when no rule can; the client's if missing."""


class Screen(Strict):
    """One screen, which is one player."""

    api_version: Literal["avtech/v1"]
    kind: Literal["Screen"]
    metadata: ScreenMetadata
    spec: ScreenSpec


class GroupSpec(Strict):
    """Screens that are named, and screens that carry all of some labels."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [says("screens"), says("matchLabels")]})

    client: ClientName
    """Whose group it is; it holds screens of this client only."""
    screens: list[ScreenName] = []
    """Screens by name."""
    match_labels: Labels | None = None
    """Screens that carry all of these labels."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.screens and not self.match_labels:
            raise ValueError("a group names `screens`, or gives `matchLabels`")
        return self


class Group(Strict):
    """A named set of screens."""

    api_version: Literal["avtech/v1"]
    kind: Literal["Group"]
    metadata: SlugMetadata
    spec: GroupSpec
