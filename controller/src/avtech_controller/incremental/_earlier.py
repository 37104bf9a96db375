"""Manifests that were compiled before and are still in the cache: what is released need not be fetched to be compared with."""

from avtech_controller.incremental._cache import Cache
from avtech_controller.incremental._ledger import PartRecord
from avtech_controller.incremental._opened import Opened
from avtech_controller.incremental._pack import Pack
from avtech_controller.roster import ManifestRef, split_digests
from avtech_schema.canonical import sha256_hex
from avtech_schema.identifiers import ClientId, Sha256

_OPEN_MANIFESTS = 10_000
"""So many manifests of opened packs are held at once, as their recipes."""


class Earlier:
    """The versions of parts that a cache holds; their packs are opened when they are asked for, and the last ones held."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._opened: Opened[Pack | None] = Opened({}, most=_OPEN_MANIFESTS)
        self._places: dict[ClientId, dict[Sha256, tuple[PartRecord, int]]] = {}

    def pack(self, record: PartRecord) -> Pack | None:
        """The pack of a part's version; None if it was lost or damaged."""
        return self._opened.get(record.pack, lambda _: self._cache.pack(record))

    def data(self, screen: ManifestRef) -> bytes | None:
        """The bytes of a manifest, surely those of its digest; None if they are not known."""
        place = self._places_of(screen.client).get(screen.digest)
        if place is None or (pack := self.pack(place[0])) is None:
            return None
        data = pack.data(place[1])
        return data if sha256_hex(data) == screen.digest else None

    def _places_of(self, client: ClientId) -> dict[Sha256, tuple[PartRecord, int]]:
        if client not in self._places:
            self._places[client] = {
                digest: (record, number)
                for record in self._cache.ledger.versions(client)
                for number, digest in enumerate(split_digests(record.digests))
            }
        return self._places[client]
