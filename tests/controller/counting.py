"""A relay before a real S3 server that counts what is written and can lose, slow or cut off everything after a while."""

import re
import socket
import threading
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.controller.relay import read_message

_REQUEST = re.compile(rb"(\S+) (\S+) HTTP/")
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3})")


@dataclass
class Counting:
    """Requests that were carried out, by method and path; `written` are the PUTs that the server took."""

    endpoint: str = ""
    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    written: Counter[str] = field(default_factory=Counter)
    reached: threading.Event = field(default_factory=threading.Event)
    """Set when `limit` PUTs were written."""
    limit: int = 1 << 60
    failing: int = 0
    """So many further PUTs are answered by 503 and not carried out."""

    def puts(self, part: str) -> Counter[str]:
        """How often each object whose path holds `part` was written, or tried to be."""
        return Counter({path: count for (method, path), count in self.requests.items() if method == "PUT" and part in path})


@contextmanager
def counting(endpoint: str, *, limit: int = 1 << 60, failing: int = 0) -> Generator[Counting, None, None]:
    """Relay requests to a real server and count them."""
    host, _, port = endpoint.removeprefix("http://").partition(":")
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    count = Counting(f"http://127.0.0.1:{listener.getsockname()[1]}", limit=limit, failing=failing)
    lock = threading.Lock()

    def relay(client: socket.socket) -> None:
        with client, suppress(OSError), socket.create_connection((host, int(port))) as server:
            while request := read_message(client):
                found = _REQUEST.match(request)
                assert found
                method, path = found[1].decode(), found[2].decode().partition("?")[0]
                with lock:
                    count.requests[method, path] += 1
                    fails = method == "PUT" and count.failing > 0
                    count.failing -= fails
                if fails:
                    client.sendall(b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n")
                    continue
                server.sendall(request)
                answer = read_message(server, head_only=method == "HEAD")
                status = _STATUS.match(answer)
                if method == "PUT" and status and status[1] == b"200":
                    with lock:
                        count.written[path] += 1
                        if count.written.total() >= count.limit:
                            count.reached.set()
                client.sendall(answer)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=relay, args=(client,), daemon=True).start()

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield count
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
