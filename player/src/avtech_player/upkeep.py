"""Looking after the clips on the disk while the player runs: the scrub, on a schedule that survives restarts, and tidying."""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from avtech_player import scrub
from avtech_player.clock import TrustedClock
from avtech_player.durable import DiskError
from avtech_player.generations import Library
from avtech_player.logs import ScreenLog, release_name
from avtech_player.scrub import ScrubState
from avtech_player.sync import Updater

_FIRST_SECONDS = 30.0
_RETRY_SECONDS = 300.0
_AT_ONCE = 10**9
_TIDY_SECONDS = 86_400.0


@dataclass(slots=True)
class Upkeep:
    """Reads one clip after another anew, and has damaged ones repaired; removes daily what was not needed for long.

    `directory` is the state directory, `monotonic` counts seconds.
    """

    directory: Path
    updater: Updater
    library: Library
    clock: TrustedClock
    log: ScreenLog
    state: ScrubState = field(default_factory=ScrubState)
    monotonic: Callable[[], float] = time.monotonic
    _stop: threading.Event = field(default_factory=threading.Event)
    _tidied: float | None = None

    async def run(self) -> None:
        """Scrub until cancelled; a disk that refuses is tried again later."""
        try:
            await asyncio.sleep(_FIRST_SECONDS)
            self.state = await asyncio.to_thread(scrub.load_scrub, self._path)
            while True:
                await asyncio.sleep(await self._step())
        finally:
            self._stop.set()

    async def look(self) -> bool:
        """Read the next clip now, and the manifests; repair what is damaged; whether there was a clip."""
        await self._look_at_manifests()
        assets = {asset.sha256: asset for asset in await self.updater.assets()}
        name = scrub.next_clip(assets, self.state.after)
        if name is None:
            return False
        asset = assets[name]
        damaged = await asyncio.to_thread(scrub.is_damaged, self.library.path(asset), name, self._stop)
        if damaged:
            self.log.warning("the scrub found the clip %s damaged on the disk", name[:12])
            await self.updater.repair(asset)
        self.state = scrub.advance(self.state, name, len(assets), self.clock.now(), damaged=damaged)
        await asyncio.to_thread(scrub.save_scrub, self._path, self.state)
        return True

    async def reconcile(self) -> int:
        """Read everything anew, now and quickly, and repair what is damaged or missing; returns how many files were."""
        found = await self._look_at_manifests()
        for asset in await self.updater.assets():
            path = self.library.path(asset)
            if not path.exists() or await asyncio.to_thread(scrub.is_damaged, path, asset.sha256, self._stop, rate=_AT_ONCE):
                found += 1
                await self.updater.repair(asset)
        return found

    async def tidy(self) -> None:
        """Once a day, by a clock that can be believed, remove clips that nothing needed for `retentionDays`."""
        at = self.monotonic()
        if (self._tidied is None or at - self._tidied >= _TIDY_SECONDS) and self.clock.read().trusted:
            await self.updater.tidy()
            self._tidied = at

    async def _look_at_manifests(self) -> int:
        """Without its manifest the next start could not play a release, nor would anybody know which clips to read."""
        refs = [ref for ref in (self.updater.state.good, self.updater.state.previous) if ref is not None]
        damaged = [ref for ref in refs if await asyncio.to_thread(self.library.manifest, ref.digest) is None]
        for ref in damaged:
            self.log.warning("the manifest of release %s is damaged on the disk: it is fetched again", release_name(ref))
            await self.updater.restore(ref)
        return len(damaged)

    async def _step(self) -> float:
        """Read the next clip if it is due; seconds until it may be worth another look."""
        try:
            await self.tidy()
            wait = scrub.wait_for(self.state, self.clock.now()).total_seconds()
            if wait == 0 and not await self.look():
                return _RETRY_SECONDS
        except DiskError as error:
            self.log.warning("the scrub waits: %s", error)
            return _RETRY_SECONDS
        return max(1.0, min(wait, _RETRY_SECONDS))

    @property
    def _path(self) -> Path:
        return self.directory / "scrub.json"
