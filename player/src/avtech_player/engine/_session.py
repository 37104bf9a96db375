"""One life of an mpv process: from its start to the moment it ends, hangs, or has no display."""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from avtech_player.engine._display import display_fault
from avtech_player.engine._ipc import Event, Ipc, IpcError, IpcLostError, IpcRefusedError, answered
from avtech_player.engine._launch import launch
from avtech_player.engine._reel import MAX_DECODER_ERRORS, Entry, Reel
from avtech_player.engine._settings import SCREEN_OUTPUTS, MpvSettings
from avtech_player.ports import Clip, Died, EngineEvent, Started
from avtech_schema.errors import EnvironmentFailedError

SLATE = Path(__file__).with_name("slate.png")

_LOOK_S = 0.04
_BEAT_S = 1.0
_STALL_S = 6.0
_QUIT_S = 1.0
_SHOT_S = 10.0
_LOGGER = logging.getLogger("avtech.player.engine")


class Session:
    """Drives one mpv. The playlist is always the clip on screen, the one queued, and the slate, which nothing follows."""

    def __init__(self, settings: MpvSettings, emit: Callable[[EngineEvent], None]) -> None:
        self._settings = settings
        self._emit = emit
        self._reel = Reel()
        self._ipc: Ipc | None = None
        self._dead: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._wake = asyncio.Event()
        self._stalls = 0
        self._complaint = ""
        self._blind = False
        self._held: list[EngineEvent] | None = []
        self._unseen = 0
        self.version = ""
        self.drawing = False
        """A picture is on screen: a clip's or the slate's."""

    async def run(self, first: Callable[[], tuple[Clip | None, Clip | None, int]]) -> Died:
        """Start mpv, show what is wanted by then, and go on until mpv dies.

        `first` tells the clip to begin with (None: the slate), the one to follow it, and the rotation.

        Raises:
            EnvironmentFailedError: mpv cannot be started at all.
        """
        process, reader, writer = await launch(self._settings)
        self._ipc = Ipc(reader, writer, self._on_event)
        reading = asyncio.create_task(self._ipc.run())
        watching = asyncio.create_task(self._watch())
        try:
            await self._open(*first())
            ends: set[asyncio.Future[Any]] = {reading, watching, self._dead}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if self._dead.done():
                return Died(self._dead.result(), blind=self._blind)
            reason = await _obituary(process, self._complaint)
            ended = process.returncode is not None and process.returncode >= 0
            if ended and (fault := display_fault(self._settings, os.environ)):
                return Died(fault, blind=True)  # Nothing but the display's going makes mpv end by itself while it draws.
            return Died(reason, blind=ended and not self.drawing)
        finally:
            watching.cancel()
            await _end(process, self._ipc, hung=self._dead.done())
            await asyncio.gather(reading, watching, return_exceptions=True)

    async def show(self, clip: Clip | None) -> None:
        """Cut to a clip, or to the slate; while mpv is starting, it will ask what to show."""
        if self._ipc is None:
            return
        reel = self._reel
        answers = [self._load(clip, "replace")]
        if clip is not None:
            answers.append(self._load(None, "append"))
        reel.drop(0, len(reel.entries) - len(answers))
        await self._all(answers)

    async def queue(self, clip: Clip) -> None:
        """Have a clip follow the one on screen; while mpv is starting, it will ask what follows."""
        if self._ipc is None:
            return
        entries, place = self._reel.entries, self._reel.place()
        if place >= len(entries) or entries[place].clip is None:
            await self.show(clip)
            return
        following = place + 1
        answers = [self._load(clip, "append")]
        while entries[following].clip is not None and following < len(entries) - 2:
            self._reel.drop(following, following + 1)
            answers.append(self._send("playlist-remove", following))
        last = len(entries) - 1
        entries.insert(following, entries.pop())
        answers.append(self._send("playlist-move", last, following))
        await self._all(answers)

    async def rotate(self, degrees: int) -> None:
        """Turn the picture clockwise."""
        if self._ipc is None:
            return
        await self._all([self._send("set_property", "video-rotate", degrees)])

    async def screenshot(self, path: Path) -> None:
        """Have mpv write what its window shows, or where the output cannot tell, the frame it draws there.

        Raises:
            EnvironmentFailedError: there is no picture, or it cannot be written.
        """
        if self._ipc is None:
            raise EnvironmentFailedError("the engine is starting: there is no picture yet")
        target = str(path.absolute())
        try:
            try:
                await self._ipc.ask("screenshot-to-file", target, "window", within=_SHOT_S)
            except IpcRefusedError:  # some outputs, x11 among them, cannot read their window back: write the picture itself
                await self._ipc.ask("screenshot-to-file", target, "video", within=_SHOT_S)
        except IpcError as error:
            raise EnvironmentFailedError(f"no picture was written to {path}: {error}") from error

    def kill(self, why: str) -> None:
        """End this life, for a reason."""
        if not self._dead.done():
            self._dead.set_result(why)

    async def _open(self, first: Clip | None, following: Clip | None, degrees: int) -> None:
        self._send("request_log_messages", "warn")
        if degrees:
            self._send("set_property", "video-rotate", degrees)
        await self.show(first)
        if following:
            await self.queue(following)
        if self._ipc:
            with contextlib.suppress(IpcError):
                self.version = str(await self._ipc.ask("get_property", "mpv-version"))[:80]

    def _load(self, clip: Clip | None, how: str) -> asyncio.Future[object]:
        entry = Entry(clip)
        self._reel.entries.append(entry)
        path = SLATE if clip is None else clip.path.absolute()
        return self._send("loadfile", str(path), how, then=lambda data: _identify(entry, data))

    def _send(self, *command: object, then: Callable[[object], None] | None = None) -> asyncio.Future[object]:
        if self._ipc is None:
            refused: asyncio.Future[object] = asyncio.get_running_loop().create_future()
            refused.set_exception(IpcLostError("mpv is starting"))
            return refused
        return self._ipc.send(*command, then=then)

    async def _all(self, answers: list[asyncio.Future[object]]) -> None:
        """Every command must be answered and obeyed: a playlist out of step with ours could show anything."""
        try:
            for answer in answers:
                await answered(answer)
        except IpcRefusedError as error:
            self.kill(f"mpv refused a command: {error}")
        except IpcLostError as error:
            self._lose(error)

    def _lose(self, error: IpcLostError) -> None:
        """No answer: mpv hangs, unless it has hung up, which says how it ended by itself."""
        if self._ipc and self._ipc.is_open:
            self.kill(f"mpv hangs: {error}")

    def _on_event(self, event: Event) -> None:
        now = time.monotonic()
        match event["event"]:
            case "start-file":
                self._begin(self._reel.find(event.get("playlist_entry_id")), now)
            case "playback-restart":
                self._tell(self._reel.picture(now))
                self._wake.set()
            case "end-file":
                self._end(event, now)
            case "idle":
                self._idle()
            case "log-message":
                self._hear(str(event.get("prefix")), str(event.get("level")), str(event.get("text"))[:300].strip(), now)
            case _:
                pass

    def _begin(self, entry: Entry | None, now: float) -> None:
        if entry is None:
            return
        self._reel.begin(entry, now)
        self._wake.set()
        if entry not in self._reel.entries:
            return
        overtaken = self._reel.overtaken() if entry.clip is None else None
        if overtaken is not None:
            self._send("playlist-play-index", overtaken)
            return
        for _ in range(self._reel.entries.index(entry)):
            self._reel.drop(0, 1)
            self._send("playlist-remove", 0)

    def _end(self, event: Event, now: float) -> None:
        entry = self._reel.find(event.get("playlist_entry_id"))
        if entry is None:
            return
        reason = str(event.get("reason"))
        if entry.clip is None and reason == "error":
            self._blind = True
            self.kill(f"the display does not work: {self._complaint or event.get('file_error')}")
            return
        self._tell(self._reel.end(entry, reason, str(event.get("file_error") or ""), now))

    def _idle(self) -> None:
        """mpv has nothing to show, which the slate at the end should have prevented."""
        self._send("get_property", "idle-active", then=self._fill)

    def _fill(self, idle: object) -> None:
        """Go to the slate, if nothing is on its way to mpv."""
        if idle is True and all(entry.id is not None for entry in self._reel.entries):
            self._reel.drop(0, len(self._reel.entries))
            self._load(None, "replace")

    def _hear(self, prefix: str, level: str, text: str, now: float) -> None:
        if level not in ("error", "fatal"):
            return
        _LOGGER.debug("mpv: %s: %s", prefix, text)
        if prefix.startswith("vo/") or "video_out" in text:
            self._complaint = text
        entry = self._reel.current
        if prefix == "ffmpeg/video" and entry is not None and entry.clip is not None:
            entry.decoder_errors.append(text)
            if len(entry.decoder_errors) == MAX_DECODER_ERRORS:
                self._skip(entry, f"brought {MAX_DECODER_ERRORS} decoding errors: {text}", now)

    def _skip(self, entry: Entry, why: str, now: float) -> None:
        self._tell(self._reel.give_up(entry, why, now))
        self._send("playlist-next", "force")

    def _tell(self, events: list[EngineEvent]) -> None:
        """Tell what happens, once it is known that people can see it."""
        if self._held is not None:
            self._held += events
            return
        for event in events:
            if isinstance(event, Started):
                self._stalls = 0
            self._emit(event)

    @property
    def on_slate(self) -> bool:
        """The slate is on screen."""
        return self._reel.current is not None and self._reel.current.clip is None

    async def _watch(self) -> None:
        """Look at the position: often until frames are seen to advance, then as a heartbeat. Ends when mpv does not answer."""
        while self._ipc is not None:
            entry = self._reel.current
            looking = entry is not None and entry.clip is not None and entry.shown is not None and not entry.started
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S if looking else _BEAT_S):
                    await self._wake.wait()
            try:
                if self._held is not None or not looking:
                    await self._check_output(self._ipc)
                position = await _property(self._ipc, "time-pos")
            except IpcLostError as error:
                self._lose(error)
                return
            now = time.monotonic()
            if isinstance(position, int | float) and self._reel.current is entry:
                self._tell(self._reel.progress(float(position), now))
            self._check_stall(now)

    async def _check_output(self, ipc: Ipc) -> None:
        """See where mpv draws: only on a screen does it show anything.

        Raises:
            IpcLostError: mpv does not answer.
        """
        entry = self._reel.current
        output = await _property(ipc, "current-vo")
        if entry is None or entry.shown is None or self._reel.current is not entry:
            return  # Between two clips there may be none.
        if output in SCREEN_OUTPUTS:
            self._unseen = 0
            self.drawing = True
            held, self._held = self._held, None
            self._tell(held or [])
            return
        self._unseen += 1
        if isinstance(output, str) or self._unseen > 1:
            self._blind = True
            self.kill(f"the display does not work: mpv draws to {output or 'nothing'}, which no screen shows")

    def _check_stall(self, now: float) -> None:
        since = self._reel.still_since()
        entry = self._reel.current
        if since is None or entry is None or now - since < _STALL_S:
            return
        self._stalls += 1
        if self._stalls > 1:
            self.kill("mpv shows no new frames")
        else:
            self._skip(entry, f"showed no new frame for {_STALL_S:g} s", now)


def _identify(entry: Entry, data: object) -> None:
    """Note the id mpv gave an entry."""
    if isinstance(data, dict) and isinstance(identity := data.get("playlist_entry_id"), int):
        entry.id = identity


async def _property(ipc: Ipc, name: str) -> object:
    """A property of mpv's; None when it has no value now.

    Raises:
        IpcLostError: mpv does not answer.
    """
    try:
        value: object = await ipc.ask("get_property", name)
    except IpcRefusedError:
        return None
    return value


async def _obituary(process: asyncio.subprocess.Process, complaint: str) -> str:
    """How mpv ended, after it hung up."""
    try:
        async with asyncio.timeout(_QUIT_S):
            status = await process.wait()
    except TimeoutError:
        return "mpv hung up"
    how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
    return f"mpv {how}" + (f": {complaint}" if complaint else "")


async def _end(process: asyncio.subprocess.Process, ipc: Ipc, *, hung: bool) -> None:
    """Make sure that the process is gone."""
    ipc.close()
    if process.returncode is None and not hung:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_QUIT_S):
                await process.wait()
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    await ipc.closed()
