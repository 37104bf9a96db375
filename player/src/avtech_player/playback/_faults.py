"""Clips that do not play: judged off screen while others play, told to whoever can fetch them again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine

from avtech_player.engine import ClipCheck, Fault, FaultKind, shared_check
from avtech_player.ports import Clip

OnFault = Callable[[Clip, Fault], None]
_LOGGER = logging.getLogger("avtech.player.playback")


class Faults:
    """Finds out in the background what is wrong with clips, and tells of each fault once it is known."""

    def __init__(self, check: ClipCheck | None, tell: OnFault | None) -> None:
        self.check = check or shared_check()
        self._tell = tell
        self._tasks: set[asyncio.Task[None]] = set()

    def verify(self, clip: Clip, found: Callable[[Fault], Awaitable[None]]) -> None:
        """Decode a clip off screen while another plays; `found` hears that it would not play."""

        async def judge() -> None:
            if fault := await self.check.fault(clip):
                await found(fault)

        self._start(judge())

    def diagnose(self, clip: Clip, reason: str) -> None:
        """A clip failed on screen: find out whether it is still what was released, and tell."""
        _LOGGER.warning("skipped: %s", reason)

        async def judge() -> None:
            fault = await self.check.fault(clip, afresh=True)
            self._report(clip, fault or Fault(FaultKind.UNDECODABLE, reason))

        self._start(judge())

    def refused(self, clip: Clip, fault: Fault) -> None:
        """A clip was found off screen not to play: say so."""
        _LOGGER.warning("skipped: %s", fault.reason)
        self._report(clip, fault)

    def cancel(self) -> None:
        """Give up what is not judged yet."""
        for task in list(self._tasks):
            task.cancel()

    def _report(self, clip: Clip, fault: Fault) -> None:
        if self._tell:
            self._tell(clip, fault)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
