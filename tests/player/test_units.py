"""The units for systemd: without a fault, well shut in, and for the installation that wrote them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from avtech_player import units
from avtech_schema.errors import ConfigurationError

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The service, for a program that is there."""
    program = tmp_path / "avtech-player"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    path = tmp_path / "avtech-player.service"
    path.write_text(units.unit_text(program))
    return path


@needs_systemd
def test_systemd_finds_nothing_wrong_with_the_unit(unit: Path) -> None:
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False, timeout=60)
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "avtech" in line]
    assert (done.returncode, ours) == (0, [])


@needs_systemd
def test_the_unit_is_shut_in_well(unit: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found[1]) < 3


def test_the_unit_waits_for_the_clock_and_not_for_the_network(unit: Path) -> None:
    lines = unit.read_text().splitlines()
    assert "After=time-set.target" in lines
    assert not [line for line in lines if "network" in line and not line.startswith("#")]
    assert {"Type=notify", "WatchdogSec=60", "Restart=always", "StartLimitIntervalSec=0"} <= set(lines)


def test_the_unit_lets_the_player_ask_the_clock_judge_clips_at_a_low_priority_and_tie_mpv_to_itself(unit: Path) -> None:
    settings = [line for line in unit.read_text().splitlines() if not line.startswith("#")]
    assert "SystemCallFilter=adjtimex capset" in settings
    assert "BindReadOnlyPaths=-/tmp/.X11-unix" in settings, "an X server's socket is seen although /tmp is the player's own"
    assert not [line for line in settings if line.startswith("ProtectClock") or "@resources" in line]


def test_units_are_written_once_and_say_what_runs(tmp_path: Path) -> None:
    program = Path("/opt/avtech-player/bin/avtech-player")
    written = units.install(tmp_path, program, version=252)
    assert [str(path.relative_to(tmp_path)) for path in written] == [
        "etc/systemd/system/avtech-player.service",
        "etc/sysusers.d/avtech-player.conf",
    ]
    assert f"ExecStart={program} run" in written[0].read_text()
    assert units.install(tmp_path, program, version=252) == []
    assert units.install(tmp_path, program, version=254)[0].name == "restart.conf"


def test_an_installation_that_a_service_cannot_see_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "avtech-player"
    program.touch()
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setattr("sys.base_prefix", "/root/python")
    with pytest.raises(ConfigurationError, match="hidden from services"):
        units.this_program()
    monkeypatch.setattr("sys.base_prefix", "/usr")
    assert units.this_program() == program
    program.unlink()
    with pytest.raises(ConfigurationError, match="there is no"):
        units.this_program()
