"""Decodes every frame of a clip: the only measure of its length that no header can falsify."""

from dataclasses import dataclass
from pathlib import Path

import ffmpeg

from avtech_controller.media._errors import MediaCode, MediaError
from avtech_controller.media._policy import EXPORT_HINT, READ_SECONDS
from avtech_controller.media._process import run

DECODE_SECONDS = 120.0
"""Time-out of one decode; a clip of 10 s in 1080p takes 2.5 s on a small machine."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What came out: how long the frames last, in milliseconds, and how many there are."""

    duration_ms: int
    frames: int


def decode(path: Path, name: str, *, max_pixels: int) -> Decoded:
    """Decode the whole video stream of an MP4, failing at the first flaw; edit lists are ignored, as players do.

    Raises:
        MediaError: a frame does not decode, or the decoder does not come to an end.
        ToolError: ffmpeg cannot be run.
    """
    done = run(_command(path, max_pixels), seconds=DECODE_SECONDS, limit=1_000_000)
    complaint = done.complaint()
    if done.stopped or done.returncode or complaint:
        reason = done.stopped or complaint.rpartition("] ")[2] or f"ffmpeg ended with {done.returncode}"
        raise MediaError(
            MediaCode.DAMAGED,
            f"{name}: does not decode from end to end ({reason})",
            hint=EXPORT_HINT,
        )
    facts = _facts(done.stdout)
    if facts.get("progress") != "end" or not facts.get("out_time_us", "").lstrip("-").isdecimal():
        raise MediaError(MediaCode.DAMAGED, f"{name}: no frame of it decodes", hint=EXPORT_HINT)
    return Decoded(round(int(facts["out_time_us"]) / 1000), int(facts.get("frame", "0") or 0))


def _facts(progress: bytes) -> dict[str, str]:
    """The last value of every key of ffmpeg's progress report."""
    facts: dict[str, str] = {}
    for line in progress.decode(errors="replace").splitlines():
        key, _, value = line.partition("=")
        facts[key] = value.strip()
    return facts


def _command(path: Path, max_pixels: int) -> list[str]:
    source = ffmpeg.input(
        f"file:{path}",
        err_detect="explode",
        ignore_editlist=1,
        max_pixels=max_pixels,
        protocol_whitelist="file",
        f="mp4",
        t=READ_SECONDS,
    )
    output = ffmpeg.output(
        source["v:0"].filter("setpts", "PTS-STARTPTS"), "-", format="null", fps_mode="passthrough"
    ).global_args("-nostdin", "-v", "error", "-xerror", "-nostats", "-progress", "pipe:1")
    return [str(argument) for argument in ffmpeg.compile(output)]
