"""What the spool knows of itself beside its records: the chain, how far it is sealed and uploaded, what was lost."""

from dataclasses import dataclass
from pathlib import Path

from avtech_player.durable import TooLargeError, read_bounded, replace_atomically
from avtech_schema.canonical import canonical_bytes, sha256_hex
from avtech_schema.fields import Fields, FieldsError
from avtech_schema.identifiers import Sha256, sha256
from avtech_schema.layout import chain_id
from avtech_schema.plays import Statement

_MAX_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Index:
    """The chain's name, its last sealed segment (its number and the digest of its statement) and record, and counts.

    `uploaded` is the number of the last segment that the store holds; `dropped` counts records lost in this chain.
    """

    chain: str
    sealed: int = 0
    previous: Sha256 | None = None
    last: int = 0
    uploaded: int = 0
    dropped: int = 0

    def after(self, statement: Statement) -> "Index":
        """The index once a segment is sealed."""
        digest = sha256_hex(statement.payload())
        return Index(self.chain, statement.number, digest, statement.last, self.uploaded, self.dropped)


def load_index(path: Path) -> Index | None:
    """The index; None when there is none that can be believed.

    Raises:
        DiskError: the disk cannot be read.
    """
    try:
        data = read_bounded(path, limit=_MAX_BYTES)
        if data is None:
            return None
        fields = Fields.parse(data, "spool")
        checksum, body = fields.one("checksum", sha256), fields.take("index")
        if sha256_hex(canonical_bytes(body)) != checksum:
            return None
        return _index(Fields(body, "spool"))
    except (TooLargeError, ValueError):
        return None


def save_index(path: Path, index: Index) -> None:
    """Replace the index.

    Raises:
        DiskError: the disk refused; the old one stands.
    """
    body = {
        "chain": index.chain,
        "sealed": index.sealed,
        "previous": index.previous,
        "last": index.last,
        "uploaded": index.uploaded,
        "dropped": index.dropped,
    }
    checksum = sha256_hex(canonical_bytes(body))
    replace_atomically(path, canonical_bytes({"checksum": checksum, "index": body}) + b"\n", ours=True)


def _index(fields: Fields) -> Index:
    index = Index(
        chain=fields.one("chain", chain_id),
        sealed=fields.integer("sealed"),
        previous=fields.optional("previous", sha256),
        last=fields.integer("last"),
        uploaded=fields.integer("uploaded"),
        dropped=fields.integer("dropped"),
    )
    fields.finish()
    if index.uploaded > index.sealed or (index.sealed > 0) != (index.previous is not None):
        raise FieldsError("spool: the counts contradict each other")
    return index
