"""The daemon as a process: what it shows, reports and survives. The engine is the simulated one, the clips are real."""

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from avtech_player.state import Phase, parse_state
from avtech_schema.manifest import Manifest
from avtech_schema.report import ReleaseRef, SyncState
from tests.player.devices import Device
from tests.player.material import scrambled, video_bytes
from tests.player.repository import LOBBY, OTHER, Repository, manifest_of

pytestmark = pytest.mark.media


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "store")


@pytest.fixture
def device(tmp_path: Path, repository: Repository) -> Device:
    return Device(tmp_path / "device", repository)


def programme(repository: Repository, *colours: str, bad: bool = False) -> Manifest:
    clips = {f"VID-{colour.upper()}": video_bytes(colour) for colour in colours}
    if bad:
        clips["VID-BAD"] = scrambled(video_bytes("green"))
    return manifest_of({name: repository.put_clip(data) for name, data in clips.items()})


def synced(device: Device, ref: ReleaseRef) -> None:
    device.reported(lambda report: report.applied == ref and report.state is SyncState.SYNCED)


def test_a_player_syncs_rolls_back_reports_and_stops_when_asked(device: Device, repository: Repository) -> None:
    first = repository.publish(programme(repository, "red"))
    with device.running() as process:
        synced(device, first)
        second = repository.publish(programme(repository, "red", "blue"))
        synced(device, second)
        bad = repository.publish(programme(repository, "red", bad=True))
        report = device.reported(lambda report: report.state is SyncState.FAILED)
        assert (report.desired, report.applied) == (bad, second)
        assert "VID-BAD" in report.quarantine[-1].reason
        assert device.status()["quarantine"][-1]["sequence"] == bad.sequence
        third = repository.publish(programme(repository, "blue"))
        synced(device, third)
        playing = device.reported(lambda report: report.now_playing is not None)
        assert playing.now_playing is not None
        assert device.clip_is_whole(playing.now_playing.sha256)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert "Traceback" not in (device.folder / "log").read_text()


def test_a_second_player_on_the_same_directory_is_refused_and_sync_asks_the_first(
    device: Device, repository: Repository
) -> None:
    repository.publish(programme(repository, "red"))
    with device.running() as process:
        device.reported(lambda report: report.state is SyncState.SYNCED)
        second = device.command("run", "--config", str(device.config))
        assert (second.returncode, "another process holds" in second.stderr) == (2, True)
        asked = device.command("sync", "--config", str(device.config), "--output", "json")
        assert json.loads(asked.stdout) == {"format_version": 1, "outcome": "asked", "pid": process.pid}
        assert process.poll() is None


def test_several_simulated_players_share_a_process(tmp_path: Path, repository: Repository) -> None:
    devices = [Device(tmp_path / screen, repository, screen=screen) for screen in (LOBBY, OTHER)]
    asset = repository.put_clip(video_bytes("red"))
    for screen in (LOBBY, OTHER):
        repository.publish(manifest_of({"VID-RED": asset}, screen=screen))
    with devices[0].running("--config", str(devices[1].config)):
        for device in devices:
            device.reported(lambda report: report.state is SyncState.SYNCED)


def test_clips_lost_from_the_disk_are_fetched_and_played_again(device: Device, repository: Repository) -> None:
    ref = repository.publish(programme(repository, "red", "blue"))
    with device.running():
        synced(device, ref)
    lost = repository.put_clip(video_bytes("red")).sha256
    (device.state_dir / "assets" / lost).write_bytes(b"damaged")
    before = device.report()
    assert before is not None
    with device.running():
        device.reported(
            lambda report: (
                report.sequence > before.sequence and report.now_playing is not None and report.now_playing.sha256 == lost
            )
        )
    assert device.clip_is_whole(lost)


def kill_through_a_release(device: Device, repository: Repository, rounds: int, seed: int) -> None:
    """Kill the player at random moments while releases good and bad come; after each start it plays what is whole."""
    dice = random.Random(seed)
    good = repository.publish(programme(repository, "red"))
    with device.running():
        synced(device, good)
    may_play = {good.digest}
    for number in range(rounds):
        bad = dice.random() < 0.3
        colours = dice.sample(["red", "blue", "green", "white", "black"], 2)
        ref = repository.publish(programme(repository, *colours, bad=bad))
        if not bad:
            may_play.add(ref.digest)
        with device.running() as process:
            time.sleep(dice.uniform(0.3, 1.6))
            process.kill()
            process.wait()
        began = device.report()
        with device.running() as process:
            report = device.reported(
                lambda report, after=began.sequence if began else 0: (  # type: ignore[misc]
                    report.now_playing is not None and report.sequence > after
                )
            )
            assert process.poll() is None
            assert report.applied is not None
            assert report.applied.digest in may_play, f"round {number} of seed {seed}"
            assert report.now_playing is not None
            assert device.clip_is_whole(report.now_playing.sha256)
    last = repository.publish(programme(repository, "red", "white"))
    with device.running():
        synced(device, last)
    assert "Traceback" not in (device.folder / "log").read_text()


def test_a_player_killed_at_random_plays_verified_content_after_each_restart(device: Device, repository: Repository) -> None:
    kill_through_a_release(device, repository, rounds=4, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 8))
def test_a_player_killed_at_random_many_times(device: Device, repository: Repository, seed: int) -> None:
    kill_through_a_release(device, repository, rounds=4, seed=seed)


def storm(device: Device, kills: int) -> None:
    """Kill the player again and again: three times before it can show anything, then once as soon as it does, and so on."""
    path = device.state_dir / "state.json"

    def starts() -> int:
        return parse_state(path.read_bytes()).starts

    for number in range(kills):
        before = path.stat().st_mtime_ns
        with device.running() as process:
            while path.stat().st_mtime_ns == before or (number % 4 == 3 and starts() > 0):
                assert process.poll() is None
                time.sleep(0.01)


def test_after_a_storm_of_kills_the_good_release_shows_at_once(device: Device, repository: Repository) -> None:
    good = repository.publish(programme(repository, "red"))
    with device.running():
        synced(device, good)
    storm(device, kills=14)
    last = device.report()
    assert last is not None
    with device.running():
        report = device.reported(lambda report: report.sequence > last.sequence and report.now_playing is not None)
    assert (report.applied, report.last_error) == (good, None)
    assert "died before anything was on screen" not in (device.folder / "log").read_text()


def test_starts_that_are_asked_to_stop_at_once_speak_against_nothing(device: Device, repository: Repository) -> None:
    good = repository.publish(programme(repository, "red"))
    with device.running():
        synced(device, good)
    for _ in range(4):
        path = device.state_dir / "state.json"
        before = path.stat().st_mtime_ns
        with device.running() as process:
            while path.stat().st_mtime_ns == before:
                time.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
        assert parse_state(path.read_bytes()).starts == 0


def test_three_kills_during_a_trial_are_a_failure_of_the_release_and_the_good_one_plays(
    device: Device, repository: Repository
) -> None:
    """Real SIGKILLs of a real player, each while the disk says that a trial is on."""
    good = repository.publish(programme(repository, "red"))
    with device.running():
        synced(device, good)
    deadly = repository.publish(programme(repository, "red", "blue"))
    path = device.state_dir / "state.json"
    for attempt in range(1, 4):
        with device.running() as process:
            deadline = time.monotonic() + 30
            while (state := parse_state(path.read_bytes())).phase is not Phase.TRIAL or state.attempts != attempt:
                assert time.monotonic() < deadline, (device.folder / "log").read_text()
                time.sleep(0.002)
            process.kill()
            process.wait()
        assert parse_state(path.read_bytes()).good == good
    with device.running():
        report = device.reported(lambda report: report.state is SyncState.FAILED and report.now_playing is not None)
        assert (report.applied, report.desired) == (good, deadly)
        assert [(one.digest, one.reason) for one in report.quarantine] == [(deadly.digest, "the player died in 3 trials of it")]
        attempts = report.counters.attempts
        after = device.reported(lambda later: later.sequence > report.sequence + 2)
        assert (after.state, after.counters.attempts) == (SyncState.FAILED, attempts), "it is not tried a fourth time"


def test_a_release_that_fails_on_one_screen_only_is_taken_back_there_and_plays_elsewhere(
    tmp_path: Path, repository: Repository
) -> None:
    here, elsewhere = (Device(tmp_path / screen, repository, screen=screen) for screen in (LOBBY, OTHER))
    red, blue = (repository.put_clip(video_bytes(colour)) for colour in ("red", "blue"))
    bad = repository.put_clip(scrambled(video_bytes("green")))
    repository.publish(*(manifest_of({"VID-RED": red}, screen=screen) for screen in (LOBBY, OTHER)))
    with here.running("--config", str(elsewhere.config)):
        for one in (here, elsewhere):
            before = one.reported(lambda report: report.state is SyncState.SYNCED)
        assert before.applied is not None
        assert before.applied.sequence == 1
        new = {LOBBY: {"VID-BLUE": blue, "VID-BAD": bad}, OTHER: {"VID-BLUE": blue}}
        repository.publish(*(manifest_of(clips, screen=screen) for screen, clips in new.items()))
        failed = here.reported(lambda report: report.state is SyncState.FAILED and report.now_playing is not None)
        taken = elsewhere.reported(lambda report: report.applied != before.applied and report.state is SyncState.SYNCED)
    assert [ref and ref.sequence for ref in (failed.desired, failed.applied, taken.desired, taken.applied)] == [2, 1, 2, 2]
    assert failed.now_playing is not None
    assert failed.now_playing.clip == "VID-RED"
    assert failed.quarantine[-1].reason.startswith("VID-BAD does not decode")
    assert taken.quarantine == ()


def test_a_player_without_a_store_waits_for_it(device: Device, repository: Repository) -> None:
    away = repository.path.with_name("away")
    ref = repository.publish(programme(repository, "red"))
    repository.path.rename(away)
    with device.running() as process:
        time.sleep(1.0)
        assert process.poll() is None
        away.rename(repository.path)
        synced(device, ref)


def test_a_panic_of_the_stores_library_is_reported_while_the_good_release_plays(device: Device, repository: Repository) -> None:
    ref = repository.publish(programme(repository, "red"))
    with device.running():
        synced(device, ref)
    panicking = {
        "AVTECH_PLAYER_STORE": "s3://avtech/fleet?endpoint=http://127.0.0.1:1",
        "AVTECH_PLAYER_REPORT_STORE": repository.url,
        "AWS_ACCESS_KEY_ID": "key\n",
        "AWS_SECRET_ACCESS_KEY": "x",
        "RUST_BACKTRACE": "0",
    }
    with device.running(environment=panicking) as process:
        report = device.reported(lambda report: "no request can be made" in (report.last_error or ""))
        assert report.applied == ref
        device.reported(lambda report: report.now_playing is not None and report.last_error is not None)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert "Traceback" not in (device.folder / "log").read_text()


def test_a_port_that_never_answers_does_not_keep_a_player_from_stopping(tmp_path: Path, repository: Repository) -> None:
    import socket

    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        device = Device(tmp_path / "deaf", repository, url=f"http://127.0.0.1:{deaf.getsockname()[1]}/fleet")
        with device.running() as process:
            deaf.settimeout(20)
            connection, _ = deaf.accept()
            with connection:
                process.send_signal(signal.SIGTERM)
                began = time.monotonic()
                assert process.wait(15) == 0
                assert time.monotonic() - began < 10


@pytest.fixture
def small_disk(device: Device) -> Iterator[Path]:
    """The device's state directory on a file system of its own, of 20 MB."""
    key = (device.state_dir / "device.key").read_bytes()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(device.state_dir)]
    if os.geteuid() != 0 or subprocess.run(mounting, check=False, capture_output=True).returncode != 0:
        pytest.skip("mounting a small disk needs privileges")
    try:
        (device.state_dir / "device.key").write_bytes(key)
        yield device.state_dir
    finally:
        subprocess.run(["umount", "-l", str(device.state_dir)], check=True)


def fill(disk: Path) -> None:
    with (disk / "filler").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 4096)


def test_a_full_and_then_read_only_disk_stops_updates_and_never_playback(
    device: Device, repository: Repository, small_disk: Path
) -> None:
    first = repository.publish(programme(repository, "red"))
    with device.running():
        synced(device, first)
        fill(small_disk)
        second = repository.publish(programme(repository, "blue"))
        report = device.reported(lambda report: report.last_error is not None and "No space" in report.last_error)
        assert (report.state, report.applied) == (SyncState.ERROR, first)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with device.running() as process:
        after = report.sequence
        report = device.reported(lambda report: report.sequence > after and report.now_playing is not None)
        assert report.applied == first
        assert process.poll() is None
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    (small_disk / "filler").unlink()
    with device.running():
        synced(device, second)
    assert "Traceback" not in (device.folder / "log").read_text()


@pytest.mark.parametrize("damage", [None, b"", b"not a key"])
def test_a_lost_or_damaged_key_stops_reports_and_never_playback(
    device: Device, repository: Repository, damage: bytes | None
) -> None:
    ref = repository.publish(programme(repository, "red"))
    key = device.state_dir / "device.key"
    whole = key.read_bytes()
    key.unlink() if damage is None else key.write_bytes(damage)
    with device.running() as process:
        deadline = time.monotonic() + 20
        while not (device.state_dir / "report.json").exists() or device.status()["applied"] is None:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        status = device.status()
        assert status["lastError"].startswith("reports cannot be signed: ")
        assert (status["state"], status["applied"]["digest"]) == ("error", ref.digest)
        assert device.report() is None
        assert (key.read_bytes() if key.exists() else None) == damage
        key.write_bytes(whole)
        synced(device, ref)
        assert process.poll() is None
    log = (device.folder / "log").read_text()
    assert log.count("reports cannot be signed") == 1
    assert "no proof of play is kept" in log
    assert "Traceback" not in log


def test_a_missing_root_is_one_line(device: Device) -> None:
    (device.folder / "1.root.json").unlink()
    result: subprocess.CompletedProcess[str] = device.command("run", "--config", str(device.config))
    assert result.returncode == 2
    assert "there is no trusted root" in result.stderr
    assert "Traceback" not in result.stderr
