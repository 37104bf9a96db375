"""What X shows where no window is: the slate's colour, then the last picture, so that no death of mpv leaves it black."""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path

from avtech_player.durable import DiskError, TooLargeError, read_bounded
from avtech_player.engine import _x11
from avtech_player.engine._display import X_SOCKETS, has_windows, local_display
from avtech_player.engine._settings import MpvSettings

SLATE_COLOUR = 0x10233C
_CONNECT_S = 2.0
_APART_S = 1.0
_MAX_AUTHORITY_BYTES = 256_000
_MAX_UNREAD = 65_536
_LOGGER = logging.getLogger("avtech.player.engine")


class Backdrop:
    """A connection to the X server that draws nothing itself. Where there is no X server of this machine, it does nothing.

    While it is open an X server also has a client without mpv, which keeps it from starting over when mpv dies.
    """

    def __init__(self, settings: MpvSettings, environment: Mapping[str, str]) -> None:
        self._number = local_display(settings, environment) if has_windows(settings, environment) else ""
        self._authority = environment.get("XAUTHORITY") or os.path.expanduser("~/.Xauthority")  # noqa: PTH111  there may be no home
        self._writer: asyncio.StreamWriter | None = None
        self._screen: _x11.Screen | None = None
        self._opening: asyncio.Task[None] | None = None
        self._kept = 0.0

    def open(self) -> None:
        """Connect, unless it is connected, and show the slate's colour; nobody waits for it."""
        if self._number and self._writer is None and (self._opening is None or self._opening.done()):
            self._opening = asyncio.create_task(self._open())

    def slate(self) -> None:
        """Have the slate's colour behind mpv from now on."""
        if self._screen:
            self._send(_x11.colour_behind(self._screen, SLATE_COLOUR))

    def keep(self) -> None:
        """Have what is on the screen now behind mpv from now on."""
        now = time.monotonic()
        if self._screen and now - self._kept >= _APART_S:
            self._kept = now
            self._send(_x11.picture_behind(self._screen))

    async def close(self) -> None:
        """Leave the slate's colour, and the server."""
        self.slate()
        opening, self._opening = self._opening, None
        if opening:
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)

    def _send(self, data: bytes) -> None:
        if self._writer and self._writer.transport.get_write_buffer_size() < _MAX_UNREAD:
            self._writer.write(data)

    def _drop(self) -> None:
        writer, self._writer, self._screen = self._writer, None, None
        if writer:
            writer.close()

    async def _open(self) -> None:
        """Connect, and then read what nobody asked for until the server hangs up."""
        try:
            async with asyncio.timeout(_CONNECT_S):
                reader, writer = await _connect(self._number)
                self._writer = writer
                cookie = await asyncio.to_thread(_cookie, self._authority, self._number)
                writer.write(_x11.greeting(cookie))
                body = await reader.readexactly(_x11.rest_of(await reader.readexactly(_x11.PREFIX_BYTES)))
                self._screen = _x11.read_screen(body)
            self._send(_x11.make_context(self._screen))
            self.slate()
            while await reader.read(4096):
                pass
        except (OSError, ValueError, EOFError) as error:
            _LOGGER.debug("nothing is put behind mpv: %s", str(error) or type(error).__name__)
        finally:
            self._drop()


async def _connect(number: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to an X server of this machine.

    Raises:
        OSError: none listens.
    """
    path = f"{X_SOCKETS}{number}"
    with contextlib.suppress(OSError):
        return await asyncio.open_unix_connection(f"\0{path}")
    return await asyncio.open_unix_connection(path)


def _cookie(authority: str, number: str) -> bytes:
    try:
        return _x11.find_cookie(read_bounded(Path(authority), limit=_MAX_AUTHORITY_BYTES) or b"", number)
    except (DiskError, TooLargeError):
        return b""
