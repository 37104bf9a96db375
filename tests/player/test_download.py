"""Fetching a clip: what a bad network cut off is resumed, and what does not match is never kept."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from avtech_player.download import DigestMismatchError, StoppedError, fetch_asset
from avtech_player.store import StoreError, open_store
from avtech_schema.manifest import Asset
from tests.player.repository import asset_of
from tests.player.server import Server, serving

CLIP = os.urandom(300_000)
ASSET = asset_of(CLIP)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    path = tmp_path / "store" / ASSET.key
    path.parent.mkdir(parents=True)
    path.write_bytes(CLIP)
    with serving(tmp_path / "store") as server:
        yield server


def fetch(server: Server, tmp_path: Path, asset: Asset = ASSET, stop: threading.Event | None = None) -> Path:
    store = open_store(server.url, {})
    target = tmp_path / "clip"
    fetch_asset(store, asset, partial=tmp_path / "partial", target=target, stop=stop or threading.Event())
    return target


def test_a_clip_is_fetched_whole(server: Server, tmp_path: Path) -> None:
    assert fetch(server, tmp_path).read_bytes() == CLIP
    assert not (tmp_path / "partial").exists()


def test_a_transfer_that_was_cut_goes_on_where_it_ended(server: Server, tmp_path: Path) -> None:
    server.cut_after = 100_000
    with pytest.raises(StoreError):
        fetch(server, tmp_path)
    kept = (tmp_path / "partial").stat().st_size
    assert 0 < kept <= 100_000
    assert fetch(server, tmp_path).read_bytes() == CLIP
    assert server.requests[-1][2] == f"bytes={kept}-"
    assert len(server.requests) == 2


def test_a_damaged_partial_file_is_thrown_away_and_the_clip_fetched_anew(server: Server, tmp_path: Path) -> None:
    (tmp_path / "partial").write_bytes(b"\0" * 1000)
    assert fetch(server, tmp_path).read_bytes() == CLIP


def test_a_partial_file_longer_than_the_clip_is_thrown_away(server: Server, tmp_path: Path) -> None:
    (tmp_path / "partial").write_bytes(CLIP + b"more")
    assert fetch(server, tmp_path).read_bytes() == CLIP


def test_a_partial_file_that_is_already_whole_needs_no_network(server: Server, tmp_path: Path) -> None:
    (tmp_path / "partial").write_bytes(CLIP)
    assert fetch(server, tmp_path).read_bytes() == CLIP
    assert server.requests == []


def test_other_bytes_under_the_name_are_refused_after_a_second_try(server: Server, tmp_path: Path) -> None:
    (server.root / ASSET.key).write_bytes(CLIP[:-1] + bytes([CLIP[-1] ^ 1]))
    with pytest.raises(DigestMismatchError):
        fetch(server, tmp_path)
    assert len(server.requests) == 2
    assert not (tmp_path / "clip").exists()
    assert not (tmp_path / "partial").exists()


def test_more_bytes_than_were_released_are_not_even_stored(server: Server, tmp_path: Path) -> None:
    (server.root / ASSET.key).write_bytes(CLIP + b"x" * 1_000_000)
    with pytest.raises(DigestMismatchError, match="longer"):
        fetch(server, tmp_path)
    assert not (tmp_path / "clip").exists()


def test_fewer_bytes_than_were_released_are_a_failure_of_the_store(server: Server, tmp_path: Path) -> None:
    (server.root / ASSET.key).write_bytes(CLIP[:1000])
    with pytest.raises(StoreError, match="ended after"):
        fetch(server, tmp_path)


def test_a_server_without_ranges_costs_a_fresh_start_and_no_more(server: Server, tmp_path: Path) -> None:
    server.ignore_ranges = True
    (tmp_path / "partial").write_bytes(CLIP[:1000])
    assert fetch(server, tmp_path).read_bytes() == CLIP


def test_a_clip_that_is_not_there_is_a_failure_of_the_store(server: Server, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is not there"):
        fetch(server, tmp_path, asset_of(b"never uploaded"))


def test_a_stop_in_the_middle_keeps_what_came(server: Server, tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(StoppedError):
        fetch(server, tmp_path, stop=stop)
    assert (tmp_path / "partial").stat().st_size > 0
    assert fetch(server, tmp_path).read_bytes() == CLIP
