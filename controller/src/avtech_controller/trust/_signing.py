"""Signs the next snapshot and timestamp. Pure: versions and time come in, bytes go out."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from securesystemslib.signer import Signer
from tuf.api.metadata import Metadata, MetaFile, Snapshot, Timestamp

from avtech_controller.trust._metadata import (
    RELEASE_FIELD,
    SIGNED_FIELD,
    SNAPSHOT_LIFETIME,
    TIMESTAMP_LIFETIME,
    Canonical,
    ReleasePointer,
    expiry,
    rfc3339,
    to_bytes,
)


def sign_snapshot(versions: Mapping[str, int], version: int, pointer: ReleasePointer, now: datetime, signer: Signer) -> bytes:
    """The snapshot: the version of every other role by its file name, and the release it is part of."""
    snapshot = Snapshot(
        version=version,
        expires=expiry(now, SNAPSHOT_LIFETIME, whole_days=True),
        meta={name: MetaFile(number) for name, number in sorted(versions.items())},
        unrecognized_fields={RELEASE_FIELD: pointer.json()},
    )
    metadata = Metadata(snapshot)
    metadata.sign(signer, signed_serializer=Canonical())
    return to_bytes(metadata)


def sign_timestamp(snapshot_version: int, version: int, pointer: ReleasePointer, now: datetime, signer: Signer) -> bytes:
    """The timestamp: the one object that players poll, and the only one that is replaced."""
    timestamp = Timestamp(
        version=version,
        expires=expiry(now, TIMESTAMP_LIFETIME),
        snapshot_meta=MetaFile(snapshot_version),
        unrecognized_fields={
            RELEASE_FIELD: {"sequence": pointer.sequence, "commit": pointer.commit},
            SIGNED_FIELD: rfc3339(now),
        },
    )
    metadata = Metadata(timestamp)
    metadata.sign(signer, signed_serializer=Canonical())
    return to_bytes(metadata)


def past_half_life(expires: datetime, now: datetime, lifetime: timedelta) -> bool:
    """Whether something signed for `lifetime` should be signed anew when there is an occasion."""
    return expires - now < lifetime / 2
