"""Being woken: by a real broker, never more often than makes sense, and never needed."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from avtech_player.alarm import APART_SECONDS, Alarm, ring_at
from avtech_player.config import Wake
from avtech_player.waking import Waker, password_of, try_broker
from avtech_schema.errors import ConfigurationError, EnvironmentFailedError
from tests.player.broker import broker, free_port, needs_broker, publish


class Listening:
    """A waker at work, and the moments at which it had us look."""

    def __init__(self, port: int, *, spread: float = 0.05) -> None:
        self.looks: list[float] = []
        self.waker = Waker(Wake("127.0.0.1", port, tls=False, spread=spread), "test", {}, self._look, retry=0.2)
        self._new = asyncio.Event()

    def _look(self) -> None:
        self.looks.append(time.monotonic())
        self._new.set()

    async def woken(self, port: int) -> float:
        """Publish until it looks; how long the last message took."""
        async with asyncio.timeout(60):
            while True:
                self._new.clear()
                began = time.monotonic()
                await asyncio.to_thread(publish, port)
                with suppress(TimeoutError):
                    async with asyncio.timeout(APART_SECONDS + 1):
                        await self._new.wait()
                        return time.monotonic() - began


@contextmanager
def task_of(waker: Waker) -> Iterator[None]:
    task = asyncio.get_running_loop().create_task(waker.run())
    try:
        yield
    finally:
        task.cancel()


@needs_broker
def test_a_message_has_a_player_look_also_after_the_broker_was_gone(tmp_path: Path) -> None:
    port = free_port()

    async def run() -> None:
        listening = Listening(port)
        with task_of(listening.waker):
            with broker(tmp_path, port):
                await listening.woken(port)
            with broker(tmp_path, port):
                await listening.woken(port)

    asyncio.run(run())


@needs_broker
def test_a_retained_message_wakes_nobody_and_a_flood_gives_few_looks(tmp_path: Path) -> None:
    port = free_port()

    async def run() -> None:
        with broker(tmp_path, port):
            await asyncio.to_thread(publish, port, retain=True)
            listening = Listening(port)
            with task_of(listening.waker):
                await asyncio.sleep(1)
                assert listening.looks == []
                began = time.monotonic()
                await asyncio.to_thread(publish, port, times=500)
                took = time.monotonic() - began
                await asyncio.sleep(0.5)
                assert len(listening.looks) <= 2 + (took + 0.5) / APART_SECONDS

    asyncio.run(run())


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 no\r\n\r\n", b"\x30\xff\xff\xff\x7f" + b"x" * 100_000])
def test_what_is_no_broker_is_left_alone_and_takes_no_memory(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        accepted: list[int] = []

        def serve() -> None:
            with suppress(OSError):
                while len(accepted) < 2:
                    connection, _ = server.accept()
                    accepted.append(1)
                    with connection, suppress(OSError):
                        connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()

        async def run() -> None:
            listening = Listening(server.getsockname()[1])
            with task_of(listening.waker):
                await asyncio.to_thread(thread.join, 30)
            assert listening.looks == []

        asyncio.run(run())
        assert len(accepted) == 2


def test_a_broker_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        wake = Wake("127.0.0.1", silent.getsockname()[1], tls=False)
        with pytest.raises(EnvironmentFailedError, match=r"it did not answer in 0\.3 s"):
            try_broker(wake, "test", {}, within=0.3)


def test_looks_keep_apart_and_are_spread() -> None:
    assert ring_at(100, None, spread=2, chance=0.5) == 101
    assert ring_at(100, 99, spread=2, chance=0) == 99 + APART_SECONDS
    assert ring_at(100, 10, spread=0, chance=1) == 100


def test_an_alarm_that_rings_often_is_heard_once() -> None:
    async def run() -> int:
        heard: list[int] = []
        alarm = Alarm(lambda: heard.append(1), spread=0.0)
        for _ in range(1000):
            alarm.ring()
        await asyncio.sleep(0.1)
        alarm.ring()
        await asyncio.sleep(0.1)
        alarm.cancel()
        return len(heard)

    assert asyncio.run(run()) == 1


def test_the_password_is_read_from_its_file_or_the_environment(tmp_path: Path) -> None:
    plain = Wake("broker", 8883, tls=True)
    assert password_of(plain, {}) is None
    assert password_of(plain, {"AVTECH_PLAYER_WAKE_PASSWORD": "a"}) == "a"
    named = Wake("broker", 8883, tls=True, password_file=tmp_path / "password")
    with pytest.raises(ConfigurationError, match="there is no"):
        password_of(named, {})
    (tmp_path / "password").write_text("b\n")
    assert password_of(named, {"AVTECH_PLAYER_WAKE_PASSWORD": "a"}) == "b"


@needs_broker
@pytest.mark.media
def test_a_release_is_looked_for_at_once_when_a_message_comes(tmp_path: Path) -> None:
    """Polling would take an hour; what plays is told by the report, which the player writes as it changes."""
    from tests.player.devices import Device
    from tests.player.material import video_bytes
    from tests.player.repository import Repository, manifest_of

    repository = Repository(tmp_path / "store")
    first = repository.publish(manifest_of({"VID-RED": repository.put_clip(video_bytes("red"))}))
    device, port = Device(tmp_path / "device", repository), free_port()
    settings = {"AVTECH_PLAYER_POLL_SECONDS": "3600", "AVTECH_PLAYER_WAKE": f"mqtt://127.0.0.1:{port}"}
    with broker(tmp_path, port), device.running(environment=settings):
        device.reported(lambda report: report.applied == first, within=40)
        log, deadline = device.folder / "log", time.monotonic() + 40
        while "listening to avtech/wake" not in log.read_text():
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        second = repository.publish(manifest_of({"VID-BLUE": repository.put_clip(video_bytes("blue"))}))
        began = time.monotonic()
        publish(port)
        while "release 2" not in log.read_text():
            assert time.monotonic() < began + 30, log.read_text()
            time.sleep(0.01)
        print(f"wanted {time.monotonic() - began:.2f} s after the message")
        device.reported(lambda report: report.now_playing is not None and report.now_playing.clip == "VID-BLUE")
        print(f"on screen and reported {time.monotonic() - began:.2f} s after the message")
        device.reported(lambda report: report.applied == second)
