"""The player as a process with real mpv, where mpv or the display is missing, comes late, or goes away."""

import os
import random
import time
from pathlib import Path

import pytest

from avtech_schema.report import SyncState
from tests.display import RED, Eyes, unused_display, virtual_display
from tests.player.devices import Device
from tests.player.material import video_bytes
from tests.player.repository import Repository, manifest_of

pytestmark = [pytest.mark.display, pytest.mark.media]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "store")


@pytest.fixture
def device(tmp_path: Path, repository: Repository) -> Device:
    return Device(tmp_path / "device", repository)


def on(display: str) -> dict[str, str]:
    return {"AVTECH_PLAYER_ENGINE": f"{{kind: mpv, display: '{display}', hwdec: 'no'}}", "AVTECH_PLAYER_API": "off"}


def test_without_mpv_nothing_runs(device: Device, repository: Repository) -> None:
    repository.publish(manifest_of({"VID-RED": repository.put_clip(video_bytes("red"))}))
    environment = {"AVTECH_PLAYER_ENGINE": "{kind: mpv, executable: no-such-mpv}", "AVTECH_PLAYER_API": "off"}
    result = device.command("run", "--config", str(device.config), environment=environment)
    assert (result.returncode, "no-such-mpv is not installed" in result.stderr) == (2, True)


def test_mpv_that_goes_away_later_is_an_error_and_no_release_passes_unseen(
    tmp_path: Path, device: Device, repository: Repository
) -> None:
    mpv = tmp_path / "mpv"
    mpv.symlink_to("/usr/bin/mpv")
    first = repository.publish(manifest_of({"VID-RED": repository.put_clip(video_bytes("red"))}))
    with virtual_display() as name:
        environment = on(name)
        environment["AVTECH_PLAYER_ENGINE"] = environment["AVTECH_PLAYER_ENGINE"].replace("mpv,", f"mpv, executable: '{mpv}',")
        with device.running(environment=environment) as process:
            device.reported(lambda report: report.state is SyncState.SYNCED and report.applied == first)
            mpv.unlink()
            os.kill(_child(process.pid), 9)
            second = repository.publish(manifest_of({"VID-BLUE": repository.put_clip(video_bytes("blue"))}))
            report = device.reported(lambda report: report.desired == second and report.state is SyncState.ERROR)
            assert (report.applied, report.quarantine) == (first, ())
            assert "is not installed" in (report.last_error or "")
            mpv.symlink_to("/usr/bin/mpv")
            device.reported(lambda report: report.state is SyncState.SYNCED and report.applied == second)
            assert process.poll() is None


def test_a_player_without_a_display_says_so_and_plays_soon_after_it_is_there(device: Device, repository: Repository) -> None:
    ref = repository.publish(manifest_of({"VID-RED": repository.put_clip(video_bytes("red"))}))
    name = unused_display()
    with device.running(environment=on(name)) as process:
        report = device.reported(lambda report: report.state is SyncState.ERROR and report.desired == ref)
        assert f"no X server answers on {name}" in (report.last_error or "")
        assert (report.applied, report.quarantine, report.now_playing) == (None, (), None)
        for _ in range(2):
            with virtual_display(number=name):
                eyes = Eyes(name)
                assert eyes.wait_for(RED) < 8
                eyes.close()
                report = device.reported(lambda report: report.state is SyncState.SYNCED and report.now_playing is not None)
                assert report.applied == ref
            report = device.reported(lambda report: report.state is SyncState.ERROR)
            assert (report.now_playing, report.applied) == (None, ref)
        assert process.poll() is None
    log = (device.folder / "log").read_text()
    assert log.count("the engine died: the display is missing") == 3, "once for each time that it is"
    assert "Traceback" not in log


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_player_with_mpv_shows_its_release_soon_after_each_of_many_kills(device: Device, repository: Repository) -> None:
    ref = repository.publish(manifest_of({"VID-RED": repository.put_clip(video_bytes("red"))}))
    dice = random.Random(1)
    with virtual_display() as name:
        environment = on(name)
        with device.running(environment=environment):
            device.reported(lambda report: report.applied == ref)
        eyes = Eyes(name)
        for _ in range(22):
            with device.running(environment=environment):
                time.sleep(dice.uniform(0, 4))
        eyes.forget()
        with device.running(environment=environment):
            assert eyes.wait_for(RED, within=20) < 15
        eyes.close()
    assert "the slate shows" not in (device.folder / "log").read_text()


def _child(pid: int) -> int:
    """The mpv of a player."""
    import psutil

    (found,) = [child.pid for child in psutil.Process(pid).children(recursive=True) if child.name() == "mpv"]
    return found
