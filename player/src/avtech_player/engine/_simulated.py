"""The simulated engine: plays by the clock and decodes for real, light enough for a thousand screens in one process."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from avtech_player.engine._check import ClipCheck, shared_check
from avtech_player.engine._settings import SimulatedSettings
from avtech_player.ports import Clip, Ended, EngineEvent, Started
from avtech_schema.errors import EnvironmentFailedError
from avtech_schema.identifiers import DurationMs
from avtech_schema.report import EngineHealth


class SimulatedEngine:
    """Shows nothing, but starts, ends and refuses clips as a screen would; `settings.speed` scales its time."""

    def __init__(self, settings: SimulatedSettings | None = None, *, check: ClipCheck | None = None) -> None:
        self._speed = (settings or SimulatedSettings()).speed
        self._check = check or shared_check()
        self._events: asyncio.Queue[EngineEvent] = asyncio.Queue()
        self._current: Clip | None = None
        self._queued: Clip | None = None
        self._since: float | None = None
        self._end: asyncio.TimerHandle | None = None
        self._admission: asyncio.Task[None] | None = None
        self._degrees = 0

    async def start(self) -> None:
        """Nothing needs to get ready."""

    async def show(self, clip: Clip) -> None:
        """Cut to a clip at once."""
        self._leave("cut")
        self._queued = None
        self._begin(clip)

    async def queue(self, clip: Clip) -> None:
        """Have a clip follow the one that plays."""
        if self._current is None:
            self._begin(clip)
        else:
            self._queued = clip

    async def slate(self) -> None:
        """Stop playing."""
        self._leave("cut")
        self._queued = None

    async def rotate(self, degrees: int) -> None:
        """Remember how the picture would be turned."""
        self._degrees = degrees

    async def events(self) -> AsyncIterator[EngineEvent]:
        """What happens, in order; one reader."""
        while True:
            yield await self._events.get()

    def health(self) -> EngineHealth:
        """It is always well."""
        return EngineHealth("simulated", "1", "playing" if self._current else "slate", 0)

    def trouble(self) -> str:
        """There is none."""
        return ""

    async def screenshot(self, path: Path) -> None:
        """There is no picture.

        Raises:
            EnvironmentFailedError: always.
        """
        raise EnvironmentFailedError(f"a simulated screen has no picture to write to {path}")

    async def stop(self) -> None:
        """Stop playing; no more events follow."""
        self._queued = None
        self._leave("cut")

    def _begin(self, clip: Clip) -> None:
        self._current = clip
        self._since = None
        self._admission = asyncio.get_running_loop().create_task(self._admit(clip))

    async def _admit(self, clip: Clip) -> None:
        fault = await self._check.fault(clip)
        if self._current is not clip:
            return
        if fault:
            self._leave("error", fault.reason)
            self._advance()
            return
        loop = asyncio.get_running_loop()
        self._since = loop.time()
        self._events.put_nowait(Started(clip))
        self._end = loop.call_later(clip.duration / 1000 / self._speed, self._finish)

    def _finish(self) -> None:
        self._leave("eof")
        self._advance()

    def _advance(self) -> None:
        following, self._queued = self._queued, None
        if following:
            self._begin(following)

    def _leave(self, how: str, reason: str = "") -> None:
        if self._end:
            self._end.cancel()
            self._end = None
        clip, self._current = self._current, None
        if clip is None:
            return
        elapsed = 0.0 if self._since is None else asyncio.get_running_loop().time() - self._since
        played = clip.duration if how == "eof" else min(clip.duration, round(elapsed * 1000 * self._speed))
        self._events.put_nowait(Ended(clip, how, DurationMs(played), reason))
