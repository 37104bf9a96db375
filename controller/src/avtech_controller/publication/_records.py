"""Release records in the store: sealed, chained by hash, never rewritten; and the chain read back for whoever audits it."""

from collections.abc import Iterator
from contextlib import suppress

from securesystemslib.signer import Key, Signer

from avtech_controller.stores import ObjectStore, PreconditionFailedError, Stored
from avtech_controller.trust import ReleasePointer
from avtech_schema.canonical import sha256_hex
from avtech_schema.envelope import open_sealed, seal
from avtech_schema.errors import TrustError
from avtech_schema.identifiers import Sha256
from avtech_schema.layout import release_key
from avtech_schema.release import PAYLOAD_TYPE, ReleaseRecord, parse_release

MAX_RECORD_BYTES = 64_000_000


def write_record(store: ObjectStore, record: ReleaseRecord, signer: Signer) -> tuple[ReleasePointer, int]:
    """Seal a record and store it under its own digest; returns where the snapshot must point, and the bytes written."""
    data = seal(record.payload(), PAYLOAD_TYPE, signer)
    digest = sha256_hex(data)
    with suppress(PreconditionFailedError):  # content-addressed: the same bytes are there already
        store.create(release_key(record.sequence, digest), data)
    return ReleasePointer(record.sequence, record.commit, digest), len(data)


def read_record(store: ObjectStore, sequence: int, digest: Sha256, keys: list[Key]) -> ReleaseRecord:
    """Read and verify one record.

    Raises:
        TrustError: it is missing, or is not the one that was signed for.
    """
    key = release_key(sequence, digest)
    stored = store.get(key, limit=MAX_RECORD_BYTES)
    if not isinstance(stored, Stored):
        raise TrustError(
            f"the release record {key} is missing from {store.url}",
            hint="the store lost objects; docs/runbooks/store-damaged.md says what can be done",
        )
    if sha256_hex(stored.data) != digest:
        raise TrustError(f"the release record {key} is not the one that was signed for")
    record = parse_release(open_sealed(stored.data, PAYLOAD_TYPE, keys))
    if record.sequence != sequence:
        raise TrustError(f"the release record {key} says that it is number {record.sequence}")
    return record


def release_chain(store: ObjectStore, head: ReleasePointer, keys: list[Key]) -> Iterator[tuple[Sha256, ReleaseRecord]]:
    """The records from the head back to the first, each verified by the digest that its successor holds.

    Raises:
        TrustError: the chain is broken.
    """
    sequence, digest = head.sequence, head.digest
    while True:
        record = read_record(store, sequence, digest, keys)
        yield digest, record
        if record.previous is None:
            if record.sequence != 1:
                raise TrustError(f"the chain of releases ends at number {record.sequence}, not at the first")
            return
        sequence, digest = record.sequence - 1, record.previous
