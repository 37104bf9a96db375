"""mpv under supervision, on a real display: what is on the screen, sampled pixel by pixel."""

import asyncio
import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from avtech_player.engine import MpvEngine, MpvSettings
from avtech_player.ports import Died, Started
from avtech_schema.errors import EnvironmentFailedError
from tests.display import (
    BLACK,
    BLUE,
    GREEN,
    RED,
    SLATE,
    WIDTH,
    Colour,
    Eyes,
    Watch,
    unused_display,
    virtual_display,
    watching,
)
from tests.player.material import cut_short, make_clip, scrambled, video_bytes
from tests.player.stagehand import mpv_on, running

pytestmark = [pytest.mark.display, pytest.mark.media]

SPLIT = "color=red:s=160x180:r=25[l];color=blue:s=160x180:r=25[r];[l][r]hstack=inputs=2"


def mpv_pid() -> int:
    """The mpv that this process started."""
    (found,) = [child.pid for child in psutil.Process().children(recursive=True) if child.name() == "mpv"]
    return found


def test_clips_follow_each_other_without_a_black_frame_and_end_on_the_slate(tmp_path: Path, x_display: str, eyes: Eyes) -> None:
    red, green, blue = (make_clip(tmp_path, name, video_bytes(name)) for name in ("red", "green", "blue"))

    async def scenario() -> None:
        engine = mpv_on(x_display)
        async with running(engine) as log:
            with watching(x_display) as watch:
                await engine.show(red)
                await engine.queue(green)
                await log.started(red)
                await engine.queue(blue)  # in place of green
                assert (await log.ended(red)).how == "eof"
                await log.started(blue)
                await engine.queue(green)
                assert 900 < (await log.ended(blue)).played <= 1000
                await log.started(green)
                assert (await log.ended(green)).how == "eof"
                await asyncio.to_thread(eyes.wait_for, SLATE)
                assert engine.health().state == "slate"
            assert not watch.went_black(), watch.colours()
            assert [next(c for c in (RED, GREEN, BLUE, SLATE) if near(c, seen)) for seen in from_the_first_clip_on(watch)] == [
                RED,
                BLUE,
                GREEN,
                SLATE,
            ]

    asyncio.run(scenario())


def from_the_first_clip_on(watch: Watch) -> list[Colour]:
    """What was seen, without the bare display and the slate's colour that is put there before a clip is shown."""
    return list(itertools.dropwhile(lambda seen: seen == BLACK or near(seen, SLATE), watch.colours()))


def odd(folder: Path) -> Path:
    """A folder whose name a URL, a shell and an option parser would each misread."""
    made = folder / "--100%20 #odd\n{}'\""
    made.mkdir(exist_ok=True)
    return made


def near(a: tuple[int, int, int], b: tuple[int, int, int]) -> bool:
    return all(abs(x - y) < 40 for x, y in zip(a, b, strict=True))


def test_a_cut_shows_the_new_clip_at_once_without_a_black_frame(tmp_path: Path, x_display: str, eyes: Eyes) -> None:
    red, blue = (
        make_clip(odd(tmp_path), "red", video_bytes("red", 3), ms=3000),
        make_clip(odd(tmp_path), "blue", video_bytes("blue")),
    )

    async def scenario() -> None:
        engine = mpv_on(x_display)
        async with running(engine) as log:
            with watching(x_display) as watch:
                await engine.show(red)
                await log.started(red)
                for _ in range(3):
                    await engine.show(blue)
                    cut = await log.ended(red)
                    assert cut.how == "cut"
                    assert cut.played < 1000
                    await log.started(blue)
                    await engine.show(red)
                    await log.started(red)
                await engine.slate()
                await asyncio.to_thread(eyes.wait_for, SLATE)
            assert not watch.went_black(), watch.colours()
            assert not any(near(SLATE, seen) for seen in from_the_first_clip_on(watch)[:-1])

    asyncio.run(scenario())


def test_after_a_crash_the_clip_is_back_on_screen_by_itself(tmp_path: Path, x_display: str, eyes: Eyes) -> None:
    red = make_clip(tmp_path, "red", video_bytes("red", 3), ms=3000)

    async def scenario() -> None:
        engine = mpv_on(x_display)
        async with running(engine) as log:
            await engine.show(red)
            await log.started(red)
            os.kill(mpv_pid(), signal.SIGKILL)
            begun = time.monotonic()
            death = await log.died()
            assert death.reason == "mpv was killed by signal 9"
            assert not death.blind
            await asyncio.to_thread(eyes.wait_for, RED)
            await log.started(red)
            assert time.monotonic() - begun < 4
            assert engine.health().restarts == 1
            assert engine.health().state == "playing"

    asyncio.run(scenario())


def test_a_hang_is_noticed_and_ended(tmp_path: Path, x_display: str) -> None:
    red = make_clip(tmp_path, "red", video_bytes("red", 3), ms=3000)

    async def scenario() -> None:
        engine = mpv_on(x_display)
        async with running(engine) as log:
            await engine.show(red)
            await log.started(red)
            stopped = mpv_pid()
            os.kill(stopped, signal.SIGSTOP)
            assert "hangs" in (await log.died()).reason
            await log.started(red)
            assert mpv_pid() != stopped
            assert not psutil.pid_exists(stopped)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("name", "reason"), [("noise", "unrecognized file format"), ("empty", "VID-EMPTY"), ("gone", "VID-GONE")]
)
def test_a_clip_that_cannot_be_opened_is_skipped_to_what_follows(
    tmp_path: Path, x_display: str, eyes: Eyes, name: str, reason: str
) -> None:
    red = make_clip(tmp_path, "red", video_bytes("red"))
    bad = make_clip(tmp_path, name, {"noise": os.urandom(5000)}.get(name, b""))
    if name == "gone":
        bad.path.unlink()

    async def scenario() -> None:
        engine = mpv_on(x_display)
        async with running(engine) as log:
            with watching(x_display) as watch:
                await engine.show(red)
                await engine.queue(bad)
                await log.started(red)
                error = await log.ended(bad)
                assert error.how == "error"
                assert reason in error.reason
                await asyncio.to_thread(eyes.wait_for, SLATE)
                await engine.queue(red)  # on the slate: at once
                await log.started(red)
            assert not watch.went_black(), watch.colours()

    asyncio.run(scenario())


def test_when_only_a_bad_clip_is_shown_the_slate_is_there_and_nothing_loops(tmp_path: Path, x_display: str, eyes: Eyes) -> None:
    bad = make_clip(tmp_path, "bad", os.urandom(5000))

    async def scenario() -> None:
        engine = mpv_on(x_display)
        async with running(engine) as log:
            await engine.show(bad)
            assert (await log.ended(bad)).how == "error"
            await asyncio.to_thread(eyes.wait_for, SLATE)
            before = sum(psutil.Process(mpv_pid()).cpu_times()[:2])
            await asyncio.sleep(0.5)
            assert sum(psutil.Process(mpv_pid()).cpu_times()[:2]) - before < 0.2
            assert log.events == []
            assert engine.health().restarts == 0

    asyncio.run(scenario())


def test_clips_of_which_no_more_than_a_part_can_be_seen_end_as_errors(tmp_path: Path, x_display: str) -> None:
    moving = video_bytes("testsrc=s=320x180:r=25", 2)
    short = make_clip(tmp_path, "short", cut_short(moving, 0.4), ms=2000)
    noise = make_clip(tmp_path, "noise", scrambled(moving), ms=2000)

    async def scenario() -> None:
        engine = mpv_on(x_display)
        async with running(engine) as log:
            for clip in (short, noise):
                await engine.show(clip)
                ended = await log.ended(clip)
                assert ended.how == "error", ended
                assert ended.reason.startswith(clip.video)
                assert ended.played < 1900

    asyncio.run(scenario())


def test_without_a_display_it_says_so_and_backs_off(tmp_path: Path) -> None:
    red = make_clip(tmp_path, "red", video_bytes("red"))

    async def scenario() -> None:
        engine = MpvEngine(MpvSettings(vo="x11", ao="null", display=":4711"))
        async with running(engine) as log:
            await engine.show(red)
            death = await log.died()
            assert death.blind
            assert "display" in death.reason
            await log.died()
            assert engine.health().state == "failed"
            await asyncio.sleep(1)
            assert engine.health().restarts == 0
            assert not any(isinstance(event, Started) for event in log.events)

    asyncio.run(scenario())


def test_an_output_that_nobody_sees_is_no_display(tmp_path: Path, x_display: str) -> None:
    red = make_clip(tmp_path, "red", video_bytes("red"))

    async def scenario() -> None:
        engine = MpvEngine(MpvSettings(vo="null", ao="null", display=x_display))
        async with running(engine) as log:
            await engine.show(red)
            death = await log.wait(lambda event: not isinstance(event, Died) or event.blind)
            assert death == Died("the display does not work: mpv draws to null, which no screen shows", blind=True)
            assert engine.health().state == "failed"
            assert not any(isinstance(event, Started) for event in log.events)

    asyncio.run(scenario())


def test_pictures_come_when_the_display_does_and_come_back_with_it(tmp_path: Path) -> None:
    red = make_clip(tmp_path, "red", video_bytes("red", 3), ms=3000)
    name = unused_display()

    async def scenario() -> None:
        engine = MpvEngine(MpvSettings(ao="null", hwdec="no", display=name))
        async with running(engine) as log:
            await engine.show(red)
            assert f"no X server answers on {name}" in (await log.died()).reason
            for _ in range(2):
                with virtual_display(number=name):
                    eyes = await asyncio.to_thread(Eyes, name)
                    await asyncio.to_thread(eyes.wait_for, RED)
                    eyes.close()
                    await log.started(red)
                    assert engine.health().state == "playing"
                    log.events.clear()
                death = await log.died()
                assert (death.blind, f"no X server answers on {name}" in death.reason) == (True, True)
            assert engine.health().restarts == 2

    asyncio.run(scenario())


def test_without_mpv_it_says_what_to_do() -> None:
    async def scenario() -> None:
        async with running(MpvEngine(MpvSettings(executable="no-such-mpv"))) as log:
            assert await log.died() == Died("no-such-mpv is not installed", blind=True)

    asyncio.run(scenario())


def test_an_mpv_that_refuses_its_options_is_no_clip_s_fault(x_display: str) -> None:
    async def scenario() -> None:
        async with running(MpvEngine(MpvSettings(display=x_display, options=("--no-such-option=1",)))) as log:
            assert await log.died() == Died("mpv ended with status 1", blind=True)

    asyncio.run(scenario())


def test_the_picture_is_turned_and_stays_turned_after_a_crash(tmp_path: Path, x_display: str, eyes: Eyes) -> None:
    split = make_clip(tmp_path, "split", video_bytes(SPLIT, 3), ms=3000)

    async def scenario() -> None:
        engine = mpv_on(x_display)
        async with running(engine) as log:
            await engine.show(split)
            await asyncio.to_thread(eyes.wait_for, RED)
            assert near(eyes.colour(x=WIDTH * 3 // 4), BLUE)
            await engine.rotate(180)
            await asyncio.to_thread(eyes.wait_for, BLUE)
            assert near(eyes.colour(x=WIDTH * 3 // 4), RED)
            os.kill(mpv_pid(), signal.SIGKILL)
            await log.died()
            await asyncio.to_thread(eyes.wait_for, BLUE)

    asyncio.run(scenario())


def test_a_screenshot_is_a_picture_of_what_plays(tmp_path: Path, x_display: str) -> None:
    red = make_clip(tmp_path, "red", video_bytes("red", 3), ms=3000)

    async def scenario() -> None:
        engine = mpv_on(x_display)
        async with running(engine) as log:
            with pytest.raises(EnvironmentFailedError):
                await engine.screenshot(tmp_path / "too-early.png")
            await engine.show(red)
            await log.started(red)
            await engine.screenshot(tmp_path / "shot.png")
            with pytest.raises(EnvironmentFailedError):
                await engine.screenshot(tmp_path / "no-such-folder" / "shot.png")
        with pytest.raises(EnvironmentFailedError):
            await engine.screenshot(tmp_path / "too-late.png")

    asyncio.run(scenario())
    command = ["ffmpeg", "-v", "error", "-i", str(tmp_path / "shot.png"), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    pixels = subprocess.run(command, check=True, capture_output=True, timeout=30).stdout
    assert near((pixels[0], pixels[1], pixels[2]), RED)


@pytest.mark.parametrize("after", [0.0, 0.01, 0.05, 0.1, 0.2])
def test_stopping_at_any_moment_leaves_nothing_behind(tmp_path: Path, x_display: str, after: float) -> None:
    red = make_clip(tmp_path, "red", video_bytes("red"))

    async def scenario() -> None:
        engine = mpv_on(x_display)
        await engine.start()
        await engine.start()
        showing = asyncio.create_task(engine.show(red))
        await asyncio.sleep(after)
        await engine.stop()
        await engine.stop()
        await showing
        assert not [child for child in psutil.Process().children() if child.name() in ("mpv", "setpriv")]

    asyncio.run(scenario())


PLAYER = """
import asyncio, sys
from pathlib import Path
from avtech_player.engine import MpvEngine, MpvSettings
from avtech_player.ports import Clip
async def main():
    engine = MpvEngine(MpvSettings(vo="x11", ao="null", display=sys.argv[1]))
    await engine.start()
    await engine.show(Clip("VID-RED", "0" * 64, Path(sys.argv[2]), 3000))
    async for event in engine.events():
        print(event, flush=True)
asyncio.run(main())
"""


@pytest.mark.parametrize("hanging", [False, True])
def test_no_mpv_outlives_a_player_that_is_killed(tmp_path: Path, x_display: str, hanging: bool) -> None:
    red = make_clip(tmp_path, "red", video_bytes("red", 3), ms=3000)
    command = [sys.executable, "-c", PLAYER, x_display, str(red.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as player:
        assert player.stdout is not None
        assert "Started" in player.stdout.readline()
        (mpv,) = psutil.Process(player.pid).children()
        if hanging:
            os.kill(mpv.pid, signal.SIGSTOP)
        player.kill()
        player.wait(5)
        psutil.wait_procs([mpv], timeout=3)
        assert not mpv.is_running() or mpv.status() == psutil.STATUS_ZOMBIE
