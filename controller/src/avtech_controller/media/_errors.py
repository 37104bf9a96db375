"""Why a file is refused as a clip: one stable code and one line for each reason."""

from enum import StrEnum

from avtech_schema.errors import AvtechError, EnvironmentFailedError


class MediaCode(StrEnum):
    """The stable codes of `docs/reference/findings.md` that speak of a clip's file."""

    UNREADABLE = "AVT401"
    """Missing, empty, not a file, not permitted, or changed while it was read."""
    NOT_VIDEO = "AVT402"
    """No format that is known, or no moving picture in it."""
    DAMAGED = "AVT403"
    """Some frame does not decode."""
    DURATION = "AVT404"
    """Shorter than 0 or longer than 20 seconds."""
    HEADER_LIES = "AVT405"
    """The header states another length than the frames have."""
    FORMAT = "AVT406"
    """A container, codec, pixel format or set of streams outside the policy."""
    TOO_LARGE = "AVT407"
    """More pixels or bytes than the policy allows."""


class MediaError(AvtechError):
    """A file that may not become a clip; whoever made the file must act."""

    exit_code = 1

    def __init__(self, code: MediaCode, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code


class ToolError(EnvironmentFailedError):
    """ffmpeg or ffprobe could not be run: nothing is concluded about the file."""

    hint = "run the same command again; ffmpeg has to be installed and runnable (Debian: apt install ffmpeg)"


class ToolMissingError(ToolError):
    """ffmpeg or ffprobe is not installed: whoever runs the command must act."""

    exit_code = 2
    hint = "install ffmpeg, which brings ffprobe (Debian: apt install ffmpeg), and run the same command again"
