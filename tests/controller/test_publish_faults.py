"""A publication that meets a full disk, a read-only disk, a failing server or a broken network is whole or not there."""

import subprocess
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path

import pytest

from avtech_controller.stores import StoreConfigurationError, StoreError, open_store
from avtech_schema.layout import TIMESTAMP_KEY
from tests.controller.publishing import World, commit, make_world, screens, verify_store
from tests.controller.relay import losing_answers
from tests.weed import S3Server

FIRST, SECOND = screens(6), screens(7, time_zone="Asia/Tokyo")


@pytest.fixture
def small(tmp_path: Path) -> Generator[Path, None, None]:
    """A file system of its own of 2 MB."""
    path = tmp_path / "small"
    path.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(path)], check=False, capture_output=True)
    if mounted.returncode:
        pytest.skip(f"cannot mount a tmpfs here: {mounted.stderr.decode().strip()}")
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


def test_a_disk_that_fills_up_stops_a_publication_without_a_trace(small: Path, tmp_path: Path) -> None:
    world = make_world(tmp_path, open_store(f"file://{small}"), number=1)
    world.publish(1, FIRST)
    filler = small / "filler"
    failures: list[str] = []
    for pages in range(0, 40, 3):
        with suppress(OSError), filler.open("wb", buffering=0) as stream:
            while stream.write(b"x" * 4096):
                pass
        with filler.open("r+b") as stream:
            stream.truncate(filler.stat().st_size - pages * 4096)
        try:
            world.publish(2, SECOND)
        except StoreError as error:
            failures.append(str(error))
            verify_store(world, tmp_path, FIRST)
        filler.unlink()
    assert len(failures) >= 3
    assert all("No space left" in failure for failure in failures)
    world.publish(2, SECOND)
    verify_store(world, tmp_path, SECOND)


def test_a_read_only_disk_stops_a_publication_without_a_trace(small: Path, tmp_path: Path) -> None:
    world = make_world(tmp_path, open_store(f"file://{small}"), number=1)
    world.publish(1, FIRST)
    before = sorted(small.rglob("*"))
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    with pytest.raises(StoreConfigurationError, match="read-only"):
        world.publish(2, SECOND)
    assert sorted(small.rglob("*")) == before
    verify_store(world, tmp_path, FIRST)


@pytest.fixture
def server(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    return s3_server


@pytest.mark.s3
def test_a_publication_whose_answers_are_lost_makes_one_whole_release(server: S3Server, tmp_path: Path) -> None:
    url = server.url()
    world = make_world(tmp_path, open_store(url), number=1)
    with losing_answers(server.endpoint, b"PUT", 8) as relay:
        done = world.publish(1, FIRST, store=open_store(url.replace(server.endpoint, relay)))
    assert (done.outcome, done.sequence) == ("published", 1)
    verify_store(world, tmp_path, FIRST)


@pytest.mark.s3
def test_a_swap_whose_answer_is_lost_to_the_end_is_found_to_be_done(server: S3Server, tmp_path: Path) -> None:
    url = server.url()
    world = make_world(tmp_path, open_store(url), number=1)
    world.publish(1, FIRST)
    prefix = url.partition("://")[2].partition("?")[0]
    with losing_answers(server.endpoint, f"PUT /{prefix}/{TIMESTAMP_KEY}".encode(), 4) as relay:
        done = world.publish(2, SECOND, store=open_store(url.replace(server.endpoint, relay)))
    assert (done.outcome, done.sequence, done.attempts) == ("published", 2, 1)
    assert world.chain() == [commit(2), commit(1)]
    verify_store(world, tmp_path, SECOND)


@pytest.mark.s3
def test_a_server_that_is_gone_stops_a_publication_without_a_trace(server: S3Server, tmp_path: Path) -> None:
    url = server.url()
    world: World = make_world(tmp_path, open_store(url), number=1)
    world.publish(1, FIRST)
    with pytest.raises(StoreError, match="Could not connect"):
        world.publish(2, SECOND, store=open_store(url.replace(server.endpoint, "http://127.0.0.1:1")))
    verify_store(world, tmp_path, FIRST)
