"""One part of a repository, a client's or the Fleet's own: its resources held against each other, all findings at once."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from avtech_controller.checks.codes import CODES
from avtech_controller.desired._index import REPOSITORY, Index, home_of, owner_of
from avtech_controller.desired._read import FileContent
from avtech_controller.desired._spots import Locator, Problem
from avtech_controller.desired._state import DesiredState, Key, Origin, key_of
from avtech_controller.findings import Finding, Severity
from avtech_schema.resources import Fleet, Resource, ScreenSelector

TABLES = {
    "Client": "clients",
    "Screen": "screens",
    "Group": "groups",
    "Playlist": "playlists",
    "Schedule": "schedules",
    "Video": "videos",
    "AirCheck": "checks",
}
NO_FLEET = Fleet.model_validate({"apiVersion": "avtech/v1", "kind": "Fleet", "metadata": {"name": "none"}, "spec": {}})
"""Stands in where there is none."""


class Part:
    """The documents of one part, and everything that could not become part of its state."""

    def __init__(self, home: str, contents: Sequence[tuple[str, FileContent]], index: Index, fleet: Fleet | None) -> None:
        self.home = home
        self._index = index
        self._fleet = fleet or NO_FLEET
        self.tables: dict[str, dict[Any, Any]] = {kind: {} for kind in TABLES}
        self.origins: dict[tuple[str, Key], Origin] = {}
        self._twins: list[tuple[Resource, Origin, Origin]] = []
        self._findings: list[Finding] = []
        self._problems: list[Problem] = []
        self._broken: dict[Origin, tuple[str, Key]] = {}
        self._broken_names: set[str] = set(index.loose)
        self._selectors: dict[Any, ScreenSelector] = {}
        for path, content in contents:
            self._add(path, content)

    def _add(self, path: str, content: FileContent) -> None:
        for resource, origin in content.resources:
            if owner_of(resource) == self.home:
                self._declare(resource, origin)
        if self._index.facts[path].homes[0] == self.home:
            self._findings += content.findings
            self._broken_names |= content.broken_names
        self._problems += (one for one in content.problems if home_of(content, one.spot.origin) == self.home)
        self._broken |= {
            origin: identity for origin, identity in content.broken.items() if home_of(content, origin) == self.home
        }
        self._selectors |= {key: chosen for key, chosen in content.broken_selectors.items() if key.client == self.home}

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

    def findings(self, locator: Locator, today: date | None) -> list[Finding]:
        """Everything that is wrong in the part."""
        from avtech_controller.checks.airing import airing_of
        from avtech_controller.checks.all import check_complete, check_part, check_repository  # these stand on this package
        from avtech_controller.checks.reach import Reach
        from avtech_controller.checks.view import view_of

        view = view_of(
            self.state(),
            index=self._index,
            twins=self._twins,
            broken=self._broken.values(),
            broken_names=self._broken_names,
            broken_selectors=self._selectors,
        )
        reach = Reach(view)
        documents = self._broken | {origin: identity for identity, origin in self.origins.items()}
        documents |= {origin: (twin.kind, key_of(twin)) for twin, origin, _ in self._twins}

        def place(problems: Iterator[Problem]) -> Iterator[Finding]:
            for problem in problems:
                identity = documents.get(problem.spot.origin)
                touched = problem.touches or ((identity,) if identity else ())
                yield locator.finding(problem, reach.impact(CODES[problem.code].severity, touched))

        found = self._findings + list(place(iter(self._problems)))
        if self.home == REPOSITORY:
            return found + list(place(check_repository(view)))
        airing = airing_of(view)
        found += place(check_part(view, airing, today))
        if not any(finding.severity is Severity.ERROR for finding in found):
            found += place(check_complete(view, airing, today))
        return found
