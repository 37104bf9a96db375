"""Attacks on the local API, by whoever runs on the device or leads a browser there: refused, bounded, and without harm."""

import asyncio
import contextlib
import resource
import socket
import stat
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path

import pytest

from avtech_player.api._http import MAX_CONNECTIONS, Request, Response, Server, json_response
from avtech_player.api_token import TOKEN_FILE, ensure_token, read_token
from tests.player.served import Served, serving

GET_HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("attacked")) as made:
        yield made


def peak_memory(served: Served) -> int:
    """The most memory that the player ever took, in bytes."""
    lines = Path(f"/proc/{served.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def open_files(served: Served) -> int:
    return sum(1 for _ in Path(f"/proc/{served.process.pid}/fd").iterdir())


def within(seconds: float, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.media
@pytest.mark.parametrize("path", ["/v1/assets/cleanup", "/v1/status/sync", "/healthz", "/nothing"])
@pytest.mark.parametrize("framing", ["Content-Length: 1000000000", "Transfer-Encoding: chunked"])
def test_attack_a_body_of_a_gigabyte_is_refused_in_bounded_memory(served: Served, path: str, framing: str) -> None:
    before, sent = peak_memory(served), 0
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {served.token}\r\n{framing}\r\n\r\n"
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n" if "chunked" in framing else b"x" * 65536
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        connection.sendall(head.encode())
        with contextlib.suppress(OSError):
            while sent < 1_000_000_000:
                sent += connection.send(chunk)
    assert sent < 30_000_000
    assert peak_memory(served) - before < 8_000_000
    served.alive()


@pytest.mark.media
def test_attack_a_thousand_connections_take_no_files_from_the_player(served: Served) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    files, memory = open_files(served), peak_memory(served)
    flood: list[socket.socket] = []
    try:
        for _ in range(1000):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", served.port))
            flood.append(one)
        within(10, lambda: open_files(served) > files)
        time.sleep(0.3)
        assert open_files(served) <= files + 2 * MAX_CONNECTIONS + 2
        assert served.process.poll() is None
    finally:
        for one in flood:
            one.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    within(20, lambda: served.raw(GET_HEALTH).startswith(b"HTTP/1.1 200"))
    within(20, lambda: open_files(served) <= files + 2)
    assert peak_memory(served) - memory < 16_000_000


async def health(request: Request) -> Response:
    return json_response({"path": request.path})


def attacked(attack: Callable[[int], Coroutine[None, None, None]]) -> None:
    """Run an attack against a server that gives a request half a second."""

    async def run() -> None:
        server = Server(health, request_seconds=0.5)
        port = await server.start("127.0.0.1", 0)
        try:
            await attack(port)
            for _ in range(100):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(GET_HEALTH)
                answer = await reader.read()
                writer.close()
                if answer.startswith(b"HTTP/1.1 200"):
                    return
                await asyncio.sleep(0.05)
            raise AssertionError("it does not answer any more")
        finally:
            await server.stop()

    asyncio.run(run())


@pytest.mark.parametrize("drip", [b"", b"G", b"GET / HTTP/1.1\r\nX-Slow: "])
def test_attack_slow_requests_are_ended_and_others_are_told_that_it_is_full(drip: bytes) -> None:
    async def slowloris(port: int) -> None:
        slow = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MAX_CONNECTIONS)]
        for _, writer in slow:
            writer.write(drip)
        await asyncio.sleep(0.1)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET_HEALTH)
        assert (await reader.read()).startswith(b"HTTP/1.1 503")
        writer.close()
        ended = 0
        async with asyncio.timeout(20):
            for reader, writer in slow:
                while not reader.at_eof():
                    writer.write(b"a")  # One byte now and then does not buy more time.
                    with contextlib.suppress(OSError, TimeoutError):
                        async with asyncio.timeout(0.1):
                            answer = await reader.read()
                            assert answer.startswith(b"HTTP/1.1 408") or answer == b""
                ended += 1
                writer.close()
        assert ended == MAX_CONNECTIONS

    attacked(slowloris)


def test_attack_a_request_in_the_body_or_behind_another_is_not_answered() -> None:
    smuggled = b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n"

    async def pipeline(port: int) -> None:
        for first in (
            GET_HEALTH + smuggled * 10,
            b"POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 47\r\n\r\n" + smuggled + smuggled,
            b"POST /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(first)
            answer = await reader.read()
            writer.close()
            assert answer.count(b"HTTP/1.1 ") == 1
            assert b"Connection: close" in answer
            assert b"/v1/status" not in answer

    attacked(pipeline)


def test_attack_an_address_of_the_network_is_not_listened_on() -> None:
    async def listen(host: str) -> None:
        await Server(health).start(host, 0)

    for host in ("0.0.0.0", "192.0.2.1", "::"):
        with pytest.raises(OSError, match="not this machine's own"):
            asyncio.run(listen(host))


@pytest.mark.media
@pytest.mark.parametrize(
    "path",
    [
        "/../api.token",
        "/v1/../../api.token",
        "/v1/screenshot/../../../api.token",
        "/%2e%2e/api.token",
        "/v1/..%2fapi.token",
        "//api.token",
        "/v1/status%00.json",
        "/healthz%0d%0aX-Injected:%20yes",
        "/healthz/",
        "/HEALTHZ",
        "*",
        "file:///etc/passwd",
    ],
)
def test_attack_no_path_leads_to_a_file_or_a_header(served: Served, path: str) -> None:
    answer = served.raw(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert answer.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400", b"HTTP/1.1 401"))
    assert served.token.encode() not in answer
    assert b"X-Injected" not in answer.partition(b"\r\n\r\n")[0]


@pytest.mark.media
@pytest.mark.parametrize(
    "line",
    [
        b"X-A: b\rInjected: yes",
        b"X-A: b\x00c",
        b"X A: b",
        b" X-A: folded",
        b"Host: evil.example",
        b"Content-Length: 1\r\nContent-Length: 2",
        b"X-A: \xff\xfe",
    ],
)
def test_attack_odd_headers_are_refused_or_mean_nothing(served: Served, line: bytes) -> None:
    answer = served.raw(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + line + b"\r\n\r\n")
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 421", b"HTTP/1.1 200"))
    assert b"Injected" not in answer
    served.alive()


@pytest.mark.media
def test_attack_nothing_like_the_token_opens_what_the_token_opens(served: Served) -> None:
    token = served.token
    guesses = [
        token[:-1],
        token + "0",
        token.upper() + " ",
        token[:-1] + "g",
        "0" * 64,
        "*",
        "null",
        f"{token},{token}",
        "é" * 64,
    ]
    for guess in guesses:
        head = f"GET /v1/status HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {guess}\r\n\r\n"
        assert served.raw(head.encode()).startswith((b"HTTP/1.1 401", b"HTTP/1.1 400")), guess
    for place in (f"/v1/status?token={token}", f"/v1/status?access_token={token}"):
        assert served.ask("GET", place, token=None)[0] == 401
    assert served.ask("GET", "/v1/status", token=None, Cookie=f"token={token}")[0] == 401
    assert served.ask("GET", "/v1/status", token=token)[0] == 200


def test_attack_a_token_that_others_could_read_is_replaced(tmp_path: Path) -> None:
    token = ensure_token(tmp_path)
    assert ensure_token(tmp_path) == token
    assert stat.S_IMODE((tmp_path / TOKEN_FILE).stat().st_mode) == 0o600
    (tmp_path / TOKEN_FILE).chmod(0o640)
    other = ensure_token(tmp_path)
    assert other != token
    assert (read_token(tmp_path), stat.S_IMODE((tmp_path / TOKEN_FILE).stat().st_mode)) == (other, 0o600)


@pytest.mark.parametrize("planted", [b"", b"short", b"x" * 100_000, "ä".encode() * 40, b"a b" * 20])
def test_attack_a_planted_file_is_no_token(tmp_path: Path, planted: bytes) -> None:
    (tmp_path / TOKEN_FILE).write_bytes(planted)
    (tmp_path / TOKEN_FILE).chmod(0o600)
    assert read_token(tmp_path) is None
    assert len(ensure_token(tmp_path)) == 64
