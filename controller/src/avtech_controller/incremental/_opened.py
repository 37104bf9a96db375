"""Packs that are open: each is opened when something of it is asked for, and those asked for last are held."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from threading import RLock
from typing import Generic, TypeVar

from avtech_controller.incremental._pack import Pack

P = TypeVar("P", Pack, Pack | None)


class Opened(Generic[P]):
    """Opened packs by name, of at most so many manifests, as their recipes; may be asked from any thread."""

    def __init__(self, opened: Mapping[str, P], *, most: int) -> None:
        self._held: OrderedDict[str, P] = OrderedDict(opened)
        self._most = most
        self._lock = RLock()

    def get(self, name: str, open_pack: Callable[[str], P]) -> P:
        """A pack, opened by its name unless it is held."""
        with self._lock:
            if name not in self._held:
                self._held[name] = open_pack(name)
                while len(self._held) > 1 and sum(map(_manifests, self._held.values())) > self._most:
                    self._held.popitem(last=False)
            self._held.move_to_end(name)
            return self._held[name]


def _manifests(pack: Pack | None) -> int:
    return 0 if pack is None else len(pack.recipes)
