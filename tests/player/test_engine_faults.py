"""mpv at fault: crashes, hangs, leaks, lies and refusals of real processes, and what the engine makes of each."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from avtech_player.engine import MpvEngine, MpvSettings
from avtech_player.ports import Died
from avtech_schema.identifiers import ByteSize
from tests.display import RED, Eyes, watching
from tests.player.material import make_clip, video_bytes
from tests.player.stagehand import mpv_on, running

pytestmark = [pytest.mark.display, pytest.mark.media]


def mpv_pids() -> list[int]:
    """Every mpv that this process started."""
    return [child.pid for child in psutil.Process().children(recursive=True) if child.name() == "mpv"]


def pretender(folder: Path, body: str) -> str:
    """A program that takes mpv's place: `fd` is its connection, `heard()` reads a request, `answer()` answers one."""
    path = folder / "mpv"
    path.write_text(
        f"#!{sys.executable}\nimport json, os, sys, time\n"
        "fd = int(next(a for a in sys.argv if a.startswith('--input-ipc-client=')).rpartition('/')[2])\n"
        "pipe = os.fdopen(os.dup(fd), 'rb')\n"
        "def heard(): return json.loads(pipe.readline() or sys.exit(0))\n"
        "def answer(error='success', **more):\n"
        "    os.write(fd, json.dumps({'request_id': heard()['request_id'], 'error': error, **more}).encode() + b'\\n')\n"
        f"{body}\n"
    )
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT])
def test_a_crash_by_its_own_fault_is_told_with_its_signal(tmp_path: Path, x_display: str, eyes: Eyes, number: int) -> None:
    red = make_clip(tmp_path, "red", video_bytes("red", 3), ms=3000)

    async def scenario() -> None:
        engine = mpv_on(x_display)
        async with running(engine) as log:
            await engine.show(red)
            await log.started(red)
            assert engine.trouble() == ""
            os.kill(mpv_pids()[0], number)
            assert await log.died() == Died(f"mpv was killed by signal {number}")
            assert engine.trouble() == f"the engine died: mpv was killed by signal {number}"
            await log.started(red)
            await asyncio.to_thread(eyes.wait_for, RED)
            assert engine.health().restarts == 1

    asyncio.run(scenario())


def test_the_last_picture_of_an_mpv_that_hangs_stays_until_the_next_one_draws(
    tmp_path: Path, x_display: str, eyes: Eyes
) -> None:
    red = make_clip(tmp_path, "red", video_bytes("red", 3), ms=3000)

    async def scenario() -> None:
        engine = mpv_on(x_display)
        async with running(engine) as log:
            await engine.show(red)
            await log.started(red)
            await asyncio.to_thread(eyes.wait_for, RED)
            (hung,) = mpv_pids()
            with watching(x_display) as watch:
                os.kill(hung, signal.SIGSTOP)
                assert "mpv hangs: mpv did not answer within 2 s" in (await log.died()).reason
                await log.started(red)
            assert not watch.went_black(), watch.colours()
            async with asyncio.timeout(10):
                while hung in mpv_pids():
                    await asyncio.sleep(0.01)
            assert len(mpv_pids()) == 1

    asyncio.run(scenario())


def test_stopping_while_a_hung_mpv_still_shows_its_last_picture_leaves_nothing_behind(tmp_path: Path, x_display: str) -> None:
    red = make_clip(tmp_path, "red", video_bytes("red", 3), ms=3000)

    async def scenario() -> None:
        engine = mpv_on(x_display)
        async with running(engine) as log:
            await engine.show(red)
            await log.started(red)
            os.kill(mpv_pids()[0], signal.SIGSTOP)
            await log.died()
        assert mpv_pids() == []

    asyncio.run(scenario())


def test_an_mpv_that_takes_too_much_memory_is_replaced(x_display: str) -> None:
    async def scenario() -> None:
        settings = MpvSettings(vo="x11", ao="null", hwdec="no", display=x_display, memory_limit=ByteSize(20_000_000))
        async with running(MpvEngine(settings)) as log:
            death = await log.died()
            assert death.reason.startswith("mpv takes ")
            assert death.reason.endswith(" MB of memory, more than 20")
            assert not death.blind

    asyncio.run(scenario())


LIES = {
    "never answers": ("time.sleep(60)", "mpv hangs: mpv did not answer within 2 s", 0),
    "hangs up": ("os.close(fd); pipe.close(); time.sleep(60)", "mpv hung up", 0),
    "refuses": ("while True: answer('invalid parameter')", "mpv refused a command: invalid parameter", 0),
    "ends at once": ("sys.exit(7)", "mpv ended with status 7", 1),
    "writes nonsense": (
        "while True: os.write(fd, os.urandom(50) + b'\\n{\"event\": 3}\\n[[[]]]\\n')",
        "mpv hangs: mpv did not answer within 2 s",
        0,
    ),
    "writes a line without end": ("while True: os.write(fd, b'x' * 65536)", "mpv hangs: mpv did not answer within 2 s", 0),
    "tells odd events": (
        "for name in ('start-file', 'end-file', 'playback-restart', 'idle', 'log-message'):\n"
        "    for more in ({}, {'playlist_entry_id': 'x', 'reason': [], 'prefix': {}, 'text': None}):\n"
        "        os.write(fd, json.dumps({'event': name, **more}).encode() + b'\\n')\n"
        "while True: answer(data={'playlist_entry_id': -1})",
        None,
        0,
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_an_mpv_that_is_none_is_found_out_restarted_ever_later_and_harms_nobody(
    tmp_path: Path, x_display: str, lie: str
) -> None:
    body, reason, blind = LIES[lie]
    red = make_clip(tmp_path, "red", video_bytes("red"))

    async def scenario() -> None:
        engine = MpvEngine(MpvSettings(executable=pretender(tmp_path, body), display=x_display))
        async with running(engine) as log:
            memory = psutil.Process().memory_info().rss
            await engine.show(red)
            await engine.queue(red)
            if reason is None:
                await asyncio.sleep(0.5)
                assert log.events == []
            else:
                assert await log.died() == Died(reason, blind=bool(blind))
                assert engine.health().state in ("starting", "failed")
            assert psutil.Process().memory_info().rss - memory < 50_000_000
        assert not [child for child in psutil.Process().children() if str(tmp_path / "mpv") in child.cmdline()]

    asyncio.run(scenario())


@pytest.mark.parametrize("broken", ["no program", "a folder"])
def test_a_program_that_cannot_be_run_is_tried_again_and_again_but_not_busily(
    tmp_path: Path, x_display: str, broken: str
) -> None:
    path = tmp_path / "mpv"
    if broken == "a folder":
        path.mkdir()
    else:
        path.write_bytes(b"\x7fELF" + bytes(100))
        path.chmod(0o755)

    async def scenario() -> None:
        begun = time.monotonic()
        async with running(MpvEngine(MpvSettings(executable=str(path), display=x_display))) as log:
            for _ in range(4):
                assert (await log.died()).blind
            assert time.monotonic() - begun >= 0.1, "at once after the first time, then after 0.05 s or more each"

    asyncio.run(scenario())


def test_a_codec_that_this_mpv_lacks_is_a_clip_that_does_not_play(tmp_path: Path, x_display: str) -> None:
    red = make_clip(tmp_path, "red", video_bytes("red"))
    exotic = make_clip(tmp_path, "exotic", video_bytes("red").replace(b"avc1", b"zzz1").replace(b"avcC", b"zzzC"))

    async def scenario() -> None:
        engine = mpv_on(x_display)
        async with running(engine) as log:
            await engine.show(exotic)
            await engine.queue(red)
            ended = await log.ended(exotic)
            assert (ended.how, ended.played) == ("error", 0)
            assert ended.reason.startswith("VID-EXOTIC does not play: ")
            await log.started(red)
            assert engine.health().restarts == 0

    asyncio.run(scenario())


def test_without_an_audio_device_clips_play_on_in_silence_and_it_is_told(tmp_path: Path, x_display: str) -> None:
    sound = make_clip(tmp_path, "sound", _with_sound(tmp_path), ms=1000)

    async def scenario() -> None:
        settings = MpvSettings(vo="x11", ao="alsa", volume=50, hwdec="no", display=x_display)
        engine = MpvEngine(settings)
        async with running(engine) as log:
            await engine.show(sound)
            await engine.queue(sound)
            await log.started(sound)
            ended = await log.ended(sound)
            assert (ended.how, ended.reason) == ("eof", "")
            assert engine.trouble() == "there is no sound: mpv cannot open an audio device"
            assert not any(isinstance(event, Died) for event in log.events)
            assert engine.health().restarts == 0

    asyncio.run(scenario())


def _with_sound(folder: Path) -> bytes:
    path = folder / "clip.mp4"
    inputs = ["-f", "lavfi", "-i", "color=red:s=320x180:r=25", "-f", "lavfi", "-i", "sine=440", "-t", "1"]
    codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", *inputs, *codecs, "-y", str(path)], check=True, timeout=60)
    return path.read_bytes()
