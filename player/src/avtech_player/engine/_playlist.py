"""mpv's playlist, kept in step with the reel: the clip on screen, the one queued, and the slate, which nothing follows."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from avtech_player.engine._ipc import Ipc, IpcError, answered
from avtech_player.engine._reel import Entry, Reel
from avtech_player.ports import Clip

SLATE = Path(__file__).with_name("slate.png")


class Playlist:
    """Commands to mpv. Every one that changes what follows must be obeyed: `fail` hears of the first that was not."""

    def __init__(self, ipc: Ipc, reel: Reel, fail: Callable[[IpcError], None]) -> None:
        self._ipc = ipc
        self._reel = reel
        self._fail = fail

    async def show(self, clip: Clip | None) -> None:
        """Cut to a clip, or to the slate."""
        reel = self._reel
        answers = [self._load(clip, "replace")]
        if clip is not None:
            answers.append(self._load(None, "append"))
        reel.drop(0, len(reel.entries) - len(answers))
        await self._all(answers)

    async def queue(self, clip: Clip) -> None:
        """Have a clip follow the one on screen."""
        entries, place = self._reel.entries, self._reel.place()
        if place >= len(entries) or entries[place].clip is None:
            await self.show(clip)
            return
        following = place + 1
        answers = [self._load(clip, "append")]
        while entries[following].clip is not None and following < len(entries) - 2:
            self._reel.drop(following, following + 1)
            answers.append(self._ipc.send("playlist-remove", following))
        last = len(entries) - 1
        entries.insert(following, entries.pop())
        answers.append(self._ipc.send("playlist-move", last, following))
        await self._all(answers)

    async def rotate(self, degrees: int) -> None:
        """Turn the picture clockwise."""
        await self._all([self._ipc.send("set_property", "video-rotate", degrees)])

    def begun(self, entry: Entry) -> None:
        """mpv opens an entry: what stood before it is done with, and a slate that overtook a clip gives way to it."""
        if entry not in self._reel.entries:
            return
        overtaken = self._reel.overtaken() if entry.clip is None else None
        if overtaken is not None:
            self._ipc.send("playlist-play-index", overtaken)
            return
        for _ in range(self._reel.entries.index(entry)):
            self._reel.drop(0, 1)
            self._ipc.send("playlist-remove", 0)

    def skip(self) -> None:
        """Leave the entry that is on screen."""
        self._ipc.send("playlist-next", "force")

    def refill(self) -> None:
        """mpv has nothing to show, which the slate at the end should have prevented: go to it, if nothing is on its way."""

        def fill(idle: object) -> None:
            if idle is True and all(entry.id is not None for entry in self._reel.entries):
                self._reel.drop(0, len(self._reel.entries))
                self._load(None, "replace")

        self._ipc.send("get_property", "idle-active", then=fill)

    def _load(self, clip: Clip | None, how: str) -> asyncio.Future[object]:
        entry = Entry(clip)
        self._reel.entries.append(entry)
        path = SLATE if clip is None else clip.path.absolute()
        return self._ipc.send("loadfile", str(path), how, then=lambda data: _identify(entry, data))

    async def _all(self, answers: list[asyncio.Future[object]]) -> None:
        """Every command must be answered and obeyed: a playlist out of step with ours could show anything."""
        try:
            for answer in answers:
                await answered(answer)
        except IpcError as error:
            self._fail(error)


def _identify(entry: Entry, data: object) -> None:
    """Note the id mpv gave an entry."""
    if isinstance(data, dict) and isinstance(identity := data.get("playlist_entry_id"), int):
        entry.id = identity
