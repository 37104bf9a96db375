"""`avtech status`: verified reports against what is released, worst first."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner

from avtech_controller.cli import cli
from avtech_controller.cli._main import run
from avtech_controller.cli.status import age_text
from avtech_controller.publication import Released, read_head
from avtech_controller.stores import Stored
from avtech_controller.trust import load_anchor
from avtech_schema.envelope import seal
from avtech_schema.identifiers import ClientId, CommitId, ScreenId, Sha256, VideoId
from avtech_schema.layout import report_key
from avtech_schema.report import (
    PAYLOAD_TYPE,
    NowPlaying,
    Quarantined,
    ReleaseRef,
    Report,
    SyncState,
)
from tests.controller.repository import Repository, make_repository
from tests.controller.rollouts import report as healthy

Capture = pytest.CaptureFixture[str]
ONE, TWO = ScreenId("SCR-ACME-0001"), ScreenId("SCR-ACME-0002")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> Repository:
    for name in ("AVTECH_STORE", "AVTECH_PUBLISH_KEY", "AVTECH_KEYS_DIR"):
        monkeypatch.delenv(name, raising=False)
    made = make_repository(tmp_path)
    arguments = ["keys", "init", "--repo", str(made.path), "--keys-dir", str(made.keys), "--no-passphrase", "--screens", "1"]
    assert run(cli, arguments) == 0
    made.commit("first")
    assert run(cli, ["publish", *made.options(), "--keys-dir", str(made.keys), "--yes"]) == 0
    capsys.readouterr()
    return made


def released(repository: Repository) -> Released:
    head = read_head(repository.store, load_anchor(repository.path))
    assert head is not None
    return head.released


def report(repository: Repository, screen: ScreenId, **changes: Any) -> Report:
    """A healthy report of a screen that shows what is released, with fields replaced."""
    target = released(repository).screens[screen]
    playing = NowPlaying(VideoId("VID-ACME-A"), Sha256("0" * 64), None, "2026-01-01T00:00:00Z")
    return replace(healthy(target, datetime.now(UTC), now_playing=playing), **changes)


def send(repository: Repository, screen: ScreenId, sent: Report, *, key: Ed25519PrivateKey | None = None) -> None:
    data = seal(sent.payload(), PAYLOAD_TYPE, CryptoSigner(key or repository.devices[screen]))
    put(repository, screen, data)


def put(repository: Repository, screen: ScreenId, data: bytes) -> None:
    store, where = repository.store, report_key(ClientId("CLI-ACME"), screen)
    found = store.get(where, limit=1_000_000)
    if isinstance(found, Stored):
        store.replace(where, data, etag=found.etag)
    else:
        store.create(where, data)


def status(repository: Repository, capsys: Capture, *more: str) -> dict[str, dict[str, Any]]:
    """The screens of `avtech status --output json` by name."""
    assert run(cli, ["status", *repository.options(), "--output", "json", *more]) in {0, 1}
    return {screen["screen"]: screen for screen in json.loads(capsys.readouterr().out)["screens"]}


def test_screens_that_never_reported_are_unseen(repository: Repository, capsys: Capture) -> None:
    assert {screen["state"] for screen in status(repository, capsys).values()} == {"unseen"}


def test_a_synced_screen_shows_what_is_released(repository: Repository, capsys: Capture) -> None:
    send(repository, ONE, report(repository, ONE))
    found = status(repository, capsys)[ONE]
    assert (found["state"], found["playing"]) == ("synced", "VID-ACME-A")
    assert found["applied_commit"] == found["desired_commit"] == repository.git("rev-parse", "HEAD")


def test_a_screen_that_shows_an_older_manifest_is_pending_whatever_it_says(repository: Repository, capsys: Capture) -> None:
    old = ReleaseRef(1, CommitId("1" * 40), Sha256("1" * 64))
    send(repository, ONE, report(repository, ONE, desired=old, applied=old))
    assert status(repository, capsys)[ONE]["state"] == "pending"


def test_a_rolled_back_screen_says_why_and_stands_first(repository: Repository, capsys: Capture) -> None:
    target = released(repository).screens[TWO]
    entry = Quarantined(target.digest, target.release, target.commit, "the first clip does not decode", "2026-01-01T00:00:00Z")
    old = ReleaseRef(1, CommitId("1" * 40), Sha256("1" * 64))
    send(repository, ONE, report(repository, ONE))
    send(repository, TWO, report(repository, TWO, state=SyncState.FAILED, applied=old, quarantine=(entry,)))
    assert run(cli, ["status", *repository.options()]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith(f"{TWO}  failed")
    assert "does not decode" in lines[1]
    assert lines[-1].endswith("1 failed, 1 synced")


def test_an_error_is_told_with_its_reason(repository: Repository, capsys: Capture) -> None:
    send(repository, ONE, report(repository, ONE, state=SyncState.ERROR, last_error="the store does not answer"))
    found = status(repository, capsys)[ONE]
    assert (found["state"], found["reason"]) == ("error", "the store does not answer")


def test_a_screen_that_went_silent_is_stale(repository: Repository, capsys: Capture) -> None:
    then = datetime.now(UTC) - timedelta(minutes=16)
    send(repository, ONE, report(repository, ONE, time=then.strftime("%Y-%m-%dT%H:%M:%SZ")))
    found = status(repository, capsys)[ONE]
    assert (found["state"], found["stale"]) == ("stale", True)


def test_a_report_by_another_key_is_rejected(repository: Repository, capsys: Capture) -> None:
    send(repository, ONE, report(repository, ONE), key=Ed25519PrivateKey.generate())
    found = status(repository, capsys)[ONE]
    assert found["state"] == "rejected"
    assert "signature" in found["reason"]


def test_a_report_in_another_screens_place_is_rejected(repository: Repository, capsys: Capture) -> None:
    put(repository, TWO, seal(report(repository, ONE).payload(), PAYLOAD_TYPE, CryptoSigner(repository.devices[TWO])))
    found = status(repository, capsys)[TWO]
    assert (found["state"], found["reason"]) == ("rejected", "the report is that of SCR-ACME-0001")


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"\0" * 100, b"[" * 10_000, b"x" * 300_000, b'{"payload": 7, "payloadType": [], "signatures": {}}']
)
def test_an_unreadable_report_is_a_row_with_its_reason(repository: Repository, capsys: Capture, data: bytes) -> None:
    put(repository, ONE, data)
    send(repository, TWO, report(repository, TWO))
    found = status(repository, capsys)
    assert (found[ONE]["state"], found[TWO]["state"]) == ("rejected", "synced")
    assert found[ONE]["reason"]
    assert "\n" not in found[ONE]["reason"]


@pytest.mark.parametrize("time", ["yesterday", "", "2026-13-01T00:00:00Z"])
def test_a_report_without_a_time_is_rejected(repository: Repository, capsys: Capture, time: str) -> None:
    send(repository, ONE, report(repository, ONE, time=time))
    assert status(repository, capsys)[ONE]["state"] == "rejected"


def test_problems_fail_only_when_asked_to(repository: Repository, capsys: Capture) -> None:
    assert run(cli, ["status", *repository.options()]) == 0
    assert run(cli, ["status", *repository.options(), "--fail-on-problems"]) == 1
    for screen in (ONE, TWO):
        send(repository, screen, report(repository, screen))
    assert run(cli, ["status", *repository.options(), "--fail-on-problems"]) == 0


def test_nothing_released_is_said(repository: Repository, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "empty").mkdir()
    options = ["status", "--repo", str(repository.path), "--store", f"file://{tmp_path}/empty"]
    assert run(cli, options) == 0
    assert "nothing is released yet" in capsys.readouterr().out


def test_a_watch_over_a_store_without_a_release_is_no_all_clear(
    repository: Repository, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "empty").mkdir()
    options = ["status", "--repo", str(repository.path), "--store", f"file://{tmp_path}/empty"]
    assert run(cli, [*options, "--fail-on-problems"]) == 1
    assert run(cli, [*options, "--fail-on-problems", "--output", "json"]) == 1
    assert '"release": null' in capsys.readouterr().out


def test_a_store_that_failed_is_an_error(repository: Repository, tmp_path: Path, capsys: Capture) -> None:
    assert run(cli, ["status", "--repo", str(repository.path), "--store", f"file://{tmp_path}/nowhere"]) == 2
    assert "does not exist" in capsys.readouterr().err


def test_the_device_keys_are_those_of_the_released_commit(repository: Repository, capsys: Capture) -> None:
    send(repository, ONE, report(repository, ONE))
    repository.devices.pop(ONE)
    repository.screen(1)
    repository.commit("a new device")
    assert status(repository, capsys)[ONE]["state"] == "synced"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "never"), (0, "0 s ago"), (59, "59 s ago"), (60, "1 min ago"), (7200, "2 h ago"), (200_000, "2 d ago")],
)
def test_an_age_is_told_in_its_largest_unit(seconds: int | None, text: str) -> None:
    assert age_text(seconds) == text
