"""The service manager (systemd) that started the player: told what it does, when something is on screen, and that it lives.

It listens on a datagram socket (sd_notify(3)); without one nothing is told.
"""

import logging
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass

_log = logging.getLogger("avtech.player.service")
_MAX_STATUS = 300


@dataclass(frozen=True, slots=True)
class ServiceManager:
    """Whom to tell; `watchdog` is after how many seconds of silence it ends the player, None for never."""

    address: str | bytes
    watchdog: float | None = None

    def tell(self, *lines: str) -> None:
        """Tell something, such as `READY=1`; a manager that does not listen is no reason to stop playing."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
                out.setblocking(False)  # noqa: FBT003  its only form
                out.sendto("\n".join(lines).encode(), self.address)
        except OSError as error:
            _log.debug("the service manager does not listen: %s", error)


def service_manager(environment: Mapping[str, str], *, pid: int | None = None) -> ServiceManager | None:
    """The service manager that the environment names, if any; a watchdog that is meant for another process is none."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return None
    meant = environment.get("WATCHDOG_PID", "")
    microseconds = environment.get("WATCHDOG_USEC", "")
    mine = not meant or meant == str(os.getpid() if pid is None else pid)
    watchdog = int(microseconds) / 1e6 if mine and microseconds.isdecimal() and int(microseconds) > 0 else None
    return ServiceManager(b"\0" + address[1:].encode() if address.startswith("@") else address, watchdog)


def status_line(text: str) -> str:
    """What the manager shows of the player: one line of plain words."""
    return f"STATUS={' '.join(text.split())[:_MAX_STATUS]}"
