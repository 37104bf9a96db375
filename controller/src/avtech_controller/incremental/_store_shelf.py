"""A shelf in an object store: few requests, conditional writes; a store that fails costs the cache, never the run."""

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from avtech_controller.incremental._shelf import Kept, is_entry
from avtech_controller.stores import ETag, Listed, NewObject, ObjectStore, PreconditionFailedError, Stored, StoreError
from avtech_schema.errors import AvtechError

_LOG = logging.getLogger("avtech.cache")
R = TypeVar("R")
_PREFIX = "compiled/"
"""Entries are kept apart from whatever else the store holds."""


class StoreShelf:
    """Entries as objects below a prefix of a store. After the first failure it is left alone for the rest of the run."""

    def __init__(self, store: ObjectStore) -> None:
        self.place = store.url
        self._store = store
        self._etags: dict[str, ETag] = {}
        self._failed = False

    def get(self, name: str, *, limit: int) -> bytes | None:
        """Read an entry; see `Shelf.get`."""
        found = self._try(lambda: self._store.get(_PREFIX + name, limit=limit), None)
        if not isinstance(found, Stored):
            return None
        self._etags[name] = found.etag
        return found.data

    def get_all(self, names: Sequence[str], *, limit: int) -> list[bytes | None]:
        """Read many entries; see `Shelf.get_all`."""

        def take(key: str, found: Stored | StoreError | None) -> bytes | None:
            del key
            return found.data if isinstance(found, Stored) else None

        nothing: list[bytes | None] = [None] * len(names)
        return self._try(lambda: self._store.get_all([_PREFIX + name for name in names], limit=limit, take=take), nothing)

    def put(self, name: str, data: bytes) -> bool:
        """Keep an entry; see `Shelf.put`. It replaces only what was read before."""

        def write() -> bool:
            key = _PREFIX + name
            try:
                known = self._etags.get(name)
                etag = self._store.replace(key, data, etag=known) if known else self._store.create(key, data)
            except PreconditionFailedError:
                self._etags.pop(name, None)
                return False
            self._etags[name] = etag
            return True

        return self._try(write, fallback=True)

    def put_all(self, entries: Mapping[str, bytes]) -> None:
        """Keep many entries; see `Shelf.put_all`."""
        for name in self._etags.keys() & entries.keys():  # was read, and is not what it should be
            self.put(name, entries[name])
        new = {_PREFIX + name: data for name, data in entries.items() if name not in self._etags}
        if objects := [NewObject(key, partial(bytes, data)) for key, data in new.items()]:
            nothing: list[bool] = []
            self._try(lambda: self._store.create_all(objects), nothing)

    def listing(self) -> list[Kept]:
        """All entries; see `Shelf.listing`. When they were last read is not known: they count as used when written."""
        nothing: list[Listed] = []
        found = self._try(lambda: list(self._store.listing(_PREFIX)), nothing)
        kept = (Kept(one.key.removeprefix(_PREFIX), one.size, one.modified.timestamp()) for one in found)
        return [one for one in kept if is_entry(one.name)]

    def remove(self, name: str) -> None:
        """Forget an entry; see `Shelf.remove`."""

        def delete() -> bool:
            etag = self._store.etag(_PREFIX + name)
            return etag is not None and self._store.delete(_PREFIX + name, etag=etag)

        self._try(delete, fallback=False)

    def _try(self, act: Callable[[], R], fallback: R) -> R:
        if self._failed:
            return fallback
        try:
            return act()
        except AvtechError as error:
            self._failed = True
            _LOG.warning("the cache in %s is not used: %s", self.place, error)
            return fallback
