"""What the release is, by The Update Framework: python-tuf behind our store, our clock and our floor (DESIGN section 4)."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tuf.api.exceptions import (
    DownloadError,
    DownloadHTTPError,
    DownloadLengthMismatchError,
    ExpiredMetadataError,
    RepositoryError,
)
from tuf.api.metadata import Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

from avtech_player.clock import TrustedClock, parse_instant
from avtech_player.durable import DiskError, flush_tree, make_directory
from avtech_player.floor import Floor, Role, mend_floor, save_floor
from avtech_player.store import NotModified, Store, Stored, StoreDeniedError, StoreError
from avtech_schema.errors import AvtechError, TrustError
from avtech_schema.fields import Fields, FieldsError
from avtech_schema.identifiers import ClientId, ScreenId, commit_id, screen_id, sha256
from avtech_schema.layout import METADATA, TIMESTAMP_KEY, target_path
from avtech_schema.report import ReleaseRef

RELEASE_FIELD = "x-avtech-release"
SIGNED_FIELD = "x-avtech-signed"
_TIMESTAMP_LIMIT = 16_384
_FULL_REFRESH_SECONDS = 86_400.0


class ExpiredError(TrustError):
    """The metadata that the store offers has expired: publishing, or renewing it, has stopped."""

    hint = "publish the released commit again, which renews it; players keep playing meanwhile"


@dataclass(frozen=True, slots=True)
class Verified:
    """What signed metadata says: this screen's release, or None when the repository has nothing for this screen."""

    ref: ReleaseRef | None


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Nothing was signed since the last look; what that said is still valid."""

    ref: ReleaseRef | None


@dataclass(frozen=True, slots=True)
class _Look:
    """The last complete look: the timestamp's ETag and expiry, when it was (monotonic seconds), and what it said."""

    etag: str
    expiry: datetime
    at: float
    ref: ReleaseRef | None


class Trust:
    """Learns the release from the store, and believes nothing else. Not for two threads at once.

    `directory` is the state directory: the floor lies in it, python-tuf's files in `trust/` below it.
    """

    def __init__(
        self,
        directory: Path,
        store: Store,
        clock: TrustedClock,
        *,
        root: bytes,
        client: ClientId,
        screen: ScreenId,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._directory = directory
        self._store = store
        self._clock = clock
        self._root = root
        self._screen = screen
        self._path = target_path(client, screen)
        self._monotonic = monotonic
        self._look: _Look | None = None
        self._floor = mend_floor(directory)
        if self._floor.signed is not None:
            clock.signed(self._floor.signed, expiry=self._floor.expiry)

    @property
    def floor(self) -> Floor:
        """The highest versions and signed time that were accepted."""
        return self._floor

    def check(self) -> Verified | Unchanged:
        """Look whether there is a new release: by one conditional request, unless a day has passed or this is the first.

        Raises:
            StoreError: the store failed.
            TrustError: what it offers does not hold, is older than what was seen (RollbackError), or expired (ExpiredError).
            DiskError: the disk refused.
        """
        known = self._fresh_look()
        found = self._store.read(TIMESTAMP_KEY, limit=_TIMESTAMP_LIMIT, if_none_match=known.etag if known else "")
        if known is not None and isinstance(found, NotModified):
            return Unchanged(known.ref)
        if not isinstance(found, Stored):
            raise StoreError(
                f"{self._store.url} holds no {TIMESTAMP_KEY}", hint="nothing was published there yet, or it is another place"
            )
        return self._refresh(found)

    def _fresh_look(self) -> _Look | None:
        look = self._look
        if look is None or not look.etag or self._monotonic() - look.at > _FULL_REFRESH_SECONDS:
            return None
        return look if self._clock.now() < look.expiry else None

    def _refresh(self, timestamp: Stored) -> Verified:
        folder = self._directory / "trust"
        make_directory(folder)
        try:
            updater = Updater(
                str(folder),
                METADATA,
                fetcher=_StoreFetcher(self._store, {TIMESTAMP_KEY: timestamp.data}),
                config=UpdaterConfig(prefix_targets_with_hash=True, timestamp_max_length=_TIMESTAMP_LIMIT),
                bootstrap=self._root,
            )
            trusted = updater._trusted_set  # pyright: ignore[reportPrivateUsage]  python-tuf has no other way to set the time
            trusted.reference_time = self._clock.now()
            updater.refresh()
            target = updater.get_targetinfo(self._path)
        except (RepositoryError, DownloadError, OSError) as error:
            raise _translated(error) from error
        roles = _roles(trusted, self._path)
        signed = _signed_time(trusted.root, trusted.timestamp, trusted.snapshot)
        expiry = trusted.timestamp.expires.replace(tzinfo=UTC)
        ref = None if target is None else _release(target, self._screen)
        floor = self._floor.accept(roles, signed=signed, expiry=expiry)
        flush_tree(folder)
        save_floor(self._directory, floor)
        self._floor = floor
        if floor.signed is not None:
            self._clock.signed(floor.signed, expiry=expiry)
        self._look = _Look(timestamp.etag, expiry, self._monotonic(), ref)
        return Verified(ref)


class _StoreFetcher(FetcherInterface):
    """python-tuf's downloads, by our store: bounded in size and in time. What was read already is not read again."""

    def __init__(self, store: Store, at_hand: Mapping[str, bytes]) -> None:
        self._store = store
        self._at_hand = at_hand

    def download_bytes(self, url: str, max_length: int) -> bytes:
        """Read the object whose key is `url`."""
        found: object = self._at_hand.get(url)
        if found is None:
            try:
                found = self._store.read(url, limit=max_length)
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
        return iter([self.download_bytes(url, _TIMESTAMP_LIMIT)])


def _translated(error: Exception) -> AvtechError:
    match error:
        case ExpiredMetadataError():
            return ExpiredError(f"the release cannot be trusted any more: {error}")
        case RepositoryError():
            return TrustError(f"the release's metadata does not hold: {str(error)[:300]}")
        case DownloadError():
            return StoreError(str(error)[:300])
        case _:
            return DiskError(f"the trusted metadata: {getattr(error, 'strerror', None) or error}")


def _roles(trusted: Any, path: str) -> dict[str, Role]:
    """The versions that were verified (in python-tuf's trusted set), with the keys that may sign each role."""
    root: Root = trusted.root
    targets: Targets = trusted.targets
    versions = {"root": root, "timestamp": trusted.timestamp, "snapshot": trusted.snapshot, "targets": targets}
    roles = {name: Role(signed.version, tuple(sorted(root.roles[name].keyids))) for name, signed in versions.items()}
    delegations = targets.delegations
    if delegations is not None:
        for name, _ in delegations.get_roles_for_target(path):
            if name in trusted:
                role = delegations.succinct_roles or (delegations.roles or {})[name]
                roles[name] = Role(trusted[name].version, tuple(sorted(role.keyids)))
    return roles


def _signed_time(root: Root, timestamp: Timestamp, snapshot: Snapshot) -> datetime | None:
    """When the timestamp was signed. It cannot raise the floor beyond what the offline keys vouch for."""
    repeated, released = (signed.unrecognized_fields.get(RELEASE_FIELD) for signed in (timestamp, snapshot))
    for field in ("sequence", "commit"):
        if isinstance(repeated, dict) and isinstance(released, dict) and repeated.get(field) != released.get(field):
            raise TrustError(f"timestamp and snapshot name different releases ({field})")
    text = timestamp.unrecognized_fields.get(SIGNED_FIELD)
    if text is None:
        return None
    try:
        signed = parse_instant(text)
    except (TypeError, ValueError) as error:
        raise TrustError(f"the timestamp's time of signing is not a time ({error})") from error
    if signed > min(timestamp.expires, root.expires).replace(tzinfo=UTC):
        raise TrustError("the timestamp was signed after it expired")
    return signed


def _release(target: TargetFile, screen: ScreenId) -> ReleaseRef:
    """Which release a target is, from its hash and its `custom` field; it must name this screen."""
    try:
        fields = Fields(target.custom, "the target's custom field")
        named = fields.one("screen", screen_id)
        ref = ReleaseRef(
            fields.integer("release", low=1),
            fields.one("commit", commit_id),
            sha256(target.hashes.get("sha256", "")),
        )
    except (FieldsError, ValueError) as error:
        raise TrustError(f"the release of {screen} is not described ({error})") from error
    if named != screen:
        raise TrustError(f"the release names another screen, {named}")
    return ref
