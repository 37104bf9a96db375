"""What may become a clip: every file here was really made, and really damaged."""

import hashlib
import os
import sys
from pathlib import Path

import pytest

from avtech_controller.media import MediaError, ToolError, measure, thumbnail
from avtech_controller.media._process import run
from avtech_schema.identifiers import DurationMs
from tests.clips import Clips, clips

pytestmark = pytest.mark.media
__all__ = ["clips"]

BAD = {
    "20.2-seconds.mp4": ("AVT404", "lasts 20.20 s, at most 20 s are allowed"),
    "an-hour.mp4": ("AVT404", "lasts 22 s or more, at most 20 s are allowed"),
    "one-picture.mp4": ("AVT402", "holds a still picture, not a clip"),
    "no-frames.mp4": ("AVT402", "has no video stream, not a clip"),
    "still.jpg": ("AVT402", "holds a still picture, not a clip"),
    "cover.mp4": ("AVT406", "cover art"),
    "only-sound.mp4": ("AVT402", "has no video stream"),
    "long-sound.mp4": ("AVT405", "states 6.00 s but its frames last 2.00 s"),
    "hevc.mp4": ("AVT406", "its codec is hevc, allowed is h264"),
    "ten-bit.mp4": ("AVT406", "its pixel format is yuv420p10le, allowed is yuv420p"),
    "full-colour.mp4": ("AVT406", "its pixel format is yuv444p"),
    "matroska.mp4": ("AVT406", "its container is matroska, allowed is mp4"),
    "quicktime.mov": ("AVT406", "its container is mov, allowed is mp4"),
    "huge.mp4": ("AVT407", "its picture is 4096x2304, at most 3840x2160"),
    "fast.mp4": ("AVT406", "its frame rate is 120, at most 60"),
    "truncated.mp4": ("AVT403", "does not decode from end to end"),
    "no-index.mp4": ("AVT402", "cut short"),
    "undecodable.mp4": ("AVT403", "no frame of it decodes"),
    "lying.mp4": ("AVT405", "states 2.00 s but its frames last 6.00 s"),
    "edit-list.mp4": ("AVT405", "states 4.00 s but its frames last 12.00 s"),
    "two-videos.mp4": ("AVT406", "holds 2 video streams"),
    "subtitles.mp4": ("AVT406", "holds subtitles"),
    "empty.mp4": ("AVT401", "is empty"),
    "text.mp4": ("AVT402", "not a video"),
    "playlist.mp4": ("AVT402", "not a video"),
    "concat.mp4": ("AVT402", "a list of other files is not followed"),
    "noise.mp4": ("AVT402", "not a video"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_clip_is_refused_with_its_code_and_one_line(clips: Clips, name: str) -> None:
    code, reason = BAD[name]
    with pytest.raises(MediaError) as refused:
        measure(clips[name])
    assert refused.value.code == code
    assert reason in str(refused.value)
    assert str(refused.value).startswith(f"{name}: ")
    assert "\n" not in str(refused.value)
    assert refused.value.exit_code == 1


@pytest.mark.parametrize(
    ("name", "duration", "rate", "audio"),
    [
        ("good.mp4", 2000, "25/1", None),
        ("with-sound.mp4", 2000, "25/1", "aac"),
        ("exactly-20.mp4", 20_000, "25/1", None),
        ("one-frame-over.mp4", 20_000, "25/1", None),
        ("portrait.mp4", 2002, "30000/1001", None),
    ],
)
def test_a_good_clip_is_measured(clips: Clips, name: str, duration: int, rate: str, audio: str | None) -> None:
    data = clips[name].read_bytes()
    measured = measure(clips[name])
    assert measured.duration_ms == duration
    assert (measured.frame_rate, measured.audio_codec) == (rate, audio)
    assert (measured.container, measured.video_codec, measured.pixel_format) == ("mp4", "h264", "yuv420p")
    assert (measured.sha256, measured.size) == (hashlib.sha256(data).hexdigest(), len(data))


@pytest.mark.parametrize("name", ["-y.mp4", "http:x.mp4", "a b\nc.mp4", "concat:a|b.mp4", "%d.mp4", "ñú 今.mp4", "noextension"])
def test_a_strange_name_is_only_a_name(clips: Clips, tmp_path: Path, name: str) -> None:
    clip = clips.copy("good.mp4", tmp_path / name)
    assert measure(clip).duration_ms == 2000
    assert thumbnail(clip, DurationMs(2000)).startswith(b"\xff\xd8")


def test_a_relative_path_is_read_from_here(clips: Clips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clips.copy("good.mp4", tmp_path / "here.mp4")
    monkeypatch.chdir(tmp_path)
    assert measure(Path("here.mp4")).duration_ms == 2000


def test_what_is_no_file_is_refused_without_being_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    for path in (tmp_path / "pipe.mp4", tmp_path, Path("/dev/zero"), tmp_path / "missing.mp4", tmp_path / "nul\0.mp4"):
        with pytest.raises(MediaError) as refused:
            measure(path)
        assert refused.value.code == "AVT401"
        assert "\0" not in str(refused.value)


def test_a_file_beyond_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "sparse.mp4").open("wb") as file:
        file.truncate(200_000_001)
    with pytest.raises(MediaError, match="at most 200,000,000 are allowed") as refused:
        measure(tmp_path / "sparse.mp4")
    assert refused.value.code == "AVT407"


def test_the_same_clip_has_the_same_thumbnail_whose_width_is_320(clips: Clips, tmp_path: Path) -> None:
    first = thumbnail(clips["portrait.mp4"], DurationMs(2002))
    assert first == thumbnail(clips.copy("portrait.mp4", tmp_path / "copy.mp4"), DurationMs(2002))
    height, width = _jpeg_size(first)
    assert (width, height) == (320, 568)


def test_a_thumbnail_of_what_does_not_decode_is_refused(clips: Clips) -> None:
    with pytest.raises(MediaError, match="no thumbnail can be made"):
        thumbnail(clips["undecodable.mp4"], DurationMs(2000))


def test_a_tool_that_hangs_is_killed_with_its_children() -> None:
    done = run(["sh", "-c", "sleep 300 & sleep 300"], seconds=0.3, limit=100)
    assert "longer than 0.3 s" in done.stopped


def test_a_tool_that_floods_is_killed_and_what_it_said_is_bounded() -> None:
    done = run(["sh", "-c", "while :; do echo flood; done"], seconds=30, limit=1000)
    assert "more than expected" in done.stopped
    assert len(done.stdout) == 1000


def test_a_tool_that_takes_too_much_memory_fails() -> None:
    done = run([sys.executable, "-c", "x = bytearray(6 << 30)"], seconds=30, limit=1000)
    assert done.returncode != 0
    assert b"MemoryError" in done.stderr


def test_a_missing_ffmpeg_says_how_to_get_it(clips: Clips, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clip = clips["good.mp4"]
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match="ffprobe is not installed") as failed:
        measure(clip)
    assert failed.value.exit_code == 2
    assert "apt install ffmpeg" in failed.value.hint


def _jpeg_size(data: bytes) -> tuple[int, int]:
    at = data.index(b"\xff\xc0") + 5
    return int.from_bytes(data[at : at + 2], "big"), int.from_bytes(data[at + 2 : at + 4], "big")
