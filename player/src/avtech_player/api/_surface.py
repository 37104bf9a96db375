"""What the local API tells of a running player, and what it asks of it."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from avtech_player.assembly import Player
from avtech_player.clock import spell
from avtech_player.durable import read_bounded
from avtech_player.last_report import last_report
from avtech_player.ports import Clip
from avtech_player.space import idle_json, removals_json
from avtech_player.summary import Live, engine_json, now_json, summary
from avtech_schema.errors import AvtechError, EnvironmentFailedError
from avtech_schema.manifest import Asset

_MAX_PICTURE = 32_000_000


@dataclass(slots=True)
class Surface:
    """One running player; `wake` has it look for a release now, `started` is when it started (system clock, UTC)."""

    player: Player
    wake: Callable[[], None]
    started: datetime
    _reconciling: asyncio.Task[None] | None = None
    _pictures: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def status(self) -> dict[str, Any]:
        """What plays, what should, and why not."""
        player = self.player
        report = await asyncio.to_thread(last_report, player.config.state_dir)
        live = Live(
            state=player.updater.sync_state,
            last_error=player.updater.last_error,
            now_playing=player.playback.now(),
            engine=player.playback.health(),
            clock_trusted=player.clock.read().trusted,
            reported=report.time if report else None,
        )
        return summary(player.config.screen, player.updater.state, live)

    async def assets(self) -> dict[str, Any]:
        """The clips on the disk: those that are needed, those that are not, and the room that is left."""
        player, library = self.player, self.player.library
        needed = await player.updater.assets()
        idle = await asyncio.to_thread(library.idle, player.updater.kept())
        room = await asyncio.to_thread(library.room)
        scrub = player.upkeep.state
        return {
            "storage": {
                "freeBytes": room.free,
                "contentBytes": room.content,
                "minFreeBytes": player.config.min_free_bytes,
                "maxBytes": player.config.max_bytes,
            },
            "assets": [await asyncio.to_thread(_asset_json, asset, library.path(asset)) for asset in needed],
            "idle": [idle_json(file) for file in idle],
            "scrub": {
                "checked": scrub.checked,
                "damaged": scrub.damaged,
                "due": spell(scrub.due) if scrub.due else None,
                "finished": spell(scrub.finished) if scrub.finished else None,
            },
        }

    async def now(self) -> dict[str, Any]:
        """What is on the screen and on the air."""
        playback = self.player.playback
        clips, until = playback.on_air()
        return {
            "nowPlaying": now_json(playback.now()),
            "onAir": [_clip_json(clip) for clip in clips],
            "until": spell(until) if until else None,
            "engine": engine_json(playback.health()),
        }

    def sync(self) -> dict[str, Any]:
        """Have the player look for a release now."""
        self.wake()
        return {"asked": True}

    def reconcile(self) -> dict[str, Any]:
        """Read every clip anew, repair what is damaged, and look for a release; one such pass at a time."""
        begun = self._reconciling is None or self._reconciling.done()
        if begun:
            self._reconciling = asyncio.get_running_loop().create_task(self._reconcile())
        return {"asked": True, "begun": begun}

    async def cleanup(self, *, days: float, only_tell: bool) -> dict[str, Any]:
        """Remove clips that no kept release needed for some days."""
        since = self.player.clock.now() - timedelta(days=days)
        files = await self.player.updater.remove_idle(unused_since=since, only_tell=only_tell)
        return removals_json(files, only_tell=only_tell)

    async def screenshot(self) -> bytes:
        """What is on screen, as a PNG.

        Raises:
            EnvironmentFailedError: there is no picture.
        """
        async with self._pictures:
            folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="avtech-"))
            try:
                await self.player.playback.screenshot(folder / "screen.png")
                data = await asyncio.to_thread(read_bounded, folder / "screen.png", limit=_MAX_PICTURE)
            finally:
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        if not data:
            raise EnvironmentFailedError("the engine wrote no picture")
        return data

    def close(self) -> None:
        """Stop what was begun."""
        if self._reconciling is not None:
            self._reconciling.cancel()

    async def _reconcile(self) -> None:
        try:
            await self.player.upkeep.reconcile()
        except AvtechError as error:
            self.player.upkeep.log.warning("reconciling: %s", error)
        self.wake()


def _asset_json(asset: Asset, path: Path) -> dict[str, Any]:
    try:
        whole = path.stat().st_size == asset.size
    except OSError:
        whole = False
    return {"sha256": asset.sha256, "size": asset.size, "durationMs": asset.duration, "present": whole}


def _clip_json(clip: Clip) -> dict[str, Any]:
    return {"clip": clip.video, "sha256": clip.sha256, "rule": clip.rule, "durationMs": clip.duration}
