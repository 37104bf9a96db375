"""How a writer that reuses an object makes sure that no collection takes it: it takes the object out of the mark.

A collection removes only what was in the mark when it claimed it, by the same compare-and-swap. So of a writer and a
collection that want the same object one goes first: either the object is out of the mark, or the writer learns that it
is being removed, and waits.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime

from avtech_controller.retention._mark import LEASE, MAX_MARK_BYTES, Mark, parse_mark
from avtech_controller.stores import ETag, ObjectStore, PreconditionFailedError, Stored, StoreError
from avtech_schema.errors import TrustError
from avtech_schema.layout import MARK_KEY

_ATTEMPTS = 50


class SweepUnderwayError(StoreError):
    """Objects that are wanted are being removed by `avtech gc` at this moment."""

    hint = "run again in a few minutes; if that `avtech gc` died, an hour after it began"


def read_mark(store: ObjectStore) -> tuple[Mark, ETag | None]:
    """The mark and its ETag; an empty one when there surely is none.

    Raises:
        TrustError: what lies there is not a mark.
        StoreError, StoreConfigurationError: the store failed.
    """
    stored = store.get(MARK_KEY, limit=MAX_MARK_BYTES)
    return (parse_mark(stored.data), stored.etag) if isinstance(stored, Stored) else (Mark(), None)


def write_mark(store: ObjectStore, mark: Mark, etag: ETag | None) -> ETag:
    """Replace the mark that was read with this ETag (None: there was none).

    Raises:
        PreconditionFailedError: somebody changed it meanwhile.
        StoreError, StoreConfigurationError: the store failed.
    """
    data = mark.data()
    return store.create(MARK_KEY, data) if etag is None else store.replace(MARK_KEY, data, etag=etag)


def spare(store: ObjectStore, keys: Collection[str], now: datetime, *, note: bool = False) -> ETag | None:
    """Take objects out of the mark; with `note` also remember that they are wanted, though nothing released needs them yet.

    Returns the ETag of the mark in which they are not, None if there is no mark.

    Raises:
        SweepUnderwayError: one of them is being removed at this moment.
        StoreError, StoreConfigurationError: the store failed.
    """
    wanted = frozenset(keys)
    for _ in range(_ATTEMPTS):
        try:
            mark, etag = read_mark(store)
        except TrustError:
            return store.etag(MARK_KEY)  # no collection can read it either, so none removes by it
        if mark.claim and now - mark.claim.time < LEASE and (taken := wanted & mark.claim.keys):
            raise SweepUnderwayError(f"{min(taken)} in {store.url} is being removed at this moment")
        if not (note or wanted & mark.objects.keys()):
            return etag
        fresh = mark.without(wanted)
        try:
            return write_mark(store, fresh.sparing(wanted, now) if note else fresh, etag)
        except PreconditionFailedError:
            continue
    raise StoreError(f"{MARK_KEY} in {store.url} changed {_ATTEMPTS} times meanwhile")


@dataclass(slots=True)
class Guard:
    """Keeps the objects that a release reuses from being collected before the release is visible.

    `begin` comes before looking whether they are there, `hold` right before the swap that makes the release visible.
    """

    store: ObjectStore
    keys: Collection[str]
    clock: Callable[[], datetime]
    _seen: ETag | None = field(default=None, init=False)

    def begin(self) -> None:
        """Take the objects out of the mark.

        Raises:
            SweepUnderwayError, StoreError, StoreConfigurationError: as for `spare`.
        """
        self._seen = spare(self.store, self.keys, self.clock())

    def hold(self) -> bool:
        """Take them out again; False says that the mark changed, so that one may be gone: look again whether they are there.

        Raises:
            SweepUnderwayError, StoreError, StoreConfigurationError: as for `spare`.
        """
        before, self._seen = self._seen, spare(self.store, self.keys, self.clock())
        return self._seen == before
