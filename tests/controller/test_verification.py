"""Verification over a directory and a real S3 server, through steps of rollouts, and where two manifests differ first."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from avtech_controller.compiler import COMPILER, CompiledScreen
from avtech_controller.provenance import Builder
from avtech_controller.publication import Publisher, Step
from avtech_controller.stores import ETag, open_store
from avtech_controller.verification import Difference, Scope, Verification, compare, verify
from avtech_schema.errors import TrustError
from avtech_schema.identifiers import ByteSize, CommitId, ScreenId
from avtech_schema.layout import manifest_key
from avtech_schema.release import ReleaseKind, ReleaseRecord
from avtech_schema.rollout import Version
from tests.controller.publishing import World, asset, commit, make_world, screens
from tests.weed import S3Server

ONE = ScreenId("SCR-ACME-0001")
ALL = Scope()
HISTORY = {1: screens(3), 2: screens(3, time_zone="Asia/Tokyo")}


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


def recompile(commit: CommitId, wanted: Collection[ScreenId]) -> Mapping[ScreenId, CompiledScreen]:
    return {name: compiled for name, compiled in HISTORY[int(commit, 16)].items() if name in wanted}


def look(world: World, scope: Scope = ALL, compile_: Any = recompile) -> Verification:
    return verify(world.store, world.anchor, scope, compile_, lambda step, parts: lambda: None)


def amend(world: World, kind: ReleaseKind, versions: dict[ScreenId, Version]) -> None:
    """A step of some screens, as rollouts and retries make it."""
    publisher: Publisher = world.publisher()
    publisher.amend(lambda head: Step(kind, versions, None, ()), publisher="tester", builder=Builder())


def version(number: int) -> Version:
    """What a commit compiles to for the first screen."""
    compiled = HISTORY[number][ONE]
    return Version(compiled.digest, ByteSize(len(compiled.data)), commit(number))


def test_releases_on_any_store_are_proven(world: World) -> None:
    world.publish(1, HISTORY[1])
    world.publish(2, HISTORY[2])
    found = look(world)
    assert (found.failed, found.manifests, found.assets, found.provenance) == (False, 3, 1, 1)
    found = look(world, Scope(chain=True))
    assert (found.failed, found.releases, found.manifests, found.provenance) == (False, (2, 1), 6, 2)


def test_a_tampered_manifest_is_named_on_any_store(world: World) -> None:
    world.publish(1, HISTORY[1])
    key = manifest_key(HISTORY[1][ONE].client, ONE, HISTORY[1][ONE].digest)
    etag = world.store.etag(key)
    world.store.replace(key, HISTORY[2][ONE].data, etag=etag or ETag(""))
    (problem,) = look(world).problems
    assert (problem.screen, problem.difference) == (ONE, Difference("$.timeZone", '"Europe/Madrid"', '"Asia/Tokyo"'))


def test_steps_back_and_again_are_proven_by_the_commits_that_brought_the_manifests(world: World) -> None:
    world.publish(1, HISTORY[1])
    world.publish(2, HISTORY[2])
    amend(world, ReleaseKind.HALT, {ONE: version(1)})
    amend(world, ReleaseKind.RETRY, {ONE: version(1)})
    found = look(world)
    assert (found.failed, found.unproven, found.manifests) == (False, False, 3)
    found = look(world, Scope(chain=True))
    assert (found.problems, found.releases, found.manifests) == ((), (4, 3, 2, 1), 8)
    assert look(world, Scope(commit=commit(2))).releases == (4, 3, 2), "a commit's release has all its steps"
    assert look(world, Scope(release=3)).manifests == 1


def test_a_step_to_another_compilers_manifest_is_excused_by_the_release_that_brought_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avtech_controller.publication._publish.COMPILER", "avtech-controller 0.0.1")
    world.publish(1, HISTORY[1])
    monkeypatch.undo()
    world.publish(2, HISTORY[2])
    amend(world, ReleaseKind.HALT, {ONE: version(1)})
    assert world.head().record.compiler == COMPILER

    def otherwise(of: CommitId, wanted: Collection[ScreenId]) -> Mapping[ScreenId, CompiledScreen]:
        return recompile(commit(2), wanted)

    found = look(world, Scope(release=3), otherwise)
    assert (found.failed, found.unproven) == (False, True)
    assert "avtech-controller 0.0.1" in found.problems[0].message


def test_a_record_that_does_not_follow_from_the_one_before_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.publish(1, HISTORY[1])
    payload = ReleaseRecord.payload

    def bent(record: ReleaseRecord) -> bytes:
        return payload(replace(record, changes=tuple(replace(change, old=None) for change in record.changes)))

    monkeypatch.setattr(ReleaseRecord, "payload", bent)  # a publisher with the key that lies about what it replaced
    world.publish(2, HISTORY[2])
    monkeypatch.undo()
    found = look(world, Scope(chain=True))
    assert found.failed
    assert {problem.message for problem in found.problems} == {"it starts from nothing, not from what was released"}


def test_metadata_that_says_otherwise_than_the_record_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.publish(1, HISTORY[1])
    payload = ReleaseRecord.payload
    monkeypatch.setattr(ReleaseRecord, "payload", lambda record: payload(replace(record, changes=record.changes[1:])))
    world.publish(2, HISTORY[2])
    monkeypatch.undo()
    with pytest.raises(TrustError, match="whose record does not release it"):
        look(world)
    found = look(world, Scope(chain=True))
    assert [problem.screen for problem in found.problems] == [ONE, None]
    assert "its provenance differs" in found.problems[1].message
    assert "players are told of another manifest" in found.problems[0].message


def document(**changes: Any) -> bytes:
    return orjson.dumps({"a": 1, "b": [{"c": "x"}, 2], "d": None, **changes}, option=orjson.OPT_SORT_KEYS)


@pytest.mark.parametrize(
    ("found", "path", "expected", "seen"),
    [
        (document(a=2), "$.a", "1", "2"),
        (document(a=True), "$.a", "1", "true"),
        (document(a="1"), "$.a", "1", '"1"'),
        (document(b=[{"c": "y"}, 2]), "$.b[0].c", '"x"', '"y"'),
        (document(b=[{"c": "x"}, 2, 3]), "$.b", "a list of 2", "a list of 3"),
        (document(b=[{}, 2]), "$.b[0].c", '"x"', "nothing"),
        (document(e=0), "$.e", "nothing", "0"),
        (document(**{"VID-A": 0}), '$["VID-A"]', "nothing", "0"),
        (document(d={"x": 1}), "$.d", "null", "an object of 1 fields"),
        (document(d="\x1b[2J\u202e"), "$.d", "null", '"\\u001b[2J\\u202e"'),
        (document(d="y" * 500), "$.d", "null", '"' + "y" * 120 + '"…'),
        (b" " + document(), "$", "the canonical spelling", "the same values spelt otherwise from byte 0 on"),
        (document() + b"\n", "$", "the canonical spelling", "the same values spelt otherwise from byte 34 on"),
        (b"{", "$", "JSON of 34 bytes", "1 bytes that are not JSON"),
        (b"[1]", "$", "an object of 3 fields", "a list of 1"),
    ],
)
def test_the_first_difference_is_named_by_its_path(found: bytes, path: str, expected: str, seen: str) -> None:
    assert compare(document(), found) == Difference(path, expected, seen)


def test_the_same_bytes_do_not_differ() -> None:
    assert compare(document(), document()) is None


def test_a_clip_of_a_manifest_that_changed_on_the_way_is_named(world: World) -> None:
    world.publish(1, HISTORY[1])
    etag = world.store.etag(asset().key)
    world.store.replace(asset().key, b"x" * asset().size, etag=etag or ETag(""))
    (problem,) = look(world).problems
    assert "is damaged: its SHA-256 is" in problem.message
    assert look(world, Scope(assets=False)).problems == ()
