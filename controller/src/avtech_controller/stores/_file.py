"""The `file://` store: a directory. Writers coordinate by hard links and one lock file, readers need neither."""

import errno
import fcntl
import hashlib
import os
import stat
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import BufferedReader
from pathlib import Path
from typing import TypeVar

from avtech_controller import durable
from avtech_controller.parallel import in_parallel
from avtech_controller.stores._bulk import all_of
from avtech_controller.stores._keys import check_key, check_prefix
from avtech_controller.stores._port import (
    ETag,
    Listed,
    NewObject,
    NotModified,
    PreconditionFailedError,
    StoreConfigurationError,
    Stored,
    StoreError,
)
from avtech_schema.canonical import sha256_hex
from avtech_schema.identifiers import ByteSize, Sha256

R = TypeVar("R")
_LOCK = ".avtech.lock"
_CHUNK = 1 << 20
_NO_SUCH_FILE = (errno.ENOENT, errno.ENOTDIR)


class FileStore:
    """A directory that must exist; an object's ETag is the SHA-256 of its bytes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.url = f"file://{root}"

    def get(self, key: str, *, limit: int, if_none_match: ETag | None = None) -> Stored | NotModified | None:
        """Read an object; see `ObjectStore.get`."""
        path = self._path(key)
        with self._failures(f"reading {key}"):
            data = _read(path, limit)
        if data is None:
            self._check_root()
            return None
        if len(data) > limit:
            raise StoreError(f"{key} in {self.url} is larger than the {limit} bytes that are read")
        etag = ETag(sha256_hex(data))
        return NotModified() if etag == if_none_match else Stored(data, etag)

    def size(self, key: str) -> int | None:
        """An object's size; see `ObjectStore.size`."""
        path = self._path(key)
        with self._failures(f"looking for {key}"):
            try:
                found = path.lstat()
            except (FileNotFoundError, NotADirectoryError):
                self._check_root()
                return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def create(self, key: str, data: bytes) -> ETag:
        """Write an object that must not exist; see `ObjectStore.create`."""
        path = self._path(key)
        self._check_root()
        with self._failures(f"writing {key}"):
            try:
                durable.make_directories(path.parent, below=self.root)
                durable.create_file(path, [data])
            except FileExistsError as error:
                raise PreconditionFailedError(f"{key} in {self.url} exists already") from error
        return ETag(sha256_hex(data))

    def create_all(self, objects: Sequence[NewObject], *, done: Callable[[], None] = lambda: None) -> list[bool]:
        """Write many objects; see `ObjectStore.create_all`."""

        def create(entry: NewObject) -> bool:
            try:
                self.create(entry.key, entry.load())
            except PreconditionFailedError:
                return False
            return True

        return all_of(create, objects, key=lambda entry: entry.key, what=f"written to {self.url}", done=done)

    def get_all(
        self,
        keys: Sequence[str],
        *,
        limit: int,
        take: Callable[[str, Stored | StoreError | None], R],
        done: Callable[[], None] = lambda: None,
    ) -> list[R]:
        """Read many objects; see `ObjectStore.get_all`."""

        def read(key: str) -> R:
            try:
                found = self.get(key, limit=limit)
            except StoreError as error:
                return take(key, error)
            return take(key, found if isinstance(found, Stored) else None)

        return in_parallel(read, keys, done=done)

    def sizes(self, keys: Sequence[str], *, done: Callable[[], None] = lambda: None) -> list[int | None]:
        """The sizes of many objects; see `ObjectStore.sizes`."""
        return in_parallel(self.size, keys, done=done)

    def etags(self, keys: Sequence[str], *, done: Callable[[], None] = lambda: None) -> list[ETag | None]:
        """The ETags of many objects; see `ObjectStore.etags`."""
        return in_parallel(self.etag, keys, done=done)

    def replace(self, key: str, data: bytes, *, etag: ETag) -> ETag:
        """Write an object that must still be the one with `etag`; see `ObjectStore.replace`."""
        path = self._path(key)
        self._check_root()
        with self._failures(f"writing {key}"), self._lock():
            found = _read(path, path.lstat().st_size if path.exists() else 0)
            if found is None or ETag(sha256_hex(found)) != etag:
                raise PreconditionFailedError(f"{key} in {self.url} was changed by somebody else")
            durable.replace_file(path, data)
        return ETag(sha256_hex(data))

    def upload(self, key: str, path: Path) -> None:
        """Write a content-addressed object from a file; see `ObjectStore.upload`."""
        target = self._path(key)
        self._check_root()
        with self._failures(f"uploading {key}"):
            length = path.stat().st_size
            if self.size(key) is None:
                durable.make_directories(target.parent, below=self.root)
                with suppress(FileExistsError):
                    durable.create_file(target, _chunks(path))
        if self.size(key) != length:
            raise StoreError(f"{key} in {self.url} has another size than the file: it is damaged, or the file is changing")

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys below a prefix; see `ObjectStore.keys`."""
        yield from [key for key, _ in self._listed(prefix)]

    def listing(self, prefix: str) -> Iterator[Listed]:
        """The objects below a prefix; see `ObjectStore.listing`."""
        for key, entry in self._listed(prefix):
            with self._failures(f"listing {prefix}"):
                try:
                    found = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
            yield Listed(key, ByteSize(found.st_size), datetime.fromtimestamp(found.st_mtime, UTC))

    def etag(self, key: str) -> ETag | None:
        """An object's ETag; see `ObjectStore.etag`."""
        digest = self._digest(key, None)
        return None if digest is None else ETag(digest)

    def sha256(self, key: str, *, limit: int) -> Sha256 | None:
        """An object's SHA-256; see `ObjectStore.sha256`."""
        return self._digest(key, limit)

    def delete(self, key: str, *, etag: ETag) -> bool:
        """Remove an object that must still be the one with `etag`; see `ObjectStore.delete`."""
        path = self._path(key)
        self._check_root()
        with self._failures(f"removing {key}"), self._lock():
            found = self._digest(key, None)
            if found is None:
                return False
            if ETag(found) != etag:
                raise PreconditionFailedError(f"{key} in {self.url} was changed by somebody else")
            durable.remove_file(path)
        return True

    def _digest(self, key: str, limit: int | None) -> Sha256 | None:
        path = self._path(key)
        with self._failures(f"reading {key}"):
            stream = _open(path)
            if stream is None:
                self._check_root()
                return None
            with stream:
                if limit is not None and os.fstat(stream.fileno()).st_size > limit:
                    raise StoreError(f"{key} in {self.url} is larger than the {limit} bytes that are read")
                return Sha256(hashlib.file_digest(stream, "sha256").hexdigest())

    def _listed(self, prefix: str) -> list[tuple[str, "os.DirEntry[str]"]]:
        start = self._path(check_prefix(prefix)[:-1])
        with self._failures(f"listing {prefix}"):
            self._check_root()
            return sorted(_files(start, prefix), key=lambda found: found[0])

    def _path(self, key: str) -> Path:
        path = self.root / check_key(key)
        with self._failures(f"resolving {key}"):
            if not path.parent.resolve().is_relative_to(self.root.resolve()):
                raise StoreError(f"{key} leads out of {self.url} by a symbolic link")
        return path

    def _check_root(self) -> None:
        if self.root.is_dir():
            return
        if self.root.exists():
            raise StoreConfigurationError(f"the store {self.url} is a file, not a directory", hint="name a directory")
        raise StoreConfigurationError(
            f"the store {self.url} does not exist", hint=f"make it if it is meant to be new: mkdir -p {self.root}"
        )

    @contextmanager
    def _lock(self) -> Generator[None, None, None]:
        with (self.root / _LOCK).open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _failures(self, doing: str) -> Generator[None, None, None]:
        try:
            yield
        except PermissionError as error:
            raise StoreConfigurationError(
                f"{doing} in {self.url}: access denied ({error.strerror})",
                hint="reading a store needs read access to it, and publishing needs write access",
            ) from error
        except OSError as error:
            if error.errno == errno.EROFS:
                raise StoreConfigurationError(f"{doing} in {self.url}: it is read-only", hint="make it writable") from error
            raise StoreError(f"{doing} in {self.url}: {error.strerror or error}") from error


def _read(path: Path, limit: int) -> bytes | None:
    """At most `limit + 1` bytes of a regular file; None if there is none."""
    stream = _open(path)
    if stream is None:
        return None
    with stream:
        return stream.read(limit + 1)


def _open(path: Path) -> BufferedReader | None:
    """A regular file, opened for reading; None if there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in _NO_SUCH_FILE:
            return None
        raise
    stream = open(descriptor, "rb")  # noqa: PTH123, SIM115
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        stream.close()
        raise OSError(errno.EINVAL, "it is not a regular file")
    return stream


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk


def _files(directory: Path, prefix: str) -> Iterator[tuple[str, "os.DirEntry[str]"]]:
    """Keys and entries of the regular files below a directory; hidden names are the store's own."""
    try:
        entries = list(os.scandir(directory))
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _files(Path(entry.path), f"{prefix}{entry.name}/")
        elif entry.is_file(follow_symlinks=False):
            yield prefix + entry.name, entry
