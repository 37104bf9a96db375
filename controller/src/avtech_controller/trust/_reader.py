"""Reads the released metadata from a store and verifies it with the anchor's keys: nothing is built on what does not verify."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, Targets, Timestamp

from avtech_controller.stores import ETag, ObjectStore, Stored, StoreError
from avtech_controller.trust._anchor import Anchor
from avtech_controller.trust._bins import Bin, read_bin
from avtech_controller.trust._metadata import (
    MAX_SNAPSHOT_BYTES,
    MAX_TARGETS_BYTES,
    MAX_TIMESTAMP_BYTES,
    RELEASE_FIELD,
    ReleasePointer,
    parse,
    snapshot_pointer,
)
from avtech_controller.trust._remembered import Known, Remembered
from avtech_schema.errors import TrustError
from avtech_schema.layout import TIMESTAMP_KEY, metadata_key

S = TypeVar("S", Root, Timestamp, Snapshot, Targets)
_SNAPSHOT_FILE = "snapshot.json"
_TARGETS_FILE = "targets.json"


@dataclass(frozen=True, slots=True)
class ReleasedMetadata:
    """The metadata of one whole release, verified, with the ETag of its timestamp."""

    etag: ETag
    timestamp: Timestamp
    snapshot: Snapshot
    bins: Mapping[str, Bin]
    pointer: ReleasePointer
    timestamp_current: bool = True
    """Whether the current root's keys signed the timestamp, rather than those of an earlier root."""
    snapshot_current: bool = True
    """The same of the snapshot."""
    snapshot_data: bytes = field(default=b"", compare=False, repr=False)
    """The snapshot's bytes."""
    remembered_screens: bytes | None = field(default=None, compare=False, repr=False)
    """The screens in the bins, if these were not read but remembered, as whoever kept them spelt them."""

    @property
    def targets_version(self) -> int:
        """The version of the targets metadata that the release uses."""
        return self.snapshot.meta[_TARGETS_FILE].version


@dataclass(frozen=True, slots=True)
class ReleasedHead:
    """Timestamp and snapshot of the release, verified, with the timestamp's ETag: all that a heartbeat looks at."""

    etag: ETag
    timestamp: Metadata[Timestamp]
    snapshot: Metadata[Snapshot]
    pointer: ReleasePointer
    snapshot_data: bytes
    """The snapshot's bytes."""


def read_released(store: ObjectStore, anchor: Anchor, remembered: Remembered | None = None) -> ReleasedMetadata | None:
    """Read timestamp, snapshot and all bins; None when there surely is no timestamp. Expiry is the players' affair.

    Bins that are `remembered` of this very snapshot are not read again.

    Raises:
        TrustError: something does not verify, is missing, or is of another version than was signed.
        StoreError, StoreConfigurationError: the store failed.
    """
    head = read_released_head(store, anchor)
    if head is None:
        return None
    known = _known(store, anchor, head, remembered) if remembered else None
    return ReleasedMetadata(
        head.etag,
        head.timestamp.signed,
        head.snapshot.signed,
        known.bins if known else _read_bins(store, anchor, head.snapshot.signed),
        head.pointer,
        timestamp_current=anchor.is_current(Timestamp.type, head.timestamp),
        snapshot_current=anchor.is_current(Snapshot.type, head.snapshot),
        snapshot_data=head.snapshot_data,
        remembered_screens=known.screens if known else None,
    )


def read_released_head(store: ObjectStore, anchor: Anchor) -> ReleasedHead | None:
    """Read timestamp and snapshot; None when there surely is no timestamp.

    Raises:
        TrustError, StoreError, StoreConfigurationError: as for `read_released`.
    """
    stored = store.get(TIMESTAMP_KEY, limit=MAX_TIMESTAMP_BYTES)
    if not isinstance(stored, Stored):
        return None
    timestamp = parse(stored.data, Timestamp, TIMESTAMP_KEY)
    anchor.verify_released(Timestamp.type, timestamp, TIMESTAMP_KEY)
    version = timestamp.signed.snapshot_meta.version
    snapshot, data = _read(store, Snapshot, Snapshot.type, version, MAX_SNAPSHOT_BYTES)
    anchor.verify_released(Snapshot.type, snapshot, _SNAPSHOT_FILE)
    pointer = snapshot_pointer(snapshot.signed)
    if timestamp.signed.unrecognized_fields.get(RELEASE_FIELD) != {"sequence": pointer.sequence, "commit": pointer.commit}:
        raise TrustError("timestamp and snapshot name different releases")
    return ReleasedHead(stored.etag, timestamp, snapshot, pointer, data)


def read_pointer(store: ObjectStore, anchor: Anchor, version: int) -> ReleasePointer:
    """The release that a snapshot names, whether or not the timestamp names that snapshot.

    Raises:
        TrustError: it does not verify, is missing, or is of another version.
        StoreError, StoreConfigurationError: the store failed.
    """
    snapshot, _ = _read(store, Snapshot, Snapshot.type, version, MAX_SNAPSHOT_BYTES)
    anchor.verify_released(Snapshot.type, snapshot, metadata_key(Snapshot.type, version))
    return snapshot_pointer(snapshot.signed)


def _known(store: ObjectStore, anchor: Anchor, head: ReleasedHead, remembered: Remembered) -> Known | None:
    """What is remembered of this very snapshot."""
    meta = head.snapshot.signed.meta
    if _TARGETS_FILE not in meta:
        return None
    version = meta[_TARGETS_FILE].version
    anchor.bins(version)  # says what to do where this checkout is older
    known = remembered.released(store.url, anchor, version, head.snapshot_data)
    if known is None or any(meta.get(f"{name}.json") != MetaFile(found.version) for name, found in known.bins.items()):
        return None
    return known


def _read_bins(store: ObjectStore, anchor: Anchor, snapshot: Snapshot) -> dict[str, Bin]:
    if _TARGETS_FILE not in snapshot.meta:
        raise TrustError("the snapshot names no targets metadata")
    version = snapshot.meta[_TARGETS_FILE].version
    names = list(anchor.bins(version).get_roles())
    delegator = anchor.delegations[version].targets

    if missing := [name for name in names if f"{name}.json" not in snapshot.meta]:
        raise TrustError(f"the snapshot does not name the bin {missing[0]}")
    versions = [snapshot.meta[f"{name}.json"].version for name in names]
    keys = [metadata_key(name, version) for name, version in zip(names, versions, strict=True)]
    where = dict(zip(keys, zip(names, versions, strict=True), strict=True))

    def take(key: str, stored: Stored | StoreError | None) -> Bin:
        name, version = where[key]
        found = read_bin(_whole(stored, key, store), name, delegator, key)
        _check_version(found.version, version, key)
        return found

    bins = store.get_all(keys, limit=MAX_TARGETS_BYTES, take=take)
    return dict(zip(names, bins, strict=True))


def _read(store: ObjectStore, kind: type[S], role: str, version: int, limit: int) -> tuple[Metadata[S], bytes]:
    key = metadata_key(role, version)
    stored = store.get(key, limit=limit)
    data = _whole(stored if isinstance(stored, Stored) else None, key, store)
    metadata = parse(data, kind, key)
    _check_version(metadata.signed.version, version, key)
    return metadata, data


def _whole(stored: Stored | StoreError | None, key: str, store: ObjectStore) -> bytes:
    if isinstance(stored, StoreError):
        raise stored
    if stored is None:
        raise TrustError(
            f"{key} is signed for but missing from {store.url}",
            hint="the store lost objects; docs/runbooks/store-damaged.md says what can be done",
        )
    return stored.data


def _check_version(found: int, signed: int, key: str) -> None:
    if found != signed:
        raise TrustError(f"{key} says that it is version {found}")
