"""Heartbeat and renewal: they sign anew and release nothing, whenever and however often they run."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from avtech_controller.cli import cli
from avtech_controller.cli._main import run
from avtech_controller.publication._heartbeat import Beat, heartbeat
from avtech_controller.publication._renewal import Renewal, renew
from avtech_controller.stores import ObjectStore, PreconditionFailedError, StoreError, open_store
from avtech_controller.trust import (
    Duty,
    KeyChange,
    Rotation,
    begin_rotation,
    generate_key,
    load_anchor,
    load_public_key,
    load_signer,
    public_pem,
    sign_waiting,
    write_key,
)
from avtech_schema.errors import ConfigurationError, TrustError
from avtech_schema.layout import TIMESTAMP_KEY
from tests.controller.publishing import World, make_world, screens, verify_store
from tests.weed import S3Server

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def world(tmp_path: Path) -> World:
    (tmp_path / "store").mkdir()
    return make_world(tmp_path, open_store(f"file://{tmp_path / 'store'}"))


def at(now: datetime) -> Callable[[], datetime]:
    return lambda: now


def beat(world: World, now: datetime, *, key: str = "heartbeat", store: ObjectStore | None = None) -> Beat:
    return heartbeat(store or world.store, world.anchor, load_signer(str(world.keys / f"{key}.pem")), at(now))


def daily(world: World, now: datetime) -> Renewal:
    return renew(world.store, world.anchor, world.signer, at(now), lambda step, parts: lambda: None)


def files(world: World) -> dict[str, bytes]:
    """What players can see: everything but what no metadata leads to."""
    root = Path(world.store.url.removeprefix("file://"))
    found = {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    return {name: data for name, data in found.items() if not name.startswith((".", "releases/", "targets/", "provenance/"))}


def test_a_heartbeat_changes_the_timestamp_and_nothing_else(world: World, tmp_path: Path) -> None:
    world.publish(1, screens(3), now=NOW)
    before, head = files(world), world.head().metadata
    done = beat(world, NOW + 6 * HOUR)
    after, new = files(world), world.head().metadata
    assert done.outcome == "renewed"
    assert {name for name in after if after[name] != before.get(name)} == {TIMESTAMP_KEY}
    assert before.keys() == after.keys()
    assert new.timestamp.version == done.version == head.timestamp.version + 1
    assert new.timestamp.expires == head.timestamp.expires + 6 * HOUR == done.expires
    assert (new.pointer, new.snapshot) == (head.pointer, head.snapshot)
    verify_store(world, tmp_path, screens(3))


def test_a_heartbeat_right_after_another_is_a_no_op(world: World) -> None:
    world.publish(1, screens(1), now=NOW)
    assert beat(world, NOW + 2 * HOUR).outcome == "unchanged"
    assert beat(world, NOW + 4 * HOUR).outcome == "renewed"
    before = files(world)
    done = beat(world, NOW + 4 * HOUR)
    assert (done.outcome, done.bytes_written) == ("unchanged", 0)
    assert files(world) == before


def test_a_heartbeat_on_a_machine_whose_clock_is_slow_takes_nothing_back(world: World) -> None:
    world.publish(1, screens(1), now=NOW)
    assert beat(world, NOW - 20 * DAY).outcome == "unchanged"


def test_a_heartbeat_comes_late_and_still_works(world: World, tmp_path: Path) -> None:
    world.publish(1, screens(1), now=NOW - 20 * DAY)
    assert beat(world, NOW).outcome == "renewed"
    verify_store(world, tmp_path, screens(1))


def test_a_heartbeat_does_not_vouch_for_an_expired_snapshot(world: World) -> None:
    world.publish(1, screens(1), now=NOW)
    before = files(world)
    with pytest.raises(TrustError, match="snapshot expired") as caught:
        beat(world, NOW + 40 * DAY)
    assert "--renew" in caught.value.hint
    assert files(world) == before


@pytest.mark.parametrize("key", ["targets", "root-1"])
def test_a_heartbeat_with_another_key_is_refused(world: World, key: str) -> None:
    world.publish(1, screens(1), now=NOW)
    with pytest.raises(TrustError, match="may not sign the timestamp"):
        beat(world, NOW + DAY, key=key)


def test_the_heartbeat_key_can_neither_publish_nor_renew(world: World) -> None:
    world.publish(1, screens(1), now=NOW)
    stolen = replace(world, signer=load_signer(str(world.keys / "heartbeat.pem")))
    with pytest.raises(TrustError, match="may not sign snapshot"):
        daily(stolen, NOW + 20 * DAY)


def test_before_the_first_release_there_is_nothing_to_renew(world: World) -> None:
    for work in (beat, daily):
        with pytest.raises(ConfigurationError, match="nothing is released"):
            work(world, NOW)


class Overtaken:
    """A store in which somebody else swaps the timestamp right before our first swap."""

    def __init__(self, store: ObjectStore, other: Callable[[], object]) -> None:
        self._store = store
        self._other: Callable[[], object] | None = other

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def replace(self, key: str, data: bytes, *, etag: object) -> object:
        if self._other:
            other, self._other = self._other, None
            other()
        return self._store.replace(key, data, etag=etag)  # type: ignore[arg-type]


def test_a_heartbeat_that_a_publication_overtakes_is_a_no_op(world: World, tmp_path: Path) -> None:
    world.publish(1, screens(1), now=NOW)
    later = NOW + DAY
    store = Overtaken(world.store, lambda: world.publish(2, screens(2), now=later))
    done = beat(world, later, store=store)  # type: ignore[arg-type]
    assert (done.outcome, done.sequence) == ("unchanged", 2)
    verify_store(world, tmp_path, screens(2))


def test_a_publication_that_a_heartbeat_overtakes_lands_on_top_of_it(world: World, tmp_path: Path) -> None:
    world.publish(1, screens(1), now=NOW)
    later = NOW + DAY
    done = world.publish(2, screens(2), now=later, store=Overtaken(world.store, lambda: beat(world, later)))
    assert (done.outcome, done.attempts) == ("published", 2)
    verify_store(world, tmp_path, screens(2))


def test_a_heartbeat_never_wins_against_a_storm_and_says_so(world: World) -> None:
    class Storm:
        def __getattr__(self, name: str) -> object:
            return getattr(world.store, name)

        def replace(self, key: str, data: bytes, *, etag: object) -> None:
            raise PreconditionFailedError("somebody was faster")

    world.publish(1, screens(1), now=NOW)
    with pytest.raises(StoreError, match="changed 10 times"):
        beat(world, NOW + DAY, store=Storm())  # type: ignore[arg-type]


def test_a_heartbeat_over_a_tampered_timestamp_is_refused(world: World) -> None:
    world.publish(1, screens(1), now=NOW)
    path = Path(world.store.url.removeprefix("file://")) / TIMESTAMP_KEY
    path.write_bytes(path.read_bytes().replace(b'"sequence":1', b'"sequence":9'))
    with pytest.raises(TrustError):
        beat(world, NOW + DAY)


def test_the_daily_renewal_signs_the_snapshot_once_a_day(world: World, tmp_path: Path) -> None:
    world.publish(1, screens(3), now=NOW)
    assert daily(world, NOW).outcome == "unchanged"
    before = world.head().metadata
    assert daily(world, NOW + DAY).outcome == "renewed"
    after = world.head().metadata
    assert after.snapshot.expires == before.snapshot.expires + DAY
    assert (after.bins, after.pointer) == (before.bins, before.pointer)
    assert daily(world, NOW + DAY).outcome == "unchanged"
    verify_store(world, tmp_path, screens(3))


def test_the_daily_renewal_signs_bins_past_half_of_their_life(world: World) -> None:
    world.publish(1, screens(3), now=NOW)
    daily(world, NOW + 190 * DAY)
    assert all(found.expires > NOW + 500 * DAY for found in world.head().metadata.bins.values())
    assert world.head().released.sequence == 1


def rotated(world: World, duty: Duty, name: str) -> World:
    """The world after one duty's key was replaced, with all signatures."""
    key = generate_key()
    write_key(world.keys / f"{name}.pem", key, passphrase=None)
    (world.keys / f"{name}.pub").write_bytes(public_pem(key))
    old = world.anchor.root.roles[{"heartbeat": "timestamp", "publish": "snapshot"}.get(duty, duty)].keyids
    gone = tuple(keyid for keyid in old if duty != "heartbeat" or keyid not in world.anchor.root.roles["snapshot"].keyids)
    change = KeyChange((load_public_key(world.keys / f"{name}.pub"),), gone)
    begin_rotation(world.repo, Rotation({duty: change}), expires=NOW + 300 * DAY)
    for signer in ("root-1", "root-2", name if duty is Duty.TARGETS else "targets"):
        try:
            sign_waiting(world.repo, load_signer(str(world.keys / f"{signer}.pem")))
        except TrustError:
            assert duty is Duty.HEARTBEAT, "a heartbeat's rotation alone needs no targets key"
    fresh = replace(world, anchor=load_anchor(world.repo))
    assert not fresh.anchor.waiting
    return replace(fresh, signer=load_signer(str(world.keys / f"{name}.pem"))) if duty is Duty.PUBLISH else fresh


def test_a_rotated_heartbeat_key_waits_for_the_root_to_be_published(world: World, tmp_path: Path) -> None:
    world.publish(1, screens(2), now=NOW)
    beat(world, NOW + 6 * HOUR)
    after = rotated(world, Duty.HEARTBEAT, "heartbeat-2")
    with pytest.raises(TrustError, match="do not have root version 2"):
        beat(after, NOW + 12 * HOUR, key="heartbeat-2")
    assert daily(after, NOW + 12 * HOUR).outcome == "renewed"
    verify_store(after, tmp_path, screens(2))
    with pytest.raises(TrustError, match="may not sign the timestamp"):
        beat(after, NOW + 18 * HOUR)
    assert beat(after, NOW + 18 * HOUR, key="heartbeat-2").outcome == "renewed"
    verify_store(after, tmp_path, screens(2))


def test_a_new_root_comes_with_a_timestamp_that_its_keys_signed(world: World, tmp_path: Path) -> None:
    """Else players would know the new root, and refuse the timestamp of the heartbeat that it replaced."""
    world.publish(1, screens(2), now=NOW)
    beat(world, NOW + 6 * HOUR)
    daily(world, NOW + 6 * HOUR)
    beat(world, NOW + 10 * HOUR)
    after = rotated(world, Duty.HEARTBEAT, "heartbeat-2")
    assert daily(after, NOW + 10 * HOUR).outcome == "renewed"
    assert world.store.size("metadata/2.root.json")
    verify_store(after, tmp_path, screens(2))


def test_a_checkout_without_the_newest_root_signs_nothing(world: World) -> None:
    world.publish(1, screens(2), now=NOW)
    after = rotated(world, Duty.HEARTBEAT, "heartbeat-2")
    daily(after, NOW + HOUR)
    before = files(world)
    for work in (lambda: beat(world, NOW + DAY), lambda: daily(world, NOW + DAY), lambda: world.publish(2, screens(3))):
        with pytest.raises(TrustError):
            work()
    assert files(world) == before


def command(world: World, *flags: str) -> int:
    return run(cli, ["publish", *flags, "--repo", str(world.repo), "--store", world.store.url, "--keys-dir", str(world.keys)])


def test_the_commands_need_trust_and_the_store_alone(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.publish(1, screens(1), now=NOW - DAY)
    assert not (world.repo / "fleet").exists()
    assert command(world, "--heartbeat", "--output", "json") == 0
    assert json.loads(capsys.readouterr().out)["outcome"] == "renewed"
    assert command(world, "--heartbeat") == 0
    assert "signed lately" in capsys.readouterr().out
    assert command(world, "--renew") == 0
    assert "renewed" in capsys.readouterr().out
    assert command(world, "--renew", "--output", "json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "format_version": 1,
        "outcome": "unchanged",
        "sequence": 1,
        "commit": world.head().released.commit,
        "bytes_written": 0,
    }


def test_the_commands_take_their_keys_from_variables(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.publish(1, screens(1), now=NOW - DAY)
    monkeypatch.setenv("AVTECH_HEARTBEAT_KEY", (world.keys / "heartbeat.pem").read_text())
    monkeypatch.setenv("AVTECH_PUBLISH_KEY", f"file2:{world.keys / 'publish.pem'}")
    for flag in ("--heartbeat", "--renew"):
        assert run(cli, ["publish", flag, "--repo", str(world.repo), "--store", world.store.url]) == 0


@pytest.mark.parametrize(
    "flags", [["--heartbeat", "--renew"], ["--heartbeat", "--commit", "HEAD"], ["--renew", "--override-freeze"]]
)
def test_what_speaks_of_a_publication_has_no_place_there(
    world: World, flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(world, *flags) == 2
    assert "--" in capsys.readouterr().err


def test_a_store_must_be_named(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("AVTECH_STORE", raising=False)
    assert run(cli, ["publish", "--heartbeat", "-C", str(world.repo), "--keys-dir", str(world.keys)]) == 2
    assert "--store" in capsys.readouterr().err


@pytest.fixture(params=["file", pytest.param("s3", marks=pytest.mark.s3)])
def busy(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world whose store is a directory, or a real S3 server."""
    if request.param == "file":
        (tmp_path / "store").mkdir()
        return make_world(tmp_path, open_store(f"file://{tmp_path / 'store'}"), number=1)
    server: S3Server = request.getfixturevalue("s3_server")
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    return make_world(tmp_path, open_store(server.url(f"heartbeat-{uuid4().hex}")), number=1)


def test_of_heartbeats_at_once_one_signs_and_the_others_find_nothing_to_do(busy: World, tmp_path: Path) -> None:
    busy.publish(1, screens(2), now=NOW)
    before = busy.head().metadata
    later = NOW + DAY
    with ThreadPoolExecutor(6) as pool:
        publication = pool.submit(busy.publish, 2, screens(3), now=later)
        ended = [future.result() for future in [pool.submit(beat, busy, later) for _ in range(5)]]
        assert publication.result().outcome == "published"
    after = busy.head().metadata
    assert sum(done.outcome == "renewed" for done in ended) <= 1
    assert after.timestamp.version == before.timestamp.version + 1 + sum(done.outcome == "renewed" for done in ended)
    verify_store(busy, tmp_path, screens(3))
