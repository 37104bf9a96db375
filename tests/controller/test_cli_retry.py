"""`avtech retry` as operators run it: one screen that may try again, and what it refuses."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner

from avtech_controller.cli import cli
from avtech_controller.cli._main import run
from avtech_controller.publication import Released, read_head
from avtech_controller.trust import load_anchor
from avtech_schema.envelope import seal
from avtech_schema.layout import report_key
from avtech_schema.report import PAYLOAD_TYPE
from tests.controller.repository import Repository, make_repository
from tests.controller.rollouts import failed_report, name_of

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    for name in ("AVTECH_STORE", "AVTECH_PUBLISH_KEY", "AVTECH_KEYS_DIR", "AVTECH_KEY_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)
    made = make_repository(tmp_path)
    arguments = ["keys", "init", "--repo", str(made.path), "--keys-dir", str(made.keys), "--no-passphrase", "--screens", "1"]
    assert run(cli, arguments) == 0
    made.commit("first")
    assert run(cli, ["publish", *made.options(), "--keys-dir", str(made.keys), "--yes"]) == 0
    return made


def retry(repository: Repository, *more: str) -> int:
    return run(cli, ["retry", *repository.options(), "--keys-dir", str(repository.keys), *more])


def released(repository: Repository) -> Released:
    head = read_head(repository.store, load_anchor(repository.path))
    assert head is not None
    return head.released


def test_a_screen_that_rolled_back_is_asked_to_try_again(repository: Repository, capsys: Capture) -> None:
    screen = released(repository).screens[name_of(1)]
    path = repository.store_path / report_key(screen.client, screen.screen)
    path.parent.mkdir(parents=True)
    failed = failed_report(screen, datetime.now(UTC))
    path.write_bytes(seal(failed.payload(), PAYLOAD_TYPE, CryptoSigner(repository.devices[screen.screen])))
    assert run(cli, ["status", *repository.options(), "--fail-on-problems"]) == 1
    capsys.readouterr()
    assert retry(repository, screen.screen, screen.screen) == 0
    assert "1 screen tries again (release 2)" in capsys.readouterr().out
    after = released(repository)
    assert (after.screens[screen.screen].digest, after.screens[screen.screen].release) == (screen.digest, 2)
    assert after.screens[name_of(2)].release == 1
    assert run(cli, ["status", *repository.options(), "--output", "json"]) == 0
    states = {found["screen"]: found["state"] for found in json.loads(capsys.readouterr().out)["screens"]}
    assert states == {name_of(1): "pending", name_of(2): "unseen"}


def test_the_result_as_json(repository: Repository, capsys: Capture) -> None:
    capsys.readouterr()
    assert retry(repository, name_of(2), name_of(1), "--output", "json") == 0
    value = json.loads(capsys.readouterr().out)
    assert value == {"format_version": 1, "release": 2, "changed": True, "screens": [name_of(1), name_of(2)]}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "name the screens"),
        (["--halted", "SCR-ACME-0001"], "name the screens"),
        (["not a screen"], "not a screen"),
        (["SCR-ACME-0099"], "SCR-ACME-0099 is not released"),
        (["SCR-ACME-0001", "SCR-ACME-0099"], "SCR-ACME-0099 is not released"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(
    repository: Repository, arguments: list[str], words: str, capsys: Capture
) -> None:
    assert retry(repository, *arguments) == 2
    assert words in capsys.readouterr().err
    assert released(repository).sequence == 1


def test_when_nothing_is_held_back_nothing_is_written(repository: Repository, capsys: Capture) -> None:
    assert retry(repository, "--halted") == 0
    assert "no release is held back" in capsys.readouterr().out
    assert released(repository).sequence == 1


def test_a_wrong_key_changes_nothing(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVTECH_PUBLISH_KEY", str(repository.keys / "heartbeat.pem"))
    assert retry(repository, name_of(1)) == 6
    assert released(repository).sequence == 1
