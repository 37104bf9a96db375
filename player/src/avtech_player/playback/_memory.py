"""The rotation's memory: loaded once, and saved now and then, so that a restart goes on where it was."""

import asyncio
import json
import logging
from collections.abc import Callable

from avtech_schema.airtime import History, Play
from avtech_schema.errors import AvtechError

_SAVE_EVERY_S = 30.0
_MAX_BYTES = 4_000_000
_LOGGER = logging.getLogger("avtech.player.playback")

Load = Callable[[], bytes | None]
Save = Callable[[bytes], None]


class Memory:
    """What has played. `load` and `save` may fail, and playback goes on: the rotation then starts again."""

    def __init__(self, load: Load | None, save: Save | None) -> None:
        self._save = save
        self._saved_at: float | None = None
        self._saving: asyncio.Task[None] | None = None
        self._dirty = False
        self.history = _loaded(load)

    def remember(self, play: Play, monotonic: float, *, counted: bool = False) -> None:
        """Note that a clip came on screen; writes at most every 30 s, to spare the card, but at once a play that is counted."""
        self.history = self.history.after(play)
        self._dirty = True
        if self._saving is None or self._saving.done():
            if not counted and self._saved_at is not None and monotonic - self._saved_at < _SAVE_EVERY_S:
                return
            self._saved_at = monotonic
            self._saving = asyncio.create_task(self._write())
        elif counted:
            self._saving.add_done_callback(lambda _: self._write_soon())

    def _write_soon(self) -> None:
        if self._dirty and (self._saving is None or self._saving.done()):
            self._saving = asyncio.create_task(self._write())

    async def close(self) -> None:
        """Write what is not written yet."""
        if self._saving:
            await self._saving
        if self._dirty:
            await self._write()

    async def _write(self) -> None:
        if self._save is None:
            return
        self._dirty = False
        data = json.dumps(self.history.to_json(), separators=(",", ":")).encode()
        try:
            await asyncio.to_thread(self._save, data)
        except (AvtechError, OSError) as error:
            _LOGGER.warning("the rotation's position is not saved: %s", error)


def _loaded(load: Load | None) -> History:
    try:
        data = load() if load else None
        if data is None:
            return History()
        if len(data) > _MAX_BYTES:
            raise ValueError(f"{len(data)} bytes")
        return History.from_json(json.loads(data))
    except (AvtechError, OSError, ValueError, RecursionError) as error:
        _LOGGER.warning("the rotation starts again; its saved position cannot be read: %s", error)
        return History()
