"""Playback with mpv on a real display: the right picture, through switches, bad clips and crashes, and never black."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from avtech_player.engine import ClipCheck, Fault
from avtech_player.playback import Playback
from avtech_player.ports import Clip
from tests.display import BLUE, GREEN, RED, SLATE, Eyes, like, watching
from tests.player.material import make_clip, make_generation, rule, scrambled, video_bytes
from tests.player.stagehand import mpv_on

pytestmark = [pytest.mark.display, pytest.mark.media]


def now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def playing(display: str, faults: list[tuple[Clip, Fault]] | None = None) -> AsyncIterator[Playback]:
    """Playback on a display, until the end of the block."""
    heard = [] if faults is None else faults
    playback = Playback(mpv_on(display), now=now, on_fault=lambda clip, fault: heard.append((clip, fault)), check=ClipCheck())
    running = asyncio.create_task(playback.run())
    try:
        yield playback
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def on_screen(playback: Playback, clip: Clip, within: float = 15.0) -> None:
    """Wait until a clip is known to be on screen."""
    async with asyncio.timeout(within):
        while (playing := playback.now()) is None or playing.clip != clip.video:
            await asyncio.sleep(0.01)


def test_clips_a_switch_and_a_rollback_follow_each_other_without_a_black_frame_or_the_slate(
    tmp_path: Path, x_display: str, eyes: Eyes
) -> None:
    red, green, blue = (make_clip(tmp_path, name, video_bytes(name)) for name in ("red", "green", "blue"))
    bad = make_clip(tmp_path, "bad", scrambled(video_bytes("testsrc=s=320x180:r=25")))
    good = make_generation({"loop": [red, green]}, [rule("day", "loop")])
    broken = make_generation({"loop": [bad]}, [rule("day", "loop")], sequence=2)
    better = make_generation({"loop": [blue]}, [rule("day", "loop")], sequence=3)

    async def scenario() -> None:
        async with playing(x_display) as playback:
            await playback.play(good)
            await asyncio.to_thread(eyes.wait_for, RED)
            with watching(x_display) as watch:
                await asyncio.to_thread(eyes.wait_for, GREEN)
                await asyncio.to_thread(eyes.wait_for, RED)
                result = await playback.trial(broken)
                assert not result.good
                assert result.reason.startswith("VID-BAD does not decode")
                await playback.play(good)
                await asyncio.to_thread(eyes.wait_for, GREEN)
                assert (await playback.trial(better)).good
                await asyncio.to_thread(eyes.wait_for, BLUE)
                await asyncio.sleep(1.2)  # over the boundary of a clip with itself
            assert not watch.went_black(), watch.colours()
            assert not watch.saw(SLATE)
            assert like(watch.colours()[-1], BLUE)
            assert playback.health().restarts == 0

    asyncio.run(scenario())


def test_a_clip_that_does_not_decode_is_never_shown_and_its_neighbours_go_on(
    tmp_path: Path, x_display: str, eyes: Eyes
) -> None:
    red, green = (make_clip(tmp_path, name, video_bytes(name)) for name in ("red", "green"))
    bad = make_clip(tmp_path, "bad", scrambled(video_bytes("testsrc=s=320x180:r=25")))
    faults: list[tuple[Clip, Fault]] = []

    async def scenario() -> None:
        async with playing(x_display, faults) as playback:
            await playback.play(make_generation({"loop": [red, bad, green]}, [rule("day", "loop")]))
            with watching(x_display) as watch:
                await asyncio.to_thread(eyes.wait_for, RED)
                await asyncio.to_thread(eyes.wait_for, GREEN)
                await asyncio.to_thread(eyes.wait_for, RED)
            assert not watch.went_black(), watch.colours()
            assert all(any(like(seen, c) for c in (RED, GREEN, SLATE)) for seen in watch.colours()[1:]), watch.colours()
            assert [clip.video for clip, _ in faults] == ["VID-BAD"]

    asyncio.run(scenario())


def test_when_nothing_plays_the_slate_is_shown_and_costs_nothing(tmp_path: Path, x_display: str, eyes: Eyes) -> None:
    bad = make_clip(tmp_path, "bad", os.urandom(4000))

    async def scenario() -> None:
        async with playing(x_display) as playback:
            await playback.play(make_generation({"loop": [bad]}, [rule("day", "loop")]))
            await asyncio.to_thread(eyes.wait_for, SLATE)
            await asyncio.sleep(0.3)
            me = psutil.Process()
            before = sum(me.cpu_times()[:2])
            await asyncio.sleep(1.5)
            assert sum(me.cpu_times()[:2]) - before < 0.3
            assert playback.health().state == "slate"
            assert playback.now() is None

    asyncio.run(scenario())


def test_playback_goes_on_after_a_crash_of_mpv(tmp_path: Path, x_display: str, eyes: Eyes) -> None:
    red, green = (make_clip(tmp_path, name, video_bytes(name)) for name in ("red", "green"))

    async def scenario() -> None:
        async with playing(x_display) as playback:
            await playback.play(make_generation({"loop": [red, green]}, [rule("day", "loop")]))
            await on_screen(playback, red)
            (mpv,) = [child for child in psutil.Process().children(recursive=True) if child.name() == "mpv"]
            os.kill(mpv.pid, signal.SIGKILL)
            await asyncio.to_thread(eyes.wait_for, RED)
            await on_screen(playback, green)
            await on_screen(playback, red)
            assert playback.health().restarts == 1

    asyncio.run(scenario())


def test_clips_of_a_fifth_of_a_second_take_turns_without_getting_stuck(tmp_path: Path, x_display: str, eyes: Eyes) -> None:
    red, green = (make_clip(tmp_path, name, video_bytes(name, 0.2), ms=200) for name in ("red", "green"))

    async def scenario() -> None:
        async with playing(x_display) as playback:
            await playback.play(make_generation({"loop": [red, green]}, [rule("day", "loop")]))
            await asyncio.to_thread(eyes.wait_for, RED)
            with watching(x_display) as watch:
                await asyncio.sleep(4)
            assert not watch.went_black(), watch.colours()
            turns = [seen for seen in watch.colours() if not like(seen, SLATE)]
            assert len(turns) > 8, watch.colours()

    asyncio.run(scenario())
