"""Fetches clips by hash: resumes what a bad network cut off, keeps nothing that does not match, names nothing unflushed."""

import stat
import threading
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from avtech_player.digest import file_digest
from avtech_player.durable import Appender, DiskError, publish_file, remove
from avtech_player.store import FailureKind, OtherObjectError, RangeRefusedError, Store, StoreError
from avtech_schema.errors import EnvironmentFailedError, TrustError
from avtech_schema.identifiers import Sha256
from avtech_schema.manifest import Asset

_WORTHWHILE = 1 << 18


class DigestMismatchError(TrustError):
    """The store holds other bytes under this name than were released."""

    hint = "upload the clip again with `avtech content add`"


class StoppedError(EnvironmentFailedError):
    """The player was asked to stop in the middle; what was fetched is kept."""


def fetch_asset(store: Store, asset: Asset, *, partial: Path, target: Path, stop: threading.Event) -> None:
    """Fetch a clip to `target`, going on where `partial` ends; bytes of a wrong hash are thrown away.

    They are fetched once more if some had lain here, which may be what is wrong; what the store holds is not fetched again
    until it changes there.

    Raises:
        StoreError: the store failed; what came is kept for the next time.
        DigestMismatchError: the store holds other bytes.
        StoppedError: `stop` was set.
        DiskError: the disk refused.
    """
    try:
        lay_here = _complete(store, asset, partial, stop)
        found = digest_of(partial)
        if found != asset.sha256 and lay_here:
            remove(partial)
            _complete(store, asset, partial, stop)
            found = digest_of(partial)
    except OtherObjectError as error:
        raise DigestMismatchError(str(error)) from error
    if found != asset.sha256:
        remove(partial)
        store.reject(asset.key)
        raise DigestMismatchError(f"{store.url}: {asset.key} is not the clip that was released")
    publish_file(partial, target)


def _complete(store: Store, asset: Asset, partial: Path, stop: threading.Event) -> bool:
    """Bring the partial file to its full size, flushed; its bytes are not judged here. Says whether some had lain there.

    A connection that broke off after it had brought something worthwhile is taken up again at once, any other later.
    """
    if size_of(partial) > asset.size or _has_other_names(partial):
        remove(partial)
    lay_here = size_of(partial) > 0
    while (size := size_of(partial)) < asset.size:
        try:
            _append(store, asset, partial, stop)
        except StoreError as error:
            if isinstance(error, OtherObjectError) or size_of(partial) - size < _WORTHWHILE:
                raise
    return lay_here


def _append(store: Store, asset: Asset, partial: Path, stop: threading.Event) -> None:
    """Have one answer's bytes at the end of the partial file, flushed."""
    chunks = _begin(store, asset, partial)
    size = size_of(partial)
    with Appender(partial) as file:
        try:
            for chunk in chunks:
                file.write(chunk[: asset.size - size])
                size += len(chunk)
                if stop.is_set():
                    raise StoppedError(f"stopped while fetching {asset.key}")
                if size >= asset.size:
                    return
        finally:
            file.flush()
    raise StoreError(f"{store.url}: {asset.key} ended after {size} of {asset.size} bytes", kind=FailureKind.BROKEN)


def _begin(store: Store, asset: Asset, partial: Path) -> Iterator[bytes]:
    """The bytes that the partial file lacks: all of them, and none is kept, where the store serves no parts of objects."""
    offset = size_of(partial)
    try:
        return _answered(store, asset, offset)
    except RangeRefusedError:
        if offset == 0:
            raise
    chunks = _answered(store, asset, 0)  # If that is a login page, or another object, what was kept stays.
    remove(partial)
    return chunks


def _answered(store: Store, asset: Asset, offset: int) -> Iterator[bytes]:
    """What the store answers, once its first bytes are here."""
    chunks = store.stream(asset.key, offset=offset, size=asset.size)
    return chain((next(chunks, b""),), chunks)


def _has_other_names(path: Path) -> bool:
    """Whether what we append to it would change another file."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return found.st_nlink > 1 or stat.S_ISLNK(found.st_mode)


def digest_of(path: Path) -> Sha256:
    """The SHA-256 of a file.

    Raises:
        DiskError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file_digest(file)
    except OSError as error:
        raise DiskError(f"{path}: {error.strerror or error}") from error


def size_of(path: Path) -> int:
    """A file's size, 0 when it is not there.

    Raises:
        DiskError: it cannot be asked.
    """
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise DiskError(f"{path}: {error.strerror or error}") from error
