"""What all resources share: their envelope, strictness, and the spellings of names and local times."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from avtech_schema import identifiers, localtime

API_VERSION = "avtech/v1"


class Strict(BaseModel):
    """Frozen, camelCase in YAML, no unknown keys, no conversions between types.

    A text below a field describes it in the JSON Schemas, whose maker reads it from the source: every command would pay
    for pydantic's doing so.
    """

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        alias_generator=to_camel,
        field_title_generator=lambda name, _: name.rstrip("_").replace("_", " ").capitalize(),
    )


ClientName = Annotated[
    str,
    StringConstraints(pattern=identifiers.CLIENT_PATTERN, max_length=identifiers.MAX_NAME_LENGTH),
    Field(examples=["CLI-ACME"]),
]
ScreenName = Annotated[
    str,
    StringConstraints(pattern=identifiers.SCREEN_PATTERN, max_length=identifiers.MAX_NAME_LENGTH),
    Field(examples=["SCR-ACME-0001"]),
]
VideoName = Annotated[
    str,
    StringConstraints(pattern=identifiers.VIDEO_PATTERN, max_length=identifiers.MAX_NAME_LENGTH),
    Field(examples=["VID-ACME-WELCOME"]),
]
SlugName = Annotated[
    str,
    StringConstraints(pattern=identifiers.SLUG_PATTERN, max_length=identifiers.MAX_NAME_LENGTH),
    Field(examples=["autumn-promo"]),
]
Sha256Text = Annotated[
    str,
    StringConstraints(pattern=identifiers.SHA256_PATTERN),
    Field(examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"]),
]
TimeZoneName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_+/-]{1,64}$"), Field(examples=["Europe/Madrid", "America/New_York"])
]
"""An IANA time zone; that it exists in the pinned tzdata is checked with the other references."""
FromTime = Annotated[str, StringConstraints(pattern=localtime.WALL_TIME_PATTERN), Field(examples=["08:30"])]
UntilTime = Annotated[str, StringConstraints(pattern=localtime.UNTIL_TIME_PATTERN), Field(examples=["22:30", "24:00"])]
LocalDate = Annotated[
    str,
    StringConstraints(pattern=localtime.DATE_PATTERN),
    AfterValidator(localtime.local_date),
    Field(examples=["2026-12-24"], json_schema_extra={"format": "date"}),
]
LocalBound = Annotated[
    str,
    StringConstraints(pattern=localtime.BOUND_PATTERN),
    AfterValidator(localtime.local_bound),
    Field(examples=["2026-12-24", "2026-12-24T18:30"]),
]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Weekdays = Annotated[list[Weekday], Field(min_length=1, examples=[["mon", "tue", "wed", "thu", "fri"]])]
Weight = Annotated[int, Field(ge=1, le=1000, examples=[3])]
LabelKey = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9./-]{0,61}[a-z0-9])?$")]
LabelValue = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Labels = Annotated[dict[LabelKey, LabelValue], Field(examples=[{"site": "new-york", "area": "lobby"}])]
Title = Annotated[str, StringConstraints(min_length=1, max_length=200), Field(examples=["Autumn in the lobbies"])]


class Metadata(Strict):
    """Who a resource is. The name identifies it; the path of its file does not."""

    name: str
    """The resource's name."""
    labels: Labels = {}
    """Labels by which groups and schedules select."""


class ClientMetadata(Metadata):
    """Who a client is."""

    name: ClientName
    """`CLI-` and capital letters, digits and single hyphens; unique in the repository."""


class ScreenMetadata(Metadata):
    """Who a screen is."""

    name: ScreenName
    """`SCR-` and capital letters, digits and single hyphens; unique in the repository."""


class VideoMetadata(Metadata):
    """Who a clip is."""

    name: VideoName
    """`VID-` and capital letters, digits and single hyphens; unique in the repository."""


class SlugMetadata(Metadata):
    """Who a resource is that has a plain name."""

    name: SlugName
    """Small letters, digits and single hyphens; unique among the client's resources of this kind."""


def says(*names: str) -> dict[str, Any]:
    """JSON Schema: these keys are there and not null, nor empty."""
    given: dict[str, Any] = {"not": {"enum": [None, [], {}]}}
    return {"required": list(names), "properties": dict.fromkeys(names, given)}


def window_is_empty(from_: str | None, until: str | None) -> bool:
    """Whether a window of wall time has equal ends; neither given means the whole day."""
    return localtime.seconds_of_day(from_ or "00:00") == localtime.seconds_of_day(until or "24:00")


def check_bounds(first: str | None, last: str | None, *, names: tuple[str, str] = ("validFrom", "validUntil")) -> None:
    """Refuse a validity that ends before it begins (a last date includes its whole day).

    Raises:
        ValueError: it is empty.
    """
    if first is None or last is None:
        return
    if first[:10] > last if len(last) == 10 else first >= last:
        raise ValueError(f"`{names[1]}` ({last}) is not after `{names[0]}` ({first}): nothing is between them")


def parse_instant(text: str) -> datetime:
    """Read an instant; one without an offset is local to a screen and stays naive.

    Raises:
        ValueError: it is not a date-time of the calendar.
    """
    return datetime.fromisoformat(text)
