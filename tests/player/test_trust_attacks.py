"""Attacks on the metadata, by who holds the store, the wire, or a stolen key: refused, bounded, and playback goes on."""

import json
import shutil
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tuf.api.metadata import Metadata, Root
from tuf.api.serialization.json import JSONSerializer

from avtech_player.clock import TrustedClock
from avtech_player.floor import RollbackError
from avtech_player.outcome import Outcome, OutcomeKind
from avtech_player.store import NotModified, Store, Stored, StoreError, open_store
from avtech_player.trust import ExpiredError, Trust
from avtech_schema.errors import TrustError
from avtech_schema.layout import manifest_key
from avtech_schema.manifest import Manifest
from avtech_schema.report import SyncState
from tests.player import faults
from tests.player.faults import wrong_server
from tests.player.repository import ACME, LOBBY, OTHER, Repository, manifest_of, signer
from tests.player.rig import Rig

COMPACT = JSONSerializer(compact=True)
HUGE = b"9" * 5000
JUNK: dict[str, bytes] = {
    "nothing": b"",
    "deep arrays": b"[" * 16_000,
    "deep objects": b'{"a":' * 3000 + b"1" + b"}" * 3000,
    "half deep objects": b'{"signed":' + b'{"a":' * 450 + b"1" + b"}" * 450 + b',"signatures":[]}',
    "a huge integer": b'{"signatures":[],"signed":{"_type":"timestamp","version":' + HUGE + b"}}",
    "not a number": b'{"signatures":[],"signed":{"_type":"timestamp","version":NaN,"expires":Infinity}}',
    "not UTF-8": b'{"signatures":[],"signed":"\xff\xfe"}',
    "a lone surrogate": b'{"signatures":[],"signed":{"_type":"\\ud800"}}',
    "a page": b"<html>metadata</html>",
    "text": b'"signed"',
    "zeros": bytes(4000),
}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "store")


def manifest(repository: Repository, clip: bytes = b"clip", **more: Any) -> Manifest:
    return manifest_of({"VID-A": repository.put_clip(clip)}, **more)


@pytest.fixture
def rig(repository: Repository) -> Rig:
    """A player that plays a first release."""
    rig = Rig(repository.path.with_name("state"), repository.url, repository.root_bytes)
    rig.start()
    repository.publish(manifest(repository))
    assert rig.step().kind is OutcomeKind.APPLIED
    return rig


def refused(rig: Rig, *, vouched: bool = False) -> Outcome:
    """The player looks, believes nothing (unless the metadata hold, and what they vouch for does not), and plays on."""
    good, floor = rig.state.good, rig.trust.floor
    assert good is not None
    outcome = rig.step()
    assert outcome.kind is OutcomeKind.FAILED
    assert isinstance(outcome.error, TrustError | StoreError), repr(outcome.error)
    assert len(str(outcome.error)) < 600
    assert (rig.state.good, rig.updater.sync_state) == (good, SyncState.ERROR)
    assert vouched or rig.trust.floor == floor
    assert rig.stage.showing is not None
    assert rig.stage.showing.ref.digest == good.digest
    assert rig.updater.last_error
    return outcome


def recovers(rig: Rig, repository: Repository) -> None:
    """With good metadata again everything goes on."""
    ref = repository.publish(manifest(repository, b"the next"))
    assert rig.step().kind is OutcomeKind.APPLIED
    assert rig.state.good == ref


def newest(repository: Repository, role: str) -> Path:
    """The file of a role that the next look reads."""
    metadata = repository.path / "metadata"
    if role == "timestamp":
        return metadata / "timestamp.json"
    if role == "root":
        return metadata / f"{repository.versions['root'] + 1}.root.json"
    return max(metadata.glob(f"*.{role}.json"), key=lambda path: int(path.name.partition(".")[0]))


@pytest.mark.parametrize("role", ["root", "timestamp", "snapshot", "targets", "bins-*"])
def test_attack_junk_in_place_of_metadata(rig: Rig, repository: Repository, role: str) -> None:
    repository.versions["targets"] += 1
    repository.publish(manifest(repository, b"second"))
    folder = repository.path / "metadata"
    paths = list(folder.glob("2.bins-*.json")) if role == "bins-*" else [newest(repository, role)]
    for data in JUNK.values():
        for path in paths:
            path.write_bytes(data)
        refused(rig)
    newest(repository, "root").unlink(missing_ok=True)
    repository.versions["targets"] += 1
    recovers(rig, repository)


@pytest.mark.parametrize("name", ["timestamp", "2.root", "2.snapshot", "2.targets", "2.bins"])
def test_attack_endless_metadata(repository: Repository, name: str) -> None:
    with wrong_server(repository.path) as server:
        rig = Rig(repository.path.with_name("state"), server.url, repository.root_bytes)
        rig.start()
        repository.publish(manifest(repository))
        assert rig.step().kind is OutcomeKind.APPLIED
        repository.versions["targets"] += 1
        repository.publish(manifest(repository, b"second"))
        repository.write("metadata/2.root.json", b"{}")
        server.fault, server.where = faults.endless_length, f"/metadata/{name}"
        before = rig.store.tally.received
        refused(rig)
        assert rig.store.tally.received - before < 6_000_000
        server.heal()
        (repository.path / "metadata/2.root.json").unlink()
        recovers(rig, repository)


def test_attack_an_endless_manifest_and_an_endless_clip(repository: Repository) -> None:
    with wrong_server(repository.path) as server:
        rig = Rig(repository.path.with_name("state"), server.url, repository.root_bytes)
        rig.start()
        repository.publish(manifest(repository))
        assert rig.step().kind is OutcomeKind.APPLIED
        repository.publish(manifest(repository, b"second"))
        for where in ("/targets/", "/content/"):
            server.fault, server.where = faults.endless_length, where
            refused(rig, vouched=True)
        assert sum(path.stat().st_size for path in rig.directory.rglob("*") if path.is_file()) < 2_000_000
        server.heal()
        recovers(rig, repository)


class EndlessRoots:
    """A store whose root of roots was stolen: there is always another, well signed root."""

    def __init__(self, repository: Repository, store: Store) -> None:
        self._repository, self._store = repository, store
        self.url, self.tally, self.write, self.create = store.url, store.tally, store.write, store.create
        self.stream, self.reject = store.stream, store.reject
        self.asked = 0

    def read(self, key: str, *, limit: int, if_none_match: str = "") -> Stored | NotModified | None:
        number, _, name = key.removeprefix("metadata/").partition(".")
        if name != "root.json" or int(number) > 10_000:
            return self._store.read(key, limit=limit, if_none_match=if_none_match)
        self.asked += 1
        root: Metadata[Root] = Metadata.from_bytes(self._repository.root_bytes)
        root.signed.version = int(number)
        root.signatures.clear()
        root.sign(self._repository.keys.root)
        return Stored(root.to_bytes(COMPACT), "")


def test_attack_a_chain_of_ten_thousand_roots_is_followed_a_bounded_way(repository: Repository, tmp_path: Path) -> None:
    store = EndlessRoots(repository, open_store(repository.url, {}))
    rig = Rig(tmp_path / "state", repository.url, repository.root_bytes, store=store)
    rig.start()
    repository.publish(manifest(repository))
    assert rig.step().kind is OutcomeKind.APPLIED
    assert store.asked <= 256
    repository.publish(manifest(repository, b"second"))
    assert rig.step().kind is OutcomeKind.APPLIED
    assert store.asked <= 256
    assert rig.trust.floor.roles["root"].version == 257


def test_attack_another_screens_manifest_under_this_screens_name(rig: Rig, repository: Repository) -> None:
    theirs = repository.publish(manifest(repository, b"theirs", screen=OTHER))
    mine = repository.publish(manifest(repository, b"mine"))
    source, target = (
        repository.path / manifest_key(ACME, screen, ref.digest) for screen, ref in ((OTHER, theirs), (LOBBY, mine))
    )
    shutil.copyfile(source, target)
    outcome = refused(rig, vouched=True)
    assert "is not the manifest that was released" in str(outcome.error)


def test_attack_another_screens_signed_target(rig: Rig, repository: Repository) -> None:
    """A stolen publish key cannot be told from its owner, but a mistake can: the target must name this screen."""
    repository.publish(manifest(repository, b"theirs", screen=OTHER), at="CLI-ACME/SCR-ACME-0001.json")
    assert "another screen" in str(refused(rig).error)


def test_attack_an_older_release_replayed_whole(rig: Rig, repository: Repository) -> None:
    old = repository.path.with_name("old")
    shutil.copytree(repository.path, old)
    repository.publish(manifest(repository, b"second"))
    assert rig.step().kind is OutcomeKind.APPLIED
    for path in (repository.path / "metadata").iterdir():
        path.unlink()
    shutil.copytree(old, repository.path, dirs_exist_ok=True)
    assert isinstance(refused(rig).error, RollbackError)
    shutil.rmtree(rig.directory / "trust")
    again = Rig(rig.directory, repository.url, repository.root_bytes)
    again.start()
    assert isinstance(refused(again).error, RollbackError)


def test_attack_metadata_frozen_until_they_expire_are_noticed_then_and_play_on(repository: Repository) -> None:
    now = [datetime.now(UTC)]
    rig = Rig(repository.path.with_name("state"), repository.url, repository.root_bytes, now=lambda: now[0])
    rig.start()
    good = repository.publish(manifest(repository))
    assert rig.step().kind is OutcomeKind.APPLIED
    for _ in range(6):
        now[0] += timedelta(days=1)
        assert rig.step().kind is OutcomeKind.UNCHANGED
    now[0] += timedelta(days=2)
    outcome = refused(rig)
    assert isinstance(outcome.error, ExpiredError)
    assert "expired" in (rig.updater.last_error or "")
    assert rig.state.good == good


def test_attack_a_wire_that_always_says_not_modified_is_noticed_when_it_expires(repository: Repository) -> None:
    now = [datetime.now(UTC)]
    with wrong_server(repository.path) as server:
        state = repository.path.with_name("state")
        rig = Rig(state, server.url, repository.root_bytes, now=lambda: now[0])
        rig.start()
        repository.publish(manifest(repository))
        assert rig.step().kind is OutcomeKind.APPLIED
        server.fault = faults.never_modified
        assert rig.step().kind is OutcomeKind.UNCHANGED
        now[0] += timedelta(days=8)
        assert "which was not asked" in str(refused(rig).error)


@pytest.mark.parametrize("old", ["timestamp", "snapshot", "targets", "bins"])
def test_attack_metadata_of_two_releases_mixed(rig: Rig, repository: Repository, old: str) -> None:
    """Any single role taken from the release before, under the name of the new one."""
    folder = repository.path / "metadata"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    repository.versions["targets"] += 1
    repository.publish(manifest(repository, b"second"))
    if old == "timestamp":
        assert rig.step().kind is OutcomeKind.APPLIED
        (folder / "timestamp.json").write_bytes(before["timestamp.json"])
    else:
        for name, data in before.items():
            if f".{old}" in name:
                (folder / f"2{name.removeprefix('1')}").write_bytes(data)
    refused(rig)
    recovers_after_mixing = repository.versions["targets"] + 1
    repository.versions["targets"] = recovers_after_mixing
    recovers(rig, repository)


def sign_timestamp(repository: Repository, **changes: Any) -> None:
    """What the thief of the heartbeat's key can do: a timestamp that says anything."""
    path = repository.path / "metadata" / "timestamp.json"
    metadata: Metadata[Any] = Metadata.from_bytes(path.read_bytes())
    for name, value in changes.items():
        setattr(metadata.signed, name, value)
    metadata.sign(repository.keys.timestamp)
    path.write_bytes(metadata.to_bytes(COMPACT))


@pytest.mark.parametrize("version", [2**53 + 1, 2**63, 2**64, 10**400], ids=["2^53", "2^63", "2^64", "10^400"])
def test_attack_a_stolen_heartbeat_key_and_a_version_beyond_all_numbers(rig: Rig, repository: Repository, version: int) -> None:
    sign_timestamp(repository, version=version)
    assert "beyond" in str(refused(rig).error)
    repository.rotate(timestamp=signer())
    repository.restart_versions("timestamp")
    recovers(rig, repository)


@pytest.mark.parametrize(
    "signed",
    ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00+23:59", "1e400", 5, None, ["x"], {"a": 1}, "x" * 9000],
    ids=["far", "before all time", "number", "integer", "null", "list", "object", "long"],
)
def test_attack_a_stolen_heartbeat_key_cannot_move_time_beyond_the_expiry(
    rig: Rig, repository: Repository, signed: Any
) -> None:
    before = rig.trust.floor.signed
    sign_timestamp(repository, version=2, unrecognized_fields={"x-avtech-signed": signed})
    assert rig.step().kind in (OutcomeKind.FAILED, OutcomeKind.UNCHANGED)
    assert rig.trust.floor.signed == before
    repository.versions["timestamp"] = 2
    recovers(rig, repository)


def test_attack_a_stolen_heartbeat_key_and_nested_or_odd_fields(rig: Rig, repository: Repository) -> None:
    deep: Any = 1
    for _ in range(300):
        deep = {"a": deep}
    for number, odd in enumerate((deep, "\0", 2**70, "x" * 5000)):
        sign_timestamp(repository, version=2 + number, unrecognized_fields={"x-odd": odd})
        assert rig.step().kind in (OutcomeKind.FAILED, OutcomeKind.UNCHANGED)
    repository.versions["timestamp"] = 10
    recovers(rig, repository)


def test_attack_keys_given_twice_cannot_say_two_things(rig: Rig, repository: Repository) -> None:
    """A duplicate key is collapsed before the signature is looked at: whatever is believed was signed."""
    path = repository.path / "metadata" / "timestamp.json"
    good = path.read_bytes()
    version = json.loads(good)["signed"]["version"]
    path.write_bytes(good.replace(f'"version":{version}'.encode(), f'"version":{version},"version":99'.encode()))
    refused(rig)
    path.write_bytes(good.replace(f'"version":{version}'.encode(), f'"version":99,"version":{version}'.encode()))
    assert rig.step().kind is OutcomeKind.UNCHANGED
    assert rig.trust.floor.roles["timestamp"].version == version


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 100_000,
        b'{"a":' * 20_000,
        b'{"apiVersion":"avtech/v1","kind":"Manifest","screen":' + HUGE + b"}",
        b'{"apiVersion":NaN}',
        b'{"apiVersion":"avtech/v1","apiVersion":"avtech/v1"}',
        b"\xff" * 1000,
        b'"' + b"x" * 100_000 + b'"',
    ],
)
def test_attack_a_signed_manifest_that_is_absurd_is_quarantined(rig: Rig, repository: Repository, raw: bytes) -> None:
    good = rig.state.good
    repository.publish(manifest(repository, b"second"), raw=raw)
    assert rig.step().kind is OutcomeKind.REFUSED
    assert (rig.state.good, len(rig.state.quarantine)) == (good, 1)
    recovers(rig, repository)


ODD_KEYS = [
    "../../../etc/passwd",
    "/etc/passwd",
    "content/CLI-ACME/../../../secret",
    "content/CLI-OTHER/{sha}",
    "content/CLI-ACME/{sha}\0.mp4",
    "content/CLI-ACME/{sha}/../{sha}",
    "content/CLI-ACME/" + "a" * 5000,
    "CON",
    "",
    "content/CLI-ACME/%2e%2e/{sha}",
    "http://evil.example/{sha}",
]


def test_attack_a_path_in_an_assets_name(rig: Rig, repository: Repository) -> None:
    asset = repository.put_clip(b"second")
    text = manifest(repository, b"second").canonical().decode()
    for key in ODD_KEYS:
        hostile = text.replace(asset.key, json.dumps(key.replace("{sha}", asset.sha256))[1:-1])
        assert hostile != text
        repository.publish(manifest(repository, b"second"), raw=hostile.encode())
        assert rig.step().kind is OutcomeKind.REFUSED, key
    recovers(rig, repository)


def test_attack_a_path_in_a_clips_name_or_digest(rig: Rig, repository: Repository) -> None:
    asset = repository.put_clip(b"second")
    text = manifest(repository, b"second").canonical().decode()
    for name in ("../../evil", "VID-A/../../evil", "VID-\0", "VID-" + "A" * 5000, "", "vid-a", "VID-Ä"):
        spelt = json.dumps(name)
        for hostile in (text.replace("VID-A", spelt[1:-1]), text.replace(f'"{asset.sha256}"', spelt)):
            repository.publish(manifest(repository, b"second"), raw=hostile.encode())
            assert rig.step().kind is OutcomeKind.REFUSED, name
    assert not list(rig.directory.parent.rglob("evil*"))
    recovers(rig, repository)


def test_attack_a_slow_store_for_every_object_ends_in_bounded_time(repository: Repository) -> None:
    """However many objects a look may read, a store that is slow with each is given up at the first."""
    with wrong_server(repository.path) as server:
        repository.publish(manifest(repository))
        asked = threading.Event()

        def hesitant(wire: Any, answer: faults.Answer, over: threading.Event) -> None:
            asked.set()
            faults.status("503 Service Unavailable", "Retry-After: 100000\r\n")(wire, answer, over)

        server.fault = hesitant
        clock = TrustedClock()
        store = open_store(server.url, {})
        with pytest.raises(StoreError):
            Trust(repository.path, store, clock, root=repository.root_bytes, client=ACME, screen=LOBBY).check()
        assert asked.is_set()
        assert len(server.requests) <= 2
