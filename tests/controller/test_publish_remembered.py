"""Publishing with what is remembered of the store: sooner, never otherwise, and believing nothing that was altered."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from backports import zstd

from avtech_controller.incremental import Cache, Directory
from avtech_controller.publication import Head, Wanted, read_head
from avtech_controller.stores import open_store
from avtech_controller.trust import Remembered, load_anchor
from avtech_schema.identifiers import ScreenId
from avtech_schema.layout import TARGETS, manifest_key
from tests.controller.publishing import CLIENT, CLIP, Passing, World, asset, commit, make_world, screen, screens

SECRET = b"a secret of the cache, long enough"


class Counting(Passing):
    """Notes which objects are read many at a time."""

    def __init__(self, store: Any) -> None:
        super().__init__(store)
        self.bins: list[str] = []
        self.manifests: list[str] = []

    def get_all(self, keys: Sequence[str], **options: Any) -> Any:
        self.bins += [key for key in keys if "bins-" in key]
        self.manifests += [key for key in keys if key.startswith(TARGETS)]
        return self._store.get_all(keys, **options)


def memory(place: Path, secret: bytes = SECRET) -> Remembered:
    cache = Cache(Directory(place), secret, today=datetime.now(UTC).date())
    return Remembered(cache.noted, cache.note)


def sealed(place: Path) -> list[Path]:
    return [path for path in place.rglob("*") if path.is_file()]


@pytest.fixture
def world(tmp_path: Path) -> World:
    (tmp_path / "store").mkdir()
    return make_world(tmp_path, open_store(f"file://{tmp_path / 'store'}"), number=200)


def put(world: World, number: int, remembered: Remembered | None, now: datetime, store: Any = None) -> None:
    """Publish the numbered commit, each of which changes one screen."""
    name = ScreenId(f"SCR-ACME-{number:04}")
    wanted = screens(20) | {name: screen(name, time_zone="Asia/Tokyo")}
    publisher = replace(world.publisher(now=now, store=store), remembered=remembered)
    publisher.publish(Wanted(commit(number), wanted, "tester"))


def bytes_of(store: Path) -> dict[str, bytes]:
    return {str(path.relative_to(store)): path.read_bytes() for path in store.rglob("*") if path.is_file()}


def head(world: World, remembered: Remembered | None = None, store: Any = None) -> Head:
    found = read_head(store or world.store, world.anchor, remembered)
    assert found is not None
    return found


def spoil(place: Path, how: str, older: dict[Path, bytes]) -> None:
    """Do to every entry of a cache what whoever can write it could."""
    for path in sealed(place):
        data = path.read_bytes()
        if how == "altered":
            path.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
        elif how == "cut short":
            path.write_bytes(data[: len(data) // 2])
        elif how == "put back":
            path.write_bytes(older[path])
        elif how == "empty":
            path.write_bytes(b"")


@pytest.mark.parametrize("how", ["sound", "altered", "cut short", "put back", "empty", "of another secret"])
def test_what_is_remembered_never_changes_a_byte_of_what_is_released(world: World, tmp_path: Path, how: str) -> None:
    (tmp_path / "plain").mkdir()
    plain = open_store(f"file://{tmp_path / 'plain'}")
    (tmp_path / "clip-again").write_bytes(CLIP)
    plain.upload(asset().key, tmp_path / "clip-again")
    place, start = tmp_path / "cache", datetime.now(UTC)
    older: dict[Path, bytes] = {}
    for number in range(1, 5):
        now = start + timedelta(hours=number)
        put(world, number, memory(place, b"somebody else's" * 3 if how == "of another secret" and number % 2 else SECRET), now)
        put(world, number, None, now, plain)
        now_kept = {path: path.read_bytes() for path in sealed(place)}
        spoil(place, how, older or now_kept)
        older = now_kept
    written, expected = bytes_of(tmp_path / "store"), bytes_of(tmp_path / "plain")
    assert len([name for name in written if name.startswith("metadata/")]) > 20
    assert written == expected


def test_no_bin_is_read_of_a_snapshot_that_is_known(world: World, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    put(world, 1, memory(tmp_path / "cache"), now)
    for number in (2, 3):
        counted = Counting(world.store)
        put(world, number, memory(tmp_path / "cache"), now, counted)
        assert counted.bins == []
    assert head(world, memory(tmp_path / "cache")) == head(world)


def test_a_head_that_another_publisher_moved_is_read_from_the_store(world: World, tmp_path: Path) -> None:
    now, mine = datetime.now(UTC), memory(tmp_path / "cache")
    put(world, 1, mine, now)
    put(world, 2, None, now)
    counted = Counting(world.store)
    assert head(world, mine, counted) == head(world)
    assert len(counted.bins) == len(head(world).metadata.bins)
    again = Counting(world.store)
    assert head(world, mine, again) == head(world)
    assert again.bins == []


def test_what_was_remembered_of_another_fleet_is_not_believed_of_this_one(world: World, tmp_path: Path) -> None:
    """Both have the same address, one after the other, and the same secret."""
    now, mine = datetime.now(UTC), memory(tmp_path / "cache")
    put(world, 1, mine, now)
    (tmp_path / "store").rename(tmp_path / "old store")
    (tmp_path / "store").mkdir()
    (tmp_path / "other").mkdir()
    other = make_world(tmp_path / "other", open_store(f"file://{tmp_path / 'store'}"), number=200)
    put(other, 2, None, now)
    assert other.store.url == world.store.url
    counted = Counting(other.store)
    assert head(other, mine, counted) == head(other)
    assert counted.bins


def test_a_cache_that_fails_is_as_none(world: World) -> None:
    def load(name: str) -> bytes:
        return f"no entry of {name}".encode()

    put(world, 1, None, datetime.now(UTC))
    kept: list[str] = []
    assert head(world, Remembered(load, lambda name, _: kept.append(name))) == head(world, None)
    assert kept == [f"released screens of {world.store.url}"]
    assert load_anchor(world.repo).newest == head(world).metadata.targets_version


def test_screens_that_another_version_remembered_are_read_from_the_bins(world: World) -> None:
    """The bins may be spelt as ever, and the screens beside them otherwise."""
    entries: dict[str, bytes] = {}
    put(world, 1, Remembered(entries.get, entries.__setitem__), datetime.now(UTC))
    ((name, entry),) = entries.items()
    whole = zstd.decompress(entry)
    assert whole.count(b"SCR-ACME-0001 SCR-ACME-0002") == 1
    entries[name] = zstd.compress(whole.replace(b"SCR-ACME-0001 SCR-ACME-0002", b"SCR-ACME-0001\\uSCR-ACME-0002"))
    counted = Counting(world.store)
    assert head(world, Remembered(entries.get, entries.__setitem__), counted) == head(world)
    assert counted.bins == []


@pytest.mark.parametrize("shown", [True, False])
def test_no_manifest_is_read_that_is_known_from_earlier_and_what_is_not_known_is_read(world: World, *, shown: bool) -> None:
    first = screens(3)
    world.publisher().publish(Wanted(commit(1), first, "tester"))
    known = {one.digest: one.data for one in first.values() if one.screen != "SCR-ACME-0002"}
    store = Counting(world.store)
    publisher = replace(world.publisher(store=store), shown=shown, earlier=lambda screen: known.get(screen.digest))
    publisher.publish(Wanted(commit(2), screens(3, time_zone="Asia/Tokyo"), "tester"))
    assert store.manifests == [manifest_key(CLIENT, ScreenId("SCR-ACME-0002"), first[ScreenId("SCR-ACME-0002")].digest)]
