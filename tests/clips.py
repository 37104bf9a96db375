"""Real clips for tests, good and bad, made once per run with ffmpeg or by damaging bytes."""

import fcntl
import os
import shutil
import struct
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest


def make(target: Path, *options: str, source: str = "testsrc=size=320x180:rate=25:duration=2") -> Path:
    """Render a lavfi source; options come last and override."""
    codec = () if "-c:v" in options else ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", source, *codec, *options, str(target)]
    subprocess.run(command, check=True, timeout=60, stdin=subprocess.DEVNULL)
    return target


def _truncated(folder: Path) -> None:
    whole = make(folder / ".whole.mp4", "-movflags", "+faststart").read_bytes()
    (folder / "truncated.mp4").write_bytes(whole[: len(whole) * 2 // 3])
    late = make(folder / ".late.mp4").read_bytes()
    (folder / "no-index.mp4").write_bytes(late[: len(late) // 2])


def _undecodable(folder: Path) -> None:
    """Damage every frame but keep the index: the header is fine, nothing decodes."""
    (folder / "undecodable.mp4").write_bytes(undecodable(make(folder / ".sound.mp4", "-movflags", "+faststart").read_bytes()))


def undecodable(whole: bytes) -> bytes:
    """A clip whose header reads well and whose frames are all rubbish."""
    start = whole.index(b"mdat") + 4
    return whole[:start] + bytes(byte ^ 0xA5 for byte in whole[start:])


def _lying_header(folder: Path) -> None:
    """State a third of the length in every header that has one (mvhd, tkhd, mdhd), as broken tools do."""
    data = bytearray(make(folder / ".honest.mp4", source="testsrc=size=320x180:rate=25:duration=6").read_bytes())
    for box, offset in ((b"mvhd", 20), (b"tkhd", 24), (b"mdhd", 20)):
        at = data.index(box) + offset
        (length,) = struct.unpack(">I", data[at : at + 4])
        data[at : at + 4] = struct.pack(">I", length // 3)
    (folder / "lying.mp4").write_bytes(data)


def _edit_list(folder: Path) -> None:
    """Cut by an edit list only: players that ignore it show what was cut."""
    whole = make(folder / ".long.mp4", "-g", "250", source="testsrc=size=320x180:rate=25:duration=12")
    cut = ["-ss", "8", "-i", str(whole), "-c", "copy", str(folder / "edit-list.mp4")]
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *cut], check=True, timeout=60)


def _two_videos(folder: Path) -> None:
    one = make(folder / ".one.mp4")
    both = ["-i", str(one), "-i", str(one), "-map", "0:v", "-map", "1:v", "-c", "copy", str(folder / "two-videos.mp4")]
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *both], check=True, timeout=60)


def _covered(folder: Path) -> None:
    one, still = (
        make(folder / ".covered.mp4"),
        make(folder / "still.jpg", "-frames:v", "1", "-c:v", "mjpeg", "-pix_fmt", "yuvj420p"),
    )
    both = ["-i", str(one), "-i", str(still), "-map", "0:v", "-map", "1:v", "-c", "copy", "-disposition:v:1", "attached_pic"]
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *both, str(folder / "cover.mp4")], check=True, timeout=60)


def _subtitled(folder: Path) -> None:
    one = make(folder / ".plain.mp4")
    (folder / ".words.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nHello\n")
    both = ["-i", str(one), "-i", str(folder / ".words.srt"), "-map", "0", "-map", "1", "-c:v", "copy", "-c:s", "mov_text"]
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *both, str(folder / "subtitles.mp4")], check=True, timeout=60)


SMALL = "color=size=64x64:rate=25"
MAKERS: dict[str, Callable[[Path], object]] = {
    "good.mp4": lambda f: make(f / "good.mp4"),
    "other.mp4": lambda f: make(f / "other.mp4", source="testsrc2=size=320x180:rate=25:duration=2"),
    "with-sound.mp4": lambda f: make(
        f / "with-sound.mp4", "-f", "lavfi", "-i", "sine=duration=2", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-shortest"
    ),
    "exactly-20.mp4": lambda f: make(f / "exactly-20.mp4", source=f"{SMALL}:duration=20"),
    "one-frame-over.mp4": lambda f: make(f / "one-frame-over.mp4", "-frames:v", "501", source=SMALL),
    "20.2-seconds.mp4": lambda f: make(f / "20.2-seconds.mp4", source=f"{SMALL}:duration=20.2"),
    "an-hour.mp4": lambda f: make(f / "an-hour.mp4", source="color=size=16x16:rate=1:duration=3600"),
    "one-picture.mp4": lambda f: make(f / "one-picture.mp4", "-frames:v", "1"),
    "no-frames.mp4": lambda f: make(f / "no-frames.mp4", "-frames:v", "0"),
    "still.jpg": _covered,
    "cover.mp4": _covered,
    "only-sound.mp4": lambda f: make(f / "only-sound.mp4", "-c:v", "none", "-c:a", "aac", source="sine=duration=2"),
    "long-sound.mp4": lambda f: make(
        f / "long-sound.mp4", "-f", "lavfi", "-i", "sine=duration=6", "-c:v", "libx264", "-pix_fmt", "yuv420p"
    ),
    "hevc.mp4": lambda f: make(f / "hevc.mp4", "-c:v", "libx265", "-x265-params", "log-level=error", "-pix_fmt", "yuv420p"),
    "ten-bit.mp4": lambda f: make(f / "ten-bit.mp4", "-pix_fmt", "yuv420p10le"),
    "full-colour.mp4": lambda f: make(f / "full-colour.mp4", "-pix_fmt", "yuv444p"),
    "matroska.mp4": lambda f: make(f / "matroska.mp4", "-f", "matroska"),
    "quicktime.mov": lambda f: make(f / "quicktime.mov"),
    "huge.mp4": lambda f: make(f / "huge.mp4", source="color=size=4096x2304:rate=5:duration=0.4"),
    "fast.mp4": lambda f: make(f / "fast.mp4", source="color=size=64x64:rate=120:duration=1"),
    "portrait.mp4": lambda f: make(f / "portrait.mp4", source="testsrc=size=180x320:rate=30000/1001:duration=2"),
    "truncated.mp4": _truncated,
    "no-index.mp4": _truncated,
    "undecodable.mp4": _undecodable,
    "lying.mp4": _lying_header,
    "edit-list.mp4": _edit_list,
    "two-videos.mp4": _two_videos,
    "subtitles.mp4": _subtitled,
    "empty.mp4": lambda f: (f / "empty.mp4").write_bytes(b""),
    "text.mp4": lambda f: (f / "text.mp4").write_text("This is not a video.\n" * 100),
    "playlist.mp4": lambda f: (f / "playlist.mp4").write_text("#EXTM3U\n#EXTINF:2,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"),
    "concat.mp4": lambda f: (f / "concat.mp4").write_text("ffconcat version 1.0\nfile good.mp4\n"),
    "noise.mp4": lambda f: (f / "noise.mp4").write_bytes(bytes(range(256)) * 400),
}


@dataclass(frozen=True)
class Clips:
    """The clips of a run, made when they are first asked for."""

    folder: Path

    def __getitem__(self, name: str) -> Path:
        """The path of a clip; treat it as read-only."""
        target = self.folder / name
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not target.exists():
                MAKERS[name](self.folder)
        return target

    def copy(self, name: str, target: Path) -> Path:
        """A private copy."""
        shutil.copyfile(self[name], target)
        return target


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    """Clips shared by all workers of a run; mark the tests that use them `media`."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "clips"
    folder.mkdir(exist_ok=True)
    return Clips(folder)
