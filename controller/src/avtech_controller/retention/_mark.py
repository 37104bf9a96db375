"""The mark, `gc/mark.json`: what is to be removed and since when, what is kept on request, and who removes just now."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from avtech_controller.stores import ETag
from avtech_schema.canonical import canonical_bytes
from avtech_schema.errors import TrustError
from avtech_schema.fields import Fields, FieldsError
from avtech_schema.identifiers import ByteSize

MAX_MARK_BYTES = 64_000_000
MAX_MARKED = 100_000
"""Objects in one mark; what is beyond them waits for a later run."""
LEASE = timedelta(hours=1)
"""How long a run that removes is left alone; it stops itself after half of that."""
MAX_SPARED = 50_000
"""Objects kept on request; beyond them the oldest requests are forgotten."""


@dataclass(frozen=True, slots=True)
class Marked:
    """An object that nothing needed when it was marked."""

    key: str
    etag: ETag
    size: ByteSize
    since: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """One run that removes objects right now: its random token, when it began, and what it removes."""

    token: str
    time: datetime
    keys: frozenset[str]


@dataclass(frozen=True, slots=True)
class Mark:
    """What is marked by key; `spared` tells when somebody asked for an object that nothing needed yet."""

    objects: Mapping[str, Marked] = field(default_factory=dict)
    spared: Mapping[str, datetime] = field(default_factory=dict)
    claim: Claim | None = None

    def without(self, keys: Collection[str]) -> "Mark":
        """The same mark, but for some objects."""
        gone = frozenset(keys)
        claim = replace(self.claim, keys=self.claim.keys - gone) if self.claim else None
        return replace(self, objects={key: entry for key, entry in self.objects.items() if key not in gone}, claim=claim)

    def sparing(self, keys: Collection[str], now: datetime) -> "Mark":
        """The same mark, with a note that some objects are wanted."""
        spared = {**self.spared, **dict.fromkeys(keys, now)}
        newest = sorted(spared, key=lambda key: spared[key])[-MAX_SPARED:]
        return replace(self, spared={key: spared[key] for key in newest})

    def data(self) -> bytes:
        """The mark's one spelling."""
        value: dict[str, Any] = {
            "apiVersion": "avtech/v1",
            "kind": "Mark",
            "objects": [
                {"key": entry.key, "etag": entry.etag, "size": entry.size, "since": _text(entry.since)}
                for _, entry in sorted(self.objects.items())
            ],
            "spared": [{"key": key, "time": _text(time)} for key, time in sorted(self.spared.items())],
            "claim": self.claim
            and {"token": self.claim.token, "time": _text(self.claim.time), "keys": sorted(self.claim.keys)},
        }
        return canonical_bytes(value)


def parse_mark(data: bytes) -> Mark:
    """Read a mark. It is not signed: it can only be used to remove less, or what nothing needs anyway.

    Raises:
        TrustError: it is not a mark.
    """
    try:
        fields = Fields.parse(data, "gc/mark.json")
        fields.constant("apiVersion", "avtech/v1")
        fields.constant("kind", "Mark")
        found = [_marked(entry) for entry in fields.objects("objects")]
        spared = [_spared(entry) for entry in fields.objects("spared")]
        claim = fields.optional_object("claim")
        mark = Mark({entry.key: entry for entry in found}, dict(spared), _claim(claim) if claim else None)
        fields.finish()
    except FieldsError as error:
        raise TrustError(str(error), hint="remove gc/mark.json: `avtech gc --yes` marks anew") from error
    return mark


def _marked(fields: Fields) -> Marked:
    entry = Marked(
        key=fields.text("key", limit=1000),
        etag=ETag(fields.text("etag", limit=200)),
        size=ByteSize(fields.integer("size")),
        since=fields.one("since", _time),
    )
    fields.finish()
    return entry


def _spared(fields: Fields) -> tuple[str, datetime]:
    entry = (fields.text("key", limit=1000), fields.one("time", _time))
    fields.finish()
    return entry


def _claim(fields: Fields) -> Claim:
    claim = Claim(fields.text("token", limit=100), fields.one("time", _time), frozenset(fields.texts("keys", str)))
    fields.finish()
    return claim


def _time(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("a time without a zone")
    return found.astimezone(UTC)


def _text(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
