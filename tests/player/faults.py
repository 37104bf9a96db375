"""A real HTTP server that can be wrong in every way networks, portals and servers are, and a wire that can be cut."""

import gzip
import hashlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

_RESET = struct.pack("ii", 1, 0)
DATE = "Last-Modified: Mon, 02 Nov 2026 10:00:00 GMT\r\n"


@dataclass(frozen=True)
class Answer:
    """What a server that is well would answer."""

    status: str
    body: bytes
    headers: str = ""
    path: str = ""

    def head(self, length: int | None = None) -> bytes:
        count = len(self.body) if length is None else length
        return f"HTTP/1.1 {self.status}\r\nContent-Length: {count}\r\n{DATE}{self.headers}\r\n".encode()


Fault = Callable[[socket.socket, Answer, threading.Event], None]


@dataclass
class Wrong:
    """Serves a directory; where a request's path begins with `where`, `fault` answers it."""

    root: Path
    port: int = 0
    fault: Fault | None = None
    where: str = "/"
    requests: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    wires: list[socket.socket] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def heal(self) -> None:
        """The fault ends; what drips or stalls breaks off."""
        self.fault = None
        self.over.set()
        self.over = threading.Event()

    def hang_up(self) -> None:
        """End the connections that clients keep."""
        for wire in self.wires:
            with suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)

    def converse(self, wire: socket.socket) -> None:
        self.wires.append(wire)
        with suppress(OSError), wire:
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while (asked := _request(wire)) is not None:
                answer = self._answer(asked)
                self.requests.append(answer.path)
                fault = self.fault if answer.path.startswith(self.where) else None
                if fault is None:
                    wire.sendall(answer.head() + answer.body)
                else:
                    fault(wire, answer, self.over)

    def _answer(self, asked: bytes) -> Answer:
        lines = asked.decode("latin-1").split("\r\n")
        path = (
            "/" + lines[0].split(" ")[1].partition("://")[2].partition("/")[2] if "://" in lines[0] else lines[0].split(" ")[1]
        )
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        file = self.root / path.lstrip("/")
        if not file.is_file():
            return Answer("404 Not Found", b"not there", path=path)
        data = file.read_bytes()
        etag = f'"{hashlib.sha256(data).hexdigest()}"'
        found = Answer("200 OK", data, f"ETag: {etag}\r\n", path)
        if headers.get("if-none-match") == etag:
            return replace(found, status="304 Not Modified", body=b"")
        if asked_part := headers.get("range"):
            start = int(asked_part.removeprefix("bytes=").partition("-")[0])
            part = f"Content-Range: bytes {start}-{len(data) - 1}/{len(data)}\r\n"
            return replace(found, status="206 Partial Content", body=data[start:], headers=found.headers + part)
        return found


def _request(wire: socket.socket) -> bytes | None:
    data = b""
    while b"\r\n\r\n" not in data:
        part = wire.recv(65536)
        if not part:
            return None
        data += part
    return data


@contextmanager
def wrong_server(root: Path, *, listening: socket.socket | None = None, tls: ssl.SSLContext | None = None) -> Generator[Wrong]:
    """Serve a directory on a free port of this machine, or on a socket that listens already."""
    listening = listening or socket.create_server(("127.0.0.1", 0), backlog=64)
    server = Wrong(root, listening.getsockname()[1])

    def converse(wire: socket.socket) -> None:
        if tls is None:
            server.converse(wire)
            return
        with suppress(OSError), wire:
            server.converse(tls.wrap_socket(wire, server_side=True))

    with listening:
        accepting = threading.Thread(target=_accept, args=(listening, converse), daemon=True)
        accepting.start()
        try:
            yield server
        finally:
            server.heal()
            server.hang_up()
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
    accepting.join(5)


def _accept(listening: socket.socket, converse: Callable[[socket.socket], None]) -> None:
    while True:
        try:
            wire, _ = listening.accept()
        except OSError:
            return
        threading.Thread(target=converse, args=(wire,), daemon=True).start()


def reset(wire: socket.socket) -> None:
    with suppress(OSError):
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    wire.close()


def reset_at_once(wire: socket.socket, answer: Answer, over: threading.Event) -> None:
    reset(wire)


def reset_in_the_middle(wire: socket.socket, answer: Answer, over: threading.Event) -> None:
    wire.sendall(answer.head() + answer.body[: len(answer.body) // 2])
    over.wait(0.05)
    reset(wire)


def ended_in_the_middle(wire: socket.socket, answer: Answer, over: threading.Event) -> None:
    wire.sendall(answer.head() + answer.body[: len(answer.body) // 2])
    wire.close()


def drip(wire: socket.socket, data: bytes, over: threading.Event) -> None:
    """One byte every 0.2 seconds, for ever."""
    for byte in data:
        wire.sendall(bytes([byte]))
        if over.wait(0.2):
            reset(wire)
            return


def dripping_body(wire: socket.socket, answer: Answer, over: threading.Event) -> None:
    wire.sendall(answer.head())
    drip(wire, answer.body, over)


def dripping_head(wire: socket.socket, answer: Answer, over: threading.Event) -> None:
    drip(wire, replace(answer, headers="X-Slow: " + "y" * 5000 + "\r\n").head(), over)


def stalling(wire: socket.socket, answer: Answer, over: threading.Event) -> None:
    wire.sendall(answer.head() + answer.body[: len(answer.body) // 2])
    over.wait()
    reset(wire)


def silent(wire: socket.socket, answer: Answer, over: threading.Event) -> None:
    over.wait()
    reset(wire)


PAGE = b"<!DOCTYPE html><html><body>Welcome to the hotel's network. Please log in.</body></html>"


def portal(wire: socket.socket, answer: Answer, over: threading.Event) -> None:
    page = Answer("200 OK", PAGE, "Content-Type: text/html; charset=utf-8\r\n")
    wire.sendall(page.head() + page.body)


def untyped_portal(wire: socket.socket, answer: Answer, over: threading.Event) -> None:
    page = Answer("200 OK", PAGE.ljust(len(answer.body)))
    wire.sendall(page.head() + page.body)


def redirecting_portal(wire: socket.socket, answer: Answer, over: threading.Event) -> None:
    if "login" in answer.path:
        portal(wire, answer, over)
    else:
        wire.sendall(Answer("302 Found", b"", f"Location: {answer.path}/login\r\n").head())


def redirecting_in_circles(wire: socket.socket, answer: Answer, over: threading.Event) -> None:
    wire.sendall(Answer("302 Found", b"", f"Location: {answer.path}\r\n").head())


def longer_than_told(wire: socket.socket, answer: Answer, over: threading.Event) -> None:
    wire.sendall(answer.head(max(0, len(answer.body) - 100)) + answer.body)


def shorter_than_told(wire: socket.socket, answer: Answer, over: threading.Event) -> None:
    wire.sendall(answer.head(len(answer.body) + 100) + answer.body)
    wire.close()


def endless_length(wire: socket.socket, answer: Answer, over: threading.Event) -> None:
    wire.sendall(answer.head(10**12))
    while not over.is_set():
        wire.sendall(bytes(65536))


def endless_chunks(wire: socket.socket, answer: Answer, over: threading.Event) -> None:
    wire.sendall(f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n{DATE}\r\n".encode())
    while not over.is_set():
        wire.sendall(b"400\r\n" + bytes(1024) + b"\r\n")


def endless_head(wire: socket.socket, answer: Answer, over: threading.Event) -> None:
    wire.sendall(b"HTTP/1.1 200 OK\r\n")
    while not over.is_set():
        wire.sendall(b"X: " + b"y" * 1000 + b"\r\n")


def endless_continue(wire: socket.socket, answer: Answer, over: threading.Event) -> None:
    while not over.is_set():
        wire.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.001)


def wrong_part(wire: socket.socket, answer: Answer, over: threading.Event) -> None:
    if answer.status.startswith("206"):
        wire.sendall(Answer("206 Partial Content", bytes(100), "Content-Range: bytes 5-104/1000\r\n").head() + bytes(100))
    else:
        reset(wire)


def no_such_part(wire: socket.socket, answer: Answer, over: threading.Event) -> None:
    wire.sendall(Answer("416 Range Not Satisfiable", b"", "Content-Range: bytes */5\r\n").head())


def status(code: str, headers: str = "") -> Fault:
    def answer_so(wire: socket.socket, answer: Answer, over: threading.Event) -> None:
        page = b"<html><body>An error page, however long</body></html>"
        wire.sendall(Answer(code, page, f"Content-Type: text/html\r\n{headers}").head() + page)

    return answer_so


def gzipped(wire: socket.socket, answer: Answer, over: threading.Event) -> None:
    packed = replace(answer, body=gzip.compress(answer.body), headers="Content-Encoding: gzip\r\n")
    wire.sendall(packed.head() + packed.body)


def gzip_bomb(wire: socket.socket, answer: Answer, over: threading.Event) -> None:
    packed = replace(answer, body=gzip.compress(bytes(50_000_000), 9), headers="Content-Encoding: gzip\r\n")
    wire.sendall(packed.head() + packed.body)


def another_protocol(wire: socket.socket, answer: Answer, over: threading.Event) -> None:
    wire.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    wire.close()


def never_modified(wire: socket.socket, answer: Answer, over: threading.Event) -> None:
    wire.sendall(b"HTTP/1.1 304 Not Modified\r\n\r\n")


class Wire:
    """A TCP tunnel to a server that can be cut: `up` says whether it carries, `cut_after` so many bytes it breaks once."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listening.getsockname()[1]
        self.up = True
        self.cut_after: int | None = None
        self.connections = 0
        threading.Thread(target=_accept, args=(self._listening, self._carry), daemon=True).start()

    def close(self) -> None:
        self.up = False
        self._listening.close()

    def _carry(self, near: socket.socket) -> None:
        self.connections += 1
        if not self.up:
            reset(near)
            return
        with suppress(OSError), near, socket.create_connection(("127.0.0.1", self._to), timeout=30) as far:
            threading.Thread(target=self._pump, args=(near, far, False), daemon=True).start()
            self._pump(far, near, True)

    def _pump(self, source: socket.socket, target: socket.socket, back: bool) -> None:
        carried = 0
        with suppress(OSError):
            while data := source.recv(65536):
                carried += len(data)
                if not self.up or (back and self.cut_after is not None and carried > self.cut_after):
                    self.cut_after = None
                    break
                target.sendall(data)
        for end in (source, target):  # Whoever waits for the other direction in another thread is woken.
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
