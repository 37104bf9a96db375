"""Audits by sha256sum, openssl and jq alone: the commands of the pages on audits and on plays, run as they stand there."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from backports import zstd
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner

from avtech_controller.cli import cli
from avtech_controller.cli._main import run
from avtech_schema.envelope import public_key_text
from avtech_schema.identifiers import ClientId, CommitId, DurationMs, ScreenId, Sha256, VideoId
from avtech_schema.plays import Numbered, Played, PlayResult, seal_segment
from avtech_schema.report import ReleaseRef
from tests.controller.repository import Repository, make_repository

PAGE = Path(__file__).parents[2] / "docs/guides/audit.md"
PLAYS = Path(__file__).parents[2] / "docs/reference/plays.md"
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


def played(directory: Path) -> tuple[Path, str]:
    """A segment of one play in a file, and the screen's public key as the Screen resource has it."""
    private = Ed25519PrivateKey.generate()
    play = Played(
        VideoId("VID-ACME-A"),
        Sha256("c" * 64),
        "lobby/1",
        ReleaseRef(3, CommitId("a" * 40), Sha256("b" * 64)),
        "2026-11-24T10:00:00.000Z",
        "2026-11-24T10:00:05.000Z",
        DurationMs(5000),
        PlayResult.COMPLETE,
        "",
        clock_trusted=True,
    )
    _, data = seal_segment(
        [Numbered(1, play)],
        CryptoSigner(private),
        client=ClientId("CLI-ACME"),
        screen=ScreenId(SCREEN),
        chain="0123456789abcdef",
        number=1,
        previous=None,
        dropped=0,
    )
    (directory / "segment.zst").write_bytes(data)
    return directory / "segment.zst", public_key_text(private.public_key()).removeprefix("ed25519:")


def prove_plays(segment: Path, key: str, work: Path) -> subprocess.CompletedProcess[str]:
    (block,) = re.findall(r"^```sh\n(.*?)^```$", PLAYS.read_text(), re.MULTILINE | re.DOTALL)
    work.mkdir()
    env = {**os.environ, "SEGMENT": str(segment), "KEY": key, "LC_ALL": "C"}
    command = ["bash", "-euo", "pipefail", "-c", block]
    return subprocess.run(command, cwd=work, env=env, capture_output=True, text=True, check=False, timeout=60)


needs_zstd = pytest.mark.skipif(not shutil.which("zstd"), reason="needs zstd")


@needs_zstd
def test_the_commands_of_the_page_on_plays_prove_what_was_shown(tmp_path: Path) -> None:
    ran = prove_plays(*played(tmp_path), tmp_path / "work")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Signature Verified Successfully" in ran.stdout
    assert "records: OK" in ran.stdout
    assert f"2026-11-24T10:00:00.000Z\tVID-ACME-A\tlobby/1\tcomplete\t{'a' * 12}" in ran.stdout


@needs_zstd
@pytest.mark.parametrize(("old", "new"), [(b"VID-ACME-A", b"VID-ACME-B"), (b'"sig":"', b'"sig":"AAAA')])
def test_the_commands_stop_at_a_play_that_was_changed(tmp_path: Path, old: bytes, new: bytes) -> None:
    segment, key = played(tmp_path)
    data = zstd.decompress(segment.read_bytes())
    assert old in data
    segment.write_bytes(zstd.compress(data.replace(old, new, 1)))
    assert prove_plays(segment, key, tmp_path / "work").returncode != 0


@needs_zstd
def test_the_commands_refuse_plays_of_another_device(tmp_path: Path) -> None:
    segment, _ = played(tmp_path)
    (tmp_path / "other").mkdir()
    _, other = played(tmp_path / "other")
    assert prove_plays(segment, other, tmp_path / "work").returncode != 0
