"""A service manager's end of the socket, as systemd has it: what the player tells, with the moment of each line."""

import socket
import time
from collections.abc import Generator
from contextlib import contextmanager


class Manager:
    """Listens; `told` are the lines that came, with the moment of each."""

    def __init__(self, address: str, *, watchdog: float = 0.9) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self.environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": str(round(watchdog * 1e6))}
        self.told: list[tuple[float, str]] = []

    def close(self) -> None:
        """Leave the socket."""
        self._socket.close()

    def read(self, seconds: float) -> None:
        """Read for so long, at most."""
        self._socket.settimeout(max(0.01, seconds))
        try:
            lines = self._socket.recv(4096).decode().splitlines()
        except TimeoutError:
            return
        self.told += [(time.monotonic(), line) for line in lines]

    def wait_for(self, line: str, *, within: float = 40.0, after: float = 0.0) -> float:
        """Wait for a line that begins so; the moment at which it came."""
        deadline = time.monotonic() + within
        while True:
            for moment, told in self.told:
                if moment > after and told.startswith(line):
                    return moment
            if time.monotonic() > deadline:
                raise AssertionError(f"no {line!r}, only {[told for _, told in self.told[-20:]]}")
            self.read(0.2)


@contextmanager
def managing(address: str, *, watchdog: float = 0.9) -> Generator[Manager]:
    """A manager that listens while the block runs."""
    manager = Manager(address, watchdog=watchdog)
    try:
        yield manager
    finally:
        manager.close()
