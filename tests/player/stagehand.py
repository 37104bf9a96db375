"""Running an engine in a test: it is started and stopped, and its events are kept and can be awaited."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from avtech_player.engine import MpvEngine, MpvSettings
from avtech_player.ports import Died, Ended, Engine, EngineEvent, Started


class Log:
    """The events of an engine, in order."""

    def __init__(self) -> None:
        self.events: list[EngineEvent] = []
        self._more = asyncio.Event()

    def add(self, event: EngineEvent) -> None:
        self.events.append(event)
        self._more.set()

    async def wait(self, wanted: Callable[[EngineEvent], bool], within: float = 15.0) -> EngineEvent:
        """The first event from now on, or not yet waited for, that is wanted; it and those before it are taken."""
        async with asyncio.timeout(within):
            while True:
                for place, event in enumerate(self.events):
                    if wanted(event):
                        del self.events[: place + 1]
                        return event
                self._more.clear()
                await self._more.wait()

    async def started(self, clip: object, within: float = 15.0) -> None:
        await self.wait(lambda event: isinstance(event, Started) and event.clip is clip, within)

    async def ended(self, clip: object, within: float = 15.0) -> Ended:
        event = await self.wait(lambda event: isinstance(event, Ended) and event.clip is clip, within)
        assert isinstance(event, Ended)
        return event

    async def died(self, within: float = 15.0) -> Died:
        event = await self.wait(lambda event: isinstance(event, Died), within)
        assert isinstance(event, Died)
        return event


@asynccontextmanager
async def running(engine: Engine) -> AsyncIterator[Log]:
    """Start an engine and listen to it; stop it at the end."""
    log = Log()

    async def listen() -> None:
        async for event in engine.events():
            log.add(event)

    listening = asyncio.create_task(listen())
    await engine.start()
    try:
        yield log
    finally:
        await engine.stop()
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


def mpv_on(display: str) -> MpvEngine:
    """An mpv that draws on a virtual display."""
    return MpvEngine(MpvSettings(vo="x11", ao="null", hwdec="no", display=display))
