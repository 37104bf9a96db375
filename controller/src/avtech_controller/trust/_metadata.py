"""What our TUF metadata holds beyond the standard: role names, lifetimes, release pointers, and its compact spelling."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import orjson
from securesystemslib.formats import encode_canonical
from securesystemslib.signer import Key, Signature
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root, Signed, Snapshot, Targets, Timestamp
from tuf.api.serialization import DeserializationError, SignedSerializer
from tuf.api.serialization.json import JSONSerializer

from avtech_schema.errors import TrustError
from avtech_schema.identifiers import CommitId, Sha256, commit_id, sha256
from avtech_schema.release import release_pointer

BINS = "bins"
"""Prefix of the bins' role names: `bins-00`, `bins-01`, …"""
SPEC_VERSION = "1.0.31"
RELEASE_FIELD = "x-avtech-release"
SIGNED_FIELD = "x-avtech-signed"
NAME_FIELD = "x-avtech-name"

ROOT_LIFETIME = timedelta(days=365)
TARGETS_LIFETIME = timedelta(days=365)
BINS_LIFETIME = timedelta(days=365)
SNAPSHOT_LIFETIME = timedelta(days=30)
TIMESTAMP_LIFETIME = timedelta(days=7)

MAX_ROOT_BYTES = 512_000
MAX_TIMESTAMP_BYTES = 16_384
MAX_SNAPSHOT_BYTES = 8_000_000
MAX_TARGETS_BYTES = 8_000_000

_COMPACT = JSONSerializer(compact=True)
S = TypeVar("S", Root, Timestamp, Snapshot, Targets)


@dataclass(frozen=True, slots=True)
class ReleasePointer:
    """The release record that signed metadata names."""

    sequence: int
    commit: CommitId
    digest: Sha256

    def json(self) -> dict[str, Any]:
        """As the snapshot spells it."""
        return release_pointer(sequence=self.sequence, commit=self.commit, digest=self.digest)


def to_bytes(metadata: Metadata[S]) -> bytes:
    """Compact JSON: a quarter smaller than the default."""
    return metadata.to_bytes(_COMPACT)


def canonical_json(signed: dict[str, Any]) -> bytes:
    """The canonical JSON that signatures are over. Where no character is escaped, orjson spells the same, much sooner."""
    spelt = orjson.dumps(signed, option=orjson.OPT_SORT_KEYS)
    return str(encode_canonical(signed)).encode() if b"\\" in spelt else spelt


class Canonical(SignedSerializer):
    """Has python-tuf sign metadata by `canonical_json`."""

    def serialize(self, signed_obj: Signed) -> bytes:
        """The bytes that are signed."""
        return canonical_json(signed_obj.to_dict())


def plain_name(key: Key) -> str | None:
    """The name that a key was added under."""
    name = key.unrecognized_fields.get(NAME_FIELD)
    return name if isinstance(name, str) and name.isprintable() and 0 < len(name) <= 64 else None


def key_name(key: Key) -> str:
    """How people know a key: by the name it was added under, if it has one, and the beginning of its id."""
    name = plain_name(key)
    return f"{name} ({key.keyid[:12]})" if name else key.keyid[:12]


def parse(data: bytes, kind: type[S], what: str) -> Metadata[S]:
    """Read metadata of one kind; its signatures are not looked at.

    Raises:
        TrustError: it is something else.
    """
    try:
        found: Metadata[Any] = Metadata.from_bytes(data)
    except DeserializationError as error:
        raise TrustError(f"{what} is not TUF metadata") from error
    if not isinstance(found.signed, kind):
        raise TrustError(f"{what} is metadata of the role {found.signed.type!r:.40}, not {kind.type}")
    return found


def verify(delegator: Root | Targets, role: str, metadata: Metadata[Any], what: str) -> None:
    """Check that enough of the keys that `delegator` names for a role signed.

    Raises:
        TrustError: they did not.
    """
    verify_bytes(delegator, role, canonical_json(metadata.signed.to_dict()), metadata.signatures, what)


def verify_bytes(delegator: Root | Targets, role: str, signed: bytes, signatures: dict[str, Signature], what: str) -> None:
    """The same for canonical bytes and their signatures by key id.

    Raises:
        TrustError: as for `verify`.
    """
    try:
        delegator.verify_delegate(role, signed, signatures)
    except (RepositoryError, ValueError) as error:
        raise TrustError(f"{what} is not signed by the keys that may sign it ({error})") from error


def snapshot_pointer(snapshot: Snapshot) -> ReleasePointer:
    """The release that a snapshot names.

    Raises:
        TrustError: it names none.
    """
    field = snapshot.unrecognized_fields.get(RELEASE_FIELD)
    try:
        if not isinstance(field, dict) or type(field["sequence"]) is not int or field["sequence"] < 1:
            raise ValueError(field)
        return ReleasePointer(field["sequence"], commit_id(field["commit"]), sha256(field["digest"]))
    except (KeyError, ValueError, TypeError) as error:
        raise TrustError("the snapshot does not name its release") from error


def rfc3339(instant: datetime) -> str:
    """An instant in UTC, to the second, with `Z`."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def expiry(now: datetime, lifetime: timedelta, *, whole_days: bool = False) -> datetime:
    """When something signed now expires. In whole days, so that a repeated run signs the same bytes."""
    instant = now.astimezone(UTC).replace(microsecond=0)
    if whole_days:
        instant = instant.replace(hour=0, minute=0, second=0) + timedelta(days=1)
    return instant + lifetime
