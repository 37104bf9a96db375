"""The same store over S3, against a real server."""

import os
import threading
from pathlib import Path

import pytest

from avtech_player.download import fetch_asset
from avtech_player.store import NotModified, Store, Stored, StoreDeniedError, open_store
from tests.player.repository import asset_of
from tests.weed import S3Server

pytestmark = pytest.mark.s3


@pytest.fixture
def url(s3_server: S3Server) -> str:
    return s3_server.url()


@pytest.fixture
def store(url: str, s3_server: S3Server) -> Store:
    return open_store(url, s3_server.environment())


def test_what_was_written_is_read_conditionally_and_in_part(store: Store) -> None:
    store.write("metadata/timestamp.json", b"tick")
    found = store.read("metadata/timestamp.json", limit=100)
    assert isinstance(found, Stored)
    assert found.data == b"tick"
    assert store.read("metadata/timestamp.json", limit=100, if_none_match=found.etag) == NotModified()
    assert b"".join(store.stream("metadata/timestamp.json", offset=2)) == b"ck"
    store.write("metadata/timestamp.json", b"tock")
    assert isinstance(store.read("metadata/timestamp.json", limit=100, if_none_match=found.etag), Stored)


def test_an_absent_object_is_none(store: Store) -> None:
    assert store.read("metadata/9.root.json", limit=100) is None


def test_a_reader_cannot_write_and_a_stranger_cannot_read(url: str, store: Store, s3_server: S3Server) -> None:
    store.write("metadata/timestamp.json", b"tick")
    reader = open_store(url, s3_server.environment(reader=True))
    assert isinstance(reader.read("metadata/timestamp.json", limit=100), Stored)
    with pytest.raises(StoreDeniedError):
        reader.write("reports/x/latest.json", b"{}")
    with pytest.raises(StoreDeniedError):
        open_store(url, {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "x"}).read("metadata/timestamp.json", limit=1)


def test_a_clip_is_resumed_by_range(store: Store, tmp_path: Path) -> None:
    data = os.urandom(3_000_000)
    asset = asset_of(data)
    store.write(asset.key, data)
    (tmp_path / "partial").write_bytes(data[:1_234_567])
    fetch_asset(store, asset, partial=tmp_path / "partial", stop=threading.Event())
    assert (tmp_path / "partial").read_bytes() == data


def test_an_object_is_created_once_whoever_tries_again(store: Store) -> None:
    assert store.create("plays/CLI-ACME/SCR-1/date=2026-11-24/a.jsonl.zst", b"first")
    assert not store.create("plays/CLI-ACME/SCR-1/date=2026-11-24/a.jsonl.zst", b"second")
    found = store.read("plays/CLI-ACME/SCR-1/date=2026-11-24/a.jsonl.zst", limit=100)
    assert isinstance(found, Stored)
    assert found.data == b"first"


def test_a_reader_cannot_create(url: str, s3_server: S3Server) -> None:
    with pytest.raises(StoreDeniedError):
        open_store(url, s3_server.environment(reader=True)).create("plays/x", b"{}")
