"""A cache is never believed: what is not surely our own is ignored and written anew, and what fails costs time alone."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from avtech_controller.cli._main import cli, run
from avtech_controller.incremental import Cache, Directory, compile_source, derive, open_cache
from avtech_controller.incremental._seal import BrokenSealError, Seal
from avtech_controller.incremental._secrets import own_secret
from avtech_schema.errors import ConfigurationError
from tests.controller.desired_files import MINIMAL, client, write
from tests.controller.test_incremental import WORLD, Desk

TODAY = date(2026, 6, 1)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def entries(shelf: Path) -> list[Path]:
    return sorted(path for path in shelf.rglob("*") if path.is_file())


def ledger(shelf: Path) -> Path:
    return next(shelf.rglob("*.ledger"))


def test_every_flipped_byte_and_every_cut_of_an_entry_is_noticed() -> None:
    seal = Seal.of(b"secret" * 8)
    entry = seal.close("a/b", bytes(range(200)))
    assert seal.open("a/b", entry) == bytes(range(200))
    for place in range(len(entry)):
        for bit in (1, 128):
            with pytest.raises(BrokenSealError):
                seal.open("a/b", entry[:place] + bytes([entry[place] ^ bit]) + entry[place + 1 :])
        with pytest.raises(BrokenSealError):
            seal.open("a/b", entry[:place])
    for wrong in (seal.close("a/b", b"x")[:47] + entry[47:], entry + b"x", b""):
        with pytest.raises(BrokenSealError):
            seal.open("a/b", wrong)
    with pytest.raises(BrokenSealError):
        seal.open("a", seal.close("a/b", b"x"))
    with pytest.raises(BrokenSealError):
        Seal.of(b"Secret" * 8).open("a/b", entry)


def test_keys_are_derived_as_rfc_5869_says() -> None:
    assert derive(b"some secret", b"purpose") == HKDF(SHA256(), 32, None, b"purpose").derive(b"some secret")


def flipped(path: Path, shelf: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def emptied(path: Path, shelf: Path) -> None:
    path.write_bytes(b"")


def swapped(path: Path, shelf: Path) -> None:
    other = next(one for one in entries(shelf) if one != path and one.read_bytes() != path.read_bytes())
    mine, theirs = path.read_bytes(), other.read_bytes()
    path.write_bytes(theirs)
    other.write_bytes(mine)


def a_directory(path: Path, shelf: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "full").write_text("x")


def a_link(path: Path, shelf: Path) -> None:
    path.rename(shelf / "elsewhere")
    path.symlink_to(shelf / "elsewhere")


def a_fifo(path: Path, shelf: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def endless(path: Path, shelf: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def huge(path: Path, shelf: Path) -> None:
    os.truncate(path, 3 << 30)


def forged(path: Path, shelf: Path) -> None:
    """Whole, but by somebody who has another secret: a ledger that knows nothing, or a pack of other manifests."""
    other = Seal.of(b"z" * 32)
    path.write_bytes(other.close(f"{path.parent.name}/{path.name}", b"whatever"))


DAMAGES = [flipped, emptied, swapped, a_directory, a_link, a_fifo, endless, huge, forged]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("which", ["*.ledger", "packs/*"])
def test_a_damaged_entry_is_ignored_told_and_replaced(
    desk: Desk, damage: Callable[[Path, Path], None], which: str, caplog: pytest.LogCaptureFixture
) -> None:
    desk.compile(WORLD)
    for path in list(desk.shelf.rglob(which)):
        if os.path.lexists(path):
            damage(path, desk.shelf)
            break
    cache = desk.cache()
    desk.compile(WORLD, cache)  # holds every byte against compiling anew
    assert cache.ignored >= 1
    assert f"({cache.ignored} so far)" in caplog.text
    again = desk.cache()
    assert desk.compile(WORLD, again).compiled == 0
    assert again.ignored == 0


def test_entries_of_another_secret_are_as_none_and_stay_valid_for_theirs(desk: Desk) -> None:
    desk.compile(WORLD)
    assert desk.compile(WORLD, desk.cache(secret=b"t" * 32)).compiled == 23
    for secret in (b"s", b"t"):
        assert desk.compile(WORLD, desk.cache(secret=secret * 32)).compiled == 0


def test_an_entry_copied_to_the_place_of_another_secret_is_ignored(desk: Desk) -> None:
    desk.compile(WORLD)
    mine = ledger(desk.shelf).read_bytes()
    other = desk.cache(secret=b"t" * 32)
    desk.compile({**MINIMAL, **client("CLI-B")}, other)
    for path in desk.shelf.rglob("*.ledger"):
        path.write_bytes(mine)
    poisoned = desk.cache(secret=b"t" * 32)
    assert desk.compile(WORLD, poisoned).compiled == 23
    assert poisoned.ignored == 1


def test_an_older_ledger_put_back_costs_time_and_nothing_else(desk: Desk) -> None:
    desk.compile(WORLD)
    old = ledger(desk.shelf).read_bytes()
    without = {path: text for path, text in WORLD.items() if "CLI-C" not in path}
    desk.compile(without)
    ledger(desk.shelf).write_bytes(old)
    assert set(desk.compile(without).screens) == set(desk.compile(WORLD).screens) - {
        name for name in desk.compile(WORLD).screens if name.startswith("SCR-C")
    }


def test_other_files_in_the_cache_s_directory_are_never_touched(desk: Desk) -> None:
    write(desk.shelf, {"precious.txt": "x", "packs/y": "y", "0123456789abcdef/z": "z"})
    for day in (1, 2, 30):
        desk.compile(WORLD, desk.cache(today=date(2026, 7, day), limit=1))
    assert [(desk.shelf / name).read_text() for name in ("precious.txt", "packs/y", "0123456789abcdef/z")] == ["x", "y", "z"]


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", disk], check=False).returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_a_full_disk_costs_the_cache_and_not_the_run(desk: Desk, full_disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        assert desk.compile(WORLD, Cache(Directory(full_disk), b"s" * 32, today=TODAY)).compiled == 23
    assert "No space left on device" in caplog.text
    assert not list(full_disk.rglob("*.tmp"))


@pytest.mark.parametrize("place", ["/proc/nothing", "/dev/null", "/dev/null/below"])
def test_a_place_that_cannot_be_written_costs_the_cache_and_not_the_run(
    desk: Desk, place: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert desk.compile(WORLD, Cache(Directory(Path(place)), b"s" * 32, today=TODAY)).compiled == 23
    assert f"the cache in {place} cannot be written" in caplog.text


def test_processes_that_write_one_cache_at_once_leave_it_whole(tmp_path: Path) -> None:
    root = write(tmp_path / "tree", WORLD)
    program = (
        "import sys; from datetime import date; from pathlib import Path\n"
        "from avtech_controller.desired import open_source\n"
        "from avtech_controller.incremental import Cache, Directory, compile_source\n"
        "for _ in range(5):\n"
        "    cache = Cache(Directory(Path(sys.argv[2])), b's' * 32, today=date(2026, 6, 1))\n"
        "    made = compile_source(open_source(Path(sys.argv[1])), cache)\n"
        "    assert cache.ignored == 0 and len(made.screens) == 23\n"
    )
    racing = [subprocess.Popen([sys.executable, "-c", program, str(root), str(tmp_path / "cache")]) for _ in range(3)]
    assert [one.wait(60) for one in racing] == [0, 0, 0]
    cache = Cache(Directory(tmp_path / "cache"), b"s" * 32, today=TODAY)
    from avtech_controller.desired import open_source

    assert compile_source(open_source(root), cache).compiled == 0


def test_the_own_key_is_made_once_and_is_its_owner_s_alone(tmp_path: Path) -> None:
    secret = own_secret(tmp_path / "deep" / "config")
    path = tmp_path / "deep" / "config" / "cache.key"
    assert own_secret(tmp_path / "deep" / "config") == secret == path.read_bytes()
    assert len(secret) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("spoil", ["mode", "short", "link", "directory"])
def test_a_key_that_others_could_know_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, spoil: str
) -> None:
    monkeypatch.setenv("AVTECH_CONFIG_DIR", str(tmp_path))
    key = tmp_path / "cache.key"
    own_secret(tmp_path)
    match spoil:
        case "mode":
            key.chmod(0o644)
        case "short":
            key.write_bytes(b"guess")
        case "link":
            key.rename(tmp_path / "other")
            key.symlink_to(tmp_path / "other")
        case _:
            key.unlink()
            key.mkdir()
    assert open_cache(str(tmp_path / "cache"), today=TODAY) is None
    assert "no cache is used" in caplog.text


def test_a_secret_given_to_a_ci_is_used_and_a_short_one_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVTECH_CACHE_KEY", "0" * 64)
    assert open_cache(f"file://{tmp_path}", today=TODAY) is not None
    monkeypatch.setenv("AVTECH_CACHE_KEY", "short")
    with pytest.raises(ConfigurationError, match="fewer than 32"):
        open_cache(str(tmp_path), today=TODAY)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write(tmp_path / "repository", {**MINIMAL, **client("CLI-B")})


def test_the_command_says_how_much_it_compiled(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["compile", "-C", str(root), "--cache", str(tmp_path / "cache")]
    assert run(cli, command) == 0
    assert "2 of 2 screens compiled\n" in capsys.readouterr().err
    assert run(cli, command) == 0
    first = capsys.readouterr()
    assert "0 of 2 screens compiled, the rest from the cache" in first.err
    assert run(cli, [*command, "--no-cache"]) == 0
    without = capsys.readouterr()
    assert without.out == first.out
    assert "2 of 2 screens compiled\n" in without.err


@pytest.mark.parametrize("address", ["ftp://x/y", "s3://", "file://relative", "https://x.example/cache"])
def test_a_wrong_address_is_a_wrong_command_line(root: Path, capsys: pytest.CaptureFixture[str], address: str) -> None:
    assert run(cli, ["compile", "-C", str(root), "--cache", address]) == 2
    assert "error: " in capsys.readouterr().err
