"""Serves the page of the last look on the loopback interface, and tells open browsers when there is a new one."""

import errno
import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from avtech_schema.errors import ConfigurationError, EnvironmentFailedError

HOST = "127.0.0.1"
MAX_STREAMS = 32
BEAT_SECONDS = 10.0
"""How often a waiting browser is written to, so that one that left is noticed."""
_SCRIPT = """"use strict";(() => {
  const seen = %s;
  const events = new EventSource("/events");
  events.addEventListener("message", (event) => { if (event.data !== seen) location.reload(); });
})();"""


class Board:
    """The page that is shown now; whoever waits is told when another takes its place."""

    def __init__(self, name: str) -> None:
        self._changed = threading.Condition()
        self._name = name
        self._number = 0
        self._page = b""
        self._closed = False

    def next_script(self) -> str:
        """The script of the next page: it reloads when that is no longer the one that is shown."""
        return _SCRIPT % json.dumps(f"{self._name}-{self._number + 1}")

    def post(self, page: bytes) -> None:
        """Show another page."""
        with self._changed:
            self._number += 1
            self._page = page
            self._changed.notify_all()

    def close(self) -> None:
        """Let everybody go who waits."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def page(self) -> bytes:
        """The page that is shown."""
        with self._changed:
            return self._page

    def wait(self, seen: str) -> str | None:
        """The name of the page that is shown once it is not `seen`, or after a beat; None when the board is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._token() != seen, BEAT_SECONDS)
            return None if self._closed else self._token()

    def _token(self) -> str:
        return f"{self._name}-{self._number}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int, board: Board) -> None:
        self.board = board
        self.streams = threading.BoundedSemaphore(MAX_STREAMS)
        super().__init__((HOST, port), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that went away in the middle of an answer is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "avtech"
    sys_version = ""
    disable_nagle_algorithm = True
    timeout = 30
    _types: ClassVar[dict[str, str]] = {"/": "text/html; charset=utf-8", "/events": "text/event-stream"}

    @property
    def _server(self) -> _Server:
        if not isinstance(self.server, _Server):
            raise TypeError("it serves boards only")
        return self.server

    def do_GET(self) -> None:
        """Answer with the page, or with the events that announce the next."""
        host, port = self._server.server_address[:2]
        if self.headers.get("Host") not in (f"{host!s}:{port}", f"localhost:{port}"):
            self._answer(HTTPStatus.FORBIDDEN, b"this page is for this machine alone\n")
        elif self.path == "/":
            self._answer(HTTPStatus.OK, self._server.board.page)
        elif self.path == "/events":
            self._events()
        else:
            self._answer(HTTPStatus.NOT_FOUND, b"there is one page here: /\n")

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not logged: the terminal shows findings."""

    def _answer(self, status: HTTPStatus, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", self._types["/"] if status is HTTPStatus.OK else "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)

    def _events(self) -> None:
        if not self._server.streams.acquire(blocking=False):
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, b"too many pages are open\n")
            return
        try:
            self.close_connection = True
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", self._types["/events"])
            self.send_header("Cache-Control", "no-store")
            self.send_header("Connection", "close")
            self.end_headers()
            seen = ""
            while (name := self._server.board.wait(seen)) is not None:
                self.wfile.write(b": still here\n\n" if name == seen else f"retry: 500\ndata: {name}\n\n".encode())
                seen = name
        finally:
            self._server.streams.release()


@contextmanager
def serving(board: Board, port: int) -> Generator[str, None, None]:
    """Serve a board until the end; gives the page's address. Port 0 takes any that is free.

    Raises:
        ConfigurationError: the port is in use, or may not be used.
        EnvironmentFailedError: no socket can be had.
    """
    try:
        server = _Server(port, board)
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            raise ConfigurationError(
                f"port {port} cannot be used: {error.strerror}", hint="give another one, or --port 0 for any that is free"
            ) from error
        raise EnvironmentFailedError(f"the page cannot be served: {error.strerror}") from error
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_address[1]}/"
    finally:
        board.close()
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
