"""What the disk says of the names in a directory, whatever they stand for."""

import stat
from collections.abc import Iterator
from pathlib import Path

from avtech_player.durable import DiskError


def files(folder: Path) -> Iterator[Path]:
    """What has a name in a directory, in order; nothing where there is none yet.

    Raises:
        DiskError: it cannot be read.
    """
    try:
        yield from sorted(folder.iterdir())
    except FileNotFoundError:
        return  # It could not be made yet.
    except OSError as error:
        raise DiskError(f"{folder}: {error.strerror or error}") from error


def is_no_file(path: Path) -> bool:
    """Whether something else than a file has a name, such as a directory or a link."""
    try:
        return not stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def size_taken(path: Path) -> int:
    """What a name takes of the disk, as far as the disk tells."""
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def last_used(path: Path) -> float:
    """When a file was last needed, as `mark_used` and writing note it."""
    try:
        found = path.lstat()
    except OSError:
        return 0.0
    return max(found.st_atime, found.st_mtime)
