"""Real disks that fail: full, without inodes, read-only, with errors of reads and flushes. Playing goes on, and it is told."""

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from avtech_player.logs import screen_log
from avtech_player.outcome import OutcomeKind
from avtech_player.plays import Journal
from avtech_player.reports import Reporter
from avtech_player.space import Limits
from avtech_schema.canonical import sha256_hex
from avtech_schema.identifiers import ByteSize
from avtech_schema.report import ReleaseRef, SyncState
from tests.player.crashes import a_third_release, life, need_strace, publish, strace
from tests.player.lifetime import KEY, open_spool, play
from tests.player.repository import ACME, LOBBY, Repository
from tests.player.rig import Rig

SMALL = Limits(min_free=ByteSize(20_000))
Mount = Callable[[str], None]


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """Mounts a small file system on the device's directory, or changes how it is mounted."""
    disk = tmp_path / "state"
    disk.mkdir()
    mounted = False

    def mounting(options: str) -> None:
        nonlocal mounted
        command = ["mount", "-o", options, *([] if mounted else ["-t", "tmpfs", "tmpfs"]), str(disk)]
        if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode != 0:
            pytest.skip("mounting a small disk needs privileges")
        mounted = True

    yield mounting
    if mounted:
        subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "store")


def device(repository: Repository, limits: Limits = SMALL) -> Rig:
    rig = Rig(repository.path.parent / "state", repository.url, repository.root_bytes, limits=limits)
    rig.start()
    return rig


def playing(repository: Repository, *clips: bytes) -> tuple[Rig, ReleaseRef]:
    rig = device(repository)
    ref = publish(repository, *clips)
    assert rig.step().kind is OutcomeKind.APPLIED
    return rig, ref


def journal_of(rig: Rig) -> Journal:
    return Journal(lambda: open_spool(rig.directory), rig.store, screen_log("plays", LOBBY))


def report_of(rig: Rig, journal: Journal) -> tuple[SyncState, str]:
    reporter = Reporter(rig.directory, ACME, LOBBY, lambda: KEY, rig.store, rig.library, rig.clock, "1.0", journal)
    report = asyncio.run(reporter.report(rig.updater, rig.stage))
    return report.state, report.last_error or ""


def fill(disk: Path, name: str = "filler") -> None:
    with (disk / name).open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass


def use_up_inodes(disk: Path) -> None:
    folder = disk / "many"
    folder.mkdir()
    try:
        for number in range(100_000):
            (folder / str(number)).touch()
    except OSError:
        pass


def test_a_full_disk_stops_updates_is_told_and_loses_nothing_once_there_is_space(
    mount: Mount, repository: Repository, tmp_path: Path
) -> None:
    mount("size=400k")
    rig, good = playing(repository, b"a", b"b")
    journal = journal_of(rig)
    fill(rig.directory)
    publish(repository, b"c")
    assert rig.step().kind is OutcomeKind.FAILED
    for second in range(3):
        journal.note(play(second))
        asyncio.run(journal.close())
    state, error = report_of(rig, journal)
    assert (state, rig.state.good) == (SyncState.ERROR, good)
    assert "No space left on device" in error
    assert "proof of play is not written down" in (journal.trouble or "")
    again = device(repository)
    assert again.stage.showing is not None
    assert again.stage.showing.ref == good
    (rig.directory / "filler").unlink()
    assert again.step().kind is OutcomeKind.APPLIED
    asyncio.run(journal.upload())
    assert (journal.trouble, journal.stats.dropped) == (None, 0)
    assert report_of(again, journal) == (SyncState.SYNCED, "")
    assert len(list(tmp_path.glob("store/plays/**/*.zst"))) == 1


def test_a_disk_that_others_filled_gets_room_from_what_is_not_needed(mount: Mount, repository: Repository) -> None:
    mount("size=600k")
    rig, _ = playing(repository, b"a", b"b")
    for clips in ((b"c",), (b"d",)):
        publish(repository, *clips)
        assert rig.step().kind is OutcomeKind.APPLIED
    rig = device(repository, Limits(min_free=ByteSize(100_000)))
    idle = {file.name for file in rig.library.idle(rig.updater.kept())}
    assert len(idle) == 2
    fill(rig.directory)
    new = publish(repository, b"d", b"c")
    assert rig.step().kind is OutcomeKind.APPLIED
    assert rig.state.good == new
    assert not any((rig.directory / "assets" / name).exists() for name in idle)


def test_a_disk_without_inodes_stops_updates_and_recovers(mount: Mount, repository: Repository) -> None:
    mount("size=2m,nr_inodes=60")
    rig, good = playing(repository, b"a")
    use_up_inodes(rig.directory)
    new = publish(repository, b"c")
    assert rig.step().kind is OutcomeKind.FAILED
    assert "No space left on device" in (rig.updater.last_error or "")
    again = device(repository)
    assert again.stage.showing is not None
    assert again.stage.showing.ref == good
    for path in (rig.directory / "many").iterdir():
        path.unlink()
    assert again.step().kind is OutcomeKind.APPLIED
    assert again.state.good == new


def test_a_read_only_disk_plays_on_is_told_once_and_never_counts_a_trial(mount: Mount, repository: Repository) -> None:
    mount("size=2m")
    rig, good = playing(repository, b"a")
    journal = journal_of(rig)
    mount("remount,ro")
    publish(repository, b"c")
    for _ in range(3):
        again = device(repository)
        assert again.stage.showing is not None
        assert again.stage.showing.ref == good
        assert again.step().kind is OutcomeKind.FAILED
        assert again.stage.trials == []
    journal.note(play(1))
    asyncio.run(journal.close())
    state, error = report_of(again, journal)
    assert state is SyncState.ERROR
    assert "Read-only file system" in error
    fresh = journal_of(again)
    fresh.note(play(2))
    mount("remount,rw")
    asyncio.run(journal.close())
    assert device(repository).step().kind is OutcomeKind.APPLIED


def test_a_first_start_on_a_disk_that_takes_nothing_waits_for_one_that_does(mount: Mount, repository: Repository) -> None:
    mount("size=2m,ro")
    ref = publish(repository, b"a")
    rig = device(repository)
    journal = journal_of(rig)
    journal.note(play(1))
    assert rig.step().kind is OutcomeKind.FAILED
    assert "Read-only file system" in report_of(rig, journal)[1]
    mount("remount,rw")
    again = device(repository)
    assert again.step().kind is OutcomeKind.APPLIED
    asyncio.run(journal.upload())
    assert (again.state.good, journal.stats.dropped) == (ref, 0)


@pytest.mark.parametrize(
    "name", ["state.json", "floor-a.json", "verified.json", "plays/open.log", "plays/spool.json", "assets"]
)
def test_a_file_that_the_disk_does_not_give_back_is_done_without(tmp_path: Path, name: str) -> None:
    """EIO on every read of one file, into a real process: it takes the release all the same."""
    need_strace()
    scene = a_third_release(tmp_path / "scene")
    path = scene.state / name
    if name == "assets":  # One that the release before needs; without the stamps it is read at the start.
        (scene.state / "verified.json").unlink()
        path = path / sha256_hex(b"b" * 40_000)
        assert path.exists()
    failing = ("-P", str(path), "-e", "trace=read,pread64,fsync", "-e", "inject=read,pread64:error=EIO")
    finished = life(scene, *strace("-o", "/dev/null", *failing))
    assert finished.stdout == "done\n", finished.stderr
    assert "Traceback" not in finished.stderr
    rig = Rig(scene.state, "file:///nowhere", scene.root)
    rig.start()
    assert rig.stage.showing is not None
    assert rig.state.good == scene.new


@pytest.mark.parametrize("call", ["fsync", "write", "rename"])
def test_a_disk_on_which_everything_fails_ends_nothing(tmp_path: Path, call: str) -> None:
    """EIO on every call of a kind from a point on: what was good shows at the next start, and then the release is taken."""
    need_strace()
    scene = a_third_release(tmp_path / "scene")
    finished = life(scene, *strace("-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:error=EIO:when=6+"))
    assert finished.stdout != "done\n" or "Traceback" not in finished.stderr
    rig = Rig(scene.state, scene.url, scene.root)
    rig.start()
    assert rig.stage.showing is not None
    assert rig.stage.showing.ref in (scene.old, scene.new)
    rig.step()
    assert rig.state.good == scene.new
