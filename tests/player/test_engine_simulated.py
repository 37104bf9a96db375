"""The simulated engine: the same events as a screen's, by the clock, with clips that are really decoded."""

import asyncio
import resource
import time
from pathlib import Path

import pytest

from avtech_player.engine import ClipCheck, SimulatedEngine, SimulatedSettings
from avtech_player.ports import Clip, Ended, Started
from avtech_schema.errors import EnvironmentFailedError
from tests.player.material import make_clip, scrambled, video_bytes
from tests.player.stagehand import running

pytestmark = pytest.mark.media

MOVING = "testsrc=s=64x48:r=25"


def test_it_starts_ends_cuts_and_refuses_clips_as_a_screen_does(tmp_path: Path) -> None:
    a, b, c = (make_clip(tmp_path, name, video_bytes(MOVING), ms=400) for name in "abc")
    bad = make_clip(tmp_path, "bad", scrambled(video_bytes(MOVING)))

    async def scenario() -> None:
        engine = SimulatedEngine(SimulatedSettings(2.0), check=ClipCheck())
        async with running(engine) as log:
            await engine.show(a)
            await engine.queue(c)
            await engine.queue(b)
            await log.started(a)
            begun = time.monotonic()
            assert await log.ended(a) == Ended(a, "eof", a.duration)
            assert 0.15 < time.monotonic() - begun < 2
            await log.started(b)
            await engine.show(c)
            assert (await log.ended(b)).how == "cut"
            await engine.queue(bad)
            await log.started(c)
            assert (await log.ended(c)).how == "eof"
            error = await log.ended(bad)
            assert (error.how, error.played) == ("error", 0)
            assert "does not decode" in error.reason
            assert engine.health().state == "slate"
            await engine.queue(a)  # on the slate: at once
            await log.started(a)
            assert engine.health().state == "playing"
            await engine.slate()
            assert (await log.ended(a)).how == "cut"
            with pytest.raises(EnvironmentFailedError):
                await engine.screenshot(tmp_path / "shot.png")
            await engine.stop()
            await engine.stop()

    asyncio.run(scenario())


def test_a_thousand_of_them_fit_in_one_process(tmp_path: Path) -> None:
    clip = make_clip(tmp_path, "a", video_bytes(MOVING), ms=1000)
    check = ClipCheck()

    async def first_start(engine: SimulatedEngine) -> None:
        async for event in engine.events():
            if isinstance(event, Started):
                return

    async def scenario() -> None:
        engines = [SimulatedEngine(check=check) for _ in range(1000)]
        for engine in engines:
            await engine.show(Clip(clip.video, clip.sha256, clip.path, clip.duration))
        await asyncio.wait_for(asyncio.gather(*(first_start(engine) for engine in engines)), 20)
        for engine in engines:
            await engine.stop()

    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    asyncio.run(scenario())
    assert time.monotonic() - begun < 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000
