"""A real HTTP server for a directory, with ETags and ranges, that can fail in the ways networks and servers do."""

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Server(ThreadingHTTPServer):
    """Set the attributes to have it misbehave; `requests` are the methods, paths and ranges asked for."""

    daemon_threads = True

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root = root
        self.requests: list[tuple[str, str, str | None]] = []
        self.cut_after: int | None = None
        """Close the connection after so many bytes of a body, once for each time it is set."""
        self.fail_with: int | None = None
        self.retry_after = ""
        """What a failure says of when to ask again."""
        self.times: list[float] = []
        """When each of the `requests` came, monotonic."""
        self.ignore_ranges = False
        self.drip_seconds: float | None = None
        """Send one byte at a time, this far apart."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self._note("GET", asked)
        if self.server.fail_with is not None:
            self._answer(self.server.fail_with, b"no")
            return
        path = self.server.root / self.path.lstrip("/")
        if not path.is_file():
            self._answer(404, b"not there")
            return
        data = path.read_bytes()
        etag = f'"{hashlib.sha256(data).hexdigest()}"'
        if self.headers.get("If-None-Match") == etag:
            self._answer(304, b"", etag)
        elif asked and not self.server.ignore_ranges:
            start = int(asked.removeprefix("bytes=").partition("-")[0])
            self._answer(206, data[start:], etag, f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            self._answer(200, data, etag)

    def do_HEAD(self) -> None:
        self._note("HEAD", None)
        self._answer(self.server.fail_with or 200, b"")

    def do_PUT(self) -> None:
        self._note("PUT", None)
        self._answer(405, b"read-only")

    def _note(self, method: str, asked: str | None) -> None:
        self.server.times.append(time.monotonic())
        self.server.requests.append((method, self.path, asked))

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""

    def _answer(self, status: int, body: bytes, etag: str = "", content_range: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Last-Modified", "Mon, 02 Nov 2026 10:00:00 GMT")
        if etag:
            self.send_header("ETag", etag)
        if status >= 400 and self.server.retry_after:
            self.send_header("Retry-After", self.server.retry_after)
        if content_range:
            self.send_header("Content-Range", content_range)
        self.end_headers()
        if (cut := self.server.cut_after) is not None and len(body) > cut and status in (200, 206):
            self.server.cut_after = None
            self.wfile.write(body[:cut])
            self.close_connection = True
        elif self.server.drip_seconds is not None and status in (200, 206):
            for byte in body:
                self.wfile.write(bytes([byte]))
                time.sleep(self.server.drip_seconds)
        elif status != 304:
            self.wfile.write(body)


@contextmanager
def serving(root: Path) -> Iterator[Server]:
    """Serve a directory on a free port of this machine."""
    server = Server(root)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
