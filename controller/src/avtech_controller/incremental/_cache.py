"""A cache of what was compiled: sealed entries on a shelf. What is not surely our own is ignored and written anew."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from avtech_controller.incremental._ledger import Ledger, PartRecord, merged
from avtech_controller.incremental._pack import Pack, packed, unpacked
from avtech_controller.incremental._program import program
from avtech_controller.incremental._seal import BrokenSealError, Seal
from avtech_controller.incremental._shelf import Shelf

MAX_ENTRY_BYTES = 512 << 20
MAX_CACHE_BYTES = 1 << 30
"""Packs are forgotten, those not used for longest first, beyond so many bytes."""
_ORPHAN_DAYS = 14
"""An entry that no ledger of ours names may be another version's or another secret's: it is removed when so old."""
_LOST_RACES = 3
_DAY_S = 86_400
_LOG = logging.getLogger("avtech.cache")


class Cache:
    """What was compiled before, of one secret and one version of this program."""

    def __init__(self, shelf: Shelf, secret: bytes, *, today: date, limit: int = MAX_CACHE_BYTES) -> None:
        self.place = shelf.place
        self.ignored = 0
        """How many entries were damaged or foreign, and were ignored."""
        self._shelf = shelf
        self._seal = Seal.of(secret)
        self._today = (today - date(1970, 1, 1)).days
        self._limit = limit
        self._ledger: Ledger | None = None

    @property
    def ledger(self) -> Ledger:
        """What is remembered; empty if that is in doubt."""
        if self._ledger is None:
            self._ledger = self._read_ledger()
        return self._ledger

    def pack(self, record: PartRecord) -> Pack | None:
        """The manifests of a part, unless they were lost, damaged or are not ours."""
        return self._parsed(record, self._open(self._pack_name(record.pack)))

    def packs(self, records: Sequence[PartRecord]) -> list[Pack | None]:
        """The manifests of many parts, each as `pack` gives them, at once."""
        names = [self._pack_name(record.pack) for record in records]
        entries = self._shelf.get_all(names, limit=MAX_ENTRY_BYTES)
        found = (self._payload(name, entry) for name, entry in zip(names, entries, strict=True))
        return [self._parsed(record, data) for record, data in zip(records, found, strict=True)]

    def noted(self, what: str) -> bytes | None:
        """A note of something else that is known by its name."""
        return self._open(self._note_name(what))

    def note(self, what: str, data: bytes) -> None:
        """Keep a note; a later one takes its place."""
        self._shelf.put(self._note_name(what), self._seal.close(self._note_name(what), data))

    def _parsed(self, record: PartRecord, data: bytes | None) -> Pack | None:
        if data is None:
            return None
        try:
            if hashlib.sha256(data).hexdigest() != record.pack:
                raise ValueError("another content")
            pack = Pack.parse(data)
            if "".join(pack.digests) != record.digests:
                raise ValueError("other screens")
        except ValueError:
            self._ignore(record.pack)
            return None
        return pack

    def keep(
        self, records: Sequence[PartRecord], packs: Mapping[str, bytes], common: tuple[str, Sequence[Any]] | None = None
    ) -> None:
        """Keep the records that a run used or made, and the packs it made, by the digests of their content."""
        names = {self._pack_name(digest): data for digest, data in packs.items()}
        self._shelf.put_all({name: self._seal.close(name, data) for name, data in names.items()})
        known = self.ledger
        changed = known.note(records, self._today)
        if common and known.common.get(common[0]) is None:
            known.note_common(*common)
            changed = True
        if changed:
            self._write_ledger(known)

    def restore(self, record: PartRecord, data: bytes) -> None:
        """Keep a pack again that was lost or damaged."""
        if hashlib.sha256(data).hexdigest() == record.pack:
            name = self._pack_name(record.pack)
            self._shelf.put(name, self._seal.close(name, data))

    def _write_ledger(self, ledger: Ledger) -> None:
        for _ in range(_LOST_RACES):
            before = ledger.packs()
            ledger.shrink(self._limit)
            gone = before - ledger.packs()
            if sweeping := ledger.swept < self._today or bool(gone):
                ledger.swept = self._today
            if self._shelf.put(self._ledger_name(), self._seal.close(self._ledger_name(), packed(ledger.written()))):
                if sweeping:
                    self._sweep(ledger, gone)
                break
            ledger = merged(ledger, self._read_ledger())
        self._ledger = ledger

    def _sweep(self, ledger: Ledger, gone: set[str]) -> None:
        """Remove packs that were forgotten just now, and entries of nobody's when they are old or there are too many."""
        ours = {self._ledger_name(), *map(self._pack_name, ledger.packs())}
        gone_names = set(map(self._pack_name, gone))
        others = sorted((one for one in self._shelf.listing() if one.name not in ours), key=lambda one: -one.used)
        room = self._limit - sum(record.pack_size for record in ledger.records())
        for one in others:
            room -= one.size
            if room < 0 or one.name in gone_names or one.used < (self._today - _ORPHAN_DAYS) * _DAY_S:
                self._shelf.remove(one.name)

    def _read_ledger(self) -> Ledger:
        data = self._open(self._ledger_name())
        try:
            return Ledger.parse(unpacked(data)) if data is not None else Ledger()
        except ValueError:
            self._ignore(self._ledger_name())
            return Ledger()

    def _open(self, name: str) -> bytes | None:
        return self._payload(name, self._shelf.get(name, limit=MAX_ENTRY_BYTES))

    def _payload(self, name: str, entry: bytes | None) -> bytes | None:
        if entry is None:
            return None
        try:
            return self._seal.open(name, entry)
        except BrokenSealError:
            self._ignore(name)
            return None

    def _ignore(self, name: str) -> None:
        self.ignored += 1
        _LOG.warning("ignored %s in the cache %s: damaged, or not ours (%d so far)", name[-20:], self.place, self.ignored)

    def _ledger_name(self) -> str:
        return f"{self._seal.name}/{program()}.ledger"

    def _note_name(self, what: str) -> str:
        return f"{self._seal.name}/{hashlib.sha256(what.encode(errors='surrogateescape')).hexdigest()}.note"

    def _pack_name(self, digest: str) -> str:
        return f"{self._seal.name}/packs/{digest}"
