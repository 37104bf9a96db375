"""What one file holds: its resources, and what can be told of documents that are none, so that nothing follows from these."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from avtech_controller.desired._models import surely
from avtech_controller.desired._source import MAX_FILE_BYTES
from avtech_controller.desired._spots import Problem
from avtech_controller.desired._state import Key, Origin, SlugKey
from avtech_controller.findings import Finding
from avtech_schema.identifiers import CLIENT_PATTERN, ClientId, Slug
from avtech_schema.resources import KINDS, Resource, ScreenSelector

ANY_NAME = "*"
"""Stands among the names of texts that were not read where they may hold any."""
_SLUG_KINDS = ("Group", "Playlist", "Schedule", "AirCheck")
_SELECTING = ("screens", "matchLabels")
_NAME = re.compile(r"""\bname["']?:[ ]*["']?([A-Za-z0-9-]{1,64})""")
_CLIENT = re.compile(CLIENT_PATTERN)


@dataclass(slots=True)
class FileContent:
    """What one file holds: its resources, what is wrong with it, and which names it seems to declare all the same."""

    resources: list[tuple[Resource, Origin]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    broken: dict[Origin, tuple[str, Key]] = field(default_factory=dict)
    """Kinds and names of the documents that are not resources, where they can be told."""
    nameless: dict[Origin, str] = field(default_factory=dict)
    """Kinds of the documents whose names are not names: what seems to be missing may be one of them."""
    owners: dict[Origin, str] = field(default_factory=dict)
    """The clients that documents which are not resources name."""
    broken_selectors: dict[tuple[str, Key], ScreenSelector] = field(default_factory=dict)
    """What faulty schedules and groups select, where that can be told."""
    broken_fleets: list[Origin] = field(default_factory=list)
    broken_names: set[str] = field(default_factory=set)
    """Names in documents that could not be read, or are of no known kind; `ANY_NAME` where they cannot be told."""
    ghosts: dict[Origin, Mapping[str, str] | None] = field(default_factory=dict)
    """The labels of screens that are not resources; None where they cannot be told."""
    unread: dict[Finding, Origin] = field(default_factory=dict)
    """The documents that findings about what is not YAML speak of."""

    def origins(self) -> set[Origin]:
        """The documents that are not resources."""
        return {problem.spot.origin for problem in self.problems} | self.broken.keys() | self.owners.keys()

    def note(self, document: Mapping[str, Any], origin: Origin) -> None:
        """Keep what can be told of a document that is not a resource."""
        kind = _kind_of(document)
        if owner := _owner(document, kind):
            self.owners[origin] = owner
        if kind == "Fleet":
            self.broken_fleets.append(origin)
        if kind is None:
            return
        name = name_in(document)
        at_name = (problem for problem in self.problems if problem.spot.path == ("metadata", "name"))
        if name is None or any(problem.spot.origin == origin for problem in at_name):
            self.nameless[origin] = kind
        if name is None:
            return
        self.broken[origin] = kind, _key(kind, name, document)
        if kind in ("Schedule", "Group") and (selector := _selector(kind, document)):
            self.broken_selectors[self.broken[origin]] = selector
        if kind == "Screen":
            self.ghosts[origin] = _labels(document)


def is_kind(kind: object) -> bool:
    """Whether a value names a kind of resource."""
    return isinstance(kind, str) and kind in KINDS


def name_in(document: Mapping[str, Any]) -> str | None:
    """The name that a document has, if it is a text."""
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) else None


def names_in(text: str) -> set[str]:
    """Everything that looks like a name in a text."""
    return {found.group(1) for found in _NAME.finditer(text[:MAX_FILE_BYTES])}


def _kind_of(document: Mapping[str, Any]) -> str | None:
    kind = document.get("kind")
    if not isinstance(kind, str):
        return None
    return kind if kind in KINDS else surely(kind, KINDS)


def _client(document: Mapping[str, Any]) -> ClientId:
    """The client that a document names; empty if it names none."""
    spec = document.get("spec")
    client = spec.get("client") if isinstance(spec, dict) else document.get("client")
    return ClientId(client if isinstance(client, str) else "")


def _key(kind: str, name: str, document: Mapping[str, Any]) -> Key:
    return SlugKey(_client(document), Slug(name)) if kind in _SLUG_KINDS else name


def _owner(document: Mapping[str, Any], kind: str | None) -> str | None:
    """The client that a faulty document names."""
    owner = name_in(document) if kind == "Client" else _client(document)
    return owner if owner and _CLIENT.fullmatch(owner) else None


def _selector(kind: str, document: Mapping[str, Any]) -> ScreenSelector | None:
    """What a faulty schedule or group selects all the same, be a key misspelt or the names but listed."""
    spec = document["spec"] if isinstance(document.get("spec"), dict) else {}
    known = {key if key in _SELECTING else surely(str(key), _SELECTING): value for key, value in spec.items()}
    chosen = known.get("screens")
    if kind == "Group":
        chosen = {key: value for key, value in (("names", chosen), ("matchLabels", known.get("matchLabels"))) if value}
    try:
        return ScreenSelector.model_validate({"names": chosen} if isinstance(chosen, list) else chosen)
    except ValidationError:
        return None


def _labels(document: Mapping[str, Any]) -> Mapping[str, str] | None:
    labels = document["metadata"].get("labels", {})
    if not isinstance(labels, dict) or not all(isinstance(part, str) for pair in labels.items() for part in pair):
        return None
    return dict(labels)
