"""Playback over the simulated engine in a test: what it was asked, told and saved, by a clock that can be set."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from avtech_player.config import PowerCommand
from avtech_player.engine import ClipCheck, Fault, SimulatedEngine
from avtech_player.playback import Playback
from avtech_player.ports import Clip, Died, Generation
from avtech_schema.errors import EnvironmentFailedError
from avtech_schema.plays import Played
from tests.player.material import NOON, make_clip, make_generation, rule, video_bytes

MOVING = "testsrc=s=64x48:r=25"


class Recorded(SimulatedEngine):
    """A simulated screen that keeps what it was asked, and can be told to die."""

    def __init__(self) -> None:
        super().__init__(check=ClipCheck())
        self.asked: list[str] = []

    async def show(self, clip: Clip) -> None:
        self.asked.append(f"show {clip.video}")
        await super().show(clip)

    async def queue(self, clip: Clip) -> None:
        self.asked.append(f"queue {clip.video}")
        await super().queue(clip)

    async def slate(self) -> None:
        self.asked.append("slate")
        await super().slate()

    async def rotate(self, degrees: int) -> None:
        self.asked.append(f"rotate {degrees}")
        await super().rotate(degrees)


class Mortal(Recorded):
    """An engine that some clips kill, which real engines do not do on request."""

    def __init__(self, deadly: str, *, blind: bool = False) -> None:
        super().__init__()
        self.deadly, self.blind = deadly, blind

    async def show(self, clip: Clip) -> None:
        if self.deadly in clip.video:
            assert len(self.asked) < 100
            self.asked.append(f"show {clip.video}")
            self._events.put_nowait(Died("mpv was killed by signal 11", blind=self.blind))
        else:
            await super().show(clip)


@dataclass
class Clock:
    """The trusted clock: starts at noon, and can be set."""

    begun: float = field(default_factory=time.monotonic)
    shift: timedelta = timedelta(0)

    def now(self) -> datetime:
        return NOON + timedelta(seconds=time.monotonic() - self.begun) + self.shift


@dataclass
class Theatre:
    """Playback, and what it told and saved."""

    engine: Recorded
    playback: Playback
    clock: Clock
    faults: list[tuple[Clip, Fault]]
    saved: list[bytes]
    plays: list[Played]
    troubles: list[str]

    async def until(self, condition: Callable[[], object], within: float = 10.0) -> None:
        async with asyncio.timeout(within):
            while not condition():
                await asyncio.sleep(0.01)

    def on(self) -> str:
        """The clip on screen, without its prefix."""
        now = self.playback.now()
        return "" if now is None else now.clip.removeprefix("VID-")

    async def see(self, *names: str) -> None:
        """Wait until these clips were on screen, in this order."""
        for name in names:
            await self.until(lambda name=name: self.on() == name)  # type: ignore[misc]


class Bugs(logging.Handler):
    """Keeps what playback calls a bug."""

    def __init__(self) -> None:
        super().__init__()
        self.bugs: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if "bug" in record.msg:
            self.bugs.append(record.getMessage())


@asynccontextmanager
async def theatre(
    engine: Recorded | None = None,
    *,
    loaded: bytes | None = None,
    broken_disk: bool = False,
    power: PowerCommand | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[Theatre]:
    engine = engine or Recorded()

    clock = clock or Clock()
    saved, faults, plays, troubles = list[bytes](), list[tuple[Clip, Fault]](), list[Played](), list[str]()

    def save(data: bytes) -> None:
        if broken_disk:
            raise EnvironmentFailedError("the disk is full")
        saved.append(data)

    playback = Playback(
        engine,
        now=clock.now,
        on_fault=lambda clip, fault: faults.append((clip, fault)),
        load=lambda: loaded,
        save=save,
        check=ClipCheck(),
        on_play=plays.append,
        power=power,
        on_trouble=troubles.append,
    )
    house = Theatre(engine, playback, clock, faults, saved, plays, troubles)
    told = Bugs()
    logging.getLogger("avtech.player.playback").addHandler(told)
    running = asyncio.create_task(playback.run())
    try:
        yield house
    finally:
        running.cancel()
        logging.getLogger("avtech.player.playback").removeHandler(told)
        await asyncio.gather(running, return_exceptions=True)
        assert running.cancelled(), running.exception()
        assert not told.bugs, told.bugs


def clips(folder: Path, *names: str, ms: int = 150) -> list[Clip]:
    """Good clips, each with bytes of its own."""
    return [make_clip(folder, name, video_bytes(MOVING, 1 + place / 25), ms=ms) for place, name in enumerate(names)]


def loop_of(items: list[Clip], *, sequence: int = 1) -> Generation:
    """A generation that plays some clips in turn, all day."""
    return make_generation({"loop": items}, [rule("day", "loop")], sequence=sequence)
