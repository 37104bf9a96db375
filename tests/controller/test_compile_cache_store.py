"""A cache in an object store: few requests, races that harm nobody, and a store that fails costs time alone."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from avtech_controller.cli._main import cli, run
from avtech_controller.incremental import Cache, compile_source, open_cache
from avtech_controller.incremental._store_shelf import StoreShelf
from avtech_controller.stores import ObjectStore, open_store
from tests.controller.desired_files import write
from tests.controller.test_incremental import WORLD, Desk
from tests.weed import S3Server

TODAY = date(2026, 6, 1)


class Counting:
    """Counts what is asked of a store."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if callable(found):
            self.calls[name] += 1
        return found


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def address(tmp_path: Path) -> str:
    (tmp_path / "store").mkdir()
    return f"file://{tmp_path}/store"


def shelved(store: Any) -> Cache:
    return Cache(StoreShelf(store), b"s" * 32, today=TODAY)


def changed(files: Mapping[str, str]) -> dict[str, str]:
    path = "fleet/CLI-B/playlists/inner.yaml"
    return {**files, path: files[path].replace("VID-B-OLD", "VID-B-NEW")}


def test_a_fresh_runner_needs_one_request_for_what_is_known_and_two_more_for_a_change(desk: Desk, address: str) -> None:
    desk.compile(WORLD, shelved(open_store(address)))
    store = Counting(open_store(address))
    made = compile_source(desk.commits.add(WORLD), shelved(store))
    assert (made.compiled, dict(store.calls)) == (0, {"get": 1})
    store.calls.clear()
    assert compile_source(desk.commits.add(changed(WORLD)), shelved(store)).compiled == 4
    assert dict(store.calls) == {"get": 2, "create_all": 1, "replace": 1}


def test_whoever_loses_the_race_for_the_ledger_adds_to_it(desk: Desk, address: str) -> None:
    first, second = shelved(open_store(address)), shelved(open_store(address))
    assert not first.ledger.parts
    assert not second.ledger.parts
    without = {path: text for path, text in WORLD.items() if "CLI-C" not in path}
    desk.compile(without, first)
    desk.compile(changed(WORLD), second)
    for files in (without, changed(WORLD), WORLD):
        assert desk.compile(files, shelved(open_store(address))).compiled == 0


def test_a_damaged_object_is_replaced(desk: Desk, address: str, tmp_path: Path) -> None:
    desk.compile(WORLD, shelved(open_store(address)))
    for pattern in ("*.ledger", "packs/*"):
        path = next((tmp_path / "store").rglob(pattern))
        path.write_bytes(path.read_bytes()[:-1])
        cache = shelved(open_store(address))
        desk.compile(WORLD, cache)
        assert cache.ignored == 1
        again = shelved(open_store(address))
        desk.compile(WORLD, again)
        assert again.ignored == 0


def test_objects_that_nobody_names_go_in_time_and_others_objects_never(desk: Desk, tmp_path: Path, address: str) -> None:
    write(tmp_path / "store", {"targets/CLI-B/x.json": "x"})
    store = open_store(address)
    for secret in (b"s", b"t"):
        desk.compile(WORLD, Cache(StoreShelf(store), secret * 32, today=TODAY))
    later = Cache(StoreShelf(store), b"t" * 32, today=date(2099, 1, 1))
    desk.compile(WORLD, later)
    left = list(store.keys("compiled/"))
    assert len(left) == 1 + 3
    assert store.size("targets/CLI-B/x.json") == 1


def test_a_store_that_fails_costs_the_cache_and_is_told_once(
    desk: Desk, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVTECH_CACHE_KEY", "k" * 32)
    cache = open_cache(f"file://{tmp_path}/nowhere/at/all", today=TODAY)
    assert desk.compile(WORLD, cache).compiled == 23
    gone = shelved(open_store(f"file://{tmp_path}/not-there"))
    assert desk.compile(WORLD, gone).compiled == 23
    assert caplog.text.count("is not used") == 1


@pytest.mark.s3
def test_the_cache_in_a_bucket_serves_a_fresh_runner(
    s3_server: S3Server, tmp_path: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AVTECH_CACHE_KEY", "k" * 32)
    root, url = write(tmp_path / "tree", WORLD), s3_server.url()
    outputs = []
    for runner in ("first", "second"):
        monkeypatch.setenv("AVTECH_CACHE_DIR", str(tmp_path / runner))
        target = tmp_path / runner / "out"
        assert run(cli, ["compile", "-C", str(root), "--cache", url, "-o", str(target)]) == 0
        outputs.append({str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*.json")})
    told = capsys.readouterr().err
    assert "23 of 23 screens compiled\n" in told
    assert "0 of 23 screens compiled, the rest from the cache" in told
    assert outputs[0] == outputs[1]
    assert len(outputs[0]) == 23


@pytest.mark.s3
def test_a_bucket_that_may_only_be_read_or_is_not_there_costs_the_cache_alone(
    s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in s3_server.environment(reader=True).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AVTECH_CACHE_KEY", "k" * 32)
    root, url = write(tmp_path / "tree", WORLD), s3_server.url()
    for address in (url, url.replace(s3_server.bucket, "no-such-bucket")):
        assert run(cli, ["compile", "-C", str(root), "--cache", address]) == 0
        told = capsys.readouterr().err
        assert told.count("is not used") == 1
        assert "23 of 23 screens compiled" in told


def test_without_a_secret_a_store_is_no_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AVTECH_CACHE_KEY", raising=False)
    root = write(tmp_path / "tree", WORLD)
    assert run(cli, ["compile", "-C", str(root), "--cache", "s3://some-bucket/x?endpoint=http://127.0.0.1:9"]) == 0
    told = capsys.readouterr().err
    assert "the cache in s3://some-bucket/x is not used: AVTECH_CACHE_KEY is not set" in told
