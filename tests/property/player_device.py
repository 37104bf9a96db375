"""One device in the player's model: the player's own modules on a real directory, with time, space and trouble as told."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from avtech_player.clock import TrustedClock
from avtech_player.durable import read_bounded, replace_atomically
from avtech_player.engine import Fault
from avtech_player.generations import Library
from avtech_player.logs import screen_log
from avtech_player.outcome import Outcome
from avtech_player.parts import Parts
from avtech_player.playback import Playback
from avtech_player.ports import Clip, Engine, Generation, TrialResult
from avtech_player.running import SETTLED_SECONDS
from avtech_player.space import Limits
from avtech_player.state import PlayerState
from avtech_player.store import open_store
from avtech_player.sync import Updater
from avtech_player.trust import Trust
from avtech_player.upkeep import Upkeep
from avtech_schema.canonical import sha256_hex
from avtech_schema.identifiers import ByteSize
from tests.player.repository import ACME, LOBBY, Repository
from tests.property.leaping_loop import LeapingLoop, Passing
from tests.property.lossy_disk import DiedError, Kernel, Loss, LossyDisk
from tests.property.player_parts import Screen, Weather, Wire, patient_check

BEGIN = datetime(2026, 11, 26, 12, tzinfo=UTC)
MIN_FREE = 4_000
CAPACITY = 80_000
T = TypeVar("T")


class World:
    """Everything outside the player: the store, the time, the disk and its space, and what fails."""

    def __init__(self, kernel: Kernel) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="avtech-model-"))
        self.state = self.folder / "state"
        self.outside = self.folder / "outside"
        self.outside.write_bytes(b"not the player's")
        self.repository = Repository(self.folder / "store", now=BEGIN)
        self.passing = Passing()
        self.begun = self.passing()
        self.skew = timedelta(0)
        self.synchronised = True
        self.ballast = 0
        self.max_bytes: int | None = None
        self.weather = Weather()
        self.disk = LossyDisk(self.state)
        self.kernel = kernel
        kernel.disk = self.disk
        self.boots = 0
        self.violation: AssertionError | None = None
        """What the model found where the player would have taken it for a failure."""
        self.trial_begins: Callable[[Generation], None] = lambda _: None
        self.trial_ended: Callable[[Generation, TrialResult], None] = lambda *_: None
        self.downloads: list[tuple[int, int, int]] = []
        """Of each download: the bytes that it is to bring, those that were free, and those that clips took."""

    @property
    def now(self) -> datetime:
        """What time it really is."""
        return BEGIN + timedelta(seconds=self.passing() - self.begun)

    def system(self) -> datetime:
        """What the device's clock says."""
        return self.now + self.skew

    def content(self) -> int:
        """The bytes that clips take, finished or not."""
        folders = (self.state / "assets", self.state / "partial")
        return sum(path.lstat().st_size for folder in folders if folder.is_dir() for path in folder.iterdir())

    def free(self, _: Path | None = None) -> int:
        """The bytes that are free on the device's disk."""
        return max(0, CAPACITY - self.ballast - self.content())

    def limits(self) -> Limits:
        """What the player's configuration lets it take."""
        return Limits(ByteSize(MIN_FREE), None if self.max_bytes is None else ByteSize(self.max_bytes), timedelta(days=30))

    def asked(self, _: str, length: int) -> None:
        self.downloads.append((length, self.free(), self.content()))

    def close(self) -> None:
        self.kernel.disk = None
        shutil.rmtree(self.folder)


class WatchedPlayback(Playback):
    """Playback that tells the world of every trial: that it begins, and that it ended."""

    def __init__(self, engine: Engine, world: World, **more: Any) -> None:
        super().__init__(engine, **more)
        self._world = world

    async def trial(self, generation: Generation) -> TrialResult:
        try:
            self._world.trial_begins(generation)
        except AssertionError as error:  # which would only speak against the generation
            self._world.violation = error
        result = await super().trial(generation)
        self._world.trial_ended(generation, result)
        return result


@dataclass
class Life:
    """One process of the player, wired as `avtech_player.running` wires it, until it is stopped or dies."""

    world: World
    shown: list[tuple[Clip, bool]] = field(default_factory=list)
    """Every clip that brought frames, and whether its file was what was released."""

    def __post_init__(self) -> None:
        world, directory = self.world, self.world.state
        self.loop = LeapingLoop(world.passing)
        self.clock = TrustedClock(system=world.system, monotonic=world.passing, synchronised=lambda: world.synchronised)
        self.began = world.passing()
        self.screen = Screen(world.weather, world.disk, self._see)
        self._playing: asyncio.Task[None] | None = None
        self._refetching: set[asyncio.Task[None]] = set()
        self.ended = False
        self.max_bytes = world.max_bytes
        try:
            self._assemble(directory)
        except DiedError:
            self.bury()
            raise

    def _assemble(self, directory: Path) -> None:
        world, passing = self.world, self.world.passing
        store = Wire(open_store(world.repository.url, {}), world.weather, world.asked)
        root = world.repository.root_bytes
        self.library = Library(directory, limits=world.limits(), free=world.free)
        self.trust = Trust(directory, store, self.clock, root=root, client=ACME, screen=LOBBY, monotonic=passing)
        parts = Parts(directory, ACME, LOBBY, self.trust, store, self.library, self.clock)
        self.playback = self.run(self._make_playback(directory))
        self.updater = Updater(parts, self.playback, monotonic=passing, boot=str(world.boots))
        log = screen_log("upkeep", LOBBY)
        self.upkeep = Upkeep(directory, self.updater, self.library, self.clock, log, monotonic=passing)

    async def _make_playback(self, directory: Path) -> Playback:
        history = directory / "history.json"
        return WatchedPlayback(
            self.screen,
            self.world,
            now=self.clock.now,
            read=self.clock.read,
            refreshed=lambda: self.updater.looked is not None,
            on_fault=self._on_fault,
            check=patient_check(),
            load=lambda: read_bounded(history, limit=4_000_000),
            save=lambda data: replace_atomically(history, data, ours=True),
            monotonic=self.world.passing,
        )

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something to its end.

        Raises:
            DiedError: the process died of it, or meanwhile.
        """
        try:
            result = self.loop.run_until_complete(work)
        except DiedError:
            self.bury()
            raise
        finally:
            if self.world.violation is not None:
                raise self.world.violation
        if self.world.disk.dead:
            self.bury()
            raise DiedError
        return result

    def start(self) -> None:
        """Playback first, then what the disk holds."""

        async def begin() -> None:
            self._playing = asyncio.create_task(self.playback.run())
            await self.updater.start()

        self.run(begin())

    def settle(self) -> None:
        """As much time passes as a start takes to count as one."""

        async def wait() -> None:
            doubted = True
            while doubted:
                until = self.loop.time() + SETTLED_SECONDS
                while self.playback.now() is None and self.loop.time() < until:
                    await asyncio.sleep(0.1)
                doubted = await self.updater.settle()

        self.run(wait())

    def look(self) -> Outcome:
        """Ask for a release, and do what it takes."""
        return self.run(self.updater.step())

    def rest(self, seconds: float) -> None:
        """Let the player play."""
        self.run(asyncio.sleep(seconds))

    def killed_during(self, work: Coroutine[Any, Any, T], seconds: float) -> T | None:
        """Do something, and be killed if it is not done after some seconds.

        Raises:
            DiedError: it was not.
        """

        async def fate() -> T:
            task = asyncio.create_task(work)
            done, _ = await asyncio.wait([task], timeout=seconds)
            if not done:
                raise self.world.disk.die()
            return task.result()

        return self.run(fate())

    def stop(self) -> None:
        """The player is asked to stop, and does."""

        async def leave() -> None:
            await self.updater.stopped()
            assert self._playing is not None
            self._playing.cancel()
            await asyncio.gather(self._playing, *self._refetching, return_exceptions=True)

        self.run(leave())
        self.world.disk.dead = True
        self.bury()

    def bury(self) -> None:
        """The process is gone; what it was about to do is not done."""
        if self.ended:
            return
        self.ended = self.world.disk.dead = True
        for task in asyncio.all_tasks(self.loop):
            task.cancel()

        async def end() -> None:
            others = asyncio.all_tasks() - {asyncio.current_task()}
            await asyncio.gather(*others, return_exceptions=True)

        with suppress(DiedError):
            self.loop.run_until_complete(end())
        self.loop.close()

    @property
    def state(self) -> PlayerState:
        return self.updater.state

    def _see(self, clip: Clip) -> None:
        self.shown.append((clip, sha256_hex(clip.path.read_bytes()) == clip.sha256))

    def _on_fault(self, clip: Clip, fault: Fault) -> None:
        self.updater.note_fault(fault.reason)
        task = asyncio.get_running_loop().create_task(self.updater.refetch(clip.video))
        self._refetching.add(task)
        task.add_done_callback(self._refetching.discard)


__all__ = ["BEGIN", "CAPACITY", "MIN_FREE", "Life", "Loss", "World"]
