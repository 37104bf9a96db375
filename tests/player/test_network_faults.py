"""A network, a portal or a server that is wrong: what plays goes on, what is wrong is told, and the fetch goes on later."""

import os
import random
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from avtech_player.outcome import OutcomeKind
from avtech_player.polling import next_look
from avtech_player.store import FailureKind, Patience, open_store
from avtech_schema.report import ReleaseRef, SyncState
from tests.player import faults
from tests.player.faults import Fault, Wire, Wrong, wrong_server
from tests.player.repository import Repository, manifest_of
from tests.player.rig import Rig
from tests.weed import S3Server

BEFORE, AFTER = os.urandom(2_000), os.urandom(300_000)
IMPATIENT = Patience(connect=2.0, stall=0.8, small=1.2, window=0.6)
"""What drips or stalls is given up soon; whoever is merely slow, on a busy machine, is not."""

QUICK: dict[str, tuple[Fault, FailureKind, str]] = {
    "reset at once": (faults.reset_at_once, FailureKind.BROKEN, "the connection broke off"),
    "reset in the middle": (faults.reset_in_the_middle, FailureKind.BROKEN, "the connection broke off"),
    "ended in the middle": (faults.ended_in_the_middle, FailureKind.BROKEN, "the connection broke off"),
    "a captive portal": (faults.portal, FailureKind.STRANGE, "a web page is answered in place of"),
    "a portal without a type": (faults.untyped_portal, FailureKind.STRANGE, "a web page is answered in place of"),
    "a redirect to a portal": (faults.redirecting_portal, FailureKind.STRANGE, "a web page is answered in place of"),
    "a redirect in circles": (faults.redirecting_in_circles, FailureKind.STRANGE, "sends elsewhere"),
    "shorter than told": (faults.shorter_than_told, FailureKind.STRANGE, "broke off|not as long as|has .* bytes, not the"),
    "endless chunks": (faults.endless_chunks, FailureKind.STRANGE, "does not say how long"),
    "endless length": (faults.endless_length, FailureKind.STRANGE, "is larger than|has 10+ bytes, not the"),
    "endless headers": (faults.endless_head, FailureKind.STRANGE, "does not speak HTTP"),
    "a gzip encoding": (faults.gzipped, FailureKind.STRANGE, r"encoded \(gzip\)|has \d+ bytes, not"),
    "a gzip bomb": (faults.gzip_bomb, FailureKind.STRANGE, r"encoded \(gzip\)|has \d+ bytes, not"),
    "another protocol": (faults.another_protocol, FailureKind.STRANGE, "does not speak HTTP"),
    "never modified": (faults.never_modified, FailureKind.STRANGE, "not to have changed, which was not asked"),
    "500": (faults.status("500 Internal Server Error"), FailureKind.ANSWER, "it answers 500 Internal Server Error"),
    "503 for a day": (
        faults.status("503 Service Unavailable", "Retry-After: 86400\r\n"),
        FailureKind.ANSWER,
        "it answers 503 Service Unavailable",
    ),
    "429": (faults.status("429 Too Many Requests", "Retry-After: 7\r\n"), FailureKind.ANSWER, "it answers 429"),
    "403": (faults.status("403 Forbidden"), FailureKind.DENIED, "access denied"),
}
SLOW: dict[str, tuple[Fault, FailureKind, str]] = {
    "a dripping body": (faults.dripping_body, FailureKind.SLOW, "less than 512 bytes a second|not answer in time"),
    "a dripping head": (faults.dripping_head, FailureKind.SLOW, "does not answer in time"),
    "a stall": (faults.stalling, FailureKind.SLOW, "does not answer in time|less than 512 bytes"),
    "silence": (faults.silent, FailureKind.SLOW, "does not answer in time"),
    "100 Continue for ever": (faults.endless_continue, FailureKind.SLOW, "does not answer in time"),
}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "store")


@pytest.fixture
def server(repository: Repository) -> Iterator[Wrong]:
    with wrong_server(repository.path) as server:
        yield server


def playing(repository: Repository, url: str, patience: Patience | None = None) -> tuple[Rig, ReleaseRef]:
    """A player that plays a first release."""
    store = open_store(url, {}, patience=patience or Patience())
    rig = Rig(repository.path.with_name("state"), url, repository.root_bytes, store=store)
    rig.start()
    first = repository.publish(manifest_of({"VID-A": repository.put_clip(BEFORE)}))
    arrives(rig, first)
    return rig, first


def arrives(rig: Rig, ref: ReleaseRef) -> None:
    """The release plays; a busy machine may be too slow for an impatient player once or twice."""
    for _ in range(4):
        if rig.step().kind is OutcomeKind.APPLIED:
            break
    assert (rig.state.good, shows(rig), rig.updater.last_error) == (ref, ref.digest, None)


def shows(rig: Rig) -> str | None:
    return rig.stage.showing.ref.digest if rig.stage.showing else None


def partial(rig: Rig) -> int:
    return sum(path.stat().st_size for path in (rig.directory / "partial").iterdir())


def withstands(
    rig: Rig, server: Wrong, repository: Repository, where: str, fault: Fault, kind: FailureKind, words: str
) -> None:
    """A release comes while the network is wrong; it is told in these words, and arrives when that is over."""
    first = rig.state.good
    assert first is not None
    second = repository.publish(manifest_of({"VID-A": repository.put_clip(BEFORE), "VID-B": repository.put_clip(AFTER)}))
    server.fault, server.where = fault, where
    outcome = rig.step()
    assert outcome.kind is OutcomeKind.FAILED
    assert re.search(words, str(outcome.error)), str(outcome.error)
    assert shows(rig) == first.digest
    assert rig.updater.sync_state is SyncState.ERROR
    assert re.search(words, rig.updater.last_error or "")
    assert len(rig.updater.last_error or "") < 400
    assert rig.store.tally.failures[kind] + rig.store.tally.failures[FailureKind.BROKEN] > 0
    assert rig.state.quarantine == ()
    server.heal()
    arrives(rig, second)


@pytest.mark.parametrize(
    ("name", "where"),
    [
        (name, where)
        for name in QUICK
        for where in ("/metadata/timestamp.json", "/targets/", "/content/")
        if (name, where) != ("never modified", "/metadata/timestamp.json")  # That is a replay: see the attacks.
    ],
)
def test_while_the_network_is_wrong_what_plays_goes_on(server: Wrong, repository: Repository, name: str, where: str) -> None:
    rig, _ = playing(repository, server.url)
    withstands(rig, server, repository, where, *QUICK[name])


@pytest.mark.parametrize("where", ["/metadata/", "/content/"])
@pytest.mark.parametrize("name", SLOW)
def test_while_the_network_trickles_or_stalls_what_plays_goes_on(
    server: Wrong, repository: Repository, name: str, where: str
) -> None:
    rig, _ = playing(repository, server.url, IMPATIENT)
    withstands(rig, server, repository, where, *SLOW[name])


def test_a_server_that_refuses_connections_is_told(tmp_path: Path, repository: Repository) -> None:
    with wrong_server(repository.path) as server:
        rig, first = playing(repository, server.url)
    outcome = rig.step()
    assert outcome.kind is OutcomeKind.FAILED
    assert re.search("refuses the connection|cannot be reached|broke off", rig.updater.last_error or "")
    assert shows(rig) == first.digest


@pytest.mark.parametrize(
    "name", ["a captive portal", "a portal without a type", "a redirect to a portal", "a gzip bomb", "500"]
)
def test_what_came_before_the_portal_is_kept(server: Wrong, repository: Repository, name: str) -> None:
    """A portal answers 200 from byte 0, as a server without ranges does: that must not cost what was fetched."""
    rig, _ = playing(repository, server.url)
    repository.publish(manifest_of({"VID-B": repository.put_clip(AFTER)}))
    server.fault, server.where = faults.ended_in_the_middle, "/content/"
    rig.step()
    kept = partial(rig)
    assert kept > 100_000
    server.fault = QUICK[name][0]
    assert rig.step().kind is OutcomeKind.FAILED
    assert partial(rig) == kept
    server.heal()
    assert rig.step().kind is OutcomeKind.APPLIED


@pytest.mark.parametrize("fault", [faults.wrong_part, faults.no_such_part])
def test_a_wrong_part_is_not_taken_for_the_right_one(server: Wrong, repository: Repository, fault: Fault) -> None:
    rig, _ = playing(repository, server.url)
    withstands(rig, server, repository, "/content/", faults.ended_in_the_middle, FailureKind.BROKEN, "broke off")
    third = os.urandom(200_000)
    ref = repository.publish(manifest_of({"VID-C": repository.put_clip(third)}))
    server.fault = faults.ended_in_the_middle
    rig.step()
    server.fault = fault
    assert rig.step().kind is OutcomeKind.FAILED
    assert partial(rig) > 0
    server.heal()
    assert rig.step().kind is OutcomeKind.APPLIED
    assert rig.state.good == ref


def test_a_clip_that_left_after_the_listing_is_told_and_fetched_when_it_is_back(server: Wrong, repository: Repository) -> None:
    rig, first = playing(repository, server.url)
    asset = repository.put_clip(AFTER)
    repository.publish(manifest_of({"VID-B": asset}))
    clip = repository.path / asset.key
    clip.rename(clip.with_suffix(".away"))
    assert rig.step().kind is OutcomeKind.FAILED
    assert (rig.updater.last_error or "").endswith(f"{asset.key} is not there")
    assert (rig.store.tally.failures[FailureKind.MISSING], shows(rig)) == (1, first.digest)
    clip.with_suffix(".away").rename(clip)
    assert rig.step().kind is OutcomeKind.APPLIED


def test_a_connection_that_breaks_every_half_megabyte_brings_a_clip_in_one_look(server: Wrong, repository: Repository) -> None:
    rig, _ = playing(repository, server.url)
    data = os.urandom(3_000_000)
    repository.publish(manifest_of({"VID-B": repository.put_clip(data)}))

    def break_soon(wire: socket.socket, answer: faults.Answer, over: threading.Event) -> None:
        wire.sendall(answer.head() + answer.body[:500_000])
        wire.close()

    server.fault, server.where = break_soon, "/content/"
    asked = len(server.requests)
    assert rig.step().kind is OutcomeKind.APPLIED
    assert len([path for path in server.requests[asked:] if path.startswith("/content/")]) <= 8


def test_a_clip_that_is_another_in_the_store_is_fetched_once_until_it_changes(server: Wrong, repository: Repository) -> None:
    rig, first = playing(repository, server.url)
    asset = repository.put_clip(AFTER)
    repository.publish(manifest_of({"VID-B": asset}))
    repository.write(asset.key, AFTER[:-1] + bytes([AFTER[-1] ^ 1]))
    for _ in range(5):
        assert rig.step().kind is OutcomeKind.FAILED
        assert "not the clip that was released" in (rig.updater.last_error or "")
    assert rig.store.tally.received < len(AFTER) + 100_000
    assert shows(rig) == first.digest
    repository.write(asset.key, AFTER)
    assert rig.step().kind is OutcomeKind.APPLIED


def test_a_slow_network_that_is_not_too_slow_brings_what_is_large(server: Wrong, repository: Repository) -> None:
    """Longer than a small object may take in all, but never below the least rate."""
    rig, _ = playing(repository, server.url, Patience(small=0.6, window=0.4))

    def slowly(wire: socket.socket, answer: faults.Answer, over: threading.Event) -> None:
        wire.sendall(answer.head())
        for start in range(0, len(answer.body), 512):
            wire.sendall(answer.body[start : start + 512])
            over.wait(0.12)

    assets = {f"VID-{number}": repository.put_clip(BEFORE) for number in range(12)}
    repository.publish(manifest_of(assets))
    server.fault, server.where = slowly, "/targets/"
    assert rig.step().kind is OutcomeKind.APPLIED


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("reset at once", "/"),
        ("a captive portal", "/"),
        ("a redirect in circles", "/"),
        ("503 for a day", "/content/"),
        ("a portal without a type", "/content/"),
    ],
)
def test_no_fault_makes_a_player_ask_without_pause(server: Wrong, repository: Repository, name: str, where: str) -> None:
    """An hour of a fault, in simulated time: the looks are as far apart as the daemon has them."""
    rig, first = playing(repository, server.url)
    repository.publish(manifest_of({"VID-B": repository.put_clip(AFTER)}))
    server.fault, server.where = QUICK[name][0], where
    before, dice = len(server.requests), random.Random(name)
    passed, looks = 0.0, 0
    while passed < 3600:
        assert rig.step().kind is OutcomeKind.FAILED
        looks += 1
        passed += next_look(60.0, failures=looks, chance=dice.random())
    assert looks < 60
    asked = len(server.requests) - before
    assert asked <= (11 * 2 if name == "a redirect in circles" else 6) * looks
    assert shows(rig) == first.digest


@pytest.mark.s3
def test_a_clip_from_s3_arrives_over_a_wire_that_breaks_and_comes_back(s3_server: S3Server, repository: Repository) -> None:
    host, _, port = s3_server.endpoint.rpartition(":")
    wire = Wire(int(port))
    try:
        bucket, environment = s3_server.url(), s3_server.environment()
        direct = open_store(bucket, environment)
        store = open_store(bucket.replace(f"{host}:{port}", f"http://127.0.0.1:{wire.port}"), environment)
        data = os.urandom(2_000_000)
        asset = repository.put_clip(data)
        first = repository.publish(manifest_of({"VID-A": repository.put_clip(BEFORE)}))

        def upload() -> None:
            for path in repository.path.rglob("*"):
                if path.is_file():
                    direct.write(str(path.relative_to(repository.path)), path.read_bytes())

        upload()
        rig = Rig(repository.path.with_name("state"), "", repository.root_bytes, store=store)
        rig.start()
        assert rig.step().kind is OutcomeKind.APPLIED
        second = repository.publish(manifest_of({"VID-B": asset}))
        upload()
        wire.up = False
        assert rig.step().kind is OutcomeKind.FAILED
        assert shows(rig) == first.digest
        wire.up, wire.cut_after = True, 1_000_000
        rig.step()
        wire.cut_after = None
        assert rig.step().kind in (OutcomeKind.APPLIED, OutcomeKind.UNCHANGED)
        assert (shows(rig), rig.updater.last_error) == (second.digest, None)
    finally:
        wire.close()


def test_an_idle_look_brings_no_body(server: Wrong, repository: Repository) -> None:
    rig, _ = playing(repository, server.url)
    received, asked = rig.store.tally.received, rig.store.tally.requests
    for _ in range(5):
        assert rig.step().kind is OutcomeKind.UNCHANGED
    assert (rig.store.tally.received - received, rig.store.tally.requests - asked) == (0, 5)
