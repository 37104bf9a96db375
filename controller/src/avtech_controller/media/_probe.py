"""Reads what a file's header claims, by ffprobe."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import orjson

from avtech_controller.media._errors import MediaCode, MediaError
from avtech_controller.media._process import run

PROBE_SECONDS = 30.0
READABLE_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,mpeg,mpegts,ogg,asf,h264,hevc,obu,ivf,rawvideo,yuv4mpegpipe,"
    "gif,apng,image2,jpeg_pipe,png_pipe,webp_pipe,bmp_pipe,tiff_pipe,mp3,aac,wav,flac"
)
"""Formats that hold all of their data: a playlist that names other files or hosts (HLS, DASH, concat) is never followed."""
MOVING = frozenset({"gif", "apng"})
"""Codecs whose streams count as video though ffprobe calls their frames images."""


@dataclass(frozen=True, slots=True)
class VideoStream:
    """One stream of moving pictures. Durations are milliseconds, the rate frames a second."""

    codec: str
    pixel_format: str
    width: int
    height: int
    frame_rate: Fraction | None
    duration_ms: int | None


@dataclass(frozen=True, slots=True)
class Probe:
    """What the header claims; `pictures` counts cover art and still images."""

    container: str
    duration_ms: int | None
    videos: tuple[VideoStream, ...]
    audio_codecs: tuple[str, ...]
    pictures: int
    subtitles: int


def probe_file(path: Path, name: str) -> Probe:
    """Ask ffprobe about a local file; `name` is what messages call it.

    Raises:
        MediaError: it is no format that ffprobe knows.
        ToolError: ffprobe cannot be run.
    """
    # `ffmpeg.probe` would run the same command without a time-out and keep whatever it says.
    options = ("-v", "error", "-protocol_whitelist", "file", "-format_whitelist", READABLE_FORMATS)
    command = ("ffprobe", *options, "-show_format", "-show_streams", "-of", "json", f"file:{path}")
    done = run(command, seconds=PROBE_SECONDS, limit=1_000_000)
    if done.stopped or done.returncode:
        reason = done.stopped or _reason(done.complaint())
        raise MediaError(MediaCode.NOT_VIDEO, f"{name}: not a video that can be read ({reason})", hint=_HINT)
    try:
        return _parse(orjson.loads(done.stdout))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise MediaError(MediaCode.NOT_VIDEO, f"{name}: its header makes no sense", hint=_HINT) from error


_HINT = "is it the right file? If it is, copy it again, whole, or export it again as MP4 with H.264"
_REASONS = {
    "moov atom not found": "it has no index of frames: it is no MP4, or was cut short",
    "Invalid data found": "its bytes are of no known format",
    "Format not on whitelist": "a list of other files is not followed",
    "Permission denied": "permission denied",
}


def _reason(complaint: str) -> str:
    """ffprobe's complaint in words for people; one that is not known stays as it is, without addresses and path."""
    known = (words for sign, words in _REASONS.items() if sign in complaint)
    return next(known, complaint.rpartition("] ")[2] or "ffprobe failed")


def _parse(answer: dict[str, Any]) -> Probe:
    streams: list[dict[str, Any]] = answer.get("streams", [])
    form: dict[str, Any] = answer["format"]
    container = _container(form)
    moving = [stream for stream in streams if stream.get("codec_type") == "video" and not _is_picture(stream, container)]
    return Probe(
        container=container,
        duration_ms=_milliseconds(form.get("duration")),
        videos=tuple(_video(stream) for stream in moving),
        audio_codecs=tuple(str(s.get("codec_name", "")) for s in streams if s.get("codec_type") == "audio"),
        pictures=sum(1 for stream in streams if stream.get("codec_type") == "video" and stream not in moving),
        subtitles=sum(1 for stream in streams if stream.get("codec_type") == "subtitle"),
    )


def _container(form: dict[str, Any]) -> str:
    """One short name; QuickTime shares its reader with MP4 and is told apart by its brand."""
    names = str(form["format_name"]).split(",")
    if "mp4" in names:
        brand = str(form.get("tags", {}).get("major_brand", "")).strip()
        return {"qt": "mov", "": "mov"}.get(brand, "mp4")
    if "webm" in names:
        return "webm" if str(form.get("filename", "")).endswith(".webm") else "matroska"
    return names[0]


def _is_picture(stream: dict[str, Any], container: str) -> bool:
    attached = bool(stream.get("disposition", {}).get("attached_pic"))
    still = container == "image2" or container.endswith("_pipe")
    return (attached or still) and stream.get("codec_name") not in MOVING


def _video(stream: dict[str, Any]) -> VideoStream:
    return VideoStream(
        codec=str(stream.get("codec_name", "")),
        pixel_format=str(stream.get("pix_fmt", "")),
        width=int(stream.get("width", 0)),
        height=int(stream.get("height", 0)),
        frame_rate=_rate(stream.get("avg_frame_rate")) or _rate(stream.get("r_frame_rate")),
        duration_ms=_milliseconds(stream.get("duration")),
    )


def _rate(text: object) -> Fraction | None:
    over, _, under = str(text).partition("/")
    if not over.isdecimal() or not under.isdecimal() or not int(over) or not int(under):
        return None
    return Fraction(int(over), int(under))


def _milliseconds(text: object) -> int | None:
    return None if text is None else round(float(str(text)) * 1000)
