"""Fetches clips by hash: resumes what a bad network cut off, keeps nothing that does not match, names nothing unflushed."""

import threading
from pathlib import Path

from avtech_player.digest import file_digest
from avtech_player.durable import Appender, DiskError, publish_file, remove
from avtech_player.store import RangeRefusedError, Store, StoreError
from avtech_schema.errors import EnvironmentFailedError, TrustError
from avtech_schema.identifiers import Sha256
from avtech_schema.manifest import Asset

_TRIES = 2


class DigestMismatchError(TrustError):
    """The store holds other bytes under this name than were released."""

    hint = "upload the clip again with `avtech content add`"


class StoppedError(EnvironmentFailedError):
    """The player was asked to stop in the middle; what was fetched is kept."""


def fetch_asset(store: Store, asset: Asset, *, partial: Path, target: Path, stop: threading.Event) -> None:
    """Fetch a clip to `target`, going on where `partial` ends; bytes of a wrong hash are thrown away and fetched once more.

    Raises:
        StoreError: the store failed; what came is kept for the next time.
        DigestMismatchError: the store holds other bytes.
        StoppedError: `stop` was set.
        DiskError: the disk refused.
    """
    for attempt in range(_TRIES):
        try:
            _complete(store, asset, partial, stop)
        except RangeRefusedError:
            remove(partial)
            if attempt + 1 == _TRIES:
                raise
            continue
        if digest_of(partial) == asset.sha256:
            publish_file(partial, target)
            return
        remove(partial)
    raise DigestMismatchError(f"{store.url}: {asset.key} is not the clip that was released")


def _complete(store: Store, asset: Asset, partial: Path, stop: threading.Event) -> None:
    """Bring the partial file to its full size, flushed; its bytes are not judged here."""
    size = size_of(partial)
    if size > asset.size:
        remove(partial)
        size = 0
    with Appender(partial) as file:
        try:
            if size < asset.size:
                for chunk in store.stream(asset.key, offset=size):
                    size += len(chunk)
                    if size > asset.size:
                        break
                    file.write(chunk)
                    if stop.is_set():
                        raise StoppedError(f"stopped while fetching {asset.key}")
        finally:
            file.flush()
    if size < asset.size:
        raise StoreError(f"{store.url}: {asset.key} ended after {size} of {asset.size} bytes")
    if size > asset.size:
        remove(partial)
        raise DigestMismatchError(f"{store.url}: {asset.key} is longer than the clip that was released")


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
