"""The journal: takes records as they come, without ever holding up playback, and brings them to disk and store."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from avtech_player.durable import DiskError
from avtech_player.logs import ScreenLog
from avtech_player.plays._spool import Segment, Spool, SpoolStats
from avtech_player.store import Store, Stored, StoreError
from avtech_schema.errors import AvtechError
from avtech_schema.plays import MAX_STORED_BYTES, Record

T = TypeVar("T")
MAX_HELD = 2000
"""As many records are held in memory while the disk refuses; then the oldest are lost, and counted."""
_RETRY_SECONDS = 5.0


class Journal:
    """One player's records. All methods belong to one event loop; `note` never waits and never fails.

    `open_spool` raises DiskError while the disk refuses; it is asked again whenever there is something to write.
    """

    def __init__(self, open_spool: Callable[[], Spool], store: Store, log: ScreenLog) -> None:
        self._open_spool = open_spool
        self._opened: Spool | None = None
        self._store = store
        self._log = log
        self._held: deque[Record] = deque()
        self._lost = 0
        self._more = asyncio.Event()
        self._busy = asyncio.Lock()
        self.trouble: str | None = None
        """Why records are not on the disk, for the report; None while they are."""
        self.stats = SpoolStats(0, 0, 0, 0)
        """What the spool held when it was last looked at."""
        try:
            self.stats = self._spool().stats()
        except DiskError as error:
            self._complain(error)

    def note(self, record: Record) -> None:
        """Take a record; it is on the disk soon."""
        self._held.append(record)
        while len(self._held) > MAX_HELD:
            self._held.popleft()
            self._lost += 1
        self._more.set()

    async def run(self) -> None:
        """Write records down as they come, until cancelled. What comes while the disk is busy is flushed together."""
        while True:
            await self._more.wait()
            self._more.clear()
            if not await self._write():
                await asyncio.sleep(_RETRY_SECONDS)
                self._more.set()

    async def close(self) -> None:
        """Write down what is held."""
        await self._write()

    async def upload(self) -> None:
        """Seal what is open, and bring everything that waits to the store, in order.

        Raises:
            StoreError: the store failed; whether it holds a segment is found out the next time.
            DiskError: the disk refused.
        """
        await self._write()
        await self._on_disk(lambda: self._spool().seal())
        while (segment := await self._on_disk(lambda: self._spool().pending())) is not None:
            if await asyncio.to_thread(self._deliver, segment):
                await self._noted(segment)
            else:
                self._log.error("the store holds another %s: this device's card was copied; a new chain begins", segment.key)
                await self._on_disk(lambda: self._spool().fork())

    async def _noted(self, segment: Segment) -> None:
        try:
            await self._on_disk(lambda: self._spool().uploaded(segment.number))
        except DiskError as error:
            self._complain(error)

    def _deliver(self, segment: Segment) -> bool:
        """Have the store hold a segment, once, whatever happened to earlier attempts; False says it holds another one."""
        if self._store.create(segment.key, segment.data):
            return True
        found = self._store.read(segment.key, limit=MAX_STORED_BYTES)
        if not isinstance(found, Stored):
            raise StoreError(f"{self._store.url}: {segment.key} is and is not there")
        return found.data == segment.data

    async def _write(self) -> bool:
        """Bring what is held to the disk; whether the disk took it."""
        async with self._busy:
            batch, self._held = self._held, deque()
            lost, self._lost = self._lost, 0
            if not batch and not lost:
                return True
            writing = _Writing()
            try:
                await _to_its_end(lambda: self._append(list(batch), lost, writing))
            except (DiskError, asyncio.CancelledError) as error:
                if not writing.done:
                    self._take_back(batch, lost)
                if not isinstance(error, DiskError):
                    raise
                self._complain(error)
                return False
            self.trouble = None
            return True

    def _append(self, records: list[Record], lost: int, writing: "_Writing") -> None:
        spool = self._spool()
        spool.append(records)
        writing.done = True
        spool.lost(lost)
        self.stats = spool.stats()

    def _spool(self) -> Spool:
        """The spool; opened once the disk allows.

        Raises:
            DiskError: it refuses.
        """
        if self._opened is None:
            self._opened = self._open_spool()
        return self._opened

    def _take_back(self, batch: deque[Record], lost: int) -> None:
        newer, self._held = self._held, batch
        self._lost += lost
        for record in newer:
            self.note(record)

    async def _on_disk(self, work: Callable[[], T]) -> T:
        async with self._busy:
            found = await _to_its_end(work)
            self.stats = await _to_its_end(lambda: self._spool().stats())
            return found

    def _complain(self, error: AvtechError) -> None:
        """The disk refuses: say so, once."""
        trouble = f"proof of play is not written down: {error}"
        if trouble != self.trouble:
            self.trouble = trouble
            self._log.error("%s", trouble)


@dataclass(slots=True)
class _Writing:
    """Whether records reached the disk, for whoever was cancelled meanwhile."""

    done: bool = False


async def _to_its_end(work: Callable[[], T]) -> T:
    """Do something in a thread; whoever is cancelled meanwhile waits for its end, so that nothing is done twice at once."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # Seen: the cancellation is what is told.
        raise
