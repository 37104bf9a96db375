"""Reports: signed, whole, in order, and not lost with the store."""

import asyncio
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from avtech_player.last_report import last_report
from avtech_player.ports import TrialResult
from avtech_player.reports import Reporter
from avtech_player.store import StoreError, open_store
from avtech_player.version import player_version
from avtech_schema.envelope import open_sealed, public_key, public_key_text
from avtech_schema.errors import TrustError
from avtech_schema.layout import report_key
from avtech_schema.report import PAYLOAD_TYPE, Report, SyncState, parse_report
from tests.player.repository import ACME, LOBBY, Repository, manifest_of
from tests.player.rig import Rig


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "store")


@pytest.fixture
def rig(tmp_path: Path, repository: Repository) -> Rig:
    rig = Rig(tmp_path / "state", repository.url, repository.root_bytes)
    rig.start()
    return rig


KEY = Ed25519PrivateKey.generate()


def reporter(rig: Rig, url: str) -> Reporter:
    store = open_store(url, {})
    return Reporter(rig.directory, ACME, LOBBY, lambda: KEY, store, rig.library, rig.clock, player_version())


def report(rig: Rig, url: str) -> Report:
    return asyncio.run(reporter(rig, url).report(rig.updater, rig.stage))


def stored(repository: Repository) -> bytes:
    return (repository.path / report_key(ACME, LOBBY)).read_bytes()


def test_a_report_says_what_is_wanted_and_what_plays_and_is_signed(rig: Rig, repository: Repository) -> None:
    ref = repository.publish(manifest_of({"VID-A": repository.put_clip(b"clip")}))
    rig.step()
    made = report(rig, repository.url)
    key = public_key(public_key_text(KEY.public_key()))
    assert parse_report(open_sealed(stored(repository), PAYLOAD_TYPE, [key])) == made
    assert (made.state, made.desired, made.applied, made.phase) == (SyncState.SYNCED, ref, ref, "good")
    assert made.storage.content == 4
    assert made.counters.successes == 1
    assert made.system.uptime_s > 0


def test_another_key_does_not_verify_it(rig: Rig, repository: Repository) -> None:
    report(rig, repository.url)
    stranger = public_key(public_key_text(Ed25519PrivateKey.generate().public_key()))
    with pytest.raises(TrustError):
        open_sealed(stored(repository), PAYLOAD_TYPE, [stranger])


def test_a_failed_release_is_reported_with_its_reason(rig: Rig, repository: Repository) -> None:
    rig.stage.verdict = lambda _: TrialResult(good=False, reason="VID-A does not decode")
    ref = repository.publish(manifest_of({"VID-A": repository.put_clip(b"clip")}))
    rig.step()
    made = report(rig, repository.url)
    assert (made.state, made.phase, made.applied) == (SyncState.FAILED, "safe", None)
    assert [(entry.commit, entry.reason) for entry in made.quarantine] == [(ref.commit, "VID-A does not decode")]


def test_sequences_rise(rig: Rig, repository: Repository) -> None:
    sequences = [report(rig, repository.url).sequence for _ in range(3)]
    assert sequences == sorted(set(sequences))


def test_a_report_that_the_store_does_not_take_is_kept_here(rig: Rig, tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        report(rig, f"file://{tmp_path}/nowhere")
    kept = last_report(rig.directory)
    assert kept is not None
    assert kept.state is SyncState.PENDING


@pytest.mark.parametrize("junk", [b"", b"{}", b"x" * 300_000])
def test_a_damaged_last_report_is_none(rig: Rig, junk: bytes) -> None:
    (rig.directory / "report.json").write_bytes(junk)
    assert last_report(rig.directory) is None
