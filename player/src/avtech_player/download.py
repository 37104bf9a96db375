"""Fetches clips by hash: resumes what a bad network cut off, keeps nothing that does not match."""

import contextlib
import stat
import threading
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from avtech_player.digest import Digest
from avtech_player.durable import Appender, DiskError, remove
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


def fetch_asset(store: Store, asset: Asset, *, partial: Path, stop: threading.Event) -> None:
    """Have a clip whole in `partial`, going on where that ends; bytes of a wrong hash are thrown away.

    They are fetched once more if some had lain here, which may be what is wrong; what the store holds is not fetched again
    until it changes there. What is whole is not flushed yet: that is for whoever gives it its name.

    Raises:
        StoreError: the store failed; what came is kept for the next time.
        DigestMismatchError: the store holds other bytes.
        StoppedError: `stop` was set.
        DiskError: the disk refused.
    """
    try:
        if size_of(partial) > asset.size or _has_other_names(partial):
            remove(partial)
        transfer = _Transfer(store, asset, partial, stop)
        lay_here = transfer.digest.size > 0
        found = transfer.complete()
        if found != asset.sha256 and lay_here:
            remove(partial)
            found = _Transfer(store, asset, partial, stop).complete()
    except OtherObjectError as error:
        raise DigestMismatchError(str(error)) from error
    if found != asset.sha256:
        remove(partial)
        store.reject(asset.key)
        raise DigestMismatchError(f"{store.url}: {asset.key} is not the clip that was released")


class _Transfer:
    """A clip on its way: what lies here is read once, and what comes is digested as it is written."""

    def __init__(self, store: Store, asset: Asset, partial: Path, stop: threading.Event) -> None:
        self._store = store
        self._asset = asset
        self._partial = partial
        self._stop = stop
        self.digest = Digest() if size_of(partial) == 0 else _digest(partial)

    def complete(self) -> Sha256:
        """Bring the partial file to its full size; the digest of its bytes, which are not judged here.

        A connection that broke off after it had brought something worthwhile is taken up again at once, any other later.
        """
        while (size := self.digest.size) < self._asset.size:
            try:
                self._append()
            except StoreError as error:
                if isinstance(error, OtherObjectError) or self.digest.size - size < _WORTHWHILE:
                    raise
        return self.digest.value()

    def _append(self) -> None:
        """Have one answer's bytes at the end of the partial file; flushed, unless it is whole."""
        chunks, size = self._begin(), self._asset.size
        with Appender(self._partial) as file:
            try:
                for chunk in chunks:
                    wanted = chunk[: size - self.digest.size]
                    file.write(wanted)
                    self.digest.update(wanted)
                    if self._stop.is_set():
                        raise StoppedError(f"stopped while fetching {self._asset.key}")
                    if self.digest.size >= size:
                        return
                missing = f"ended after {self.digest.size} of {size} bytes"
                raise StoreError(f"{self._store.url}: {self._asset.key} {missing}", kind=FailureKind.BROKEN)
            except DiskError:
                raise
            except BaseException:
                self._keep(file)
                raise

    def _keep(self, file: Appender) -> None:
        """Flush what came; if the disk does not take that, nobody knows what it holds."""
        try:
            file.flush()
        except DiskError:
            with contextlib.suppress(DiskError):
                remove(self._partial)
            raise

    def _begin(self) -> Iterator[bytes]:
        """The bytes that the partial file lacks: all of them, and none is kept, where the store serves no parts of objects."""
        offset = self.digest.size
        try:
            return self._answered(offset)
        except RangeRefusedError:
            if offset == 0:
                raise
        chunks = self._answered(0)  # If that is a login page, or another object, what was kept stays.
        remove(self._partial)
        self.digest = Digest()
        return chunks

    def _answered(self, offset: int) -> Iterator[bytes]:
        """What the store answers, once its first bytes are here."""
        chunks = self._store.stream(self._asset.key, offset=offset, size=self._asset.size)
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
    return _digest(path).value()


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


def _digest(path: Path) -> Digest:
    found = Digest()
    try:
        with path.open("rb") as file:
            found.read(file)
    except OSError as error:
        raise DiskError(f"{path}: {error.strerror or error}") from error
    return found
