"""The whole player and its real mpv as processes: asked to stop, killed, and with an mpv that stands still."""

import json
import os
import signal
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.display import RED, Eyes
from tests.player.devices import Device
from tests.player.manager import managing
from tests.player.material import video_bytes
from tests.player.repository import Repository, manifest_of

pytestmark = [pytest.mark.display, pytest.mark.media]


class Stage:
    """A player with mpv on a display; `player` is its process."""

    def __init__(self, device: Device, eyes: Eyes, player: int) -> None:
        self.device, self.eyes, self.player = device, eyes, psutil.Process(player)

    def shows(self) -> "psutil.Process":
        """Wait until its clip is on screen and reported; the mpv that shows it."""
        self.device.reported(lambda report: report.now_playing is not None and report.engine.state == "playing", within=60)
        self.eyes.wait_for(RED, within=30)
        (mpv,) = self.mpvs()
        return mpv

    def mpvs(self) -> "list[psutil.Process]":
        """Every mpv that it has."""
        return [child for child in self.player.children(recursive=True) if child.name() == "mpv"]


def published(folder: Path) -> Device:
    repository = Repository(folder / "store")
    repository.publish(manifest_of({"VID-RED": repository.put_clip(video_bytes("red"))}))
    return Device(folder / "device", repository)


@contextmanager
def playing(device: Device, display: str, eyes: Eyes, **environment: str) -> Generator[tuple[Stage, Callable[[], int]]]:
    """A player at work, and what waits for its exit code."""
    engine = json.dumps({"kind": "mpv", "vo": "x11", "ao": "null", "hwdec": "no", "display": display})
    with device.running(environment={"AVTECH_PLAYER_ENGINE": engine, **environment}) as process:
        yield Stage(device, eyes, process.pid), lambda: process.wait(30)


def gone(process: "psutil.Process") -> bool:
    """Whether a process is over, or becomes so soon."""
    psutil.wait_procs([process], timeout=20)
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def stands_still(process: "psutil.Process") -> bool:
    """Whether a process was stopped and is still there."""
    try:
        return process.status() == psutil.STATUS_STOPPED
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("hanging", [False, True])
def test_a_player_that_is_asked_to_stop_leaves_no_process_behind(
    tmp_path: Path, x_display: str, eyes: Eyes, number: int, hanging: bool
) -> None:
    with playing(published(tmp_path), x_display, eyes) as (stage, ended):
        mpv = stage.shows()
        family = stage.player.children(recursive=True)
        if hanging:
            mpv.suspend()
        os.kill(stage.player.pid, number)
        assert ended() == 0
        assert all(map(gone, family)), family


@pytest.mark.parametrize("hanging", [False, True])
def test_a_player_that_is_killed_takes_its_mpv_along_and_the_next_one_has_the_screen_to_itself(
    tmp_path: Path, x_display: str, eyes: Eyes, hanging: bool
) -> None:
    device = published(tmp_path)
    with playing(device, x_display, eyes) as (stage, ended):
        mpv = stage.shows()
        if hanging:
            mpv.suspend()
        os.kill(stage.player.pid, signal.SIGKILL)
        assert ended() == -signal.SIGKILL
        assert gone(mpv)
        eyes.wait_for(RED, within=5)  # Its last picture stays, until a player is back.
    eyes.forget()
    with playing(device, x_display, eyes) as (stage, ended):
        eyes.wait_for(RED, within=60)
        assert len(stage.mpvs()) == 1
        os.kill(stage.player.pid, signal.SIGTERM)
        assert ended() == 0


def test_an_mpv_that_stands_still_is_replaced_and_reported_while_the_watchdog_is_fed(
    tmp_path: Path, x_display: str, eyes: Eyes
) -> None:
    """The service manager would end the player after three seconds of silence."""
    device, patience = published(tmp_path), 3.0
    with (
        managing(str(tmp_path / "notify"), watchdog=patience) as manager,
        playing(device, x_display, eyes, **manager.environment) as (stage, ended),
    ):
        manager.wait_for("READY=1", within=60)
        manager.wait_for("STATUS=shows VID-RED", within=60)
        before = stage.shows()
        began = manager.wait_for("WATCHDOG=1", after=time.monotonic())
        before.suspend()
        fed, longest = began, 0.0
        while stands_still(before):
            assert time.monotonic() < began + 60, "the mpv that stands still is left as it is"
            now = manager.wait_for("WATCHDOG=1", after=fed)
            fed, longest = now, max(longest, now - fed)
        assert longest < patience
        report = device.reported(lambda one: one.engine.restarts == 1 and one.engine.state == "playing")
        assert report.last_error == "the engine died: mpv hangs: mpv did not answer within 2 s"
        after = stage.shows()
        assert after.pid != before.pid
        assert gone(before)
        os.kill(stage.player.pid, signal.SIGTERM)
        assert ended() == 0
