"""A store that has too much to do says when to ask again, and is left alone until then, by each player and by all."""

import asyncio
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from avtech_player import _retry_after
from avtech_player._retry_after import asked_pause, pause_of
from avtech_player.store import Stored, StoreError, open_store
from tests.player.devices import Device
from tests.player.material import video_bytes
from tests.player.repository import Repository, manifest_of
from tests.player.server import Server, serving

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def stamp(seconds: float) -> str:
    return format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "object").write_bytes(b"data")
    with serving(tmp_path / "store") as server:
        yield server


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        ("120", "", 120),
        (" 7 ", stamp(50), 7),
        ("0", "", 0),
        (stamp(90), stamp(0), 90),
        (stamp(90), "", 90),
        (stamp(90), "yesterday", 90),
        (stamp(3600), stamp(3540), 60),
        (stamp(-90), stamp(0), 0),
        ("Tue, 24 Nov 2026 12:00:30 -0000", stamp(0), 30),
        ("9" * 400, "", 1e9),
        ("-5", "", 0),
        ("1.5", "", 0),
        ("\N{ARABIC-INDIC DIGIT FIVE}", "", 0),
        ("soon", "", 0),
        ("", "", 0),
        ("Tue, 99 Nov 99999 99:99:99 GMT", "", 0),
        ("\0" * 1000, "\0", 0),
    ],
)
def test_seconds_and_dates_are_understood_and_nothing_else_is_believed(value: str, date: str, seconds: float) -> None:
    assert pause_of(value, date, NOW) == seconds


@pytest.mark.parametrize(("status", "seconds"), [(503, 120), (429, 120), (500, 0), (200, 0), (403, 0)])
def test_an_address_that_has_too_much_to_do_is_asked_once_for_its_headers(server: Server, status: int, seconds: float) -> None:
    server.fail_with, server.retry_after = status, "120"
    assert asyncio.run(asked_pause(f"{server.url}/object", {})) == seconds
    assert [method for method, *_ in server.requests] == ["HEAD"]


@pytest.mark.parametrize("address", ["", "file:///etc/passwd", "http://127.0.0.1:1/", "http://[", "junk", "http://x" * 5000])
def test_an_address_that_cannot_be_asked_asks_for_nothing(address: str) -> None:
    assert asyncio.run(asked_pause(address, {})) == 0


def test_an_address_that_keeps_silent_is_given_up_and_of_many_players_one_asks_at_a_time(server: Server) -> None:
    server.fail_with, server.retry_after = 503, "120"

    async def together() -> list[float]:
        return await asyncio.gather(*(asked_pause(f"{server.url}/object", {}) for _ in range(50)))

    assert sorted(asyncio.run(together()))[-2:] == [0, 120]
    assert len(server.requests) == 1
    assert asyncio.run(asked_pause(f"{server.url}/object", {}, within=0.0)) == 0
    assert not _retry_after._ASKING.locked()


@pytest.mark.parametrize(("status", "asked"), [(503, 1), (429, 1), (500, 2), (404, 1)])
def test_a_store_that_has_too_much_to_do_is_not_asked_again_at_once(server: Server, status: int, asked: int) -> None:
    """One that stumbled is: that is over in a moment, most often."""
    store = open_store(server.url, {})
    server.fail_with = status
    if status == 404:
        assert store.read("object", limit=10) is None
    else:
        with pytest.raises(StoreError, match=f"it answers {status}"):
            store.read("object", limit=10)
    assert len(server.requests) == store.tally.requests == asked
    assert store.tally.busy_at == (f"{server.url}/object" if status in (429, 503) else "")
    server.fail_with = None
    assert isinstance(store.read("object", limit=10), Stored)
    assert store.tally.busy_at == ""


def test_a_clip_that_is_refused_for_now_is_told_alike(server: Server) -> None:
    store = open_store(server.url, {})
    server.fail_with = 503
    with pytest.raises(StoreError, match="it answers 503"):
        next(store.stream("object", offset=0))
    assert (len(server.requests), store.tally.busy_at) == (1, f"{server.url}/object")


@pytest.mark.media
def test_a_player_leaves_the_store_alone_for_as_long_as_it_asks_and_then_takes_the_release(tmp_path: Path) -> None:
    """It looks ten times a second; told to wait for a second, it does."""
    repository = Repository(tmp_path / "store")
    repository.publish(manifest_of({"VID-RED": repository.put_clip(video_bytes("red"))}))
    with serving(repository.path) as server:
        server.fail_with, server.retry_after = 503, "1"
        device = Device(tmp_path / "device", repository, url=server.url)
        with device.config.open("a") as file:
            file.write(f"reportStore: {repository.url}\n")
        with device.running():
            deadline = time.monotonic() + 60
            while len(server.times) < 4:
                assert time.monotonic() < deadline, (device.folder / "log").read_text()
                time.sleep(0.05)
            server.fail_with = None
            device.reported(lambda report: report.applied is not None, within=60)
    assert [method for method, *_ in server.requests[:4]] == ["GET", "HEAD", "GET", "HEAD"]
    assert server.times[2] - server.times[1] >= 1
    log = (device.folder / "log").read_text()
    assert "Traceback" not in log
    assert re.search("it answers 503", log)
