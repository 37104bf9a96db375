"""`avtech gc` as a daily job runs it: it shows, marks, and a day later removes; a directory's files are made old for that."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from avtech_controller.cli import cli
from avtech_controller.cli._main import run
from avtech_controller.content import upload_additions
from avtech_controller.stores import Stored
from avtech_schema.canonical import sha256_hex
from avtech_schema.layout import MARK_KEY
from tests.controller.repository import CLIP, Repository, make_repository
from tests.controller.test_content_uploads import addition

Capture = pytest.CaptureFixture[str]
DAY = 86_400


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    for name in ("AVTECH_STORE", "AVTECH_PUBLISH_KEY", "AVTECH_KEYS_DIR", "AVTECH_KEY_PASSPHRASE", "AVTECH_REPORT_STORE"):
        monkeypatch.delenv(name, raising=False)
    made = make_repository(tmp_path)
    made.write(
        "fleet/fleet.yaml",
        "apiVersion: avtech/v1\nkind: Fleet\nmetadata: {name: test}\nspec: {retention: {releases: 1, days: 30}}\n",
    )
    arguments = ["keys", "init", "--repo", str(made.path), "--keys-dir", str(made.keys), "--no-passphrase", "--screens", "1"]
    assert run(cli, arguments) == 0
    made.commit("first")
    assert run(cli, ["publish", *made.options(), "--keys-dir", str(made.keys), "--yes"]) == 0
    leftover = made.store_path / "content/CLI-ACME" / sha256_hex(b"leftover")
    leftover.write_bytes(b"leftover")
    grow_old(made, 40)
    return made


def grow_old(repository: Repository, days: int) -> None:
    """Everything in the store was written so many days ago."""
    then = time.time() - days * DAY
    for path in repository.store_path.rglob("*"):
        os.utime(path, (then, then))


def gc(repository: Repository, capsys: Capture, *more: str) -> Any:
    capsys.readouterr()
    assert run(cli, ["gc", *repository.options(), "--without-reports", "--output", "json", *more]) == 0
    return json.loads(capsys.readouterr().out)


def age_mark(repository: Repository) -> None:
    """What is marked was marked two days ago."""
    path = repository.store_path / MARK_KEY
    mark = json.loads(path.read_bytes())
    for entry in mark["objects"]:
        entry["since"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 2 * DAY))
    path.write_bytes(json.dumps(mark).encode())


def test_it_shows_then_marks_then_removes(repository: Repository, capsys: Capture) -> None:
    key = f"content/CLI-ACME/{sha256_hex(b'leftover')}"
    found = gc(repository, capsys)
    assert (found["outcome"], found["unneeded"]) == ("planned", [{"key": key, "bytes": 8, "due": False}])
    assert repository.store.get(MARK_KEY, limit=10**6) is None
    assert gc(repository, capsys, "--yes")["marked"] == 1
    assert gc(repository, capsys, "--yes")["removed"] == 0
    age_mark(repository)
    assert gc(repository, capsys)["unneeded"][0]["due"]
    done = gc(repository, capsys, "--yes")
    assert (done["outcome"], done["removed"], done["removed_bytes"]) == ("collected", 1, 8)
    assert repository.store.size(key) is None
    assert isinstance(repository.store.get(f"content/CLI-ACME/{sha256_hex(CLIP)}", limit=1000), Stored)
    assert run(cli, ["verify", *repository.options(), "--chain"]) == 0


def test_the_result_in_words(repository: Repository, capsys: Capture) -> None:
    capsys.readouterr()
    assert run(cli, ["gc", *repository.options()]) == 0
    said = capsys.readouterr().out
    assert "1 release is kept" in said
    assert "content            1 not needed         8 B" in said
    assert said.endswith("nothing was written: --yes would remove 0 now and mark 1\n")
    assert run(cli, ["gc", *repository.options(), "--without-reports", "--yes"]) == 0
    assert capsys.readouterr().out.endswith("removed 0 (0 B); marked 1 more\n")


def test_more_days_keep_more(repository: Repository, capsys: Capture) -> None:
    assert gc(repository, capsys, "--keep-days", "41")["unneeded"] == []
    assert len(gc(repository, capsys, "--keep-days", "39")["unneeded"]) == 1


def test_without_reports_it_asks_whether_that_is_right(repository: Repository, capsys: Capture) -> None:
    assert run(cli, ["gc", *repository.options(), "--yes"]) == 2
    assert "no screen has ever reported" in capsys.readouterr().err


def test_a_checkout_older_than_what_is_released_is_refused(repository: Repository, capsys: Capture) -> None:
    repository.screen(3)
    repository.commit("second")
    assert run(cli, ["publish", *repository.options(), "--keys-dir", str(repository.keys), "--yes"]) == 0
    repository.git("checkout", "-q", "HEAD~1")
    assert run(cli, ["gc", *repository.options(), "--yes", "--without-reports"]) == 5
    assert "is older than" in capsys.readouterr().err


def test_a_desired_state_with_errors_removes_nothing(repository: Repository, capsys: Capture) -> None:
    repository.write("fleet/CLI-ACME/playlists/main.yaml", "kind: Playlist\n")
    repository.commit("broken")
    assert run(cli, ["gc", *repository.options(), "--yes", "--without-reports"]) == 1


def test_show_and_do_exclude_each_other(repository: Repository, capsys: Capture) -> None:
    assert run(cli, ["gc", *repository.options(), "--yes", "--dry-run"]) == 2
    assert "exclude each other" in capsys.readouterr().err


def test_adding_a_clip_that_is_there_keeps_it(repository: Repository, capsys: Capture) -> None:
    assert gc(repository, capsys, "--yes")["marked"] == 1
    age_mark(repository)
    clip = repository.path / "clip"
    key = f"content/CLI-ACME/{sha256_hex(b'leftover')}"
    assert [one.state for one in upload_additions([addition(clip, b"leftover")], repository.store)] == ["uploaded"]
    assert gc(repository, capsys, "--yes")["removed"] == 0
    assert repository.store.size(key) == 8
