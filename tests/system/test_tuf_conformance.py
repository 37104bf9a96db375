"""The public suite tuf-conformance drives the player's own client, where the suite is to be had.

It is no package: check out https://github.com/theupdateframework/tuf-conformance and name the checkout in
AVTECH_TUF_CONFORMANCE. Besides, the entry point that it drives is held to its protocol against a repository of our own.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.player.repository import Repository, manifest_of
from tests.player.server import serving

SUITE = os.environ.get("AVTECH_TUF_CONFORMANCE", "")
LEAST = 113
COMMAND = [sys.executable, "-m", "avtech_player.conformance"]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not SUITE, reason="AVTECH_TUF_CONFORMANCE names no checkout of theupdateframework/tuf-conformance")
@pytest.mark.skipif(shutil.which("faketime") is None, reason="the suite needs faketime")
def test_the_public_suite_passes_with_no_failure_expected(tmp_path: Path) -> None:
    entry = tmp_path / "avtech-conformance"
    entry.write_text(f'#!/bin/sh\nexec {" ".join(COMMAND)} "$@"\n')
    entry.chmod(0o755)
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-c", os.devnull, "--rootdir", SUITE]
    command = [sys.executable, "-m", "pytest", *options, f"{SUITE}/tuf_conformance", "--entrypoint", str(entry)]
    done = subprocess.run(command, cwd=SUITE, capture_output=True, text=True, check=False, timeout=880)
    assert done.returncode == 0, done.stdout[-4000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed
    assert int(passed[1]) >= LEAST
    assert "xfail" not in done.stdout


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    repository = Repository(tmp_path / "store")
    repository.publish(manifest_of({"VID-A": repository.put_clip(b"clip")}))
    (tmp_path / "root.json").write_bytes(repository.root_bytes)
    return repository


def client(place: Path, url: str, command: str, *more: str) -> int:
    """Run one command as the suite does."""
    where = ["--metadata-dir", str(place / "metadata")]
    if command != "init":
        where += ["--metadata-url", f"{url}/metadata/"]
    targets = ["--target-dir", str(place / "targets"), "--target-base-url", f"{url}/targets/"]
    names = [word for name in more for word in ("--target-name", name)] if command == "download" else []
    for folder in ("metadata", "targets"):
        (place / folder).mkdir(exist_ok=True)
    last = [str(place / "root.json")] if command == "init" else []
    words = [*COMMAND, *where, *(targets if names else []), *names, command, *last]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert "Traceback" not in done.stderr
    return done.returncode


def test_init_asks_for_nothing_and_refresh_verifies_what_is_there(repository: Repository, tmp_path: Path) -> None:
    with serving(repository.path) as server:
        assert client(tmp_path, server.url, "init") == 0
        assert server.requests == []
        assert client(tmp_path, server.url, "refresh") == 0
    held = {path.name for path in (tmp_path / "metadata").glob("*.json")}
    assert held == {"root.json", "timestamp.json", "snapshot.json", "targets.json"}


def test_download_keeps_what_verifies_and_fetches_it_once(repository: Repository, tmp_path: Path) -> None:
    name = "CLI-ACME/SCR-ACME-0001.json"
    with serving(repository.path) as server:
        assert client(tmp_path, server.url, "init") == 0
        assert client(tmp_path, server.url, "download", name) == 0
        assert client(tmp_path, server.url, "download", name) == 0
        assert len([request for request in server.requests if "/targets/" in request[1]]) == 1
        assert client(tmp_path, server.url, "download", "CLI-ACME/SCR-ACME-9999.json") == 1
    (kept,) = (tmp_path / "targets").iterdir()
    assert b"SCR-ACME-0001" in kept.read_bytes()


def test_an_older_repository_is_refused(repository: Repository, tmp_path: Path) -> None:
    shutil.copytree(repository.path, tmp_path / "backup")
    repository.sign()
    with serving(repository.path) as server:
        assert client(tmp_path, server.url, "init") == 0
        assert client(tmp_path, server.url, "refresh") == 0
    with serving(tmp_path / "backup") as server:
        assert client(tmp_path, server.url, "refresh") == 1


def test_without_init_and_without_a_server_it_fails_in_one_line(tmp_path: Path, repository: Repository) -> None:
    assert client(tmp_path, "http://127.0.0.1:9", "refresh") == 1
    assert client(tmp_path, "http://127.0.0.1:9", "init") == 0
    assert client(tmp_path, "http://127.0.0.1:9", "refresh") == 1
