"""Who owns which name in which file: all that one client's resources need to know of everything else.

Resources refer only to their own client's, so a repository is checked client by client; this is what joins the parts.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from avtech_controller.desired._content import FileContent
from avtech_controller.desired._models import surely
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


@dataclass(frozen=True)
class Index:
    """The facts of all files, in order of their paths, and what follows from them."""

    facts: Mapping[str, FileFacts] = field(default_factory=dict)
    parts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The files of each part, in order."""
    twins: Mapping[Origin, Origin] = field(default_factory=dict)
    """Documents whose name another one, read before, has already; and that one."""
    fleets: tuple[Origin, ...] = ()
    loose: frozenset[str] = frozenset()
    unread: bool = False
    """Whether some document could not be read, so that what seems to be missing may stand there."""
    clients: tuple[str, ...] = ()
    claimed: frozenset[str] = frozenset()
    """Names of clients that are taken as they stand: of those that exist, and of those whose text could not be read."""
    misnamed: Mapping[str, str] = field(default_factory=dict)
    """Clients whose name nobody uses, by it, and the client that their folder and all in it speak of instead."""
    misfiled: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict)
    """By client, the kinds and names of what lies in its folder and is another client's."""
    screens: int = 0
    """How many screens there are."""
    screen_names: str = ""
    """One name for the names of all screens."""
    known: "Names" = field(default_factory=lambda: Names({}))

    @classmethod
    def of(cls, facts: Mapping[str, FileFacts]) -> "Index":
        """Index the facts of files by path."""
        facts = dict(sorted(facts.items()))
        known = Names(facts)
        screens = sorted(known.of("Screen"))
        clients = tuple(sorted(known.of("Client")))
        misnamed = _misnamed(facts, known.of("Client"))
        loose = frozenset(name for here in facts.values() for name in here.loose)
        unread = {folder_owner(path) for path, here in facts.items() if here.unread}
        claimed = loose.union(clients, unread, misnamed.values()) - {REPOSITORY, *misnamed}
        homes = Homes(claimed, misnamed)
        parts: dict[str, list[str]] = {}
        for path, here in facts.items():
            for home in dict.fromkeys(homes.of(owner, path) for owner in here.homes):
                parts.setdefault(home, []).append(path)
        return cls(
            facts=facts,
            parts=parts,
            twins=_twins(facts),
            fleets=tuple(Origin(path, document) for path, here in facts.items() for document in here.fleets),
            loose=loose,
            unread=any(here.unread for here in facts.values()),
            clients=clients,
            claimed=claimed,
            misnamed=misnamed,
            misfiled=_misfiled(facts, homes, claimed),
            screens=len(screens),
            screen_names=hashlib.sha256("\n".join(screens).encode()).hexdigest(),
            known=known,
        )

    @cached_property
    def homes(self) -> "Homes":
        """Which part takes which client's documents in."""
        return Homes(self.claimed, self.misnamed)


class Homes:
    """Which part a document belongs to: its client's; if there is none of that name, that of the client that is meant.

    So a client's name that is misspelt hides nothing: what it names is looked at where it belongs.
    """

    def __init__(self, claimed: Collection[str], misnamed: Mapping[str, str]) -> None:
        self._claimed = claimed
        self._misnamed = misnamed
        self._meant: dict[str, str] = {}

    def of(self, owner: str, path: str) -> str:
        """The part of a document that names a client and lies in a file."""
        if owner == REPOSITORY or owner in self._claimed:
            return owner
        if owner in self._misnamed:
            return self._misnamed[owner]
        folder = folder_owner(path)
        if folder == owner:
            return owner  # it says so twice: the client is missing
        if folder in self._claimed:
            return folder
        if owner not in self._meant:
            self._meant[owner] = surely(owner, self._claimed) or owner
        return self._meant[owner]


def _misnamed(facts: Mapping[str, FileFacts], clients: Mapping[str, Sequence[tuple[str, Origin]]]) -> dict[str, str]:
    """Clients that own nothing and lie in the folder of one that is nowhere, but is spoken of there."""
    odd = {name: folder_owner(found[0][1].file) for name, found in clients.items() if len(found) == 1}
    odd = {name: folder for name, folder in odd.items() if folder not in (REPOSITORY, name) and folder not in clients}
    if not odd:
        return {}
    owners = {one.owner for here in facts.values() for one in here.declared if one.kind != "Client"}
    found = {folder: name for name, folder in odd.items() if name not in owners and folder in owners}
    return {name: folder for folder, name in found.items()}


def _misfiled(facts: Mapping[str, FileFacts], homes: Homes, claimed: Collection[str]) -> dict[str, list[Sequence[str]]]:
    found: dict[str, list[Sequence[str]]] = {}
    for path, here in facts.items():
        folder = folder_owner(path)
        if here.homes in ((), (folder,)) or folder not in claimed:
            continue
        for one in here.declared:
            if one.kind not in ("Fleet", "Client") and homes.of(one.owner, path) != folder:
                found.setdefault(folder, []).append((one.kind, one.name))
    return found


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
