"""Provenance in the store: sealed by the publish key, beside the release records, and referred to by nothing."""

from contextlib import suppress

from securesystemslib.signer import Key, Signer

from avtech_controller.provenance._builder import Builder
from avtech_controller.provenance._statement import PAYLOAD_TYPE, statement_of
from avtech_controller.stores import ObjectStore, PreconditionFailedError, Stored
from avtech_schema.envelope import open_sealed, seal
from avtech_schema.identifiers import Sha256
from avtech_schema.layout import provenance_key
from avtech_schema.release import ReleaseRecord

MAX_PROVENANCE_BYTES = 64_000_000


def write_provenance(store: ObjectStore, record: ReleaseRecord, digest: Sha256, builder: Builder, signer: Signer) -> int:
    """Sign and store the statement of a release whose record is the object with this digest; returns the bytes written.

    One that is there already stays: the record that it speaks of is the same.

    Raises:
        StoreError, StoreConfigurationError: the store failed.
    """
    data = seal(statement_of(record, digest, builder), PAYLOAD_TYPE, signer)
    with suppress(PreconditionFailedError):
        store.create(provenance_key(record.sequence, digest), data)
        return len(data)
    return 0


def read_provenance(store: ObjectStore, sequence: int, digest: Sha256, keys: list[Key]) -> bytes | None:
    """The verified statement of a release; None if there is none, as of releases made before statements were.

    Raises:
        TrustError: none of the keys signed it.
        StoreError, StoreConfigurationError: the store failed.
    """
    stored = store.get(provenance_key(sequence, digest), limit=MAX_PROVENANCE_BYTES)
    return open_sealed(stored.data, PAYLOAD_TYPE, keys) if isinstance(stored, Stored) else None
