"""Makes a lost timestamp anew: the newest release whose metadata and record verify is put back as what players are shown."""

import re
from dataclasses import dataclass
from datetime import datetime

from securesystemslib.signer import Signer

from avtech_controller.publication._records import read_record
from avtech_controller.stores import ObjectStore
from avtech_controller.trust import Anchor, ReleasePointer, read_pointer, sign_timestamp
from avtech_schema.errors import TrustError
from avtech_schema.layout import METADATA, TIMESTAMP_KEY

_SNAPSHOT = re.compile(r"metadata/([1-9][0-9]{0,17})\.snapshot\.json")


@dataclass(frozen=True, slots=True)
class LastSnapshot:
    """A snapshot that verifies, and the release that it names."""

    version: int
    pointer: ReleasePointer


def is_lost(store: ObjectStore) -> bool:
    """Whether there is no timestamp.

    Raises:
        StoreError, StoreConfigurationError: the store failed.
    """
    return store.size(TIMESTAMP_KEY) is None


def last_snapshot(store: ObjectStore, anchor: Anchor) -> LastSnapshot:
    """The newest snapshot in the store that our keys signed and whose release record is there.

    Raises:
        TrustError: there is none.
        StoreError, StoreConfigurationError: the store failed.
    """
    versions = [int(match[1]) for key in store.keys(METADATA) if (match := _SNAPSHOT.fullmatch(key))]
    for version in sorted(versions, reverse=True):
        try:
            pointer = read_pointer(store, anchor, version)
            read_record(store, pointer.sequence, pointer.digest, anchor.publishers)
            return LastSnapshot(version, pointer)
        except TrustError:
            continue  # signed by nobody we know, or its record is gone: an older one may still hold
    raise TrustError(
        f"no snapshot in {store.url} verifies", hint="restore metadata/ and releases/ from the bucket's versions or a backup"
    )


def restore_timestamp(store: ObjectStore, last: LastSnapshot, signer: Signer, now: datetime) -> int:
    """Sign a timestamp for a snapshot and write it where there is none; returns its version.

    Its version is the seconds since 1970: above every version that players have seen, since publications and heartbeats
    count up by one.

    Raises:
        PreconditionFailedError: there is one again.
        StoreError, StoreConfigurationError: the store failed.
    """
    version = int(now.timestamp())
    store.create(TIMESTAMP_KEY, sign_timestamp(last.version, version, last.pointer, now, signer))
    return version
