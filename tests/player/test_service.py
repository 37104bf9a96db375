"""The service manager is told what is true: over a real datagram socket, by the real player."""

import os
import signal
import subprocess
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from avtech_player.attendance import together
from avtech_player.pulse import SILENT_SECONDS, STUCK_SECONDS, Pulse, Signs, answers, take_pulse
from avtech_player.service import ServiceManager, service_manager, status_line
from avtech_schema.manifest import PowerHours
from avtech_schema.report import EngineHealth, SyncState
from tests.player.devices import Device
from tests.player.manager import managing
from tests.player.material import video_bytes
from tests.player.repository import Repository, manifest_of

DRAWING = EngineHealth("mpv", "1", "playing", 0)
STARTING = EngineHealth("mpv", "1", "starting", 3)


def published(folder: Path) -> tuple[Repository, Device]:
    repository = Repository(folder / "store")
    repository.publish(manifest_of({"VID-RED": repository.put_clip(video_bytes("red"))}))
    return repository, Device(folder / "device", repository)


@pytest.mark.media
@pytest.mark.parametrize("abstract", [False, True])
def test_a_service_is_ready_when_it_shows_something_and_feeds_the_watchdog_until_it_is_stuck(
    tmp_path: Path, abstract: bool
) -> None:
    _, device = published(tmp_path)
    address = f"@avtech-{os.getpid()}-{time.monotonic_ns()}" if abstract else str(tmp_path / "notify")
    with managing(address) as manager, device.running(environment=manager.environment) as process:
        manager.wait_for("READY=1")
        manager.wait_for("STATUS=shows VID-RED, release 1, in sync")
        fed = manager.wait_for("WATCHDOG=1")
        for _ in range(3):
            fed = manager.wait_for("WATCHDOG=1", after=fed)
        process.send_signal(signal.SIGSTOP)  # Everything of it stands still, its loop too.
        time.sleep(0.3)
        stopped = time.monotonic()
        manager.read(1.5)
        manager.told.clear()
        manager.read(1.5)
        assert not manager.told, "a stuck player must not feed the watchdog"
        process.send_signal(signal.SIGCONT)
        manager.wait_for("WATCHDOG=1", after=stopped)
        process.send_signal(signal.SIGTERM)
        manager.wait_for("STOPPING=1")
        assert process.wait(20) == 0
    assert len([line for _, line in manager.told if line == "READY=1"]) <= 1


def test_a_player_that_has_no_release_yet_is_ready_with_the_slate(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "store")
    device = Device(tmp_path / "device", repository)
    with managing(str(tmp_path / "notify")) as manager, device.running(environment=manager.environment):
        manager.wait_for("READY=1")
        manager.wait_for("STATUS=shows the slate, no release yet")


@pytest.mark.media
def test_a_loop_that_is_blocked_feeds_no_watchdog_however_the_process_is(tmp_path: Path) -> None:
    """What stands still here is the event loop alone: threads go on."""
    _, device = published(tmp_path)
    program = (
        "import asyncio, sys, time\n"
        "from avtech_player import running\n"
        "real = running.Running.pulse\n"
        "def pulse(self):\n"
        "    if not hasattr(self, 'blocker'):\n"
        "        self.blocker = asyncio.get_running_loop().call_later(3, time.sleep, 4)\n"
        "    return real(self)\n"
        "running.Running.pulse = pulse\n"
        "from avtech_player.config import load_config\n"
        "from avtech_player.lifetime import run_process\n"
        "from pathlib import Path\n"
        "run_process([load_config(Path(sys.argv[1]), {})])\n"
    )
    import sys

    with managing(str(tmp_path / "notify")) as manager:
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(device.config)], env={**os.environ, **manager.environment}
        )
        try:
            manager.wait_for("READY=1")
            longest, last = 0.0, manager.wait_for("WATCHDOG=1")
            while longest < 3:
                before, last = last, manager.wait_for("WATCHDOG=1", after=last)
                longest = max(longest, last - before)
        finally:
            process.kill()
            process.wait()


@pytest.mark.parametrize(
    ("beat", "answered", "alive"),
    [(0.5, 0.5, True), (STUCK_SECONDS + 1, 0.5, False), (0.5, SILENT_SECONDS - 1, True), (0.5, SILENT_SECONDS + 1, False)],
)
def test_a_player_lives_while_playback_looks_and_its_engine_answers(beat: float, answered: float, alive: bool) -> None:
    assert take_pulse(Signs(1000 - beat, STARTING, "", 1000 - answered), 1000, "").alive is alive


def test_a_player_whose_panel_is_off_is_well_however_long_the_night() -> None:
    off = EngineHealth("mpv", "1", "off", 0)
    assert answers(off, "")
    assert take_pulse(Signs(0, off, "", 0), 1, "") == Pulse(alive=True, shown=True, text="")


@pytest.mark.media
def test_a_service_that_starts_in_the_dark_is_ready_and_feeds_the_watchdog(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "store")
    seconds = int(datetime.now(UTC).timestamp()) % 86_400
    begins = (seconds + 7200) % 86_400
    manifest = manifest_of({"VID-RED": repository.put_clip(video_bytes("red"))})
    hours = PowerHours(begins, (begins + 3600) % 86_400, (0, 1, 2, 3, 4, 5, 6))
    ref = repository.publish(replace(manifest, time_zone="Etc/UTC", display=replace(manifest.display, power=hours)))
    device = Device(tmp_path / "device", repository)
    settings = {"AVTECH_PLAYER_DISPLAY": '{"powerCommand": {"on": ["true"], "off": ["true"]}}'}
    with (
        managing(str(tmp_path / "notify")) as manager,
        device.running(environment={**manager.environment, **settings}) as process,
    ):
        device.reported(lambda report: report.applied == ref and report.engine.state == "off", within=40)
        manager.wait_for("STATUS=has its panel off, release 1, in sync")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    with managing(str(tmp_path / "again")) as manager, device.running(environment={**manager.environment, **settings}):
        ready = manager.wait_for("READY=1")
        for _ in range(2):
            manager.wait_for("WATCHDOG=1", after=ready)
        manager.wait_for("STATUS=has its panel off, release 1, in sync", after=ready - 1)


def test_an_engine_answers_when_it_draws_or_says_why_it_cannot() -> None:
    assert answers(DRAWING, "")
    assert not answers(STARTING, "")
    assert answers(STARTING, "the display is missing")
    assert not take_pulse(Signs(0, STARTING, "the display is missing", 0), 1, "").shown


def test_a_manager_is_what_the_environment_names() -> None:
    assert service_manager({}) is None
    assert service_manager({"NOTIFY_SOCKET": "vsock:2:1"}) is None
    assert service_manager({"NOTIFY_SOCKET": "@abc"}) == ServiceManager(b"\0abc")
    assert service_manager({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "3000000"}) == ServiceManager("/run/x", 3.0)
    mine = {"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "7"}
    assert service_manager(mine, pid=7) == ServiceManager("/run/x", 3.0)
    assert service_manager(mine, pid=8) == ServiceManager("/run/x")
    assert service_manager({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "soon"}) == ServiceManager("/run/x")


def test_a_manager_that_is_gone_is_no_trouble(tmp_path: Path) -> None:
    ServiceManager(str(tmp_path / "nobody")).tell("READY=1")
    ServiceManager("/" + "long" * 100).tell("READY=1")


def test_a_status_is_one_line_and_short() -> None:
    assert status_line("a\nREADY=1\n\tb") == "STATUS=a READY=1 b"
    assert len(status_line("x" * 5000)) < 400


def test_several_players_are_told_together() -> None:
    pulses = [Pulse(alive=True, shown=True, text="a"), Pulse(alive=True, shown=False, text="b")]
    assert together(pulses[:1]) == "a"
    assert together(pulses) == "2 players, 2 alive, 1 showing something"


def test_what_a_player_does_is_told_in_plain_words(tmp_path: Path) -> None:
    from avtech_player.pulse import describe
    from avtech_player.state import PlayerState

    state = PlayerState()
    assert describe(state, SyncState.PENDING, None, STARTING, None) == "shows nothing yet, no release yet, pending"
    blind = EngineHealth("mpv", "1", "failed", 0)
    assert describe(state, SyncState.ERROR, None, blind, "the display is missing").startswith(
        "shows nothing, no release yet, error: the"
    )
