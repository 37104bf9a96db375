"""The names things have: identifiers, digests and units, and the rules for their spelling (DESIGN section 2)."""

import re
from typing import NewType

ClientId = NewType("ClientId", str)
"""`CLI-…`: a tenant."""
ScreenId = NewType("ScreenId", str)
"""`SCR-…`: one screen, which is one player."""
VideoId = NewType("VideoId", str)
"""`VID-…`: one clip in the content index."""
Slug = NewType("Slug", str)
"""The name of a playlist, schedule, group or air check within its client."""
Sha256 = NewType("Sha256", str)
"""64 lower-case hexadecimal digits."""
CommitId = NewType("CommitId", str)
"""40 (or, in a SHA-256 repository, 64) lower-case hexadecimal digits."""
DurationMs = NewType("DurationMs", int)
"""A length of time in milliseconds."""
ByteSize = NewType("ByteSize", int)
"""A size in bytes."""

CLIENT_PATTERN = r"^CLI-[A-Z0-9]+(-[A-Z0-9]+)*$"
SCREEN_PATTERN = r"^SCR-[A-Z0-9]+(-[A-Z0-9]+)*$"
VIDEO_PATTERN = r"^VID-[A-Z0-9]+(-[A-Z0-9]+)*$"
SLUG_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*$"
SHA256_PATTERN = r"^[0-9a-f]{64}$"
COMMIT_PATTERN = r"^([0-9a-f]{40}|[0-9a-f]{64})$"

MAX_NAME_LENGTH = 64
MAX_CLIP_MS = DurationMs(20_000)
"""A clip lasts more than 0 and at most 20 seconds."""

_CLIENT = re.compile(CLIENT_PATTERN)
_SCREEN = re.compile(SCREEN_PATTERN)
_VIDEO = re.compile(VIDEO_PATTERN)
_SLUG = re.compile(SLUG_PATTERN)
_SHA256 = re.compile(SHA256_PATTERN)
_COMMIT = re.compile(COMMIT_PATTERN)


def client_id(text: str) -> ClientId:
    """Parse a client's identifier.

    Raises:
        ValueError: it does not match `CLIENT_PATTERN` or is longer than 64 characters.
    """
    return ClientId(_matched(_CLIENT, text, "a client (CLI-…)"))


def screen_id(text: str) -> ScreenId:
    """Parse a screen's identifier.

    Raises:
        ValueError: it does not match `SCREEN_PATTERN` or is longer than 64 characters.
    """
    return ScreenId(_matched(_SCREEN, text, "a screen (SCR-…)"))


def video_id(text: str) -> VideoId:
    """Parse a clip's identifier.

    Raises:
        ValueError: it does not match `VIDEO_PATTERN` or is longer than 64 characters.
    """
    return VideoId(_matched(_VIDEO, text, "a clip (VID-…)"))


def slug(text: str) -> Slug:
    """Parse the name of a playlist, schedule, group or air check.

    Raises:
        ValueError: it does not match `SLUG_PATTERN` or is longer than 64 characters.
    """
    return Slug(_matched(_SLUG, text, "a name of small letters, digits and single hyphens"))


def sha256(text: str) -> Sha256:
    """Parse a digest.

    Raises:
        ValueError: it is not 64 lower-case hexadecimal digits.
    """
    return Sha256(_matched(_SHA256, text, "a SHA-256 of 64 small hexadecimal digits"))


def commit_id(text: str) -> CommitId:
    """Parse a full commit id.

    Raises:
        ValueError: it is not 40 or 64 lower-case hexadecimal digits.
    """
    return CommitId(_matched(_COMMIT, text, "a full commit id"))


def _matched(pattern: re.Pattern[str], text: str, what: str) -> str:
    if len(text) > MAX_NAME_LENGTH or not pattern.fullmatch(text):
        raise ValueError(f"{text[:80]!r} is not {what}")
    return text
