"""The device, read from the kernel's own files: uptime, load of processor and memory, temperature."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from avtech_schema.report import System

_MAX_BYTES = 65_536
_HOTTEST_MC = 300_000
_COLDEST_MC = -100_000


def boot_id(root: Path = Path("/")) -> str:
    """What tells this run of the kernel from all others; empty where it does not say."""
    return _text(root / "proc/sys/kernel/random/boot_id").strip()


class SystemProbe:
    """Reads the device's state; processor load is what was used since the last reading. `root` holds `proc` and `sys`."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._proc = root / "proc"
        self._sys = root / "sys"
        self._ticks = self._processor()

    def read(self) -> System:
        """How the device is; what its kernel does not tell is 0, a temperature that it does not tell is None."""
        return System(self._uptime(), self._cpu(), self._memory(), self._temperature())

    def _uptime(self) -> int:
        with contextlib.suppress(ValueError, IndexError):
            return max(0, int(float(_text(self._proc / "uptime").split()[0])))
        return 0

    def _cpu(self) -> int:
        before, self._ticks = self._ticks, self._processor()
        busy, total = self._ticks[0] - before[0], self._ticks[1] - before[1]
        return min(10_000, max(0, 10_000 * busy // total)) if total > 0 else 0

    def _processor(self) -> tuple[int, int]:
        """Ticks that were busy, and all ticks, since boot."""
        with contextlib.suppress(ValueError, IndexError):
            ticks = [int(word) for word in _text(self._proc / "stat").splitlines()[0].split()[1:9]]
            return sum(ticks) - ticks[3] - ticks[4], sum(ticks)
        return 0, 0

    def _memory(self) -> int:
        found: dict[str, int] = {}
        for line in _text(self._proc / "meminfo").splitlines():
            name, _, rest = line.partition(":")
            with contextlib.suppress(ValueError, IndexError):
                found[name] = int(rest.split()[0])
        total = found.get("MemTotal", 0)
        return 10_000 * max(0, total - found.get("MemAvailable", 0)) // total if total > 0 else 0

    def _temperature(self) -> int | None:
        """The hottest sensor that makes sense, in thousandths of a degree."""
        sane = [value for value in self._sensors() if _COLDEST_MC < value < _HOTTEST_MC]
        return max(sane) if sane else None

    def _sensors(self) -> Iterator[int]:
        for pattern in ("class/thermal/thermal_zone*/temp", "class/hwmon/hwmon*/temp*_input"):
            for path in self._sys.glob(pattern):
                with contextlib.suppress(ValueError):
                    yield int(_text(path))


def _text(path: Path) -> str:
    """A kernel file's text; empty where there is none."""
    try:
        with path.open("rb") as file:
            return file.read(_MAX_BYTES).decode("ascii", "replace")
    except OSError:
        return ""
