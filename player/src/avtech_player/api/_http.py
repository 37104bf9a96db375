"""A small HTTP server: one request a connection, everything bounded in size, number and time."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import h11
import orjson

from avtech_player._values import is_loopback

MAX_HEADER_BYTES = 16_384
MAX_BODY_BYTES = 4096
MAX_CONNECTIONS = 16
_READ_BYTES = 8192
REQUEST_SECONDS = 10.0
"""A request arrives whole within this, or is answered 408."""
_ANSWER_SECONDS = 60.0
_DRAIN_BYTES = 1_000_000
_DRAIN_SECONDS = 1.0
_WAITING = 64
_PAUSE_SECONDS = 1.0
_LOGGER = logging.getLogger("avtech.player.api")


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `path` has no query, header names are in lower case, each once (of several the first)."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """One answer."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Awaitable[Response]]


class RequestError(Exception):
    """A request that is answered by a status and a sentence."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = headers or {}


def json_response(value: Any, status: int = 200) -> Response:
    """An answer in JSON."""
    return Response(status, orjson.dumps(value))


def problem(error: RequestError) -> Response:
    """A refusal as a problem document (RFC 9457)."""
    body = orjson.dumps({"title": _reason(error.status), "status": error.status, "detail": str(error)})
    return Response(error.status, body, "application/problem+json", error.headers)


class Server:
    """Listens on an address of this machine, and gives every request to the handler.

    `MAX_CONNECTIONS` are served at once, as many more hear that there are too many, and the rest wait with the kernel: they
    cost the player nothing.
    """

    def __init__(self, handler: Handler, *, request_seconds: float = REQUEST_SECONDS) -> None:
        self._handler = handler
        self._request_seconds = request_seconds
        self._open = 0
        self._places = asyncio.Semaphore(2 * MAX_CONNECTIONS)
        self._accepting: list[asyncio.Task[None]] = []
        self._serving: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port.

        Raises:
            OSError: the port is taken, or the address is not there, or not this machine's own.
        """
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        if foreign := [entry[4][0] for entry in found if not is_loopback(str(entry[4][0]))]:
            raise OSError(f"{host} is {foreign[0]}, which is not this machine's own")
        for family, _, _, _, address in found:
            listening = socket.create_server((str(address[0]), port), family=family, backlog=_WAITING)
            listening.settimeout(0)
            port = listening.getsockname()[1]
            self._accepting.append(loop.create_task(self._accept(listening)))
        return port

    async def stop(self) -> None:
        """Listen no more."""
        for task in self._accepting:
            task.cancel()
        await asyncio.gather(*self._accepting, return_exceptions=True)
        self._accepting.clear()

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with listening:
            while True:
                await self._places.acquire()
                try:
                    wire, _ = await loop.sock_accept(listening)
                except OSError as error:
                    self._places.release()
                    _LOGGER.warning("the local API takes no connection for a moment: %s", error)
                    await asyncio.sleep(_PAUSE_SECONDS)
                    continue
                task = loop.create_task(self._serve(wire))
                self._serving.add(task)
                task.add_done_callback(self._left)

    def _left(self, task: "asyncio.Task[None]") -> None:
        self._serving.discard(task)
        self._places.release()

    async def _serve(self, wire: socket.socket) -> None:
        self._open += 1
        try:
            with wire:
                if is_loopback(str(wire.getpeername()[0])):
                    await self._take(wire)
        except (OSError, TimeoutError, h11.ProtocolError):
            pass  # Whoever hangs up, dawdles or babbles hears nothing more.
        except Exception as error:
            _LOGGER.error("a bug in the local API: %s: %s", type(error).__name__, error)  # noqa: TRY400
            _LOGGER.debug("the bug was", exc_info=error)
        finally:
            self._open -= 1

    async def _take(self, wire: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=wire, limit=MAX_HEADER_BYTES)
        try:
            await self._converse(reader, writer)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEADER_BYTES)
        try:
            if self._open > MAX_CONNECTIONS:
                raise RequestError(503, "too many requests at once")
            async with asyncio.timeout(self._request_seconds):
                request = await _receive(connection, reader, writer)
            async with asyncio.timeout(_ANSWER_SECONDS):
                response = await self._handler(request)
        except RequestError as error:
            response = problem(error)
        except h11.RemoteProtocolError as error:
            response = problem(RequestError(error.error_status_hint, "not a request that HTTP allows"))
        except TimeoutError:
            response = problem(RequestError(503 if connection.their_state is h11.DONE else 408, "it took too long"))
        async with asyncio.timeout(_ANSWER_SECONDS):
            _send(connection, writer, response)
            await writer.drain()
            await _part(connection, reader, writer)


async def _receive(connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request:
    head: h11.Request | None = None
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            if connection.they_are_waiting_for_100_continue:
                writer.write(connection.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
            data = await reader.read(_READ_BYTES)
            if not data and head is None and connection.trailing_data[0] == b"":
                raise ConnectionResetError
            connection.receive_data(data)
        elif isinstance(event, h11.Request):
            head = event
            _refuse_large(head)
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > MAX_BODY_BYTES:
                raise RequestError(413, f"a body has at most {MAX_BODY_BYTES} bytes")
        elif head is not None and isinstance(event, h11.EndOfMessage):
            return _request(head, bytes(body))
        else:
            raise ConnectionResetError


def _refuse_large(head: h11.Request) -> None:
    """Refuse a body by its announced length, before any of it is read."""
    for name, value in head.headers:
        if name == b"content-length" and (len(value) > 9 or int(value) > MAX_BODY_BYTES):
            raise RequestError(413, f"a body has at most {MAX_BODY_BYTES} bytes")


def _request(head: h11.Request, body: bytes) -> Request:
    headers: dict[str, str] = {}
    for name, value in head.headers:
        headers.setdefault(name.decode("ascii"), value.decode("latin-1"))
    path = head.target.decode("ascii").partition("?")[0]
    return Request(head.method.decode("ascii"), path, headers, body)


def _send(connection: h11.Connection, writer: asyncio.StreamWriter, response: Response) -> None:
    if connection.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
        return
    headers = {
        "Content-Type": response.content_type,
        "Content-Length": str(len(response.body)),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Connection": "close",
        **response.headers,
    }
    start = h11.Response(status_code=response.status, headers=list(headers.items()), reason=_reason(response.status).encode())
    writer.write(connection.send(start) or b"")
    writer.write(connection.send(h11.Data(data=response.body)) or b"")
    writer.write(connection.send(h11.EndOfMessage()) or b"")


async def _part(connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Let the answer arrive before a connection with unread data is closed, which would reset it."""
    if connection.their_state is h11.DONE:
        return
    if writer.can_write_eof():
        writer.write_eof()
    with suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            left = _DRAIN_BYTES
            while left > 0 and (data := await reader.read(_READ_BYTES)):
                left -= len(data)


def _reason(status: int) -> str:
    return _REASONS.get(status, "Error")


_REASONS = {
    200: "OK",
    202: "Accepted",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    421: "Misdirected Request",
    431: "Request Header Fields Too Large",
    501: "Not Implemented",
    503: "Service Unavailable",
}
