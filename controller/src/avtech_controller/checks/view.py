"""What the checks look at: the valid resources, and the names of those that exist but are faulty."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from avtech_controller.desired._content import ANY_NAME
from avtech_controller.desired._index import Index, folder_owner
from avtech_controller.desired._models import mend_for, nearest
from avtech_controller.desired._past import Past
from avtech_controller.desired._spots import Mend, Spot
from avtech_controller.desired._state import DesiredState, Key, Origin, SlugKey, Stray
from avtech_controller.selection import Ghosts, Selection
from avtech_schema.identifiers import ClientId, ScreenId, Slug
from avtech_schema.resources import Resource, ScreenSelector

_MAX_COMPARISONS = 100_000
"""Names compared in search of similar ones, over all findings of a part: a second's worth."""
_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")
_FEW = 200
"""Among this few names, a similar one is always sought."""


@dataclass(frozen=True, slots=True)
class View:
    """A part of a state that may be incomplete. A faulty resource is known by name: nobody is told that it does not exist."""

    state: DesiredState
    index: Index
    """What there is in all the parts."""
    twins: tuple[tuple[Resource, Origin, Origin], ...] = ()
    """Resources whose name another one, read before, has already: where they are, and where that one is."""
    broken: frozenset[tuple[str, Key]] = frozenset()
    """Kinds and names of faulty documents."""
    broken_names: frozenset[str] = frozenset()
    """Names in texts that could not be read at all."""
    broken_selectors: Mapping[tuple[str, Key], ScreenSelector] = field(default_factory=dict)
    """What faulty schedules and groups select, where that can be told."""
    tables: Mapping[str, Mapping[Key, Resource]] = field(default_factory=dict)
    """The state's resources by kind and name."""
    ghosts: Ghosts = field(default_factory=dict)
    """Faulty screens, with what selects them."""
    nameless: frozenset[str] = frozenset()
    """Kinds of which a document has no usable name."""
    strays: tuple[Stray, ...] = ()
    """Documents whose client does not exist."""
    past: Past = field(default_factory=Past, repr=False)
    """What names were before."""
    selection: Selection = field(init=False, repr=False)
    """The valid screens that are selected."""
    whole_selection: Selection = field(init=False, repr=False)
    """The same with the faulty ones."""
    _names: "_Names" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "selection", Selection(self.state))
        whole = Selection(self.state, self.ghosts) if self.ghosts else self.selection
        object.__setattr__(self, "whole_selection", whole)
        object.__setattr__(self, "_names", _Names(self.tables, self.broken, self.index))

    def spot(self, resource: Resource) -> Spot:
        """Where a resource was written."""
        return Spot(self.state.origin(resource))

    def exists(self, kind: str, key: Key) -> bool:
        """Whether a resource of this name exists, be it faulty: of any client where it is one, else of this part."""
        name = key.name if isinstance(key, SlugKey) else key
        if ANY_NAME in self.broken_names or (kind in self.nameless and not self.mend(kind, name)):
            return True
        if key in self.tables[kind] or (kind, key) in self.broken or name in self.broken_names:
            return True
        return kind == "Client" and bool(self.index.known.owners(kind, name))

    @property
    def is_in_doubt(self) -> bool:
        """Whether something could not be read, so that what seems to be missing may stand there."""
        return bool(self.broken_names)

    def unsure_screens(self) -> Collection[ScreenId] | None:
        """The screens that faulty schedules may reach; None if these cannot be told."""
        schedules = [key for kind, key in self.broken if kind == "Schedule" and isinstance(key, SlugKey)]
        groups = any(kind == "Group" for kind, _ in self.broken)
        known = all(("Schedule", key) in self.broken_selectors for key in schedules)
        if self.broken_names or groups or "Schedule" in self.nameless or not known or self._selects_what_is_not_there():
            return None
        chosen = [(key.client, self.broken_selectors["Schedule", key]) for key in schedules]
        found: set[ScreenId] = set()
        return found.union(*(self.selection.screens(client, selector) for client, selector in chosen))

    def _selects_what_is_not_there(self) -> bool:
        """Whether a schedule or group names a screen or group that does not exist, and may mean any."""
        chosen = [(key.client, one.spec.screens.names, one.spec.screens.groups) for key, one in self.state.schedules.items()]
        chosen += [(key.client, one.spec.screens, []) for key, one in self.state.groups.items()]
        return any(
            any(name not in self.tables["Screen"] and ("Screen", name) not in self.broken for name in names)
            or any(not self.exists("Group", SlugKey(client, Slug(name))) for name in groups)
            for client, names, groups in chosen
        )

    def is_misfiled(self, resource: Resource) -> bool:
        """Whether a resource lies in the folder of another client that there is."""
        folder = folder_owner(self.state.origin(resource).file)
        return bool(folder) and folder in self.index.claimed and folder != getattr(resource.spec, "client", folder)

    def names(self, kind: str) -> list[str]:
        """The names of a kind in this part, in order; the names of clients are all there are."""
        return self._names.of(kind)

    def nearest(self, kind: str, name: str) -> str | None:
        """The name most like another; given up when very many were sought among very many."""
        return self._names.nearest(kind, name)

    def mend(self, kind: str, name: str) -> Mend | None:
        """What a name is surely a slip of; asked only where `nearest` has an answer, which is as dear."""
        return mend_for(name, self.names(kind))

    def elsewhere(self, kind: str, name: str, client: str) -> tuple[str, Origin] | None:
        """Another client that has a resource of this kind and name, and where."""
        return next((found for found in self.index.known.owners(kind, name) if found[0] != client), None)

    def find(self, kind: str, client: str, name: str) -> Resource | None:
        """A valid resource of this part by kind and name."""
        table = self.tables[kind]
        return table.get(name) or table.get(SlugKey(ClientId(client), Slug(name)))


class _Names:
    """Names by kind, collected when the first is asked for."""

    def __init__(self, tables: Mapping[str, Mapping[Key, Resource]], broken: frozenset[tuple[str, Key]], index: Index) -> None:
        self._tables = tables
        self._broken = broken
        self._index = index
        self._known: dict[str, list[str]] = {}
        self._nearest: dict[tuple[str, str], str | None] = {}
        self._comparisons = _MAX_COMPARISONS

    def of(self, kind: str) -> list[str]:
        if kind not in self._known:
            self._known[kind] = sorted(self._index.known.of(kind) if kind == "Client" else set(self._own(kind)))
        return self._known[kind]

    def nearest(self, kind: str, name: str) -> str | None:
        question = (kind, name)
        if question not in self._nearest:
            candidates = self.of(kind)
            if len(candidates) > _FEW:
                self._comparisons -= len(candidates)
            affordable = len(candidates) <= _FEW or self._comparisons > 0
            self._nearest[question] = nearest(name, candidates) if affordable else None
        return self._nearest[question]

    def _own(self, kind: str) -> Iterator[str]:
        for broken, key in self._broken:
            name = key.name if isinstance(key, SlugKey) else key
            if broken == kind and _NAME.fullmatch(name):
                yield name
        for resource in self._tables[kind].values():
            yield resource.metadata.name


def view_of(
    state: DesiredState,
    *,
    index: Index | None = None,
    twins: Iterable[tuple[Resource, Origin, Origin]] = (),
    broken: Iterable[tuple[str, Key]] = (),
    broken_names: Iterable[str] = (),
    broken_selectors: Mapping[tuple[str, Key], ScreenSelector] | None = None,
    ghosts: Ghosts | None = None,
    nameless: Iterable[str] = (),
    strays: Iterable[Stray] = (),
    past: Past | None = None,
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
    return View(
        state,
        index or Index(),
        tuple(twins),
        frozenset(broken),
        frozenset(broken_names),
        broken_selectors or {},
        tables,
        ghosts or {},
        frozenset(nameless),
        tuple(strays),
        past or Past(),
    )
