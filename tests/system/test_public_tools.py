"""Audits by sha256sum, openssl and jq alone: the commands of docs/guides/audit.md, run as they stand there."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from avtech_controller.cli import cli
from avtech_controller.cli._main import run
from tests.controller.repository import Repository, make_repository

PAGE = Path(__file__).parents[2] / "docs/guides/audit.md"
SCREEN = "SCR-ACME-0001"
TOOLS = ("bash", "sha256sum", "openssl", "jq", "base64", "xxd")

pytestmark = pytest.mark.skipif(not all(map(shutil.which, TOOLS)), reason=f"needs {', '.join(TOOLS)}")


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Three releases, of which the second changed the screen."""
    made = make_repository(tmp_path_factory.mktemp("public"))
    arguments = ["keys", "init", "--repo", str(made.path), "--keys-dir", str(made.keys), "--no-passphrase", "--screens", "1"]
    assert run(cli, arguments) == 0
    publish(made)
    made.screen(1, extra="  timeZone: Asia/Tokyo\n")
    publish(made)
    made.screen(3)
    publish(made)
    return made


def publish(repository: Repository) -> None:
    repository.commit()
    assert run(cli, ["publish", *repository.options(), "--keys-dir", str(repository.keys), "--yes"]) == 0


def audit(repository: Repository, store: Path, work: Path, screen: str = SCREEN) -> subprocess.CompletedProcess[str]:
    """Run every command of the page in a directory of its own."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 5
    work.mkdir()
    env = {**os.environ, "STORE": str(store), "TRUST": str(repository.path / "trust"), "SCREEN": screen, "LC_ALL": "C"}
    command = ["bash", "-euo", "pipefail", "-c", "\n".join(blocks)]
    return subprocess.run(command, cwd=work, env=env, capture_output=True, text=True, check=False, timeout=60)


def copied(repository: Repository, directory: Path) -> Path:
    shutil.copytree(repository.store_path, directory / "store")
    return directory / "store"


def test_the_commands_of_the_page_prove_a_manifest(released: Repository, tmp_path: Path) -> None:
    ran = audit(released, released.store_path, tmp_path / "work")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    commit = released.git("rev-parse", "HEAD~1")
    assert f"release 2 of commit {commit}" in ran.stdout
    assert f"made from commit {commit}" in ran.stdout
    assert ran.stdout.count("Signature Verified Successfully") == 5
    assert ran.stdout.count(": OK") == 4


def test_what_the_commands_prove_is_what_avtech_compiles(released: Repository, tmp_path: Path) -> None:
    ran = audit(released, released.store_path, tmp_path / "work")
    commit = released.git("rev-parse", "HEAD~1")
    assert run(cli, ["compile", "--repo", str(released.path), "--commit", commit, "-o", str(tmp_path / "build")]) == 0
    data = (tmp_path / f"build/CLI-ACME/{SCREEN}.json").read_bytes()
    done = subprocess.run(["sha256sum"], input=data, capture_output=True, check=True, timeout=60)
    assert done.stdout.split()[0].decode() in ran.stdout


@pytest.mark.parametrize(
    "part", ["metadata/timestamp.json", "releases/00000002-*", "targets/*/*", "content/*/*", "provenance/00000002-*"]
)
def test_the_commands_stop_at_any_change(released: Repository, tmp_path: Path, part: str) -> None:
    store = copied(released, tmp_path)
    for path in store.glob(part):
        data = bytearray(path.read_bytes())
        place = data.rindex(b"1") if b"1" in data else 3
        data[place] = ord("2")
        path.write_bytes(bytes(data))
    ran = audit(released, store, tmp_path / "work")
    assert ran.returncode != 0
    assert "made from commit" not in ran.stdout


def test_the_commands_refuse_what_another_key_signed(released: Repository, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = make_repository(tmp_path / "other")
    arguments = ["keys", "init", "--repo", str(other.path), "--keys-dir", str(other.keys), "--no-passphrase"]
    assert run(cli, arguments) == 0
    publish(other)
    assert audit(released, other.store_path, tmp_path / "work").returncode != 0


def test_a_screen_that_was_never_released_is_not_found(released: Repository, tmp_path: Path) -> None:
    assert audit(released, released.store_path, tmp_path / "work", "SCR-ACME-0099").returncode != 0
