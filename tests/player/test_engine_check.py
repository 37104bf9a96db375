"""Judging clips off screen: real ones, damaged ones, and files that only claim to be clips."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from avtech_player.engine import ClipCheck, Fault, FaultKind
from avtech_player.engine._boxes import container_fault, container_format
from avtech_player.engine._decode import decode_fault
from avtech_player.ports import Clip
from avtech_schema.canonical import sha256_hex
from tests.player.material import make_clip, scrambled, video_bytes

pytestmark = pytest.mark.media

MOVING = "testsrc=s=64x48:r=25"


def judge(*clips: Clip, check: ClipCheck | None = None) -> list[Fault | None]:
    judging = check or ClipCheck()

    async def scenario() -> list[Fault | None]:
        return list(await asyncio.gather(*(judging.fault(clip) for clip in clips)))

    return asyncio.run(scenario())


def test_a_clip_that_plays_has_no_fault(tmp_path: Path) -> None:
    assert judge(make_clip(tmp_path, "good", video_bytes(MOVING))) == [None]


DAMAGE: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("noise", lambda _: os.urandom(5000)),
    ("empty", lambda _: b""),
    ("short", lambda data: data[:-200]),
    ("header", lambda data: data[:40]),
    ("scrambled", scrambled),
    ("playlist", lambda _: b"#EXTM3U\nhttp://127.0.0.1:9/x.mp4\n"),
    ("concat", lambda _: b"ffconcat version 1.0\nfile '/etc/passwd'\n"),
    ("zeros", lambda data: bytes(len(data))),
    ("ftyp-only", lambda _: b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"),
    ("webm-only", lambda _: b"\x1a\x45\xdf\xa3" + bytes(64)),
    ("endless", lambda data: data + b"\0\0\0\x08free" * 10_001),
    ("huge-box", lambda data: data + b"\0\0\0\x01free" + b"\xff" * 8),
]


@pytest.mark.parametrize(("name", "damage"), DAMAGE, ids=[name for name, _ in DAMAGE])
def test_bytes_that_do_not_play_are_named_in_one_line(tmp_path: Path, name: str, damage: Callable[[bytes], bytes]) -> None:
    (fault,) = judge(make_clip(tmp_path, name, damage(video_bytes(MOVING))))
    assert fault is not None
    assert fault.kind is FaultKind.UNDECODABLE
    assert fault.reason.startswith(f"VID-{name.upper()} does not decode: ")
    assert len(fault.reason) < 300
    assert "\n" not in fault.reason
    assert str(tmp_path) not in fault.reason


def late_damage(data: bytes, keep: float) -> bytes:
    """A clip whose pictures are noise from a part of its media data on."""
    at = data.index(b"mdat") + 4
    start = at + int((len(data) - at) * keep)
    return data[:start] + scrambled(data)[start:]


def test_the_first_second_is_decoded_and_no_more(tmp_path: Path) -> None:
    whole = video_bytes(MOVING, 4)
    within, after = (
        make_clip(tmp_path, name, late_damage(whole, keep), ms=4000) for name, keep in (("within", 0.1), ("after", 0.6))
    )
    fault, none = judge(within, after)
    assert fault is not None
    assert fault.kind is FaultKind.UNDECODABLE
    assert none is None, "what comes later is judged on the screen"


def test_a_file_that_is_not_what_was_released_or_is_gone_is_rotten(tmp_path: Path) -> None:
    check = ClipCheck()
    clip = make_clip(tmp_path, "a", video_bytes(MOVING))
    assert judge(clip, check=check) == [None]
    clip.path.write_bytes(video_bytes(MOVING) + b"\0\0\0\x08free")
    (changed,) = judge(clip, check=check)
    clip.path.unlink()
    (gone,) = judge(clip, check=check)
    assert [fault.kind for fault in (changed, gone) if fault] == [FaultKind.ROTTEN, FaultKind.ROTTEN]


def test_a_card_that_forgets_is_found_out_only_by_reading_again(tmp_path: Path) -> None:
    check = ClipCheck()
    clip = make_clip(tmp_path, "a", video_bytes(MOVING))
    assert judge(clip, check=check) == [None]
    before = clip.path.stat()
    with clip.path.open("r+b") as file:
        file.seek(-50, os.SEEK_END)
        file.write(b"\0" * 50)
    os.utime(clip.path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert judge(clip, check=check) == [None]
    again = asyncio.run(check.fault(clip, afresh=True))
    assert again is not None
    assert again.kind is FaultKind.ROTTEN


def test_a_content_is_decoded_once_however_many_screens_share_it(tmp_path: Path) -> None:
    check = ClipCheck()
    data = video_bytes(MOVING)
    copies = [make_clip(tmp_path, f"copy{number}", data) for number in range(200)]
    begun = time.monotonic()
    assert judge(*copies, check=check) == [None] * 200
    assert time.monotonic() - begun < 15
    assert list(check._verdicts) == [sha256_hex(data)]
    begun = time.monotonic()
    assert judge(*copies, check=check) == [None] * 200
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize("tools", [["mpv"], []])
def test_without_ffmpeg_mpv_judges_and_without_both_the_container_alone(
    tmp_path: Path, tools: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad, noise = (
        make_clip(tmp_path, name, data)
        for name, data in (("good", video_bytes(MOVING)), ("bad", scrambled(video_bytes(MOVING))), ("noise", os.urandom(999)))
    )
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    for tool in (*tools, "nice"):
        (bin_folder / tool).symlink_to(f"/usr/bin/{tool}")
    monkeypatch.setenv("PATH", str(bin_folder))
    assert decode_fault(good.path) == ""
    assert decode_fault(noise.path) == "it is neither an MP4 nor a WebM file"
    assert bool(decode_fault(bad.path)) == bool(tools)


def test_a_webm_clip_is_judged_by_its_own_demuxer(tmp_path: Path) -> None:
    import subprocess

    path = tmp_path / "clip.bin"
    command = ["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", MOVING, "-t", "0.5", "-c:v", "libvpx", "-f", "webm"]
    subprocess.run([*command, str(path)], check=True, timeout=60)
    assert container_format(path) == "matroska"
    assert container_fault(path) == ""
    assert decode_fault(path) == ""
