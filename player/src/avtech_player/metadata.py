"""The Update Framework's client workflow: python-tuf behind our store, our time and our floor, and flushed to the disk."""

import contextlib
import errno
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote

from tuf.api.exceptions import (
    BadVersionNumberError,
    DownloadError,
    DownloadHTTPError,
    DownloadLengthMismatchError,
    ExpiredMetadataError,
    RepositoryError,
)
from tuf.api.metadata import Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

from avtech_player.durable import DiskError, flush_tree, make_directory, remove, remove_leftovers
from avtech_player.floor import Floor, Role, RollbackError, mend_floor, save_floor
from avtech_player.store import NotModified, Stored, StoreDeniedError, StoreError
from avtech_schema.errors import AvtechError, TrustError
from avtech_schema.layout import METADATA

TIMESTAMP_LIMIT = 16_384
_LARGEST = 8_000_000
_BEYOND = 2**53
"""No version is larger: JSON keeps no larger number exactly."""
_ROOT_LINK = "root.json"
"""The link to the newest root that python-tuf makes, and never reads here."""
_UNFINISHED = "tmp"
"""What python-tuf calls a file that it has not finished."""
_REFUSALS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""A disk that takes nothing may still hold what lies there."""
_OLDER = re.compile(r"New (\w+) version (\d+) must be >= (\d+)")


class ExpiredError(TrustError):
    """The metadata that the store offers has expired: publishing, or renewing it, has stopped."""

    hint = "publish the released commit again, which renews it; players keep playing meanwhile"


class Readable(Protocol):
    """As much of a store as is needed here."""

    url: str
    """Where it is, for messages."""

    def read(self, key: str, *, limit: int, if_none_match: str = "") -> Stored | NotModified | None:
        """Read an object, as `Store.read` does."""
        ...


@dataclass(frozen=True, slots=True)
class Verified:
    """What a walk through the metadata verified: the roles that say it, and the targets that were asked for, or None."""

    root: Root
    timestamp: Timestamp
    snapshot: Snapshot
    targets: Mapping[str, TargetFile | None]
    roles: Mapping[str, Role]

    @property
    def expiry(self) -> datetime:
        """When the timestamp expires, in UTC."""
        return self.timestamp.expires.replace(tzinfo=UTC)


class MetadataClient:
    """Walks the metadata in a store; what it verified lies in `folder`, the floor below which nothing counts in `floor`.

    Not for two threads at once.
    """

    def __init__(self, folder: Path, floor: Path, store: Readable, *, root: bytes) -> None:
        self._folder = folder
        self._floor_directory = floor
        self._store = store
        self._root = root
        self._floor: Floor | None = None
        remove_leftovers(folder, prefix=_UNFINISHED)
        with contextlib.suppress(DiskError):  # Playback does not wait for it; accepting anything does.
            self._floor = mend_floor(floor)

    @property
    def floor(self) -> Floor:
        """The highest versions and signed time that were accepted, as far as the disk tells."""
        return self._floor or Floor()

    def walk(self, paths: Sequence[str], *, now: datetime, at_hand: Mapping[str, bytes] | None = None) -> Verified:
        """Verify everything from the root down to some targets; `at_hand` holds objects that were read already, by key.

        Raises:
            StoreError: the store failed.
            TrustError: what it offers does not hold, or expired (ExpiredError).
            DiskError: the disk refused.
        """
        fetcher = _StoreFetcher(self._store, at_hand or {})
        try:
            return self._walked(paths, now, fetcher)
        except OSError as error:
            if error.errno in _REFUSALS:
                raise _translated(error, fetcher.last) from error
        remove(self._folder)  # The disk does not give back what lies there; the root that came with us and the floor stand.
        try:
            return self._walked(paths, now, fetcher)
        except OSError as error:
            raise _translated(error, fetcher.last) from error

    def _walked(self, paths: Sequence[str], now: datetime, fetcher: "_StoreFetcher") -> Verified:
        self._known_floor()
        make_directory(self._folder, ours=True)
        _sweep(self._folder)
        try:
            updater = Updater(
                str(self._folder),
                METADATA,
                fetcher=fetcher,
                config=UpdaterConfig(prefix_targets_with_hash=True, timestamp_max_length=TIMESTAMP_LIMIT),
                bootstrap=self._root,
            )
            trusted = updater._trusted_set  # pyright: ignore[reportPrivateUsage]  python-tuf has no other way to set the time
            trusted.reference_time = now
            updater.refresh()
            targets = {path: updater.get_targetinfo(path) for path in paths}
        except (RepositoryError, DownloadError) as error:
            raise _translated(error, fetcher.last) from error
        return Verified(trusted.root, trusted.timestamp, trusted.snapshot, targets, _roles(trusted, paths))

    def accept(self, verified: Verified, *, signed: datetime | None) -> None:
        """Raise the floor to what was verified, with the time of signing if it is known, and flush both to the disk.

        Raises:
            RollbackError: something is older than what was seen.
            DiskError: the disk refused.
        """
        floor = self._known_floor().accept(verified.roles, signed=signed, expiry=verified.expiry)
        flush_tree(self._folder)
        save_floor(self._floor_directory, floor)
        self._floor = floor

    def _known_floor(self) -> Floor:
        if self._floor is None:
            self._floor = mend_floor(self._floor_directory)
        return self._floor


class _StoreFetcher(FetcherInterface):
    """python-tuf's downloads, by our store: bounded in size and in time. What was read already is not read again."""

    def __init__(self, store: Readable, at_hand: Mapping[str, bytes]) -> None:
        self._store = store
        self._at_hand = at_hand
        self.last = ""
        """The key that was asked for last: what is wrong next is wrong with that."""

    def download_bytes(self, url: str, max_length: int) -> bytes:
        """Read the object whose key `url` spells: python-tuf quotes the names of roles, and a store quotes keys itself."""
        key = self.last = _unquoted(url)
        found: object = self._at_hand.get(key)
        if found is None:
            try:
                found = self._store.read(key, limit=max_length)
            except StoreDeniedError as error:
                raise DownloadHTTPError(str(error), 403) from error
            except AvtechError as error:
                raise DownloadError(str(error)) from error
            if found is None:
                raise DownloadHTTPError(f"{self._store.url} holds no {url}", 404)
        data = found.data if isinstance(found, Stored) else found
        if not isinstance(data, bytes) or len(data) > max_length:
            raise DownloadLengthMismatchError(f"{url} is larger than {max_length} bytes")
        return data

    def _fetch(self, url: str) -> Iterator[bytes]:
        return iter([self.download_bytes(url, TIMESTAMP_LIMIT)])


def _sweep(folder: Path) -> None:
    """Remove what is no plain file of a sane size: python-tuf reads what it finds here whole, and waits for a pipe for ever.

    Raises:
        DiskError: the disk refused.
    """
    for place, folders, names in os.walk(folder):
        for path in (Path(place, name) for name in (*folders, *names)):
            found = path.lstat()
            sane = stat.S_ISREG(found.st_mode) and found.st_size <= _LARGEST
            if not sane and not stat.S_ISDIR(found.st_mode) and path != folder / _ROOT_LINK:
                remove(path)


def _unquoted(url: str) -> str:
    """The key; a quoted slash stays quoted, for no name may lead out of its folder."""
    return "%2F".join(unquote(part) for part in re.split("%2f", url, flags=re.IGNORECASE))


def _translated(error: Exception, key: str) -> AvtechError:
    """The error as ours; `key` is the object that was read last."""
    match error:
        case BadVersionNumberError() if older := _OLDER.search(str(error)):
            return RollbackError(f"the store offers {older[1]} version {older[2]}; version {older[3]} was seen")
        case ExpiredMetadataError():
            return ExpiredError(f"the release cannot be trusted any more: {error}")
        case RepositoryError():
            return TrustError(f"{key or 'the metadata'} does not hold: {str(error)[:300]}")
        case DownloadError():
            return StoreError(str(error)[:300])
        case _:
            return DiskError(f"the trusted metadata: {getattr(error, 'strerror', None) or error}")


def _roles(trusted: Any, paths: Sequence[str]) -> dict[str, Role]:
    """The versions that were verified (in python-tuf's trusted set), with the keys that may sign each role."""
    root: Root = trusted.root
    targets: Targets = trusted.targets
    versions = {"root": root, "timestamp": trusted.timestamp, "snapshot": trusted.snapshot, "targets": targets}
    roles = {name: Role(signed.version, tuple(sorted(root.roles[name].keyids))) for name, signed in versions.items()}
    delegations = targets.delegations
    if delegations is not None:
        for name, _ in (role for path in paths for role in delegations.get_roles_for_target(path)):
            if name in trusted:
                role = delegations.succinct_roles or (delegations.roles or {})[name]
                roles[name] = Role(trusted[name].version, tuple(sorted(role.keyids)))
    if absurd := [name for name, role in roles.items() if role.version > _BEYOND]:
        raise TrustError(f"the version of {absurd[0]} is beyond 2^53")
    return roles
