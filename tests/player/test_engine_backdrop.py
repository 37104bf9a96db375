"""What lies behind mpv: on a real X server when mpv dies, and with servers that refuse, stand still, or are none."""

import asyncio
import os
import signal
import socket
import struct
import subprocess
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avtech_player.engine import MpvSettings, _x11
from avtech_player.engine._backdrop import Backdrop
from tests.display import BLACK, BLUE, RED, SLATE, Eyes, like, watching
from tests.player.material import make_clip, video_bytes
from tests.player.stagehand import mpv_on, running
from tests.player.test_engine_faults import mpv_pids

display = pytest.mark.display
media = pytest.mark.media


@display
@media
def test_when_mpv_dies_its_last_picture_stays_until_the_next_one_draws(tmp_path: Path, x_display: str, eyes: Eyes) -> None:
    red, blue = (make_clip(tmp_path, name, video_bytes(name, 3), ms=3000) for name in ("red", "blue"))

    async def scenario() -> None:
        engine = mpv_on(x_display)
        async with running(engine) as log:
            for clip, colour in ((red, RED), (blue, BLUE)):
                await asyncio.sleep(1)  # Pictures are kept a second apart.
                await engine.show(clip)
                await log.started(clip)
                await asyncio.to_thread(eyes.wait_for, colour)
                with watching(x_display) as watch:
                    for pid in mpv_pids():
                        os.kill(pid, signal.SIGKILL)
                    await log.died()
                    await log.started(clip)
                assert all(like(seen, colour) for seen in watch.colours()), watch.colours()

    asyncio.run(scenario())


@display
@media
def test_before_the_first_picture_and_after_the_last_the_screen_has_the_slates_colour(
    tmp_path: Path, x_display: str, eyes: Eyes
) -> None:
    red = make_clip(tmp_path, "red", video_bytes("red", 3), ms=3000)
    assert eyes.colour() == BLACK

    async def scenario() -> None:
        engine = mpv_on(x_display)
        async with running(engine) as log:
            await asyncio.to_thread(eyes.wait_for, SLATE)
            await engine.show(red)
            await log.started(red)
            await asyncio.to_thread(eyes.wait_for, RED)
            await engine.slate()
            await asyncio.to_thread(eyes.wait_for, SLATE)
            with watching(x_display) as watch:
                for pid in mpv_pids():
                    os.kill(pid, signal.SIGKILL)
                await log.died()
                await asyncio.sleep(0.5)
            assert all(like(seen, SLATE) for seen in watch.colours()), watch.colours()
        assert like(eyes.colour(), SLATE)

    asyncio.run(scenario())


@contextmanager
def x_server(folder: Path, cookie: bytes) -> Generator[tuple[str, "subprocess.Popen[bytes]"]]:
    """An X server that lets in only whoever has the cookie."""
    reading, writing = os.pipe()
    authority = folder / "server.authority"
    authority.write_bytes(entry(cookie, b""))
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "320x180x24", "-auth", str(authority), "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=(writing,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(writing)
    try:
        with os.fdopen(reading) as pipe:
            number = pipe.readline().strip()
        assert number
        yield number, server
    finally:
        server.kill()
        server.wait()


def entry(cookie: bytes, number: bytes) -> bytes:
    """A line of an authority file, for any machine."""
    fields = (b"", number, _x11.COOKIE, cookie)
    return struct.pack(">H", 0xFFFF) + b"".join(struct.pack(">H", len(one)) + one for one in fields)


def colour_seen(number: str, authority: Path) -> bytes:
    """The first pixel of a display, blue first, as a program that has the cookie sees it."""
    command = ["ffmpeg", "-v", "error", "-f", "x11grab", "-video_size", "320x180", "-i", f":{number}", "-frames:v", "1"]
    seen = subprocess.run(
        [*command, "-f", "rawvideo", "-"],
        env={**os.environ, "XAUTHORITY": str(authority)},
        capture_output=True,
        check=True,
        timeout=30,
    )
    return seen.stdout[:3]


@display
def test_a_server_that_wants_a_cookie_gets_it_and_one_that_refuses_is_left_alone(tmp_path: Path) -> None:
    cookie = bytes(range(16))
    mine, wrong = tmp_path / "mine", tmp_path / "wrong"
    with x_server(tmp_path, cookie) as (number, server):
        mine.write_bytes(entry(b"x" * 16, b"99999") + entry(cookie, number.encode()))
        wrong.write_bytes(entry(b"x" * 16, number.encode()))

        async def scenario() -> None:
            for authority in (wrong, tmp_path / "none", tmp_path):
                refused = Backdrop(MpvSettings(display=f":{number}"), {"XAUTHORITY": str(authority)})
                refused.open()
                await ends(refused)
                await refused.close()
            let_in = Backdrop(MpvSettings(display=f":{number}"), {"XAUTHORITY": str(mine)})
            let_in.open()
            async with asyncio.timeout(20):
                while not await asyncio.to_thread(lambda: colour_seen(number, mine) == b"\x3c\x23\x10"):
                    pass
            let_in.keep()
            server.send_signal(signal.SIGSTOP)  # A server that stands still costs nothing, and keeps nobody waiting.
            for _ in range(50_000):
                let_in.slate()
            server.kill()
            await ends(let_in)
            let_in.slate()
            await let_in.close()

        asyncio.run(scenario())


async def ends(backdrop: Backdrop) -> None:
    """Wait until it has given up."""
    opening = backdrop._opening
    assert opening is not None
    async with asyncio.timeout(20):
        await asyncio.wait([opening])
    assert opening.exception() is None


@pytest.mark.parametrize(
    "answer", [b"", b"\0" * 8, b"\1\0\0\0\0\0\0\0", b"\1\0\0\0\0\0\xff\xff" + b"\xff" * 300_000, b"HTTP/1.1 400"]
)
def test_what_is_no_x_server_is_left_alone(answer: bytes) -> None:
    number = str(2_000_000_000 + os.getpid())
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"\0/tmp/.X11-unix/X{number}")
        server.listen()
        server.settimeout(20)

        def serve() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.recv(1000)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()

        async def scenario() -> None:
            backdrop = Backdrop(MpvSettings(display=f":{number}.0"), {"XAUTHORITY": "/nonexistent"})
            backdrop.open()
            backdrop.keep()
            await ends(backdrop)
            await backdrop.close()

        asyncio.run(scenario())
        thread.join(20)


@pytest.mark.parametrize(
    ("settings", "environment"),
    [
        (MpvSettings(), {}),
        (MpvSettings(vo="drm"), {"DISPLAY": ":0"}),
        (MpvSettings(), {"WAYLAND_DISPLAY": "wayland-0"}),
        (MpvSettings(display="elsewhere:0"), {}),
    ],
)
def test_where_there_is_no_x_server_of_this_machine_nothing_is_done(settings: MpvSettings, environment: dict[str, str]) -> None:
    async def scenario() -> None:
        backdrop = Backdrop(settings, environment)
        backdrop.open()
        assert backdrop._opening is None
        backdrop.slate()
        backdrop.keep()
        await backdrop.close()

    asyncio.run(scenario())


@given(st.binary(max_size=400))
def test_any_answer_is_a_screen_or_refused(body: bytes) -> None:
    with suppress(ValueError):
        _x11.read_screen(body)


@given(st.binary(max_size=400))
def test_any_authority_file_has_a_cookie_or_none(data: bytes) -> None:
    assert isinstance(_x11.find_cookie(data, "0"), bytes)
    cookie = b"c" * 16
    assert _x11.find_cookie(entry(cookie, b"7") + data, "7") == cookie
