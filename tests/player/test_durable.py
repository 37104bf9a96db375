"""Durability: whole or not at all, and a failing disk is told as one."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from avtech_player.device_key import ensure_device_key
from avtech_player.durable import (
    AlreadyRunningError,
    Appender,
    DirectoryLock,
    DiskError,
    TooLargeError,
    flush_tree,
    make_directory,
    publish_file,
    read_bounded,
    remove,
    remove_directory,
    remove_leftovers,
    replace_atomically,
)
from tests.player.crashes import need_strace, strace


def test_a_file_is_replaced_whole_with_its_mode_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    replace_atomically(path, b"old")
    replace_atomically(path, b"new", mode=0o600)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [found.name for found in tmp_path.iterdir()] == ["state.json"]


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    replace_atomically(path, b"old")
    script = (
        "import resource, signal, sys; from pathlib import Path; from avtech_player.durable import *\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: replace_atomically(Path(sys.argv[1]), b'x' * 5000)\n"
        "except DiskError: sys.exit(42)\n"
    )
    assert subprocess.run([sys.executable, "-c", script, str(path)], check=False).returncode == 42
    assert path.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["state.json"]


def test_a_missing_directory_is_a_failure_of_the_disk(tmp_path: Path) -> None:
    with pytest.raises(DiskError):
        replace_atomically(tmp_path / "nowhere" / "file", b"x")


def test_a_read_is_bounded_and_absence_is_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert read_bounded(path, limit=3) is None
    path.write_bytes(b"four")
    with pytest.raises(TooLargeError):
        read_bounded(path, limit=3)
    assert read_bounded(path, limit=4) == b"four"


def test_reading_a_directory_is_a_failure_and_not_an_absence(tmp_path: Path) -> None:
    with pytest.raises(DiskError):
        read_bounded(tmp_path, limit=3)


def test_appending_goes_on_at_the_end_and_publishing_gives_the_final_name(tmp_path: Path) -> None:
    for chunk in (b"one ", b"two"):
        with Appender(tmp_path / "partial") as file:
            file.write(chunk)
            file.flush()
    publish_file(tmp_path / "partial", tmp_path / "whole")
    assert (tmp_path / "whole").read_bytes() == b"one two"
    assert not (tmp_path / "partial").exists()


def test_a_file_that_the_disk_does_not_take_is_not_named_and_not_kept_for_a_flush_that_would_say_it_is_safe(
    tmp_path: Path,
) -> None:
    """EIO on its flush, into a real process: the kernel tells that once, and calls the lost bytes clean from then on."""
    need_strace()
    (tmp_path / "partial").write_bytes(b"whole")
    script = (
        "import sys; from pathlib import Path; from avtech_player.durable import *\n"
        "try: publish_file(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "except DiskError: sys.exit(42)\n"
    )
    failing = strace("-o", "/dev/null", "-P", str(tmp_path / "partial"), "-e", "trace=fsync", "-e", "inject=fsync:error=EIO")
    command = [*failing, sys.executable, "-c", script, str(tmp_path / "partial"), str(tmp_path / "whole")]
    assert subprocess.run(command, check=False).returncode == 42
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_ours_is_cleared_of_whatever_else_has_it_and_another_is_not(tmp_path: Path) -> None:
    (tmp_path / "place" / "inside").mkdir(parents=True)
    with pytest.raises(DiskError):
        replace_atomically(tmp_path / "place", b"new")
    assert (tmp_path / "place" / "inside").is_dir()
    replace_atomically(tmp_path / "place", b"new", ours=True)
    assert (tmp_path / "place").read_bytes() == b"new"
    assert [found.name for found in tmp_path.iterdir()] == ["place"]


def test_removing_takes_a_directory_that_stands_where_a_file_should(tmp_path: Path) -> None:
    (tmp_path / "place" / "inside").mkdir(parents=True)
    (tmp_path / "link").symlink_to("place")
    remove(tmp_path / "link")
    assert (tmp_path / "place" / "inside").is_dir()
    remove(tmp_path / "place")
    assert list(tmp_path.iterdir()) == []


def test_removing_what_is_gone_is_no_failure(tmp_path: Path) -> None:
    remove(tmp_path / "gone")
    remove_directory(tmp_path / "gone")


def test_directories_are_made_with_their_parents_and_removed_with_their_files(tmp_path: Path) -> None:
    make_directory(tmp_path / "a" / "b")
    make_directory(tmp_path / "a" / "b")
    (tmp_path / "a" / "b" / "file").write_bytes(b"")
    flush_tree(tmp_path / "a")
    remove_directory(tmp_path / "a" / "b")
    assert not (tmp_path / "a" / "b").exists()


def test_leftovers_of_a_crash_are_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".tmp-abc").write_bytes(b"half")
    (tmp_path / "state.json").write_bytes(b"whole")
    remove_leftovers(tmp_path)
    assert [found.name for found in tmp_path.iterdir()] == ["state.json"]


def test_a_directory_has_one_holder_until_it_lets_go(tmp_path: Path) -> None:
    with DirectoryLock(tmp_path):
        assert (tmp_path / "pid").read_text() == f"{os.getpid()}\n"
        with pytest.raises(AlreadyRunningError):
            DirectoryLock(tmp_path)
    DirectoryLock(tmp_path).release()


def test_a_holder_that_is_killed_lets_go(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; from avtech_player.durable import DirectoryLock\n"
        "lock = DirectoryLock(Path(sys.argv[1])); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False).returncode == -9
    DirectoryLock(tmp_path).release()


def test_nothing_else_in_the_player_writes_flushes_renames_or_removes() -> None:
    import avtech_player

    source = Path(avtech_player.__file__).parent
    forbidden = (".write_bytes(", ".write_text(", "os.replace(", "os.rename(", "fsync(", ".unlink(", "shutil.rmtree(")
    mine = [path for path in source.glob("*.py") if path.name != "durable.py"] + list(source.glob("cli/*.py"))
    found = [(path.name, word) for path in mine for word in forbidden if word in path.read_text()]
    assert found == []


def test_of_device_keys_that_are_made_at_the_same_instant_one_wins_and_all_hold_it(tmp_path: Path) -> None:
    for attempt in range(10):
        path = tmp_path / str(attempt) / "device.key"
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(ensure_device_key, [path] * 8))
        assert len({key.public_key().public_bytes_raw() for key, _ in found}) == 1
        assert sum(made for _, made in found) == 1
        assert [left.name for left in path.parent.iterdir()] == ["device.key"]
        assert path.stat().st_mode & 0o777 == 0o600
