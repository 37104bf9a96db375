"""The ledger of a cache: for each part of a repository, what came of it the last few times it was compiled."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

VERSIONS = 4
"""So many versions of one part are remembered: those of branches that are built by turns."""


@dataclass(frozen=True, slots=True)
class PartRecord:
    """A part without errors: what it was compiled from, by its key, and what came of it.

    Long lists are kept as one text each, so that a ledger of very many screens is read at once.
    """

    part: str
    key: str
    pack: str
    """Its pack's name, by the digest of its content."""
    pack_size: int
    files: int
    bytes: int
    """How many files it has, and their bytes."""
    screens: str
    """Names, in order, divided by spaces."""
    digests: str
    """The digests of their manifests, 64 characters each."""
    sizes: Sequence[int]
    labels: str
    """JSON: the different sets of labels, and for each screen the number of its set."""
    titles: str
    """JSON: what people call each clip."""
    clients: str
    """JSON: the resources of the kind Client."""
    findings: Sequence[Any]
    """Its warnings (no error is ever kept), as JSON values."""
    used: int = 0
    """The day of its last use, counted from 1970."""

    def value(self) -> list[Any]:
        """As a JSON value."""
        return [getattr(self, name) for name in self.__dataclass_fields__]


@dataclass(slots=True)
class Ledger:
    """Records by part, the last used first; and the warnings of what is no part's, by their key."""

    parts: dict[str, list[PartRecord]] = field(default_factory=dict)
    common: dict[str, Sequence[Any]] = field(default_factory=dict)
    swept: int = 0
    """The day on which what no ledger names was last looked for."""

    @classmethod
    def parse(cls, data: bytes) -> "Ledger":
        """Read a ledger whose seal held.

        Raises:
            ValueError: it is none.
        """
        try:
            parts, common, swept = orjson.loads(data)
            records = {part: [PartRecord(*value) for value in values] for part, values in parts.items()}
        except (TypeError, AttributeError) as error:
            raise ValueError("not a ledger") from error
        return cls(records, common, swept)

    def written(self) -> bytes:
        """As bytes."""
        parts = {part: [record.value() for record in records] for part, records in self.parts.items()}
        return orjson.dumps([parts, self.common, self.swept])

    def versions(self, part: str) -> Sequence[PartRecord]:
        """What came of a part the last few times, the last one first."""
        return self.parts.get(part, ())

    def find(self, part: str, key: str) -> PartRecord | None:
        """What came of a part as it is now."""
        return next((record for record in self.versions(part) if record.key == key), None)

    def latest(self, part: str) -> PartRecord | None:
        """What came of a part the last time."""
        return next(iter(self.versions(part)), None)

    def packs(self) -> set[str]:
        """The packs of all records."""
        return {record.pack for record in self.records()}

    def records(self) -> Iterator[PartRecord]:
        """All records."""
        return (record for records in self.parts.values() for record in records)

    def note(self, records: Iterable[PartRecord], today: int) -> bool:
        """Put records of this run first, as used today; whether anything changed."""
        changed = False
        for record in records:
            known = self.parts.setdefault(record.part, [])
            if known and known[0].key == record.key and known[0].pack == record.pack and known[0].used >= today:
                continue
            others = [one for one in known if one.key != record.key]
            self.parts[record.part] = [replace(record, used=today), *others[: VERSIONS - 1]]
            changed = True
        return changed

    def note_common(self, key: str, findings: Sequence[Any]) -> None:
        """Remember the warnings of what is no part's."""
        others = {known: found for known, found in self.common.items() if known != key}
        self.common = {key: findings} | dict(list(others.items())[: VERSIONS - 1])

    def shrink(self, limit: int) -> None:
        """Forget what was not used for longest, until packs hold no more than `limit` bytes."""
        ordered = sorted(self.records(), key=lambda record: record.used, reverse=True)
        total, keep = 0, set[tuple[str, str]]()
        for record in ordered:
            total += record.pack_size
            if total <= limit:
                keep.add((record.part, record.key))
        kept = {part: [one for one in records if (part, one.key) in keep] for part, records in self.parts.items()}
        self.parts = {part: records for part, records in kept.items() if records}


def merged(ours: Ledger, theirs: Ledger) -> Ledger:
    """Both ledgers' records: all they say is true, whoever wrote last."""
    both = Ledger(dict(theirs.parts), dict(theirs.common), max(ours.swept, theirs.swept))
    for part, records in ours.parts.items():
        known = {record.key for record in records}
        others = [record for record in theirs.parts.get(part, ()) if record.key not in known]
        both.parts[part] = sorted([*records, *others], key=lambda record: record.used, reverse=True)[:VERSIONS]
    for key, findings in ours.common.items():
        both.note_common(key, findings)
    return both


def labels_text(labels: Iterable[Mapping[str, str]]) -> str:
    """The labels of screens as a record has them."""
    numbers: dict[str, int] = {}
    chosen = [numbers.setdefault(orjson.dumps(one, option=orjson.OPT_SORT_KEYS).decode(), len(numbers)) for one in labels]
    return orjson.dumps([[orjson.Fragment(one) for one in numbers], chosen]).decode()


def labels_of(text: str) -> list[dict[str, str]]:
    """The labels of screens from a record, in order."""
    sets, chosen = orjson.loads(text)
    return [sets[number] for number in chosen]
