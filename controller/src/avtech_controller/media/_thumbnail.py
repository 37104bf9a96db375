"""Makes a clip's picture for people to recognise it by."""

from pathlib import Path

import ffmpeg

from avtech_controller.media._errors import MediaCode, MediaError
from avtech_controller.media._measure import shown
from avtech_controller.media._process import run
from avtech_schema.identifiers import DurationMs

THUMBNAIL_WIDTH = 320
"""Pixels; the height follows the clip's shape."""


def thumbnail(path: Path, duration_ms: DurationMs) -> bytes:
    """The picture a third into a measured clip, as a JPEG; the same clip and ffmpeg give the same bytes.

    Raises:
        MediaError: there is no picture at that place.
        ToolError: ffmpeg cannot be run.
    """
    source = ffmpeg.input(
        f"file:{path.absolute()}",
        ss=f"{duration_ms / 3000:.3f}",
        ignore_editlist=1,
        protocol_whitelist="file",
        f="mp4",
        threads=1,
    )
    output = ffmpeg.output(
        source["v:0"].filter("scale", THUMBNAIL_WIDTH, -2, flags="bicubic+accurate_rnd+bitexact").filter("format", "yuvj420p"),
        "pipe:1",
        format="image2",
        vcodec="mjpeg",
        frames=1,
        threads=1,
        flags="+bitexact",
        fflags="+bitexact",
        update=1,
        **{"q:v": 4},
    ).global_args("-nostdin", "-v", "error")
    done = run(ffmpeg.compile(output), seconds=30.0, limit=2_000_000)
    if done.returncode or done.stopped or not done.stdout.startswith(b"\xff\xd8"):
        reason = done.stopped or done.complaint() or "no frame there"
        raise MediaError(MediaCode.DAMAGED, f"{shown(path)}: no thumbnail can be made ({reason})")
    return done.stdout
