"""What the checks look at: the valid resources, and the names of those that exist but are faulty."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from avtech_controller.desired._models import mend_for, nearest
from avtech_controller.desired._spots import Mend, Spot
from avtech_controller.desired._state import DesiredState, Key, Origin, SlugKey
from avtech_controller.selection import Selection
from avtech_schema.identifiers import ClientId, Slug
from avtech_schema.resources import Resource, ScreenSelector

_MAX_COMPARISONS = 100_000
"""Names compared in search of similar ones, over all findings: a second's worth."""
_FEW = 200
"""Among this few names, a similar one is always sought."""


@dataclass(frozen=True, slots=True)
class View:
    """A state that may be incomplete. A faulty resource is known by name, so that nobody is told that it does not exist."""

    state: DesiredState
    fleets: tuple[Origin, ...] = ()
    """Every document of the kind Fleet, faulty ones included."""
    twins: tuple[tuple[Resource, Origin], ...] = ()
    """Resources whose name another one, read before, has already."""
    broken: frozenset[tuple[str, Key]] = frozenset()
    """Kinds and names of faulty documents."""
    broken_names: frozenset[str] = frozenset()
    """Names in texts that could not be read at all."""
    broken_selectors: Mapping[SlugKey, ScreenSelector] = field(default_factory=dict)
    """What faulty schedules select, where that can be told."""
    tables: Mapping[str, Mapping[Key, Resource]] = field(default_factory=dict)
    """The state's resources by kind and name."""
    selection: Selection = field(init=False, repr=False)
    _names: "_Names" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "selection", Selection(self.state))
        object.__setattr__(self, "_names", _Names(self.tables, self.broken))

    def spot(self, resource: Resource) -> Spot:
        """Where a resource was written."""
        return Spot(self.state.origin(resource))

    def exists(self, kind: str, key: Key) -> bool:
        """Whether a resource of this name exists, be it faulty."""
        name = key.name if isinstance(key, SlugKey) else key
        return key in self.tables[kind] or (kind, key) in self.broken or name in self.broken_names

    def names(self, kind: str, client: str | None = None) -> list[str]:
        """The names of a kind, of one client where they are per client, in order."""
        return self._names.of(kind, client)

    def owners(self, kind: str, name: str) -> list[str]:
        """The clients that have a resource of this kind and name."""
        return self._names.owners(kind, name)

    def nearest(self, kind: str, client: str | None, name: str) -> str | None:
        """The name most like another; given up when very many were sought among very many."""
        return self._names.nearest(kind, client, name)

    def mend(self, kind: str, client: str | None, name: str) -> Mend | None:
        """What a name is surely a slip of; asked only where `nearest` has an answer, which is as dear."""
        return mend_for(name, self.names(kind, client))

    def find(self, kind: str, client: str, name: str) -> Resource | None:
        """A valid resource by kind and name, within a client where names are per client."""
        table = self.tables[kind]
        return table.get(name) or table.get(SlugKey(ClientId(client), Slug(name)))


class _Names:
    """Names by kind and client, collected when the first is asked for."""

    def __init__(self, tables: Mapping[str, Mapping[Key, Resource]], broken: frozenset[tuple[str, Key]]) -> None:
        self._tables = tables
        self._broken = broken
        self._by_client: dict[str, dict[str | None, list[str]]] = {}
        self._owners: dict[str, dict[str, list[str]]] = {}
        self._nearest: dict[tuple[str, str | None, str], str | None] = {}
        self._comparisons = _MAX_COMPARISONS

    def of(self, kind: str, client: str | None) -> list[str]:
        self._collect(kind)
        return self._by_client[kind].get(client, [])

    def owners(self, kind: str, name: str) -> list[str]:
        self._collect(kind)
        return self._owners[kind].get(name, [])

    def nearest(self, kind: str, client: str | None, name: str) -> str | None:
        question = (kind, client, name)
        if question not in self._nearest:
            candidates = self.of(kind, client)
            if len(candidates) > _FEW:
                self._comparisons -= len(candidates)
            affordable = len(candidates) <= _FEW or self._comparisons > 0
            self._nearest[question] = nearest(name, candidates) if affordable else None
        return self._nearest[question]

    def _collect(self, kind: str) -> None:
        if kind in self._by_client:
            return
        by_client: dict[str | None, list[str]] = self._by_client.setdefault(kind, {})
        owners = self._owners.setdefault(kind, {})
        for name, owner in sorted(self._pairs(kind)):
            by_client.setdefault(None, []).append(name)
            by_client.setdefault(owner, []).append(name)
            owners.setdefault(name, []).append(owner)

    def _pairs(self, kind: str) -> Iterator[tuple[str, str]]:
        for broken, key in self._broken:
            if broken == kind:
                yield (key.name, key.client) if isinstance(key, SlugKey) else (key, key)
        for resource in self._tables[kind].values():
            yield resource.metadata.name, str(getattr(resource.spec, "client", resource.metadata.name))


def view_of(
    state: DesiredState,
    *,
    fleets: Iterable[Origin] = (),
    twins: Iterable[tuple[Resource, Origin]] = (),
    broken: Iterable[tuple[str, Key]] = (),
    broken_names: Iterable[str] = (),
    broken_selectors: Mapping[SlugKey, ScreenSelector] | None = None,
) -> View:
    """Look at a state together with what could not become part of it."""
    tables: dict[str, Mapping[Key, Resource]] = {
        "Client": dict(state.clients.items()),
        "Screen": dict(state.screens.items()),
        "Group": dict(state.groups.items()),
        "Playlist": dict(state.playlists.items()),
        "Schedule": dict(state.schedules.items()),
        "Video": dict(state.videos.items()),
        "AirCheck": dict(state.checks.items()),
    }
    return View(state, tuple(fleets), tuple(twins), frozenset(broken), frozenset(broken_names), broken_selectors or {}, tables)
