"""Remembers which clips were verified, by what the file system says of them, so that a start need not read them all."""

from pathlib import Path
from typing import Any

import orjson

from avtech_player.durable import DiskError, TooLargeError, read_bounded, replace_atomically

_MAX_BYTES = 8_000_000
Stamp = tuple[int, int, int]


class Stamps:
    """Size, time of modification and inode of each verified file; any write to a file changes its stamp.

    Damage below the file system does not: a player notices that when a clip will not decode.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamps = _load(path)
        self._saved = dict(self._stamps)

    def holds(self, name: str, file: Path) -> bool:
        """Whether a file is still the one that was verified."""
        stamp = _stamp(file)
        return stamp is not None and self._stamps.get(name) == stamp

    def note(self, name: str, file: Path) -> None:
        """A file was just verified."""
        if (stamp := _stamp(file)) is not None:
            self._stamps[name] = stamp

    def forget(self, name: str) -> None:
        """A file is gone, or no longer believed."""
        self._stamps.pop(name, None)

    def save(self) -> None:
        """Write the stamps down if they changed.

        Raises:
            DiskError: the disk refused.
        """
        if self._stamps != self._saved:
            replace_atomically(self._path, orjson.dumps(self._stamps), ours=True)
            self._saved = dict(self._stamps)


def _stamp(file: Path) -> Stamp | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino


def _load(path: Path) -> dict[str, Stamp]:
    """What was saved; anything damaged or unreadable means that the files are read again."""
    try:
        value: Any = orjson.loads(read_bounded(path, limit=_MAX_BYTES) or b"{}")
        return {str(name): (int(size), int(modified), int(inode)) for name, (size, modified, inode) in value.items()}
    except (DiskError, TooLargeError, ValueError, TypeError, AttributeError):
        return {}
