"""A work tree that is looked at again and again: only files that changed are read, and whose they are is told."""

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from avtech_controller.desired._content import FileContent
from avtech_controller.desired._index import REPOSITORY, owner_of
from avtech_controller.desired._load import PROMISES, without_collection
from avtech_controller.desired._part import NO_FLEET, TABLES
from avtech_controller.desired._read import read_file
from avtech_controller.desired._source import Listed, ListedSource, SourceFile
from avtech_controller.desired._state import DesiredState, Key, Loaded, Origin, key_of
from avtech_controller.findings import Severity
from avtech_schema.identifiers import ClientId
from avtech_schema.resources import Fleet

_RACY_NS = 2_000_000_000
"""A file that changed so shortly before it was listed may change again without its times telling."""


def can_be_drawn(loaded: Loaded) -> bool:
    """Whether nothing is wrong but broken promises, so that what would play can be computed."""
    return all(found.code in PROMISES for found in loaded.findings if found.severity is Severity.ERROR)


class _Known(NamedTuple):
    identity: str
    noted_ns: int
    file: SourceFile
    content: FileContent


class StandingTree:
    """The resources of one work tree from look to look. It checks nothing: whoever asks for its state did that before."""

    def __init__(self) -> None:
        self._files: dict[str, _Known] = {}

    def refresh(self, source: ListedSource) -> frozenset[ClientId] | None:
        """Read what changed; returns the clients whose resources are others now, or None when all may be.

        Raises:
            SourceError: the source cannot be read.
            FindingsError: the tree is larger than any that is read.
        """
        files: dict[str, _Known] = {}
        owners: set[str] = set()
        with without_collection():
            noted = time.time_ns()
            for listed in source.listing():
                known = self._files.get(listed.path)
                files[listed.path] = now = self._now(listed, known, noted)
                if known is None or now.content is not known.content:
                    owners |= _owners(now.content) | _owners(known.content if known else None)
        for path in self._files.keys() - files.keys():
            owners |= _owners(self._files[path].content)
        self._files = files
        return None if REPOSITORY in owners else frozenset(map(ClientId, owners))

    def state(self) -> DesiredState:
        """Every resource as it was read last."""
        tables: dict[str, dict[Any, Any]] = {kind: {} for kind in TABLES}
        origins: dict[tuple[str, Key], Origin] = {}
        fleet = NO_FLEET
        for path in sorted(self._files):
            for resource, origin in self._files[path].content.resources:
                origins[resource.kind, key_of(resource)] = origin
                if isinstance(resource, Fleet):
                    fleet = resource
                else:
                    tables[resource.kind][key_of(resource)] = resource
        named: Mapping[str, Any] = {TABLES[kind]: table for kind, table in tables.items()}
        return DesiredState(fleet=fleet, origins=origins, **named)

    def _now(self, listed: Listed, known: _Known | None, noted: int) -> _Known:
        if known and listed.identity and known.identity == listed.identity and listed.changed_ns + _RACY_NS < known.noted_ns:
            return known
        file = listed.read()
        if known and known.file == file:
            return _Known(listed.identity, noted, file, known.content)
        return _Known(listed.identity, noted, file, read_file(file))


def _owners(content: FileContent | None) -> set[str]:
    """Whose resources a file holds; the repository's, if that cannot be told."""
    if content is None:
        return set()
    if content.findings or content.problems or content.broken:
        return {REPOSITORY}
    return {owner_of(resource) for resource, _ in content.resources}
