"""One mpv process and the connection to it: how it ended, what memory it takes, and that it is gone in the end."""

import asyncio
import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from avtech_player.engine._ipc import Ipc

_QUIT_S = 1.0
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class MpvProcess:
    """A running mpv; `reading` is the task that hears it."""

    process: asyncio.subprocess.Process
    ipc: Ipc
    reading: asyncio.Task[None]

    @property
    def ended_by_itself(self) -> bool:
        """It is over, and no signal ended it."""
        return self.process.returncode is not None and self.process.returncode >= 0

    async def obituary(self, complaint: str) -> str:
        """How it ended, after it hung up; `complaint` is what it said last."""
        try:
            async with asyncio.timeout(_QUIT_S):
                status = await self.process.wait()
        except TimeoutError:
            return "mpv hung up"
        how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        return f"mpv {how}" + (f": {complaint}" if complaint else "")

    def resident(self) -> int:
        """Bytes of memory that it takes; 0 when the kernel does not say."""
        try:
            return int(Path(f"/proc/{self.process.pid}/statm").read_bytes()[:200].split()[1]) * _PAGE
        except (OSError, ValueError, IndexError):
            return 0

    async def end(self, *, at_once: bool) -> None:
        """Make sure that it is gone; without `at_once` it gets a moment to quit by itself."""
        self.ipc.close()
        if self.process.returncode is None and not at_once:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_QUIT_S):
                    await self.process.wait()
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()
        await self.ipc.closed()
        await asyncio.gather(self.reading, return_exceptions=True)


class Remains:
    """Processes that are given up, but whose last picture stays on the screen until another one is there."""

    def __init__(self) -> None:
        self._picture = asyncio.Event()
        self._staying: set[asyncio.Task[None]] = set()

    def keep(self, mpv: MpvProcess, *, within: float) -> None:
        """Leave a process as it is until there is a picture, for at most so many seconds."""
        self.picture()
        task = asyncio.create_task(_stay(mpv, self._picture, within))
        self._staying.add(task)
        task.add_done_callback(self._staying.discard)

    def picture(self) -> None:
        """There is another picture now."""
        self._picture.set()
        self._picture = asyncio.Event()

    async def close(self) -> None:
        """End them all."""
        self.picture()
        await asyncio.gather(*self._staying)


async def _stay(mpv: MpvProcess, picture: asyncio.Event, within: float) -> None:
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await picture.wait()
    finally:
        await mpv.end(at_once=True)
