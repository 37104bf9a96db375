"""Tells when what is released changed: asks the store now and then whether its timestamp is another one."""

import contextlib
import threading
from collections.abc import Generator
from contextlib import contextmanager

from avtech_controller.stores import ETag, NotModified, ObjectStore, Stored
from avtech_schema.errors import AvtechError
from avtech_schema.layout import TIMESTAMP_KEY

POLL_SECONDS = 15.0
_MAX_BYTES = 1 << 20


class ReleaseWatch:
    """Whether there is another release than when it was asked last; a store that does not answer says nothing."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._etag: ETag | None = None
        self._known = False
        self._changed = threading.Event()

    def poll(self) -> None:
        """Ask the store once."""
        with contextlib.suppress(AvtechError):
            found = self._store.get(TIMESTAMP_KEY, limit=_MAX_BYTES, if_none_match=self._etag)
            if isinstance(found, NotModified):
                return
            etag = found.etag if isinstance(found, Stored) else None
            if self._known and etag != self._etag:
                self._changed.set()
            self._known, self._etag = True, etag

    def is_changed(self) -> bool:
        """Whether it changed, without taking note of it."""
        return self._changed.is_set()

    def take(self) -> bool:
        """Whether it changed since this was asked last."""
        changed = self._changed.is_set()
        self._changed.clear()
        return changed


@contextmanager
def watching_release(store: ObjectStore | None, *, every: float = POLL_SECONDS) -> Generator[ReleaseWatch | None, None, None]:
    """Poll a store in a thread of its own until the end, so that one that hangs keeps nobody waiting."""
    if store is None:
        yield None
        return
    watch, ended = ReleaseWatch(store), threading.Event()

    def run() -> None:
        watch.poll()
        while not ended.wait(every):
            watch.poll()

    threading.Thread(target=run, daemon=True, name="avtech-release").start()
    try:
        yield watch
    finally:
        ended.set()
