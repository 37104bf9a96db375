"""Durable files: a new file is whole and flushed before it has its name. Nothing else renames or flushes."""

import os
import secrets
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path

PUBLIC_MODE = 0o644
SECRET_MODE = 0o600


def make_directories(path: Path, *, below: Path) -> None:
    """Make the directories from `below` (which must exist) down to `path`, each flushed into its parent."""
    for name in path.relative_to(below).parts:
        parent, below = below, below / name
        with suppress(FileExistsError):
            below.mkdir()
            flush_directory(parent)


def flush_directory(path: Path) -> None:
    """Flush a directory, so that the names in it survive a loss of power."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def create_file(target: Path, chunks: Iterable[bytes], *, mode: int = PUBLIC_MODE) -> None:
    """Create a file that must not exist, whole or not at all.

    Raises:
        FileExistsError: it exists.
    """
    with _flushed_temporary(target, chunks, mode) as temporary:
        os.link(temporary, target)
    flush_directory(target.parent)


def replace_file(target: Path, data: bytes, *, mode: int = PUBLIC_MODE) -> None:
    """Replace a file, whole or not at all."""
    with _flushed_temporary(target, [data], mode) as temporary:
        temporary.replace(target)
    flush_directory(target.parent)


def remove_file(path: Path) -> None:
    """Remove a file, so that it does not come back after a loss of power."""
    path.unlink()
    flush_directory(path.parent)


@contextmanager
def _flushed_temporary(target: Path, chunks: Iterable[bytes], mode: int) -> Generator[Path, None, None]:
    """A temporary file beside `target`; whatever still has its name at the end is removed."""
    temporary = target.parent / f".{os.getpid()}-{secrets.token_hex(8)}.tmp"
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as stream:  # noqa: PTH123
            for chunk in chunks:
                stream.write(chunk)
            stream.flush()
            os.fsync(stream.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
