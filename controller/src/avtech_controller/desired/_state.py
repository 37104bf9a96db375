"""The desired state as validated resources by name, and where each of them was written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from avtech_controller.findings import Finding, Severity
from avtech_schema.errors import FindingsError
from avtech_schema.identifiers import ClientId, ScreenId, Slug, VideoId
from avtech_schema.resources import AirCheck, Client, Fleet, Group, Playlist, Resource, Schedule, Screen, Video


class SlugKey(NamedTuple):
    """The name of a playlist, schedule, group or air check: unique within its client."""

    client: ClientId
    name: Slug


Key = str | SlugKey
"""A resource's name within its kind."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The document a resource was written in; `document` counts the documents of the file from 0."""

    file: str
    document: int = 0


@dataclass(frozen=True, slots=True)
class Stray:
    """A document whose client does not exist: where it is, the client it names, and which resource it is, if that is told."""

    origin: Origin
    owner: str
    identity: tuple[str, Key] | None = None


@dataclass(frozen=True, slots=True)
class DesiredState:
    """Every resource by name, validated one by one and against each other."""

    fleet: Fleet
    clients: Mapping[ClientId, Client] = field(default_factory=dict)
    screens: Mapping[ScreenId, Screen] = field(default_factory=dict)
    groups: Mapping[SlugKey, Group] = field(default_factory=dict)
    playlists: Mapping[SlugKey, Playlist] = field(default_factory=dict)
    schedules: Mapping[SlugKey, Schedule] = field(default_factory=dict)
    videos: Mapping[VideoId, Video] = field(default_factory=dict)
    checks: Mapping[SlugKey, AirCheck] = field(default_factory=dict)
    origins: Mapping[tuple[str, Key], Origin] = field(default_factory=dict)
    """Where each resource was written, by kind and name; the Fleet's name counts too."""

    def origin(self, resource: Resource) -> Origin:
        """Where a resource was written."""
        return self.origins[resource.kind, key_of(resource)]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What reading a source gave: the state, unless a finding is an error, and the findings in order of place."""

    state: DesiredState | None
    findings: tuple[Finding, ...]
    files: int = 0
    """How many files were read."""
    screens: int = 0
    """How many screens they name."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """The text of every file that a finding speaks of."""
    drawable: DesiredState | None = field(default=None, compare=False, repr=False)
    """The state also when its errors are broken promises alone: it can be compiled and shown, never published."""


def key_of(resource: Resource) -> Key:
    """A resource's name within its kind."""
    match resource:
        case Group() | Playlist() | Schedule() | AirCheck():
            return SlugKey(ClientId(resource.spec.client), Slug(resource.metadata.name))
        case _:
            return resource.metadata.name


def require_state(loaded: Loaded) -> DesiredState:
    """The state, when nothing is wrong with it.

    Raises:
        FindingsError: there are errors; the message counts them and shows the first.
    """
    if loaded.state is not None:
        return loaded.state
    errors = [finding for finding in loaded.findings if finding.severity is Severity.ERROR]
    first = f"; the first is {errors[0].code} at {_where(errors[0])}: {errors[0].message}" if errors else ""
    count = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
    raise FindingsError(f"the desired state has {count}{first}", hint="`avtech validate` shows them all, each at its place")


def require_drawable(loaded: Loaded) -> DesiredState:
    """The state, when it can be compiled and shown; it may break promises, and then must not be published.

    Raises:
        FindingsError: there are errors that keep it from being compiled.
    """
    return loaded.drawable or require_state(loaded)


def _where(finding: Finding) -> str:
    place = finding.place
    return f"{place.file}:{place.line}:{place.column}" if place.line else place.file
