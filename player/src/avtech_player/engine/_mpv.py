"""The engine that draws: mpv under supervision. A crash, a hang and a missing display end one process; another follows."""

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from random import Random

from avtech_player.engine._backdrop import Backdrop
from avtech_player.engine._backoff import HEALTHY_S, restart_delay
from avtech_player.engine._launch import MissingError
from avtech_player.engine._process import Remains
from avtech_player.engine._session import Session
from avtech_player.engine._settings import MpvSettings
from avtech_player.ports import Clip, Died, EngineEvent, Started
from avtech_schema.errors import EnvironmentFailedError
from avtech_schema.report import EngineHealth

_LINGER_S = 45.0
"""How long the picture of an mpv that was given up may stay: longer than the longest wait before the next one."""
_LOGGER = logging.getLogger("avtech.player.engine")


class MpvEngine:
    """Shows clips through mpv. After a death it goes on with the clip that was last on screen, and the slate without one."""

    def __init__(self, settings: MpvSettings | None = None, *, rng: Random | None = None) -> None:
        self._settings = settings or MpvSettings()
        self._rng = rng or Random()  # noqa: S311  spreads restarts, keeps no secret
        self._events: asyncio.Queue[EngineEvent] = asyncio.Queue()
        self._session: Session | None = None
        self._supervision: asyncio.Task[None] | None = None
        self._wanted: Clip | None = None
        self._following: Clip | None = None
        self._degrees = 0
        self._deaths = 0
        self._restarts = 0
        self._version = ""
        self._last_death: Died | None = None
        self._last_reason = ""
        self._died_at: float | None = None
        self._remains = Remains()
        self._backdrop = Backdrop(self._settings, os.environ)

    async def start(self) -> None:
        """Begin supervision; what is wrong with the display is told as `Died`."""
        if self._supervision is None:
            self._supervision = asyncio.create_task(self._supervise())

    async def show(self, clip: Clip) -> None:
        """Cut to a clip at once; while mpv is down, it begins with it."""
        self._wanted, self._following = clip, None
        if self._session:
            await self._session.show(clip)

    async def queue(self, clip: Clip) -> None:
        """Have a clip follow the one on screen, or while mpv is down, the one it will begin with."""
        self._following = clip
        if self._session:
            await self._session.queue(clip)

    async def slate(self) -> None:
        """Cut to the slate."""
        self._wanted = self._following = None
        self._backdrop.slate()
        if self._session:
            await self._session.show(None)

    async def rotate(self, degrees: int) -> None:
        """Turn the picture clockwise, from now on and after restarts."""
        if degrees != self._degrees:
            self._degrees = degrees
            if self._session:
                await self._session.rotate(degrees)

    async def events(self) -> AsyncIterator[EngineEvent]:
        """What happens on screen, in order; one reader."""
        while True:
            yield await self._events.get()

    def health(self) -> EngineHealth:
        """How mpv is."""
        session = self._session
        if session and session.drawing:
            state = "slate" if session.on_slate else "playing"
        else:
            blind = self._last_death is not None and self._last_death.blind
            state = "failed" if blind or self._deaths > 1 else "starting"
        return EngineHealth("mpv", self._version, state, self._restarts)

    def trouble(self) -> str:
        """What is wrong although it may play: it died less than a minute ago, or has no audio device."""
        now, session = time.monotonic(), self._session
        if self._last_reason and self._died_at is not None and now - self._died_at < HEALTHY_S:
            return f"the engine died: {self._last_reason}"
        if session and session.silent_at is not None and now - session.silent_at < HEALTHY_S:
            return "there is no sound: mpv cannot open an audio device"
        return ""

    async def screenshot(self, path: Path) -> None:
        """Write what the window shows as a PNG.

        Raises:
            EnvironmentFailedError: mpv is down, or cannot write it.
        """
        if self._session is None:
            raise EnvironmentFailedError("the engine is down: there is no picture")
        await self._session.screenshot(path)

    async def stop(self) -> None:
        """End mpv; idempotent."""
        await self._backdrop.close()
        supervision, self._supervision = self._supervision, None
        if supervision:
            supervision.cancel()
            with suppress(asyncio.CancelledError):
                await supervision
        await self._remains.close()
        self._wanted = None

    async def _supervise(self) -> None:
        while True:
            begun = time.monotonic()
            death = await self._live()
            self._deaths = 1 if time.monotonic() - begun >= HEALTHY_S else self._deaths + 1
            self._following = None
            again = death.blind and death == self._last_death
            _LOGGER.log(logging.DEBUG if again else logging.WARNING, "the engine died: %s", death.reason)
            self._last_death, self._last_reason, self._died_at = death, death.reason, time.monotonic()
            self._events.put_nowait(death)
            await asyncio.sleep(restart_delay(self._deaths, self._rng, blind=death.blind))

    async def _live(self) -> Died:
        self._backdrop.open()
        session = Session(self._settings, self._take, self._remains.picture)
        self._session = session
        try:
            death = await session.run(lambda: (self._wanted, self._following, self._degrees))
        except MissingError as error:
            return Died(str(error), blind=True)
        except EnvironmentFailedError as error:
            death = Died(str(error), blind=True)
        finally:
            self._version = session.version or self._version
            self._session = None
            if session.remains:
                self._remains.keep(session.remains, within=_LINGER_S)
        self._restarts += 1
        return death

    def _take(self, event: EngineEvent) -> None:
        if isinstance(event, Started):
            self._last_death = None
            self._wanted = event.clip
            self._backdrop.keep()
            if self._session:
                self._version = self._session.version or self._version
        self._events.put_nowait(event)
