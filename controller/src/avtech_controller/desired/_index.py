"""Who owns which name in which file: all that one client's resources need to know of everything else.

Resources refer only to their own client's, so a repository is checked client by client; this is what joins the parts.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from avtech_controller.desired._read import FileContent
from avtech_controller.desired._state import Origin, SlugKey
from avtech_schema.resources import Client, Fleet, Resource

REPOSITORY = ""
"""The part that is no client's: the Fleet, and files of which cannot be told whose they are."""
_GLOBAL = ("Fleet", "Client", "Screen", "Video")
"""Kinds whose names are unique in the whole repository."""


class Declared(NamedTuple):
    """A name that a document declares; `broken` if the document is faulty."""

    kind: str
    name: str
    owner: str
    document: int
    broken: bool


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a file means to the others: the names it declares, and whose parts it belongs to."""

    declared: tuple[Declared, ...] = ()
    homes: tuple[str, ...] = ()
    """The clients whose part the file belongs to, the one that its own findings go to first; or `REPOSITORY`."""
    fleets: tuple[int, ...] = ()
    """The documents of the kind Fleet, faulty ones included."""
    loose: tuple[str, ...] = ()
    """Names in a text that could not be read, if the file is nobody's."""
    unread: bool = False
    """Whether a document could not be read, or is of no known kind."""


def owner_of(resource: Resource) -> str:
    """The client that a resource belongs to."""
    match resource:
        case Fleet():
            return REPOSITORY
        case Client():
            return resource.metadata.name
        case _:
            return resource.spec.client


def folder_owner(path: str) -> str:
    """The client whose folder a file lies in."""
    parts = path.split("/", 2)
    return parts[1] if len(parts) == 3 and parts[1].startswith("CLI-") else REPOSITORY


def home_of(content: FileContent, origin: Origin) -> str:
    """The part that a faulty document belongs to: that of the client it names, else that of its folder."""
    return content.owners.get(origin) or folder_owner(origin.file)


def facts_of(path: str, content: FileContent) -> FileFacts:
    """What a file means to the others."""
    declared = [
        Declared(resource.kind, resource.metadata.name, owner_of(resource), origin.document, broken=False)
        for resource, origin in content.resources
    ]
    for origin, (kind, key) in content.broken.items():
        name = key.name if isinstance(key, SlugKey) else key
        declared.append(Declared(kind, name, home_of(content, origin), origin.document, broken=True))
    folder = folder_owner(path)
    homes = {one.owner for one in declared} | {home_of(content, problem.spot.origin) for problem in content.problems}
    if content.findings or content.broken_names or not homes:
        homes.add(folder)
    first = folder if folder in homes else min(homes)
    fleets = [one.document for one in declared if one.kind == "Fleet"] + [origin.document for origin in content.broken_fleets]
    return FileFacts(
        tuple(declared),
        (first, *sorted(homes - {first})),
        tuple(sorted(set(fleets))),
        () if folder else tuple(sorted(content.broken_names)),
        bool(content.broken_names),
    )


@dataclass(frozen=True, slots=True)
class Index:
    """The facts of all files, in order of their paths, and what follows from them."""

    facts: Mapping[str, FileFacts] = field(default_factory=dict)
    parts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The files of each part."""
    twins: Mapping[Origin, Origin] = field(default_factory=dict)
    """Documents whose name another one, read before, has already; and that one."""
    fleets: tuple[Origin, ...] = ()
    loose: frozenset[str] = frozenset()
    unread: bool = False
    """Whether some document could not be read, so that what seems to be missing may stand there."""
    clients: tuple[str, ...] = ()
    screens: int = 0
    """How many screens there are."""
    screen_names: str = ""
    """One name for the names of all screens."""
    known: "Names" = field(default_factory=lambda: Names({}))

    @classmethod
    def of(cls, facts: Mapping[str, FileFacts]) -> "Index":
        """Index the facts of files by path."""
        facts = dict(sorted(facts.items()))
        parts: dict[str, list[str]] = {}
        for path, here in facts.items():
            for home in here.homes:
                parts.setdefault(home, []).append(path)
        known = Names(facts)
        screens = sorted(known.of("Screen"))
        return cls(
            facts=facts,
            parts=parts,
            twins=_twins(facts),
            fleets=tuple(Origin(path, document) for path, here in facts.items() for document in here.fleets),
            loose=frozenset(name for here in facts.values() for name in here.loose),
            unread=any(here.unread for here in facts.values()),
            clients=tuple(sorted(known.of("Client"))),
            screens=len(screens),
            screen_names=hashlib.sha256("\n".join(screens).encode()).hexdigest(),
            known=known,
        )


def _twins(facts: Mapping[str, FileFacts]) -> dict[Origin, Origin]:
    first: dict[tuple[str, str, str], tuple[str, int]] = {}
    twins: dict[Origin, Origin] = {}
    for path, here in facts.items():
        for kind, name, owner, document, broken in here.declared:
            if broken:
                continue
            found = first.setdefault((kind, name, "" if kind in _GLOBAL else owner), (path, document))
            if found != (path, document):
                twins[Origin(path, document)] = Origin(*found)
    return twins


class Names:
    """Names by kind, collected when the first is asked for."""

    def __init__(self, facts: Mapping[str, FileFacts]) -> None:
        self._facts = facts

    def of(self, kind: str) -> Mapping[str, list[tuple[str, Origin]]]:
        """Every name of a kind, with the clients that have one of that name, and where."""
        return self._by_kind.get(kind, {})

    def valid(self, kind: str) -> set[str]:
        """The names of a kind whose documents are without fault."""
        return {one.name for here in self._facts.values() for one in here.declared if one.kind == kind and not one.broken}

    def owners(self, kind: str, name: str) -> list[tuple[str, Origin]]:
        """The clients that have a resource of this kind and name, and where."""
        return self.of(kind).get(name, [])

    @cached_property
    def _by_kind(self) -> dict[str, dict[str, list[tuple[str, Origin]]]]:
        found: dict[str, dict[str, list[tuple[str, Origin]]]] = {}
        for path, here in self._facts.items():
            for kind, name, owner, document, _ in here.declared:
                found.setdefault(kind, {}).setdefault(name, []).append((owner, Origin(path, document)))
        return found
