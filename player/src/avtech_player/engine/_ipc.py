"""mpv's JSON IPC as plain lines: requests that time out, events, and garbage that is survived."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

REQUEST_TIMEOUT_S = 2.0
MAX_LINE = 1 << 20

Event = dict[str, Any]


class IpcError(Exception):
    """Internal to the engine: a request to mpv failed."""


class IpcRefusedError(IpcError):
    """mpv answered with an error, which is the message."""


class IpcLostError(IpcError):
    """mpv hung up or does not answer in time: it crashed or hangs."""


class Ipc:
    """One connection. Requests are written in the order of the calls, and answered in that order."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, on_event: Callable[[Event], None]) -> None:
        self._reader = reader
        self._writer = writer
        self._on_event = on_event
        self._waiting: dict[int, tuple[asyncio.Future[Any], Callable[[Any], None] | None]] = {}
        self._last_id = 0

    async def run(self) -> None:
        """Read until mpv hangs up; what still waits for an answer then fails."""
        try:
            while line := await self._line():
                self._take(line)
        except (ConnectionError, OSError):
            pass
        finally:
            self.close()

    def send(self, *command: Any, then: Callable[[Any], None] | None = None) -> asyncio.Future[Any]:
        """Write a request at once; `then` gets the answer's data before any later event is told.

        The future fails with `IpcRefusedError`, or `IpcLostError` when mpv hangs up.
        """
        self._last_id += 1
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        answer.add_done_callback(_observe)
        if not self.is_open:
            answer.set_exception(IpcLostError("mpv hung up"))
            return answer
        self._waiting[self._last_id] = (answer, then)
        self._writer.write(json.dumps({"command": command, "request_id": self._last_id}).encode() + b"\n")
        return answer

    async def ask(self, *command: Any, within: float = REQUEST_TIMEOUT_S) -> Any:
        """Send a request and wait for its answer.

        Raises:
            IpcRefusedError: mpv refused it.
            IpcLostError: no answer came in time, or mpv hung up.
        """
        return await answered(self.send(*command), within=within)

    @property
    def is_open(self) -> bool:
        """Neither side has hung up."""
        return not self._writer.is_closing()

    def close(self) -> None:
        """Hang up; mpv quits then."""
        self._writer.close()
        waiting, self._waiting = self._waiting, {}
        for answer, _ in waiting.values():
            if not answer.done():
                answer.set_exception(IpcLostError("mpv hung up"))

    async def closed(self) -> None:
        """Wait until the connection is gone, which it is once mpv is."""
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def _line(self) -> bytes:
        while True:
            try:
                return await self._reader.readline()
            except ValueError:
                continue  # longer than any line we asked for; the reader has dropped it

    def _take(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            return
        if not isinstance(message, dict):
            return
        if isinstance(message.get("event"), str):
            self._on_event(message)
        elif isinstance(message.get("request_id"), int):
            self._answer(message)

    def _answer(self, message: dict[str, Any]) -> None:
        answer, then = self._waiting.pop(message["request_id"], (None, None))
        if answer is None or answer.done():
            return
        if message.get("error") != "success":
            answer.set_exception(IpcRefusedError(str(message.get("error"))[:200]))
            return
        if then:
            then(message.get("data"))
        answer.set_result(message.get("data"))


async def answered(answer: asyncio.Future[Any], *, within: float = REQUEST_TIMEOUT_S) -> Any:
    """Wait for an answer.

    Raises:
        IpcRefusedError: mpv refused it.
        IpcLostError: no answer came in time, or mpv hung up.
    """
    try:
        async with asyncio.timeout(within):  # not wait_for: before Python 3.12 it may swallow a cancellation
            return await answer
    except TimeoutError as error:
        raise IpcLostError(f"mpv did not answer within {within:g} s") from error


def _observe(answer: asyncio.Future[Any]) -> None:
    """An answer nobody waits for may fail quietly."""
    if not answer.cancelled():
        answer.exception()
