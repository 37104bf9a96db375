"""Both stores keep one contract; these tests run over a directory and over a real S3 server."""

import hashlib
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from avtech_controller.stores import (
    ETag,
    NotModified,
    ObjectStore,
    PreconditionFailedError,
    StoreConfigurationError,
    Stored,
    StoreError,
    open_store,
)
from tests.weed import S3Server


@pytest.fixture(params=["file", pytest.param("s3", marks=pytest.mark.s3)])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    if request.param == "file":
        (tmp_path / "store").mkdir()
        yield open_store(f"file://{tmp_path}/store")
        return
    server: S3Server = request.getfixturevalue("s3_server")
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    yield open_store(server.url())


def test_what_was_created_is_read_back(store: ObjectStore) -> None:
    etag = store.create("metadata/1.root.json", b"hello")
    assert store.get("metadata/1.root.json", limit=5) == Stored(b"hello", etag)
    assert store.size("metadata/1.root.json") == 5


def test_an_empty_object_is_an_object(store: ObjectStore) -> None:
    etag = store.create("a/empty", b"")
    assert store.get("a/empty", limit=10) == Stored(b"", etag)
    assert store.size("a/empty") == 0


def test_an_absent_object_is_none(store: ObjectStore) -> None:
    assert store.get("a/b", limit=10) is None
    assert store.size("a/b") is None


def test_a_known_object_is_not_read_again(store: ObjectStore) -> None:
    etag = store.create("a/b", b"one")
    assert store.get("a/b", limit=10, if_none_match=etag) == NotModified()
    changed = store.replace("a/b", b"two", etag=etag)
    assert store.get("a/b", limit=10, if_none_match=etag) == Stored(b"two", changed)


def test_an_object_larger_than_the_limit_is_an_error(store: ObjectStore) -> None:
    store.create("a/b", b"123456")
    with pytest.raises(StoreError, match="larger than the 5 bytes"):
        store.get("a/b", limit=5)


def test_creating_twice_fails_and_changes_nothing(store: ObjectStore) -> None:
    etag = store.create("a/b", b"one")
    with pytest.raises(PreconditionFailedError):
        store.create("a/b", b"two")
    assert store.get("a/b", limit=10) == Stored(b"one", etag)


def test_replacing_another_object_fails_and_changes_nothing(store: ObjectStore) -> None:
    first = store.create("a/b", b"one")
    second = store.replace("a/b", b"two", etag=first)
    with pytest.raises(PreconditionFailedError):
        store.replace("a/b", b"three", etag=first)
    assert store.get("a/b", limit=10) == Stored(b"two", second)


def test_replacing_what_is_gone_fails(store: ObjectStore) -> None:
    with pytest.raises(StoreError):
        store.replace("a/b", b"one", etag=ETag('"0123456789abcdef0123456789abcdef"'))
    assert store.get("a/b", limit=10) is None


def test_an_upload_is_done_once(store: ObjectStore, tmp_path: Path) -> None:
    clip = tmp_path / "clip"
    clip.write_bytes(os.urandom(3_000_000))
    store.upload("content/CLI-ACME/abc", clip)
    store.upload("content/CLI-ACME/abc", clip)
    assert store.size("content/CLI-ACME/abc") == 3_000_000
    found = store.get("content/CLI-ACME/abc", limit=3_000_000)
    assert isinstance(found, Stored)
    assert found.data == clip.read_bytes()


def test_an_upload_onto_an_object_of_another_size_says_that_it_is_damaged(store: ObjectStore, tmp_path: Path) -> None:
    clip = tmp_path / "clip"
    clip.write_bytes(b"1234")
    store.create("content/CLI-ACME/abc", b"12")
    with pytest.raises(StoreError, match="damaged"):
        store.upload("content/CLI-ACME/abc", clip)


def test_an_upload_of_a_missing_file_is_one_line(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file"):
        store.upload("content/CLI-ACME/abc", tmp_path / "nowhere")


def test_keys_are_listed_in_order_below_a_prefix(store: ObjectStore) -> None:
    for key in ("a/2", "a/10", "a/x/1", "ab/1", "b/1"):
        store.create(key, b"x")
    assert list(store.keys("a/")) == ["a/10", "a/2", "a/x/1"]
    assert list(store.keys("none/")) == []


def test_a_listing_says_size_and_time(store: ObjectStore) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    for key in ("a/2", "a/10", "ab/1"):
        store.create(key, key.encode() * 2)
    found = list(store.listing("a/"))
    assert [(entry.key, entry.size) for entry in found] == [("a/10", 8), ("a/2", 6)]
    assert all(before <= entry.modified <= datetime.now(UTC) + timedelta(seconds=2) for entry in found)
    assert list(store.listing("none/")) == []


def test_an_etag_is_told_without_reading(store: ObjectStore) -> None:
    etag = store.create("a/b", b"one")
    assert store.etag("a/b") == etag
    assert store.etag("a/c") is None
    more = [store.create(f"a/{number}", b"%d" % number) for number in range(40)]
    told: list[None] = []
    found = store.etags(["a/b", "a/c", *(f"a/{number}" for number in range(40))], done=lambda: told.append(None))
    assert found == [etag, None, *more]
    assert len(told) == 42
    assert store.etags([]) == []


def test_a_large_object_is_hashed_piece_by_piece(store: ObjectStore, tmp_path: Path) -> None:
    clip = tmp_path / "clip"
    clip.write_bytes(os.urandom(3_000_000))
    store.upload("content/CLI-ACME/abc", clip)
    assert store.sha256("content/CLI-ACME/abc", limit=3_000_000) == hashlib.sha256(clip.read_bytes()).hexdigest()
    assert store.sha256("content/CLI-ACME/none", limit=1) is None
    with pytest.raises(StoreError, match="larger than the 2999999 bytes"):
        store.sha256("content/CLI-ACME/abc", limit=2_999_999)


def test_what_was_removed_is_gone_and_may_come_again(store: ObjectStore) -> None:
    etag = store.create("a/b", b"one")
    assert store.delete("a/b", etag=etag)
    assert store.get("a/b", limit=10) is None
    assert not store.delete("a/b", etag=etag)
    store.create("a/b", b"two")
    assert list(store.keys("a/")) == ["a/b"]


def test_an_object_that_changed_is_not_removed(store: ObjectStore) -> None:
    etag = store.create("a/b", b"one")
    changed = store.replace("a/b", b"two", etag=etag)
    with pytest.raises(PreconditionFailedError):
        store.delete("a/b", etag=etag)
    assert store.get("a/b", limit=10) == Stored(b"two", changed)


def test_an_object_that_never_was_is_not_removed(store: ObjectStore) -> None:
    store.create("a/c", b"x")
    assert not store.delete("a/b", etag=ETag('"0123456789abcdef0123456789abcdef"'))


def test_of_a_racing_change_and_removal_one_wins(store: ObjectStore) -> None:
    for turn in range(8):
        etag = store.create(f"a/{turn}", b"start")
        acts = [
            lambda turn=turn, etag=etag: store.replace(f"a/{turn}", b"new", etag=etag),
            lambda turn=turn, etag=etag: _remove(store, f"a/{turn}", etag),
        ]
        assert _race(2, lambda number, acts=acts: acts[number]()) == 1
        assert store.get(f"a/{turn}", limit=10) is None or store.etag(f"a/{turn}") != etag


def _remove(store: ObjectStore, key: str, etag: ETag) -> None:
    if not store.delete(key, etag=etag):
        raise PreconditionFailedError("it was gone")


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", ".hidden", "a/.tmp", "a\0b", "a\nb", "ä", "x" * 2000, "a/./b"]
)
def test_a_key_that_could_leave_the_prefix_is_refused(store: ObjectStore, key: str) -> None:
    for call in (
        lambda: store.get(key, limit=1),
        lambda: store.create(key, b""),
        lambda: store.size(key),
        lambda: store.etag(key),
        lambda: store.etags([key]),
        lambda: store.sha256(key, limit=1),
        lambda: store.delete(key, etag=ETag("x")),
        lambda: list(store.listing(key.rstrip("/"))),
        lambda: list(store.keys(key.rstrip("/"))),
    ):
        with pytest.raises(StoreError):
            call()


def test_of_many_racing_creators_one_wins(store: ObjectStore) -> None:
    assert _race(16, lambda number: store.create("a/b", b"%d" % number)) == 1


def test_of_many_racing_replacers_one_wins_each_round(store: ObjectStore) -> None:
    etag = store.create("a/b", b"start")
    for turn in range(2):
        assert _race(16, lambda number, turn=turn, etag=etag: store.replace("a/b", b"%d %d" % (turn, number), etag=etag)) == 1
        found = store.get("a/b", limit=100)
        assert isinstance(found, Stored)
        etag = found.etag


def _race(count: int, act: "object") -> int:
    """How many of some simultaneous writers win."""
    start = threading.Barrier(count)

    def run(number: int) -> bool:
        start.wait()
        try:
            act(number)  # type: ignore[operator]
        except PreconditionFailedError:
            return False
        return True

    with ThreadPoolExecutor(count) as pool:
        return sum(pool.map(run, range(count)))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "not the address"),
        ("ftp://host/x", "not the address"),
        ("/srv/store", "not the address"),
        ("file://host/dir", "not the address of a directory"),
        ("file:relative", "not the address of a directory"),
        ("file:///a?b=c", "not the address of a directory"),
        ("file:///a%00b", "not the address of a directory"),
        ("https://host/x", "can only be read"),
        ("http://[broken", "not the address"),
        ("s3://", "names a bucket"),
        ("s3://key:secret@bucket/x", "holds no credentials"),
        ("s3://bucket/x?endpoit=http://h", "no setting 'endpoit'"),
        ("s3://bucket/x?endpoint=foo", "cannot be an endpoint"),
    ],
)
def test_an_address_that_is_none_is_a_configuration_error(url: str, words: str) -> None:
    with pytest.raises(StoreConfigurationError, match=words) as caught:
        open_store(url)
    assert "secret" not in str(caught.value)
