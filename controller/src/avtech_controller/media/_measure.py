"""Measures one file: whether it may become a clip, and what it is."""

import hashlib
import stat
from dataclasses import dataclass
from pathlib import Path

from avtech_controller.media._decode import decode
from avtech_controller.media._errors import MediaCode, MediaError
from avtech_controller.media._policy import ENCODE_HINT, MAX_BYTES, MAX_HEIGHT, MAX_WIDTH, check_duration, check_format
from avtech_controller.media._probe import Probe, probe_file
from avtech_schema.identifiers import ByteSize, DurationMs, Sha256


@dataclass(frozen=True, slots=True)
class Measured:
    """A clip as it was measured: its bytes, and what a decoder made of them. The frame rate is a fraction like `25/1`."""

    sha256: Sha256
    size: ByteSize
    duration_ms: DurationMs
    container: str
    video_codec: str
    pixel_format: str
    width: int
    height: int
    frame_rate: str
    audio_codec: str | None


def shown(path: Path) -> str:
    """A file's name as messages show it: on one line, whatever characters it has."""
    return path.name if path.name.isprintable() and path.name else repr(path.name)


def measure(path: Path) -> Measured:
    """Measure a file by its header, by decoding every frame, and by hashing it.

    Raises:
        MediaError: it may not become a clip; the message begins with the file's name.
        ToolError: ffmpeg or ffprobe cannot be run.
    """
    path, name = path.absolute(), shown(path)
    before = _identity(path, name)
    probe = probe_file(path, name)
    check_format(probe, name)
    duration = _duration(path, name, probe)
    digest = _hash(path, name)
    if _identity(path, name) != before:
        raise MediaError(MediaCode.UNREADABLE, f"{name}: changed while it was measured", hint="wait until it is written")
    video = probe.videos[0]
    rate = video.frame_rate
    return Measured(
        sha256=digest,
        size=ByteSize(before.size),
        duration_ms=duration,
        container=probe.container,
        video_codec=video.codec,
        pixel_format=video.pixel_format,
        width=video.width,
        height=video.height,
        frame_rate=f"{rate.numerator}/{rate.denominator}" if rate else "1/1",
        audio_codec=probe.audio_codecs[0] if probe.audio_codecs else None,
    )


def _duration(path: Path, name: str, probe: Probe) -> DurationMs:
    decoded = decode(path, name, max_pixels=MAX_WIDTH * MAX_HEIGHT)
    if decoded.frames < 2 and decoded.duration_ms > 0:
        raise MediaError(MediaCode.NOT_VIDEO, f"{name}: holds a still picture, not a clip", hint=ENCODE_HINT)
    rate = probe.videos[0].frame_rate
    return check_duration(decoded.duration_ms, probe, float(1000 / rate) if rate else 0.0, name)


@dataclass(frozen=True, slots=True)
class _Identity:
    device: int
    inode: int
    size: int
    modified_ns: int


def _identity(path: Path, name: str) -> _Identity:
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a name a file can have"
        raise MediaError(MediaCode.UNREADABLE, f"{name}: cannot be read: {reason}") from error
    if not stat.S_ISREG(found.st_mode):
        raise MediaError(MediaCode.UNREADABLE, f"{name}: is not a file")
    if not found.st_size:
        raise MediaError(MediaCode.UNREADABLE, f"{name}: is empty")
    if found.st_size > MAX_BYTES:
        message = f"{name}: has {found.st_size:,} bytes, at most {MAX_BYTES:,} are allowed"
        raise MediaError(MediaCode.TOO_LARGE, message, hint=ENCODE_HINT)
    return _Identity(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def _hash(path: Path, name: str) -> Sha256:
    try:
        with path.open("rb", buffering=0) as file:
            return Sha256(hashlib.file_digest(file, "sha256").hexdigest())
    except OSError as error:
        raise MediaError(MediaCode.UNREADABLE, f"{name}: cannot be read: {error.strerror}") from error
