"""Where entries of a cache lie: a directory, which whoever is allowed to may write, empty or damage at any time."""

import errno
import logging
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_LOG = logging.getLogger("avtech.cache")
_DAY_S = 86_400
_OWN_FOLDER = re.compile(r"[0-9a-f]{16}(/packs)?")
_OWN = re.compile(r"[0-9a-f]{16}/(?:[0-9a-f]{64}\.(?:ledger|note)|packs/[0-9a-f]{64}|(?:packs/)?\.[0-9]+-[0-9a-f]{16}\.tmp)")


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry as a listing names it; `used` is when it was last read or written, in seconds since 1970."""

    name: str
    size: int
    used: float


class Shelf(Protocol):
    """Keeps entries by name. Nothing here raises: what cannot be read is not there, what cannot be written is not kept."""

    place: str
    """Where it is, for messages."""

    def get(self, name: str, *, limit: int) -> bytes | None:
        """An entry of at most `limit` bytes, as it was found."""
        ...

    def put(self, name: str, data: bytes) -> bool:
        """Keep an entry; False if another writer was faster, and it should be read again."""
        ...

    def put_all(self, entries: Mapping[str, bytes]) -> None:
        """Keep many entries; whoever is faster with one of them writes the same."""
        ...

    def get_all(self, names: Sequence[str], *, limit: int) -> list[bytes | None]:
        """Many entries, each as `get` gives it."""
        ...

    def listing(self) -> list[Kept]:
        """All entries, also those of other secrets and versions; empty if they cannot be listed."""
        ...

    def remove(self, name: str) -> None:
        """Forget an entry."""
        ...


class Directory:
    """A directory on a disk; it is made when the first entry is kept."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.place = str(root)
        self._failed = False

    def get(self, name: str, *, limit: int) -> bytes | None:
        """Read an entry; see `Shelf.get`. Links are not followed, and what is no plain file is not there."""
        path = self.root / name
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as stream:
                status = os.fstat(descriptor)
                if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
                    return b""
                data = stream.read(limit + 1)
        except FileNotFoundError:
            return None
        except OSError:
            return b""
        if len(data) > limit:
            return b""
        _touch(path, status)
        return data

    def put(self, name: str, data: bytes) -> bool:
        """Keep an entry; see `Shelf.put`. It has its name only when it is whole."""
        target = self.root / name
        temporary = target.parent / f".{os.getpid()}-{secrets.token_hex(8)}.tmp"
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                with os.fdopen(descriptor, "wb") as stream:
                    stream.write(data)
                _rename(temporary, target)
            finally:
                temporary.unlink(missing_ok=True)
        except OSError as error:
            if not self._failed:
                _LOG.warning("the cache in %s cannot be written: %s", self.root, error.strerror)
            self._failed = True
        return True

    def put_all(self, entries: Mapping[str, bytes]) -> None:
        """Keep many entries; see `Shelf.put_all`."""
        for name, data in entries.items():
            if self._failed:
                return
            self.put(name, data)

    def get_all(self, names: Sequence[str], *, limit: int) -> list[bytes | None]:
        """Read many entries; see `Shelf.get_all`."""
        return [self.get(name, limit=limit) for name in names]

    def listing(self) -> list[Kept]:
        """All entries; see `Shelf.listing`."""
        return list(self._walk())

    def remove(self, name: str) -> None:
        """Forget an entry; see `Shelf.remove`."""
        with suppress(OSError):
            (self.root / name).unlink()

    def _walk(self) -> Iterator[Kept]:
        pending = [""]
        while pending:
            here = pending.pop()
            with suppress(OSError), os.scandir(self.root / here) as entries:
                for entry in entries:
                    name = f"{here}{entry.name}"
                    if entry.is_dir(follow_symlinks=False) and _OWN_FOLDER.fullmatch(name):
                        pending.append(f"{name}/")
                    elif entry.is_file(follow_symlinks=False) and is_entry(name):
                        found = entry.stat(follow_symlinks=False)
                        yield Kept(name, found.st_size, found.st_mtime)


def is_entry(name: str) -> bool:
    """Whether a name is that of an entry, or of one half written; nothing else is ever removed."""
    return _OWN.fullmatch(name) is not None


def _touch(path: Path, status: os.stat_result) -> None:
    """Note a use, once a day."""
    if status.st_mtime + _DAY_S < time.time():
        with suppress(OSError):
            os.utime(path, follow_symlinks=False)


def _rename(temporary: Path, target: Path) -> None:
    try:
        temporary.replace(target)
    except OSError as error:
        if error.errno not in (errno.EISDIR, errno.ENOTEMPTY, errno.EEXIST):
            raise
        shutil.rmtree(target)  # a directory where an entry belongs: nothing of ours
        temporary.replace(target)
