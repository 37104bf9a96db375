"""The units of systemd that run an installation of the player, as `install-units` writes them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from avtech_player.durable import make_directory, read_bounded, replace_atomically
from avtech_schema.errors import ConfigurationError, EnvironmentFailedError

_SHIPPED = Path(__file__).parent / "systemd"
_HIDDEN = ("/home", "/root", "/run/user")
"""What a service with ProtectHome does not see."""
_STEPS_SINCE = 254
"""The version of systemd that knows RestartSteps."""
_MAX_BYTES = 64_000
_SECONDS = 60.0


def this_program() -> Path:
    """The `avtech-player` of the installation that runs.

    Raises:
        ConfigurationError: there is none, or a service could not reach it.
    """
    program = Path(sys.executable).parent / "avtech-player"
    if not program.exists():
        raise ConfigurationError(f"there is no {program}", hint="install the package into a virtual environment")
    for path in (program.parent.resolve(), Path(sys.base_prefix).resolve()):
        if any(path.is_relative_to(hidden) for hidden in _HIDDEN):
            raise ConfigurationError(
                f"{path} is hidden from services", hint="install the player in /opt/avtech-player, with the system's Python"
            )
    return program


def unit_text(program: Path) -> str:
    """The service that runs a program."""
    return (_SHIPPED / "avtech-player.service").read_text("utf-8").replace("@PROGRAM@", str(program))


def install(root: Path, program: Path, *, version: int | None = None) -> list[Path]:
    """Write the units below a directory; returns those that were not there as they are now. `version` is systemd's.

    Raises:
        DiskError: one cannot be written.
    """
    wanted = {
        root / "etc/systemd/system/avtech-player.service": unit_text(program),
        root / "etc/sysusers.d/avtech-player.conf": (_SHIPPED / "avtech-player.sysusers.conf").read_text("utf-8"),
    }
    if (systemd_version() if version is None else version) >= _STEPS_SINCE:
        drop_in = root / "etc/systemd/system/avtech-player.service.d/restart.conf"
        wanted[drop_in] = (_SHIPPED / "restart.conf").read_text("utf-8")
    written: list[Path] = []
    for path, text in wanted.items():
        if read_bounded(path, limit=_MAX_BYTES) != text.encode():
            make_directory(path.parent)
            replace_atomically(path, text.encode())
            written.append(path)
    return written


def systemd_version() -> int:
    """Which systemd is installed; 0 when none is."""
    if shutil.which("systemctl") is None:
        return 0
    done = subprocess.run(["systemctl", "--version"], capture_output=True, text=True, check=False, timeout=_SECONDS)
    found = re.match(r"systemd (\d+)", done.stdout)
    return int(found[1]) if found else 0


def reload_systemd() -> None:
    """Make the user, and have systemd read its units anew.

    Raises:
        ConfigurationError: this machine has no systemd.
        EnvironmentFailedError: it refuses.
    """
    for command in (["systemd-sysusers", "avtech-player.conf"], ["systemctl", "daemon-reload"]):
        if shutil.which(command[0]) is None:
            raise ConfigurationError(f"the units are written, but there is no {command[0]}: this machine has no systemd")
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
        if done.returncode != 0:
            told = " ".join((done.stderr or done.stdout).split())[:300]
            raise EnvironmentFailedError(f"the units are written, but {' '.join(command)} failed: {told}")
