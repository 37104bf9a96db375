"""What player tests play: clips rendered by ffmpeg, damaged ones, and manifests around them."""

import hashlib
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from avtech_player.ports import Clip, Generation
from avtech_schema.canonical import sha256_hex
from avtech_schema.identifiers import (
    ByteSize,
    ClientId,
    CommitId,
    DurationMs,
    ScreenId,
    Sha256,
    Slug,
    VideoId,
)
from avtech_schema.manifest import Asset, Display, Item, Manifest, Orientation, Rule
from avtech_schema.report import ReleaseRef

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
"""A Monday."""


def render(path: Path, source: str, seconds: float = 1.0) -> Path:
    """Render a clip by ffmpeg, from a colour's name or a whole lavfi source."""
    source = source if "=" in source else f"color={source}:s=320x180:r=25"
    command = ["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", source, "-t", str(seconds), "-y"]
    codec = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-pix_fmt", "yuv420p", "-movflags", "+faststart"]
    subprocess.run([*command, *codec, str(path)], check=True, timeout=60)
    return path


@cache
def video_bytes(source: str, seconds: float = 1.0) -> bytes:
    """The bytes of a rendered clip, made once in a process."""
    import tempfile

    with tempfile.TemporaryDirectory() as directory:
        return render(Path(directory, "clip.mp4"), source, seconds).read_bytes()


def scrambled(data: bytes) -> bytes:
    """A clip that is whole to every box but whose pictures are noise."""
    at = data.index(b"mdat") + 4
    noise = hashlib.shake_256(b"noise").digest(len(data) - at)
    return data[:at] + noise


def cut_short(data: bytes, keep: float) -> bytes:
    """A clip whose media data end early, with boxes that agree with that."""
    at = data.index(b"mdat")
    end = at + 4 + int((len(data) - at - 4) * keep)
    return data[: at - 4] + (end - at + 4).to_bytes(4) + data[at:end]


def make_clip(folder: Path, name: str, data: bytes, *, ms: int = 1000, rule: str | None = None) -> Clip:
    """Put a clip on the disk."""
    path = folder / f"{name.lower()}.mp4"
    path.write_bytes(data)
    return Clip(VideoId(f"VID-{name.upper()}"), sha256_hex(data), path, DurationMs(ms), rule)


def rule(name: str, playlist: str, **more: Any) -> Rule:
    """A rule all day, every day, unless told otherwise."""
    return Rule(id=f"{name}/1", schedule=Slug(name), playlist=Slug(playlist), **more)


def make_generation(
    clips: Mapping[str, list[Clip]],
    rules: list[Rule],
    *,
    fallback: str | None = None,
    sequence: int = 1,
    orientation: Orientation = Orientation.LANDSCAPE,
) -> Generation:
    """A generation of playlists of clips and rules over them."""
    everything = {clip.video: clip for playlist in clips.values() for clip in playlist}
    manifest = Manifest(
        screen=ScreenId("SCR-T-1"),
        client=ClientId("CLI-T"),
        time_zone="Etc/UTC",
        display=Display(320, 180, orientation, None),
        rules=tuple(rules),
        playlists={Slug(name): tuple(Item(clip.video, None) for clip in playlist) for name, playlist in clips.items()},
        fallback=Slug(fallback) if fallback else None,
        assets={
            video: Asset(clip.sha256, ByteSize(clip.path.stat().st_size), clip.duration, f"content/CLI-T/{clip.sha256}")
            for video, clip in everything.items()
        },
    )
    digest: Sha256 = sha256_hex(manifest.canonical())
    ref = ReleaseRef(sequence, CommitId(f"{sequence:040x}"), digest)
    return Generation(ref, manifest, {video: clip.path for video, clip in everything.items()})
