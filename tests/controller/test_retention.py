"""What may leave the store, when, and what never may; over a directory and a real S3 server."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from avtech_controller.desired import DesiredState
from avtech_controller.publication import ContentMissingError
from avtech_controller.retention import Mark, SweepUnderwayError, parse_mark, spare
from avtech_controller.retention._mark import Claim
from avtech_controller.retention._spare import read_mark, write_mark
from avtech_controller.retention.collection import Policy
from avtech_controller.stores import Listed, ObjectStore, Stored, StoreError, open_store
from avtech_schema.errors import ConfigurationError, SupersededError, TrustError
from avtech_schema.identifiers import ByteSize, ScreenId
from avtech_schema.layout import MARK_KEY, thumbnail_key
from tests.controller.collecting import (
    GRACE,
    POLICY,
    SCREEN,
    START,
    Past,
    clip,
    digests,
    fleet,
    keys,
    make_past,
    showing,
    video,
)
from tests.controller.publishing import CLIENT, Passing, World, asset, commit, make_world, verify_store
from tests.weed import S3Server

OLD, NEW = asset(b"old").key, asset(b"new").key
TWO = ScreenId("SCR-ACME-0002")


@pytest.fixture(params=["file", pytest.param("s3", marks=pytest.mark.s3)])
def world(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    if request.param == "file":
        (tmp_path / "store").mkdir()
        yield make_world(tmp_path, open_store(f"file://{tmp_path}/store"), number=1)
        return
    server: S3Server = request.getfixturevalue("s3_server")
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    yield make_world(tmp_path, open_store(server.url()), number=1)


@pytest.fixture
def past(world: World) -> Past:
    return make_past(world)


@pytest.fixture
def local(tmp_path: Path) -> Past:
    """The same in a directory alone, for what does not depend on the store."""
    (tmp_path / "store").mkdir()
    return make_past(make_world(tmp_path, open_store(f"file://{tmp_path}/store"), number=1))


class Hostile:
    """A store whose listings are cut, fail, or name what is not there."""

    def __init__(self, store: ObjectStore, lie: str) -> None:
        self._store = store
        self._lie = lie

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def listing(self, prefix: str) -> Iterator[Listed]:
        found = list(self._store.listing(prefix))
        match self._lie:
            case "empty":
                return
            case "half":
                yield from found[: len(found) // 2]
            case "fails":
                yield from found[:1]
                raise StoreError("the connection was reset in the middle of a listing")
            case _:
                yield from found
                ancient = START - timedelta(days=4000)
                for key in ("content/../../etc/passwd", f"{prefix}notes.txt", "content/CLI-ACME/" + "0" * 64, "targets/x"):
                    yield Listed(key, ByteSize(1), ancient)


def test_what_nothing_needs_is_marked_first_and_removed_a_day_later(past: Past, tmp_path: Path) -> None:
    world = past.world
    replaced = digests(showing(world, b"old"))
    before = keys(world)
    planned = past.collector(31).look()
    gone = {entry.key for entry in planned.unneeded}
    assert OLD in gone
    assert NEW not in gone
    assert planned.due == frozenset()
    first = past.collect(31)
    assert (first.removed, first.marked) == (0, len(gone))
    assert keys(world) == before
    second = past.collect(31.5)
    assert (second.removed, second.marked) == (0, 0), "the grace is not over"
    third = past.collect(32.1)
    assert third.removed == len(gone)
    assert keys(world) == before - gone
    assert not [key for key in keys(world, "targets/") if key.split("/")[-1].split(".")[0] in replaced]
    verify_store(world, tmp_path, showing(world, b"new"))
    again = past.collect(34)
    assert (again.removed, again.marked) == (0, 0)


def test_a_look_writes_nothing(past: Past) -> None:
    past.collector(31).look()
    assert past.world.store.get(MARK_KEY, limit=1000) is None


def test_records_provenance_root_and_reports_stay(past: Past) -> None:
    forever = keys(past.world, "releases/", "provenance/", "reports/") | {"metadata/1.root.json", "metadata/1.targets.json"}
    past.collect(31)
    past.collect(33)
    assert forever <= keys(past.world, "releases/", "provenance/", "reports/", "metadata/")
    assert past.world.chain() == [commit(2), commit(1)]


def test_what_is_young_stays(local: Past) -> None:
    clip(local.world, b"uploaded for a pull request")
    assert local.collector(29).look().unneeded == ()
    assert asset(b"uploaded for a pull request").key in {entry.key for entry in local.collector(31).look().unneeded}


def test_kept_releases_keep_what_they_had(local: Past) -> None:
    assert OLD not in {e.key for e in local.collector(31, policy=Policy(2, 30)).look().unneeded}
    assert OLD in {e.key for e in local.collector(31, policy=Policy(1, 30)).look().unneeded}
    assert local.collector(31, policy=Policy(1, 30)).look().kept_releases == 1
    assert local.collector(31, policy=Policy(1, 60)).look().kept_releases == 2


def test_what_a_screen_reports_to_show_stays_with_its_clips(local: Past) -> None:
    old = showing(local.world, b"old")[SCREEN]
    local.report(SCREEN, old.digest)
    local.collect(31)
    local.collect(33)
    assert OLD in keys(local.world)
    assert [key for key in keys(local.world, "targets/") if old.digest in key]
    assert not [key for key in keys(local.world, "targets/") if showing(local.world, b"old")[TWO].digest in key]


@pytest.mark.parametrize(
    "report", [b"", b"{}", b"\0" * 300_000, "forged", "moved"], ids=["empty", "none", "huge", "forged", "moved"]
)
def test_a_report_that_cannot_be_believed_keeps_everything_of_its_screen(local: Past, report: Any) -> None:
    if report == "forged":
        local.report(SCREEN, "0" * 64, key=Ed25519PrivateKey.generate())
    elif report == "moved":
        other = local.world.store.get(f"reports/CLI-ACME/{TWO}/latest.json", limit=10**6)
        assert isinstance(other, Stored)
        local.devices[SCREEN] = local.devices[TWO]
        local.put_report(SCREEN, other.data)
    else:
        local.put_report(SCREEN, report)
    found = local.collector(31).look()
    assert list(found.doubtful) == [SCREEN]
    local.collect(31)
    local.collect(33)
    assert OLD in keys(local.world)
    kept = {key for key in keys(local.world, "targets/") if SCREEN in key}
    assert len(kept) == 2


def test_a_screen_that_is_released_no_more_but_reports_keeps_what_it_shows(local: Past) -> None:
    gone = ScreenId("SCR-ACME-0099")
    local.report(gone, showing(local.world, b"old")[SCREEN].digest)
    assert OLD not in {entry.key for entry in local.collector(31).look().unneeded}


def test_without_any_report_nothing_is_removed_unless_that_is_said(local: Past) -> None:
    store = local.world.store
    for screen in (SCREEN, TWO):
        key = f"reports/CLI-ACME/{screen}/latest.json"
        etag = store.etag(key)
        assert etag is not None
        store.delete(key, etag=etag)
    with pytest.raises(ConfigurationError, match="no screen has ever reported"):
        local.collect(31)
    assert store.get(MARK_KEY, limit=10**6) is None
    assert local.collect(31, without_reports=True).marked > 0


def test_active_clips_of_the_index_stay_and_archived_ones_go(local: Past) -> None:
    spared, archived = clip(local.world, b"not released yet"), clip(local.world, b"archived")
    picture = thumbnail_key(CLIENT, video(b"archived").spec.thumbnail.sha256)  # type: ignore[union-attr, arg-type]
    local.world.store.create(picture, b"archived!")
    local.world.store.create(thumbnail_key(CLIENT, asset(b"x").sha256), b"x")
    videos = {"VID-1": video(b"not released yet"), "VID-2": video(b"archived", state="archived")}
    local.state = DesiredState(fleet(), videos=videos)  # type: ignore[arg-type]
    unneeded = {entry.key for entry in local.collector(31).look().unneeded}
    assert spared.key not in unneeded
    assert picture not in unneeded
    assert archived.key in unneeded
    assert thumbnail_key(CLIENT, asset(b"x").sha256) in unneeded


def test_metadata_of_a_publication_under_way_stays(local: Past) -> None:
    local.world.store.create("metadata/9.snapshot.json", b"{}")
    local.world.store.create("metadata/7.bins-0.json", b"{}")
    unneeded = {entry.key for entry in local.collector(31).look().unneeded}
    assert "metadata/1.snapshot.json" in unneeded
    assert not unneeded & {
        "metadata/9.snapshot.json",
        "metadata/7.bins-0.json",
        "metadata/timestamp.json",
        "metadata/2.snapshot.json",
    }


@pytest.mark.parametrize("lie", ["empty", "half", "fails"])
def test_a_partial_empty_or_failing_listing_removes_nothing(local: Past, lie: str) -> None:
    local.collect(31)
    before = keys(local.world)
    hostile = Hostile(local.world.store, lie)
    with pytest.raises(StoreError):
        local.collect(33, store=hostile)
    assert keys(local.world) == before
    assert read_mark(local.world.store)[0].claim is None, "the claim was given back"
    assert local.collect(33).removed > 0


def test_names_that_are_not_ours_are_left_alone(local: Past) -> None:
    hostile = Hostile(local.world.store, "strange")
    local.world.store.create("content/notes.txt", b"by hand")
    local.world.store.create("targets/CLI-ACME/readme.json", b"by hand")
    local.collect(31, store=hostile)
    local.collect(33, store=hostile)
    assert {"content/notes.txt", "targets/CLI-ACME/readme.json"} <= keys(local.world)


def test_a_needed_manifest_that_is_damaged_stops_it(local: Past, tmp_path: Path) -> None:
    path = next((tmp_path / "store").glob(f"targets/*/{showing(local.world, b'new')[SCREEN].digest}.*"))
    path.write_bytes(b"{}")
    with pytest.raises(StoreError, match="does not say which clips it needs"):
        local.collect(31)


def test_a_missing_clip_of_what_is_on_air_stops_it(local: Past, tmp_path: Path) -> None:
    (tmp_path / "store" / NEW).unlink()
    with pytest.raises(StoreError, match="is on air but not listed"):
        local.collect(31)


def test_a_checkout_older_than_the_release_is_refused(local: Past) -> None:
    def stale(head: Any) -> None:
        raise SupersededError("older")

    local.collect(31)
    before = keys(local.world)
    with pytest.raises(SupersededError):
        local.collect(33, check_order=stale)
    assert keys(local.world) == before


def test_nothing_released_is_nothing_to_compare_with(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    past = Past(make_world(tmp_path, open_store(f"file://{tmp_path}/store"), number=1))
    with pytest.raises(ConfigurationError, match="nothing is released"):
        past.collect(31)


def test_an_object_that_changed_since_it_was_marked_stays_and_is_marked_anew(local: Past, tmp_path: Path) -> None:
    local.collect(31)
    (tmp_path / "store" / OLD).write_bytes(b"somebody repaired it")
    done = local.collect(33)
    assert done.skipped == 1
    assert OLD in keys(local.world)
    mark, _ = read_mark(local.world.store)
    assert mark.objects[OLD].since == START + timedelta(days=33)


def test_what_is_needed_again_leaves_the_mark(local: Past) -> None:
    local.collect(31)
    local.report(SCREEN, showing(local.world, b"old")[SCREEN].digest)
    local.collect(31.5)
    mark, _ = read_mark(local.world.store)
    assert OLD not in mark.objects


def test_releasing_a_marked_object_takes_it_out_of_the_mark(past: Past, tmp_path: Path) -> None:
    past.collect(31)
    old = showing(past.world, b"old")
    past.world.publish(3, old, now=START + timedelta(days=32))
    mark, _ = read_mark(past.world.store)
    assert OLD not in mark.objects
    past.collect(33)
    verify_store(past.world, tmp_path, old)


def test_adding_a_marked_clip_again_keeps_it_as_if_it_were_new(local: Past) -> None:
    local.collect(31)
    spare(local.world.store, [OLD], START + timedelta(days=32), note=True)
    local.collect(33)
    local.collect(35)
    assert OLD in keys(local.world)
    local.collect(63)
    local.collect(65)
    assert OLD not in keys(local.world)


def test_what_is_being_removed_cannot_be_reused_until_the_collection_died(local: Past) -> None:
    local.collect(31)
    mark, etag = read_mark(local.world.store)
    now = START + timedelta(days=33)
    write_mark(local.world.store, replace(mark, claim=Claim("a" * 32, now, frozenset(mark.objects))), etag)
    old = showing(local.world, b"old")
    with pytest.raises(SweepUnderwayError):
        local.world.publish(3, old, now=now + timedelta(minutes=59))
    with pytest.raises(StoreError, match="another run has been removing"):
        local.collect(33.01)
    assert local.world.head().released.sequence == 2
    assert local.world.publish(3, old, now=now + timedelta(minutes=61)).sequence == 3
    assert local.collect(33.1).removed > 0
    assert OLD in keys(local.world)


def test_a_clip_that_is_gone_when_the_release_is_ready_stops_it(local: Past) -> None:
    """Somebody removes a clip by a mark of which the publication learns too late; it looks again before the swap."""

    class Taking(Passing):
        def create(self, key: str, data: bytes) -> Any:
            if key.startswith("releases/"):
                etag = self._store.etag(OLD)
                assert etag is not None
                self._store.delete(OLD, etag=etag)
                self._store.create(MARK_KEY, Mark().data())
            return self._store.create(key, data)

    with pytest.raises(ContentMissingError):
        local.world.publish(3, showing(local.world, b"old"), store=Taking(local.world.store))
    assert local.world.head().released.sequence == 2


def test_a_mark_that_is_none_stops_the_collection_and_no_publication(local: Past) -> None:
    local.world.store.create(MARK_KEY, b"garbage")
    with pytest.raises(TrustError, match="not JSON"):
        local.collect(31)
    assert local.world.publish(3, showing(local.world, b"old")).sequence == 3


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", b'{"apiVersion":"avtech/v1","kind":"Mark","objects":[{}],"spared":[],"claim":null}', b"\xff"],
)
def test_what_is_no_mark_is_refused(data: bytes) -> None:
    with pytest.raises(TrustError):
        parse_mark(data)


def test_a_mark_is_read_as_it_was_written(local: Past) -> None:
    local.collect(31)
    spare(local.world.store, ["content/CLI-ACME/x"], START, note=True)
    mark, _ = read_mark(local.world.store)
    claimed = replace(mark, claim=Claim("token", START, frozenset({"a", "b"})))
    assert parse_mark(claimed.data()) == claimed
    assert json.loads(mark.data())["kind"] == "Mark"


def test_the_policy_of_these_tests_is_what_they_say() -> None:
    assert (POLICY.days, GRACE) == (30, timedelta(days=1))
