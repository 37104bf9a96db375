"""Fetching a clip: what a bad network cut off is resumed, and what does not match is never kept."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from avtech_player.download import DigestMismatchError, StoppedError, fetch_asset
from avtech_player.store import Store, StoreError, open_store
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


def fetch(
    server: Server,
    tmp_path: Path,
    asset: Asset = ASSET,
    stop: threading.Event | None = None,
    store: Store | None = None,
) -> Path:
    """Fetch a clip, and give it its name as a library does."""
    partial, clip = tmp_path / "partial", tmp_path / "clip"
    fetch_asset(store or open_store(server.url, {}), asset, partial=partial, stop=stop or threading.Event())
    return partial.rename(clip)


def test_a_clip_is_fetched_whole(server: Server, tmp_path: Path) -> None:
    assert fetch(server, tmp_path).read_bytes() == CLIP


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


def test_other_bytes_under_the_name_are_refused_and_not_fetched_again(server: Server, tmp_path: Path) -> None:
    other = CLIP[:-1] + bytes([CLIP[-1] ^ 1])
    (server.root / ASSET.key).write_bytes(other)
    store = open_store(server.url, {})
    for _ in range(3):
        with pytest.raises(DigestMismatchError):
            fetch(server, tmp_path, store=store)
        assert not (tmp_path / "clip").exists()
        assert not (tmp_path / "partial").exists()
    assert store.tally.received == len(CLIP)
    (server.root / ASSET.key).write_bytes(CLIP)
    assert fetch(server, tmp_path, store=store).read_bytes() == CLIP


@pytest.mark.parametrize("other", [CLIP + b"x" * 1_000_000, CLIP[:1000], b""])
def test_an_object_of_another_size_is_refused_before_its_first_byte(server: Server, tmp_path: Path, other: bytes) -> None:
    (tmp_path / "partial").write_bytes(CLIP[:200_000])
    (server.root / ASSET.key).write_bytes(other)
    store = open_store(server.url, {})
    with pytest.raises(DigestMismatchError, match=f"has {len(other)} bytes, not the {len(CLIP)}|is not served from"):
        fetch(server, tmp_path, store=store)
    assert store.tally.received == 0
    assert (tmp_path / "partial").read_bytes() == CLIP[:200_000]
    (server.root / ASSET.key).write_bytes(CLIP)
    assert fetch(server, tmp_path, store=store).read_bytes() == CLIP
    assert store.tally.received == len(CLIP) - 200_000


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
