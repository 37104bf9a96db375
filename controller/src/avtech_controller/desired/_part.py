"""One part of a repository, a client's or the Fleet's own: its resources held against each other, all findings at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from operator import attrgetter
from typing import Any

from avtech_controller.checks.codes import CODES
from avtech_controller.desired._content import FileContent
from avtech_controller.desired._index import REPOSITORY, Index, home_of, owner_of
from avtech_controller.desired._past import Past
from avtech_controller.desired._spots import Locator, Problem
from avtech_controller.desired._state import DesiredState, Key, Origin, SlugKey, Stray, key_of
from avtech_controller.findings import Finding, Severity
from avtech_schema.identifiers import ClientId, ScreenId
from avtech_schema.resources import Client, Fleet, Resource, ScreenSelector

TABLES = {
    "Client": "clients",
    "Screen": "screens",
    "Group": "groups",
    "Playlist": "playlists",
    "Schedule": "schedules",
    "Video": "videos",
    "AirCheck": "checks",
}
_SILENT = {"checks": {"gaps": "ignore", "orientation": "ignore"}}
NO_FLEET = Fleet.model_validate({"apiVersion": "avtech/v1", "kind": "Fleet", "metadata": {"name": "none"}, "spec": _SILENT})
"""Stands in where there is none, and asks for none of the checks that one may turn off."""


class Part:
    """The documents of one part, and everything that could not become part of its state."""

    def __init__(self, home: str, contents: Sequence[tuple[str, FileContent]], index: Index, fleet: Fleet | None) -> None:
        self.home = home
        self._index = index
        self._fleet = fleet or NO_FLEET
        self.tables: dict[str, dict[Any, Any]] = {kind: {} for kind in TABLES}
        self.origins: dict[tuple[str, Key], Origin] = {}
        self._twins: list[tuple[Resource, Origin, Origin]] = []
        self._findings: list[tuple[Finding, Origin | None]] = []
        self._problems: list[Problem] = []
        self._broken: dict[Origin, tuple[str, Key]] = {}
        self._broken_names: set[str] = set(index.loose)
        self._selectors: dict[tuple[str, Key], ScreenSelector] = {}
        self._ghosts: dict[ScreenId, tuple[ClientId, Mapping[str, str] | None]] = {}
        self._is_known = home == REPOSITORY or home in index.claimed
        self._strays: list[Stray] = []
        self._nameless: set[str] = set()
        lost: list[tuple[Resource, Origin]] = []
        for path, content in contents:
            lost += self._add(path, content)
        self._adopt(lost)

    def _add(self, path: str, content: FileContent) -> Iterator[tuple[Resource, Origin]]:
        """Take in what is this part's in a file; what is so only because its client does not exist is given back."""
        for resource, origin in content.resources:
            owner = owner_of(resource)
            if owner == self.home:
                self._declare(resource, origin)
                if not self._is_known:
                    self._strays.append(Stray(origin, owner, (resource.kind, key_of(resource))))
            elif self._takes(owner, path):
                yield resource, origin
        if self._takes(self._index.facts[path].homes[0], path):
            self._findings += ((finding, content.unread.get(finding)) for finding in content.findings)
            self._broken_names |= content.broken_names
        own = {origin for origin in content.origins() if self._takes(home_of(content, origin), path)}
        self._problems += (one for one in content.problems if one.spot.origin in own)
        for origin in sorted(own & content.broken.keys(), key=attrgetter("document")):
            self._add_broken(origin, content)
        self._nameless |= {content.nameless[origin] for origin in own & content.nameless.keys()}
        for origin in own & content.owners.keys():
            if content.owners[origin] != self.home or not self._is_known:
                self._strays.append(Stray(origin, content.owners[origin], self._broken.get(origin)))

    def _add_broken(self, origin: Origin, content: FileContent) -> None:
        kind, key = content.broken[origin]
        self._broken[origin] = kind, self._own(key)
        if (kind, key) in content.broken_selectors:
            self._selectors[kind, self._own(key)] = content.broken_selectors[kind, key]
        if origin in content.ghosts:
            self._ghosts[ScreenId(str(key))] = ClientId(self.home), content.ghosts[origin]

    def _takes(self, owner: str, path: str) -> bool:
        return self._index.homes.of(owner, path) == self.home

    def _own(self, key: Key) -> Key:
        """A name as it is among this client's, whatever client its document names."""
        return SlugKey(ClientId(self.home), key.name) if isinstance(key, SlugKey) else key

    def _adopt(self, lost: Sequence[tuple[Resource, Origin]]) -> None:
        """Take in what names a client that does not exist, as if it named this one: only that is wrong with it."""
        for resource, origin in lost:
            owner = owner_of(resource)
            if isinstance(resource, Client):
                copy: Resource = resource.model_copy(
                    update={"metadata": resource.metadata.model_copy(update={"name": self.home})}
                )
            else:
                copy = resource.model_copy(update={"spec": resource.spec.model_copy(update={"client": self.home})})
            identity = copy.kind, key_of(copy)
            is_twin = origin in self._index.twins
            is_new = identity not in self.origins
            self._strays.append(Stray(origin, owner, identity if is_new and not is_twin else None))
            if is_new or is_twin:
                self._declare(copy, origin)

    def _declare(self, resource: Resource, origin: Origin) -> None:
        if first := self._index.twins.get(origin):
            self._twins.append((resource, origin, first))
            return
        self.origins[resource.kind, key_of(resource)] = origin
        if not isinstance(resource, Fleet):
            self.tables[resource.kind][key_of(resource)] = resource

    def state(self) -> DesiredState:
        """The resources of the part, with the repository's Fleet."""
        tables: dict[str, Any] = {TABLES[kind]: table for kind, table in self.tables.items()}
        origins = dict(self.origins)
        if self._index.fleets:
            origins["Fleet", self._fleet.metadata.name] = self._index.fleets[0]
        return DesiredState(fleet=self._fleet, origins=origins, **tables)

    def findings(self, locator: Locator, today: date | None, past: Past) -> list[Finding]:
        """Everything that is wrong in the part; `past` may tell what a name that is gone became."""
        from avtech_controller.checks.airing import airing_of
        from avtech_controller.checks.all import (  # these stand on this package
            check_complete,
            check_homeless,
            check_part,
            check_repository,
        )
        from avtech_controller.checks.reach import Reach
        from avtech_controller.checks.view import view_of

        view = view_of(
            self.state(),
            index=self._index,
            twins=self._twins,
            broken=self._broken.values(),
            broken_names=self._broken_names,
            broken_selectors=self._selectors,
            ghosts=self._ghosts,
            nameless=self._nameless,
            strays=self._strays,
            past=past,
        )
        reach = Reach(view)
        documents = self._broken | {origin: identity for identity, origin in self.origins.items()}
        documents |= {origin: (twin.kind, key_of(twin)) for twin, origin, _ in self._twins}

        def impact(code: str, origin: Origin | None, touches: Sequence[tuple[str, Key]] = ()) -> str:
            identity = documents.get(origin) if origin else None
            return reach.impact(CODES[code].severity, touches or ((identity,) if identity else ()))

        def place(problems: Iterator[Problem]) -> Iterator[Finding]:
            for problem in problems:
                yield locator.finding(problem, impact(problem.code, problem.spot.origin, problem.touches))

        found = [
            replace(finding, impact=impact(finding.code, origin)) if origin else finding for finding, origin in self._findings
        ]
        found += place(iter(self._problems))
        if self.home == REPOSITORY:
            return found + list(place(check_repository(view)))
        if not self._is_known:
            return found + list(place(check_homeless(view)))
        airing = airing_of(view)
        found += place(check_part(view, airing, today))
        if not self._broken and not self._broken_names and not any(finding.severity is Severity.ERROR for finding in found):
            found += place(check_complete(view, airing, today))
        return found
