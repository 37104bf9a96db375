"""One life of an mpv process: from its start to the moment it ends, hangs, takes too much, or has no display."""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from avtech_player.engine._display import display_fault, has_windows
from avtech_player.engine._ipc import Event, Ipc, IpcError, IpcLostError, IpcRefusedError
from avtech_player.engine._launch import launch
from avtech_player.engine._playlist import Playlist
from avtech_player.engine._process import MpvProcess
from avtech_player.engine._reel import MAX_DECODER_ERRORS, Entry, Reel
from avtech_player.engine._settings import SCREEN_OUTPUTS, MpvSettings
from avtech_player.ports import Clip, Died, EngineEvent, Started
from avtech_schema.errors import EnvironmentFailedError

_LOOK_S = 0.04
_BEAT_S = 1.0
_STALL_S = 6.0
_SHOT_S = 10.0
_LOGGER = logging.getLogger("avtech.player.engine")


class Session:
    """Drives one mpv, and hears what it tells. `on_picture` is called once, when its first picture is on screen."""

    def __init__(
        self, settings: MpvSettings, emit: Callable[[EngineEvent], None], on_picture: Callable[[], None] = lambda: None
    ) -> None:
        self._settings = settings
        self._emit = emit
        self._on_picture = on_picture
        self._reel = Reel()
        self._ipc: Ipc | None = None
        self._playlist: Playlist | None = None
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
        self.silent_at: float | None = None
        """When (monotonic) mpv last said that it has no audio device."""
        self.remains: MpvProcess | None = None
        """A process that is given up, but whose last picture may stay until the next one draws: the caller ends it."""

    async def run(self, first: Callable[[], tuple[Clip | None, Clip | None, int]]) -> Died:
        """Start mpv, show what is wanted by then, and go on until mpv dies.

        `first` tells the clip to begin with (None: the slate), the one to follow it, and the rotation.

        Raises:
            EnvironmentFailedError: mpv cannot be started at all.
        """
        process, reader, writer = await launch(self._settings)
        ipc = self._ipc = Ipc(reader, writer, self._on_event)
        self._playlist = Playlist(ipc, self._reel, self._fail)
        reading = asyncio.create_task(ipc.run())
        mpv = MpvProcess(process, ipc, reading)
        watching = asyncio.create_task(self._watch(mpv))
        try:
            await self._open(ipc, self._playlist, *first())
            ends: set[asyncio.Future[Any]] = {reading, watching, self._dead}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if self._dead.done():
                self._leave(mpv)
                return Died(self._dead.result(), blind=self._blind)
            reason = await mpv.obituary(self._complaint)
            if mpv.ended_by_itself and (fault := display_fault(self._settings, os.environ)):
                return Died(fault, blind=True)  # Nothing but the display's going makes mpv end by itself while it draws.
            return Died(reason, blind=mpv.ended_by_itself and not self.drawing)
        finally:
            watching.cancel()
            if self.remains is None:
                await mpv.end(at_once=self._dead.done())
            await asyncio.gather(watching, return_exceptions=True)

    async def show(self, clip: Clip | None) -> None:
        """Cut to a clip, or to the slate; while mpv is starting, it will ask what to show."""
        if self._playlist:
            await self._playlist.show(clip)

    async def queue(self, clip: Clip) -> None:
        """Have a clip follow the one on screen; while mpv is starting, it will ask what follows."""
        if self._playlist:
            await self._playlist.queue(clip)

    async def rotate(self, degrees: int) -> None:
        """Turn the picture clockwise."""
        if self._playlist:
            await self._playlist.rotate(degrees)

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

    @property
    def on_slate(self) -> bool:
        """The slate is on screen."""
        return self._reel.current is not None and self._reel.current.clip is None

    async def _open(self, ipc: Ipc, playlist: Playlist, first: Clip | None, following: Clip | None, degrees: int) -> None:
        ipc.send("request_log_messages", "warn")
        if degrees:
            ipc.send("set_property", "video-rotate", degrees)
        await playlist.show(first)
        if following:
            await playlist.queue(following)
        with contextlib.suppress(IpcError):
            self.version = str(await ipc.ask("get_property", "mpv-version"))[:80]

    def _fail(self, error: IpcError) -> None:
        """A command was not obeyed: mpv refuses it or hangs, unless it has hung up, which says how it ended by itself."""
        if isinstance(error, IpcRefusedError):
            self.kill(f"mpv refused a command: {error}")
        elif self._ipc and self._ipc.is_open:
            self.kill(f"mpv hangs: {error}")

    def _leave(self, mpv: MpvProcess) -> None:
        """Let the last picture stay where two mpv have room on the screen; a sound would be heard twice."""
        if self.drawing and not self._blind and not self._settings.volume and has_windows(self._settings, os.environ):
            self.remains = mpv
            self._emit = lambda _: None

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
            case "idle" if self._playlist:
                self._playlist.refill()
            case "log-message":
                self._hear(str(event.get("prefix")), str(event.get("level")), str(event.get("text"))[:300].strip(), now)
            case _:
                pass

    def _begin(self, entry: Entry | None, now: float) -> None:
        if entry is None:
            return
        self._reel.begin(entry, now)
        self._wake.set()
        if self._playlist:
            self._playlist.begun(entry)

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

    def _hear(self, prefix: str, level: str, text: str, now: float) -> None:
        if level not in ("error", "fatal"):
            return
        _LOGGER.debug("mpv: %s: %s", prefix, text)
        if prefix.startswith("vo/") or "video_out" in text:
            self._complaint = text
        if "initialize audio device" in text:
            self.silent_at = now
        entry = self._reel.current
        if prefix == "ffmpeg/video" and entry is not None and entry.clip is not None:
            entry.decoder_errors.append(text)
            if len(entry.decoder_errors) == MAX_DECODER_ERRORS:
                self._skip(entry, f"brought {MAX_DECODER_ERRORS} decoding errors: {text}", now)

    def _skip(self, entry: Entry, why: str, now: float) -> None:
        self._tell(self._reel.give_up(entry, why, now))
        if self._playlist:
            self._playlist.skip()

    def _tell(self, events: list[EngineEvent]) -> None:
        """Tell what happens, once it is known that people can see it."""
        if self._held is not None:
            self._held += events
            return
        for event in events:
            if isinstance(event, Started):
                self._stalls = 0
            self._emit(event)

    async def _watch(self, mpv: MpvProcess) -> None:
        """Look at the position: often until frames are seen to advance, then as a heartbeat. Ends when mpv does not answer."""
        while True:
            entry = self._reel.current
            looking = entry is not None and entry.clip is not None and entry.shown is not None and not entry.started
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S if looking else _BEAT_S):
                    await self._wake.wait()
            try:
                if self._held is not None or not looking:
                    await self._check_output(mpv.ipc)
                    self._check_memory(mpv.resident())
                position = await _property(mpv.ipc, "time-pos")
            except IpcLostError as error:
                self._fail(error)
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
            if not self.drawing:
                self.drawing = True
                self._on_picture()
            held, self._held = self._held, None
            self._tell(held or [])
            return
        self._unseen += 1
        if isinstance(output, str) or self._unseen > 1:
            self._blind = True
            self.kill(f"the display does not work: mpv draws to {output or 'nothing'}, which no screen shows")

    def _check_memory(self, resident: int) -> None:
        if resident > self._settings.memory_limit:
            self.kill(f"mpv takes {resident // 10**6} MB of memory, more than {self._settings.memory_limit // 10**6}")

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
