"""Video: one clip of the content index."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from avtech_schema.identifiers import MAX_CLIP_MS
from avtech_schema.resources._common import (
    ClientName,
    LocalBound,
    Sha256Text,
    Strict,
    Title,
    VideoMetadata,
    check_bounds,
    says,
)


class Media(Strict):
    """What was measured in the file."""

    container: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+$"), Field(examples=["mp4"])]
    """The container."""
    video_codec: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$"), Field(examples=["h264"])]
    """The codec of the video stream."""
    pixel_format: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$"), Field(examples=["yuv420p"])]
    """The pixel format of the video stream."""
    width: Annotated[int, Field(ge=1, le=16384, examples=[1920])]
    """Width in pixels."""
    height: Annotated[int, Field(ge=1, le=16384, examples=[1080])]
    """Height in pixels."""
    frame_rate: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*/[1-9][0-9]*$"), Field(examples=["25/1"])]
    """Frames per second, as a fraction."""
    audio_codec: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$"), Field(examples=["aac"])] | None = None
    """The codec of the audio stream; none if missing."""


class Thumbnail(Strict):
    """A picture of the clip, in the store beside it."""

    sha256: Sha256Text
    """SHA-256 of the picture (JPEG)."""
    size_bytes: Annotated[int, Field(ge=1, examples=[10240])]
    """Size of the picture."""


class Rights(Strict):
    """The time in which the clip may be shown, in each screen's local time."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [says("from"), says("until")]})

    from_: Annotated[LocalBound | None, Field(alias="from")] = None
    """First day, or local time, on which it may be shown. In the future, it is an embargo."""
    until: LocalBound | None = None
    """Last day (inclusive), or local time (exclusive), on which it may be shown."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.from_ is None and self.until is None:
            raise ValueError("rights have a `from`, an `until`, or both")
        check_bounds(self.from_, self.until, names=("from", "until"))
        return self


class VideoSpec(Strict):
    """One clip."""

    client: ClientName
    """Whose clip it is."""
    title: Title | None = None
    """What it shows, for humans."""
    sha256: Sha256Text
    """SHA-256 of the file."""
    size_bytes: Annotated[int, Field(ge=1, examples=[482113])]
    """Size of the file."""
    duration_ms: Annotated[int, Field(ge=1, le=int(MAX_CLIP_MS), examples=[10000])]
    """Length in milliseconds: more than 0 and at most 20 seconds."""
    media: Media
    """What was measured in the file."""
    original_name: Annotated[str, StringConstraints(min_length=1, max_length=255), Field(examples=["welcome-final.mp4"])]
    """The file's name when it was added."""
    thumbnail: Thumbnail | None = None
    """A picture of the clip."""
    rights: Rights | None = None
    """The time in which it may be shown; always if missing."""
    state: Literal["active", "archived"] = "active"
    """An archived clip stays in the index for audit; no playlist may hold it."""


class Video(Strict):
    """One clip of the content index; the file itself lies in the store, by its SHA-256."""

    api_version: Literal["avtech/v1"]
    kind: Literal["Video"]
    metadata: VideoMetadata
    spec: VideoSpec
