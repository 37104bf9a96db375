"""A relay before a real server that carries requests out and loses answers, as a broken network does."""

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress


@contextmanager
def losing_answers(endpoint: str, start: bytes, count: int) -> Generator[str, None, None]:
    """Relay requests to a real server, but drop its first `count` answers to those that begin like `start`."""
    host, _, port = endpoint.removeprefix("http://").partition(":")
    listener = socket.create_server(("127.0.0.1", 0))
    left = [count]

    def relay(client: socket.socket) -> None:
        with client, suppress(OSError), socket.create_connection((host, int(port))) as server:
            while request := read_message(client):
                server.sendall(request)
                answer = read_message(server, head_only=request.startswith(b"HEAD"))
                if request.startswith(start) and left[0] > 0:
                    left[0] -= 1
                    return
                client.sendall(answer)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=relay, args=(client,), daemon=True).start()

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def read_message(connection: socket.socket, *, head_only: bool = False) -> bytes:
    """One HTTP message with a Content-Length."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (chunk := connection.recv(65536)):
            return b""
        data += chunk
        if data.lower().count(b"100-continue") and data.endswith(b"\r\n\r\n"):
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.lower().splitlines() if line.startswith(b"content-length:")]
    while not head_only and lengths and len(body) < int(lengths[0]):
        body += connection.recv(65536)
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"expect:")]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body
