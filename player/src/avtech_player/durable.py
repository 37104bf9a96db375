"""What must survive a power cut: the only place that writes, flushes, renames and removes (DESIGN section 5)."""

import contextlib
import errno
import fcntl
import os
import shutil
import stat
import tempfile
import uuid
from collections.abc import Generator
from pathlib import Path

from avtech_schema.errors import ConfigurationError, EnvironmentFailedError

PRIVATE = 0o600
"""The mode of files that hold secrets."""
READABLE = 0o644
"""The mode of all other files."""
_TEMPORARY = ".tmp-"
_NO_FILE = (errno.EISDIR, errno.ELOOP, errno.EINVAL)


class DiskError(EnvironmentFailedError):
    """The disk refused: it is full, read-only, or broken. What was there before is still there."""

    hint = "look at the disk's free space and at the kernel's log"


class NotAFileError(DiskError):
    """Something else than a file has the name, such as a directory or a link that leads nowhere."""


class TooLargeError(EnvironmentFailedError):
    """A file on the disk is larger than anything we would have written there."""


class AlreadyRunningError(ConfigurationError):
    """Another process holds the state directory."""

    hint = "one player per state directory: stop the other one first"


def make_directory(path: Path, *, ours: bool = False) -> None:
    """Make a directory with its parents, and flush the directories that changed.

    One that is there may have been made right before a crash, and its name not be on the disk yet: that is made up for.
    A name that is `ours` alone is cleared of a file, and of a link, which would lead what is removed there elsewhere.

    Raises:
        DiskError: it cannot be made.
    """
    if ours and (path.is_symlink() or path.is_file()):
        remove(path)
    if path.is_dir():
        with contextlib.suppress(OSError):
            _flush_directory(path.parent)
        return
    with _as_disk_error(path):
        make_directory(path.parent)
        path.mkdir(exist_ok=True)
        _flush_directory(path.parent)


def replace_atomically(path: Path, data: bytes, *, mode: int = READABLE, ours: bool = False) -> None:
    """Write a file whole or not at all: temporary file beside it, flush, rename, flush the directory.

    A name that is `ours` alone is cleared of whatever else damage put there, even of a directory with files.

    Raises:
        DiskError: the disk refused; the file is whole, and as it was unless only the last flush failed.
    """
    with _as_disk_error(path):
        descriptor, name = tempfile.mkstemp(prefix=_TEMPORARY, dir=path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fchmod(file.fileno(), mode)
                os.fsync(file.fileno())
            _give_name(temporary, path, ours=ours)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _flush_directory(path.parent)


def create_once(path: Path, data: bytes, *, mode: int = READABLE) -> bool:
    """Write a file whole unless its name is taken, even by who writes at the same instant; says whether it was written.

    Raises:
        DiskError: the disk refused.
    """
    with _as_disk_error(path):
        draft = path.with_name(f"{_TEMPORARY}{uuid.uuid4().hex}")
        replace_atomically(draft, data, mode=mode)
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            return False
        finally:
            draft.unlink(missing_ok=True)
        _flush_directory(path.parent)
        return True


def read_bounded(path: Path, *, limit: int) -> bytes | None:
    """Read a file of at most `limit` bytes; None says that it is not there.

    Raises:
        TooLargeError: it is larger.
        DiskError: it cannot be read.
    """
    with _as_disk_error(path):
        try:
            with os.fdopen(_open_plain(path, os.O_RDONLY), "rb") as file:
                data = file.read(limit + 1)
        except FileNotFoundError:
            return None
    if len(data) > limit:
        raise TooLargeError(f"{path} has more than {limit} bytes")
    return data


class Appender:
    """A file that grows at its end, such as a partial download."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with _as_disk_error(path):
            self._file = os.fdopen(_open_plain(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW), "ab")

    def write(self, data: bytes | memoryview) -> None:
        """Append some bytes; they are not flushed yet.

        Raises:
            DiskError: the disk refused.
        """
        with _as_disk_error(self._path):
            self._file.write(data)

    def flush(self) -> None:
        """Bring everything to the disk.

        Raises:
            DiskError: the disk refused.
        """
        with _as_disk_error(self._path):
            self._file.flush()
            os.fsync(self._file.fileno())

    def __enter__(self) -> "Appender":
        return self

    def __exit__(self, *_: object) -> None:
        with _as_disk_error(self._path):
            self._file.close()


def publish_file(source: Path, target: Path) -> None:
    """Flush a file and give it its final name, of which whatever else has it is cleared.

    Its bytes are safe before the name is there; that the name is, too, takes a `flush_names`, which many may share. A file
    that the disk does not take is removed: of what was lost once, the next flush would say that it is safe.

    Raises:
        DiskError: the disk refused.
    """
    with _as_disk_error(source):
        try:
            _flush_file(source)
        except OSError:
            with contextlib.suppress(OSError):
                source.unlink()
            raise
    with _as_disk_error(target):
        _give_name(source, target, ours=True)


def set_aside(source: Path, target: Path) -> None:
    """Give what has a name another one, and flush both directories; it need not be readable.

    Raises:
        DiskError: the disk refused.
    """
    with _as_disk_error(target):
        _give_name(source, target, ours=True)
        _flush_directory(target.parent)
        if source.parent != target.parent:
            _flush_directory(source.parent)


def mark_used(path: Path, at: float) -> None:
    """Note in a file's time of access when it was last needed, in seconds since 1970; nothing is flushed.

    Raises:
        DiskError: the disk refused.
    """
    with _as_disk_error(path), contextlib.suppress(FileNotFoundError):
        os.utime(path, ns=(round(at * 1e9), path.stat().st_mtime_ns))


def remove(path: Path) -> None:
    """Remove what has a name, if anything has: a file, a link, or a directory that stands where none should. Flushed.

    Raises:
        DiskError: the disk refused.
    """
    with _as_disk_error(path), contextlib.suppress(FileNotFoundError):
        _remove(path)
        _flush_directory(path.parent)


def remove_directory(path: Path) -> None:
    """Remove a directory, its files last named first; one that is not there is left alone, as is what a link leads to.

    Raises:
        DiskError: the disk refused.
    """
    if path.is_symlink():
        remove(path)
    with _as_disk_error(path), contextlib.suppress(FileNotFoundError):
        for child in sorted(path.iterdir(), reverse=True):
            _remove(child)
        path.rmdir()
        _flush_directory(path.parent)


def flush_names(path: Path) -> None:
    """Bring the names in a directory to the disk: those, too, that a process gave which died before it could flush them.

    Raises:
        DiskError: the disk refused.
    """
    with _as_disk_error(path):
        _flush_directory(path)


def flush_tree(path: Path) -> None:
    """Flush every file and directory below a path: for files that a library renamed without flushing.

    Raises:
        DiskError: the disk refused.
    """
    with _as_disk_error(path):
        for folder, _, names in os.walk(path):
            for name in names:
                file = Path(folder, name)
                if not file.is_symlink():
                    _flush_file(file)
            _flush_directory(Path(folder))


def remove_leftovers(path: Path, *, prefix: str = _TEMPORARY) -> None:
    """Remove the temporary files of writes that a crash cut short, as far as the disk allows."""
    with contextlib.suppress(OSError):
        for child in path.iterdir():
            if child.name.startswith(prefix):
                child.unlink(missing_ok=True)


class DirectoryLock:
    """Holds a directory for one process, until it is released or the process ends, however it ends.

    The directory itself is locked, which a full or read-only disk allows; `pid` in it tells others whom to ask.
    """

    def __init__(self, directory: Path) -> None:
        with _as_disk_error(directory):
            self._descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            raise AlreadyRunningError(f"another process holds {directory}") from error
        with contextlib.suppress(DiskError):
            replace_atomically(directory / "pid", f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Let go; idempotent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> "DirectoryLock":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def _open_plain(path: Path, flags: int) -> int:
    """Open a file, and nothing else that has its name: a pipe would keep us waiting, a device has no end."""
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC, READABLE)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a plain file")
    return descriptor


def _give_name(source: Path, target: Path, *, ours: bool) -> None:
    try:
        source.replace(target)
    except IsADirectoryError:
        if not ours:
            raise
        shutil.rmtree(target)
        source.replace(target)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _flush_file(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        os.fsync(file.fileno())


def _flush_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _as_disk_error(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        kind = NotAFileError if error.errno in _NO_FILE else DiskError
        raise kind(f"{path}: {error.strerror or error}") from error
