"""Proof of play from end to end: the daemon plays, is killed and stopped, and the store holds each play once."""

import random
import signal
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from avtech_player.clock import Reading
from avtech_player.playback._proof import Proof
from avtech_player.ports import Clip, Died, Ended, Started
from avtech_schema.envelope import public_key
from avtech_schema.identifiers import CommitId, DurationMs, Sha256, VideoId
from avtech_schema.layout import plays_prefix
from avtech_schema.plays import Played, PlayResult, PlaySegment, StateChanged, chain_gaps, open_segment
from avtech_schema.report import ReleaseRef, SyncState
from tests.player.devices import Device
from tests.player.material import scrambled, video_bytes
from tests.player.repository import ACME, LOBBY, Repository, manifest_of

REF = ReleaseRef(1, CommitId("a" * 40), Sha256("b" * 64))


def clip(name: str) -> Clip:
    return Clip(VideoId(name), Sha256("c" * 64), Path("/nowhere"), DurationMs(5000), "lobby/1", REF)


class Screen:
    """A proof whose clock is set by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.told: list[Played] = []
        self.proof = Proof(self.told.append, self.read)

    def read(self) -> Reading:
        return Reading(datetime.fromtimestamp(1_800_000_000 + self.seconds, UTC), trusted=self.seconds < 100)


def test_a_play_lasts_from_its_first_frame_to_its_end_and_says_what_put_it_on_air() -> None:
    screen, one = Screen(), clip("VID-A")
    screen.seconds = 0.1
    screen.proof.hear(Started(one, DurationMs(100)))
    screen.seconds = 5.0
    screen.proof.hear(Ended(one, "eof", DurationMs(5000)))
    (told,) = screen.told
    assert (told.clip, told.rule, told.release) == (one.video, "lobby/1", REF)
    assert (told.start, told.end) == ("2027-01-15T08:00:00.000Z", "2027-01-15T08:00:05.000Z")
    assert (told.played, told.result, told.clock_trusted) == (5000, PlayResult.COMPLETE, True)


def test_what_is_cut_fails_or_is_interrupted_is_told_as_that() -> None:
    screen = Screen()
    clips = [clip(f"VID-{number}") for number in range(5)]
    for one in clips[:4]:
        screen.proof.hear(Started(one))
        screen.seconds += 2
        match one:
            case _ if one is clips[0]:
                screen.proof.hear(Ended(one, "cut", DurationMs(1990)))
            case _ if one is clips[1]:
                screen.proof.hear(Ended(one, "error", DurationMs(300), "it stands still"))
            case _ if one is clips[2]:
                screen.proof.hear(Died("signal 9"))
                screen.proof.hear(Ended(one, "cut", DurationMs(0)))
    screen.proof.interrupted("the player stopped")
    screen.proof.interrupted("the player stopped")
    screen.proof.hear(Ended(clips[4], "error", DurationMs(0), "no frames"))
    screen.proof.hear(Ended(clips[4], "cut", DurationMs(0)))
    assert [(told.clip, told.result.value, told.played, told.reason) for told in screen.told] == [
        ("VID-0", "cut", 1990, ""),
        ("VID-1", "failed", 300, "it stands still"),
        ("VID-2", "interrupted", 2000, "signal 9"),
        ("VID-3", "interrupted", 2000, "the player stopped"),
        ("VID-4", "failed", 0, "no frames"),
    ]


def test_a_play_ends_and_begins_with_the_light_of_the_panel() -> None:
    screen = Screen()
    clips = [clip(f"VID-{number}") for number in range(4)]
    screen.proof.hear(Started(clips[0]))
    screen.seconds = 2
    screen.proof.light(lit=False)
    screen.proof.light(lit=False)
    screen.proof.hear(Ended(clips[0], "eof", DurationMs(5000)))
    screen.proof.hear(Started(clips[1]))
    screen.proof.hear(Ended(clips[1], "eof", DurationMs(5000)))
    screen.proof.hear(Started(clips[2]))
    screen.seconds = 8
    screen.proof.light(lit=True)
    screen.seconds = 9
    screen.proof.hear(Ended(clips[2], "eof", DurationMs(5000)))
    screen.proof.light(lit=False)
    screen.proof.hear(Ended(clips[3], "error", DurationMs(0), "no frames"))
    screen.proof.hear(Started(clips[3]))
    screen.proof.interrupted("the player stopped")
    screen.proof.light(lit=True)
    assert [(told.clip, told.result.value, told.played, told.reason) for told in screen.told] == [
        ("VID-0", "cut", 2000, "the panel was turned off"),
        ("VID-2", "cut", 1000, "the panel was turned on during it"),
        ("VID-3", "failed", 0, "no frames"),
    ]


def test_an_untrusted_clock_is_said_and_odd_reasons_can_be_written() -> None:
    screen, one = Screen(), clip("VID-A")
    screen.seconds = 200
    screen.proof.hear(Ended(one, "error", DurationMs(0), "\ud800" + "x" * 9000))
    assert not screen.told[0].clock_trusted
    assert screen.told[0].to_json()["reason"].startswith("?x")
    assert len(screen.told[0].reason) == 500


def segments(device: Device) -> list[PlaySegment]:
    folder = device.repository.path / plays_prefix(ACME, LOBBY)
    paths = sorted(folder.glob("date=*/*.jsonl.zst"), key=lambda path: path.name)
    return [open_segment(path.read_bytes(), [public_key(device.public_key)]) for path in paths]


def plays(device: Device) -> list[Played]:
    return [entry.record for one in segments(device) for entry in one.records if isinstance(entry.record, Played)]


def changes(device: Device) -> list[StateChanged]:
    return [entry.record for one in segments(device) for entry in one.records if isinstance(entry.record, StateChanged)]


def proved(device: Device, more_than: int) -> None:
    deadline = time.monotonic() + 30
    while len(plays(device)) <= more_than:
        assert time.monotonic() < deadline, (device.folder / "log").read_text()
        time.sleep(0.05)


@pytest.mark.media
def test_a_player_that_is_killed_and_stopped_proves_each_play_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVTECH_PLAYER_PLAYS_UPLOAD_SECONDS", "0.2")
    repository = Repository(tmp_path / "store")
    device = Device(tmp_path / "device", repository)
    assets = {name: repository.put_clip(video_bytes(name)) for name in ("red", "blue")}
    good = repository.publish(manifest_of({f"VID-{name.upper()}": asset for name, asset in assets.items()}))
    with device.running() as process:
        proved(device, 1)
        process.kill()
    seen = len(plays(device))
    with device.running() as process:
        proved(device, seen + 1)
        repository.publish(manifest_of({"VID-BAD": repository.put_clip(scrambled(video_bytes("green")))}))
        device.reported(lambda report: report.state is SyncState.FAILED and report.plays is not None)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    seen = len(plays(device))
    with device.running():
        proved(device, seen)
    found = segments(device)
    assert chain_gaps(segment.statement for segment in found) == []
    numbers = [entry.number for segment in found for entry in segment.records]
    assert numbers == list(range(1, len(numbers) + 1))
    told = plays(device)
    assert {play.sha256 for play in told} == {asset.sha256 for asset in assets.values()}
    assert {play.release for play in told} == {good}
    assert {play.result for play in told} <= {PlayResult.COMPLETE, PlayResult.INTERRUPTED}
    assert all(play.start <= play.end for play in told)
    assert [change.event for change in changes(device) if change.event != "changed"] == [
        "started",
        "started",
        "stopped",
        "started",
    ]
    assert SyncState.FAILED in {change.state for change in changes(device)}
    assert "Traceback" not in (device.folder / "log").read_text()


@pytest.mark.slow
@pytest.mark.media
@pytest.mark.parametrize("seed", range(3))
def test_random_kills_leave_whole_chains_and_no_record_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setenv("AVTECH_PLAYER_PLAYS_UPLOAD_SECONDS", "0.1")
    dice = random.Random(seed)
    repository = Repository(tmp_path / "store")
    device = Device(tmp_path / "device", repository)
    repository.publish(manifest_of({"VID-RED": repository.put_clip(video_bytes("red", 0.2), duration=200)}))
    for _ in range(8):
        with device.running() as process:
            time.sleep(dice.uniform(0.8, 2.5))
            process.kill()
    seen = len(plays(device))
    with device.running():
        proved(device, seen + 1)
    found = segments(device)
    assert chain_gaps(segment.statement for segment in found) == []
    assert len({segment.statement.chain for segment in found}) == 1
    numbers = [entry.number for segment in found for entry in segment.records]
    assert numbers == list(range(1, len(numbers) + 1))
    assert found[-1].statement.dropped == 0
    assert sum(change.event == "started" for change in changes(device)) >= 5
