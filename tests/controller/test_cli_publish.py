"""`avtech plan` and `avtech publish` as CI and people run them, against a real repository and a directory as the store."""

import json
import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from avtech_controller.cli import cli
from avtech_controller.cli._main import run
from avtech_controller.cli._publication import publisher_name
from avtech_controller.stores import ObjectStore, open_store
from avtech_schema.canonical import sha256_hex
from avtech_schema.identifiers import ClientId
from avtech_schema.layout import content_key
from tests.controller.repository import CLIP, Repository, make_repository
from tests.weed import S3Server

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    for name in ("AVTECH_STORE", "AVTECH_PUBLISH_KEY", "AVTECH_KEYS_DIR", "AVTECH_KEY_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)
    made = make_repository(tmp_path)
    arguments = ["keys", "init", "--repo", str(made.path), "--keys-dir", str(made.keys), "--no-passphrase", "--screens", "1"]
    assert run(cli, arguments) == 0
    made.commit("first")
    return made


def publish(repository: Repository, *more: str) -> int:
    return run(cli, ["publish", *repository.options(), "--keys-dir", str(repository.keys), *more])


def published(store: ObjectStore) -> list[str]:
    return [key for prefix in ("metadata/", "targets/", "releases/") for key in store.keys(prefix)]


def test_publishing_says_what_it_did(repository: Repository, capsys: Capture) -> None:
    capsys.readouterr()
    assert publish(repository, "--yes") == 0
    assert "published release 1" in capsys.readouterr().out
    assert publish(repository, "--yes") == 0
    assert "already released; nothing was written" in capsys.readouterr().out


def test_the_result_as_json(repository: Repository, capsys: Capture) -> None:
    capsys.readouterr()
    assert publish(repository, "--yes", "--output", "json") == 0
    value = json.loads(capsys.readouterr().out)
    assert (value["outcome"], value["sequence"]) == ("published", 1)
    assert value["commit"] == repository.git("rev-parse", "HEAD")
    assert value["screens"] == {"added": 2, "changed": 0, "removed": 0, "moved": 0, "total": 2}


def test_without_yes_and_without_a_terminal_nothing_is_published(repository: Repository, capsys: Capture) -> None:
    assert publish(repository) == 0
    captured = capsys.readouterr()
    assert "+ SCR-ACME-0001, SCR-ACME-0002" in captured.out
    assert "nothing was published" in captured.err
    assert published(repository.store) == []
    assert publish(repository, "--wait") == 2, "success would say that every screen has it"
    assert "--wait needs --yes" in capsys.readouterr().err
    assert published(repository.store) == []


def test_a_plan_shows_the_work_tree_and_a_publication_does_not(repository: Repository, capsys: Capture) -> None:
    assert publish(repository, "--yes") == 0
    repository.screen(3)
    capsys.readouterr()
    assert run(cli, ["plan", *repository.options()]) == 0
    assert "+ SCR-ACME-0003" in capsys.readouterr().out
    assert publish(repository, "--yes") == 0
    captured = capsys.readouterr()
    assert "already released" in captured.out
    assert "not committed" in captured.err


def test_a_plan_as_json_and_of_a_commit(repository: Repository, capsys: Capture) -> None:
    assert publish(repository, "--yes") == 0
    repository.screen(1, extra="  timeZone: Asia/Tokyo\n")
    head = repository.commit()
    capsys.readouterr()
    assert run(cli, ["plan", *repository.options(), "--commit", "HEAD", "--output", "json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["commit"] == head
    (change,) = value["changes"]
    assert change["details"] == ["~ time zone Europe/Madrid -> Asia/Tokyo"]


def test_an_older_commit_is_refused_and_a_revert_is_not(repository: Repository, capsys: Capture) -> None:
    old = repository.git("rev-parse", "HEAD")
    repository.screen(3)
    repository.commit("third screen")
    assert publish(repository, "--yes") == 0
    before = published(repository.store)
    assert publish(repository, "--yes", "--commit", old) == 5
    assert "git revert" in capsys.readouterr().err
    assert published(repository.store) == before
    repository.git("revert", "--no-edit", "HEAD")
    assert publish(repository, "--yes") == 0
    assert "published release 2" in capsys.readouterr().out


def test_a_released_commit_that_the_clone_does_not_know_stops_with_5(
    repository: Repository, tmp_path: Path, capsys: Capture
) -> None:
    repository.git("clone", "-q", ".", str(tmp_path / "clone"))
    repository.screen(3)
    repository.commit("newer")
    assert publish(repository, "--yes") == 0
    options = [
        "--repo",
        str(tmp_path / "clone"),
        "--store",
        f"file://{repository.store_path}",
        "--keys-dir",
        str(repository.keys),
    ]
    assert run(cli, ["publish", *options, "--yes"]) == 5
    assert "git fetch" in capsys.readouterr().err


def test_a_removal_beyond_the_limit_needs_consent_to_its_number(repository: Repository, capsys: Capture) -> None:
    for number in range(3, 13):
        repository.screen(number)
    repository.commit()
    assert publish(repository, "--yes") == 0
    for number in range(3, 13):
        (repository.path / f"fleet/CLI-ACME/screens/SCR-ACME-{number:04}.yaml").unlink()
    repository.commit()
    assert publish(repository, "--yes") == 4
    assert "--accept-removals 10" in capsys.readouterr().err
    assert publish(repository, "--yes", "--accept-removals", "9") == 4
    repository.screen(20)
    repository.commit()
    assert publish(repository, "--yes", "--accept-removals", "10") == 0
    assert "11 of 13 screens change" in capsys.readouterr().out  # one new, ten gone, two as they were


def test_a_plan_says_what_would_stop_it(repository: Repository, capsys: Capture) -> None:
    old = repository.git("rev-parse", "HEAD")
    for number in range(3, 13):
        repository.screen(number)
    repository.commit()
    assert publish(repository, "--yes") == 0
    capsys.readouterr()
    assert run(cli, ["plan", *repository.options(), "--commit", old, "--output", "json"]) == 0
    assert "is older than" in json.loads(capsys.readouterr().out)["stopped_by"]
    assert publish(repository, "--commit", old) == 5
    for number in range(3, 13):
        (repository.path / f"fleet/CLI-ACME/screens/SCR-ACME-{number:04}.yaml").unlink()
    capsys.readouterr()
    assert run(cli, ["plan", *repository.options()]) == 0
    assert "10 of 12 released screens would be removed" in capsys.readouterr().out


def test_a_freeze_stops_a_publication(repository: Repository, capsys: Capture) -> None:
    repository.write(
        "fleet/fleet.yaml",
        "apiVersion: avtech/v1\nkind: Fleet\nmetadata: {name: test}\nspec:\n  freezes:\n"
        "    - {from: '2020-01-01', until: '2199-12-31', reason: the long sleep}\n",
    )
    repository.commit()
    assert publish(repository, "--yes") == 4
    assert "the long sleep" in capsys.readouterr().err
    assert published(repository.store) == []
    assert publish(repository, "--yes", "--override-freeze") == 0


def test_findings_stop_a_publication(repository: Repository, capsys: Capture) -> None:
    repository.write("fleet/CLI-ACME/playlists/main.yaml", "apiVersion: avtech/v1\nkind: Playlist\n")
    repository.commit()
    assert publish(repository, "--yes") == 1
    assert "avtech validate" in capsys.readouterr().err
    assert published(repository.store) == []


@pytest.mark.parametrize(("key", "code"), [("heartbeat.pem", 6), ("root-1.pem", 6), ("none.pem", 2)])
def test_a_wrong_key_is_refused_before_anything_is_written(
    repository: Repository, key: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("AVTECH_PUBLISH_KEY", str(repository.keys / key))
    assert publish(repository, "--yes") == code
    assert len(capsys.readouterr().err.strip().splitlines()) <= 2
    assert published(repository.store) == []


def test_the_key_may_be_the_text_of_a_ci_variable(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVTECH_PUBLISH_KEY", (repository.keys / "publish.pem").read_text())
    assert run(cli, ["publish", *repository.options(), "--yes"]) == 0


def test_no_key_and_no_store_are_configuration_errors(repository: Repository, capsys: Capture) -> None:
    assert run(cli, ["publish", *repository.options(), "--yes"]) == 2
    assert "AVTECH_PUBLISH_KEY" in capsys.readouterr().err
    assert run(cli, ["plan", "--repo", str(repository.path)]) == 2
    assert "AVTECH_STORE" in capsys.readouterr().err


def test_a_store_that_is_not_there_is_a_configuration_error(repository: Repository, tmp_path: Path, capsys: Capture) -> None:
    options = ["--repo", str(repository.path), "--store", f"file://{tmp_path}/nowhere", "--keys-dir", str(repository.keys)]
    assert run(cli, ["publish", *options, "--yes"]) == 2
    assert "mkdir" in capsys.readouterr().err
    assert not (tmp_path / "nowhere").exists()


def test_missing_clips_stop_a_publication_by_name(repository: Repository, capsys: Capture) -> None:
    for path in (repository.store_path / "content").rglob("*"):
        if path.is_file():
            path.unlink()
    assert publish(repository, "--yes") == 1
    captured = capsys.readouterr().err
    assert "VID-ACME-A" in captured
    assert "avtech content add" in captured


def test_a_directory_that_is_no_repository_cannot_be_published(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "plain").mkdir()
    assert run(cli, ["publish", "--repo", str(tmp_path / "plain"), "--store", f"file://{tmp_path}", "--yes"]) == 2
    assert "Git" in capsys.readouterr().err


@pytest.mark.parametrize(("answer", "code"), [(b"n", 2), (b"y", 0)])
def test_on_a_terminal_the_plan_is_shown_and_asked_about(repository: Repository, answer: bytes, code: int) -> None:
    ours, theirs = pty.openpty()
    command = [
        str(Path(sys.executable).parent / "avtech"),
        "publish",
        *repository.options(),
        "--keys-dir",
        str(repository.keys),
    ]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        screen = b""
        with suppress(OSError):  # the terminal ends with the process
            while chunk := os.read(ours, 65536):
                screen += chunk
                if answer and b"[y/N]" in screen:
                    os.write(ours, answer + b"\n")
                    answer = b""
        assert process.wait() == code, screen
    os.close(ours)
    assert b"+ SCR-ACME-0001, SCR-ACME-0002" in screen
    assert bool(published(repository.store)) == (code == 0)
    for step in (b"checking clips", b"manifests", b"metadata"):
        assert (step in screen.partition(b"[y/N]")[2]) == (code == 0), "progress is shown of what is done, and of nothing else"


def test_the_publisher_is_named_by_the_ci_job_or_the_user() -> None:
    github = {"GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "ada", "GITHUB_SERVER_URL": "https://github.com"}
    github |= {"GITHUB_REPOSITORY": "acme/screens", "GITHUB_RUN_ID": "7"}
    assert publisher_name(github) == "ada via https://github.com/acme/screens/actions/runs/7"
    gitlab = {"GITLAB_CI": "true", "GITLAB_USER_LOGIN": "ada", "CI_JOB_URL": "https://gitlab.com/acme/-/jobs/7"}
    assert publisher_name(gitlab) == "ada via https://gitlab.com/acme/-/jobs/7"
    assert "@" in publisher_name({})


@pytest.mark.s3
def test_a_bucket_serves_as_a_directory_does(
    repository: Repository, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    options = ["--repo", str(repository.path), "--store", s3_server.url()]
    open_store(options[-1]).create(content_key(ClientId("CLI-ACME"), sha256_hex(CLIP)), CLIP)
    command = ["publish", *options, "--keys-dir", str(repository.keys), "--yes"]
    capsys.readouterr()
    assert run(cli, command) == 0
    assert "published release 1" in capsys.readouterr().out
    assert run(cli, command) == 0
    assert "nothing was written" in capsys.readouterr().out
    assert run(cli, ["status", *options]) == 0
    assert "2 unseen" in capsys.readouterr().out
    for name, value in s3_server.environment(reader=True).items():
        monkeypatch.setenv(name, value)
    repository.screen(3)
    repository.commit()
    assert run(cli, command) == 2
    assert "AccessDenied" in capsys.readouterr().err
