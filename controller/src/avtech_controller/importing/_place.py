"""Where an import goes: the client, the screen that takes the device's place, and its time zone."""

from dataclasses import dataclass
from pathlib import Path

from avtech_controller.content import Index, read_index
from avtech_controller.desired import DesiredState, load, open_source, require_state
from avtech_controller.findings import Severity
from avtech_schema.errors import ConfigurationError
from avtech_schema.identifiers import ClientId, ScreenId, Slug
from avtech_schema.resources import Client
from avtech_schema.zones import time_zone

_NO_SCREENS = "AVT209"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an import goes, and what of it is not there yet; `name` begins the names of its playlists and is its schedule's."""

    repo: Path
    index: Index
    client: ClientId
    screen: ScreenId
    zone: str
    name: Slug
    new_client: bool
    new_screen: bool
    has_fallback: bool
    """Whether the client has a fallback playlist for a screen that is new."""


def find_place(repo: Path, client: ClientId, screen: ScreenId | None, zone: str | None, name: Slug) -> Place:
    """Look into the repository for the client and the screen.

    Raises:
        SourceError, FindingsError: there is no repository, or it has errors already.
        ConfigurationError: the screen is another client's or has another time zone, or no time zone is known.
    """
    source = open_source(repo)
    index = read_index(source)
    loaded = load(source)
    errors = {finding.code for finding in loaded.findings if finding.severity is Severity.ERROR}
    state = None if errors == {_NO_SCREENS} else require_state(loaded)
    screen = screen or ScreenId(f"SCR-{client.removeprefix('CLI-')}-ANTHIAS")
    owner = index.clients.get(client)
    known = _zone_of(state, screen, client) if state else None
    if known and zone and known != zone:
        raise ConfigurationError(f"{screen} is in {known}, not in {zone}", hint="name another screen, or leave --time-zone out")
    found = zone or known or (owner and owner.spec.time_zone)
    if not found:
        raise ConfigurationError("the device's time zone is not known", hint="name it: --time-zone Europe/Madrid")
    return Place(
        repo,
        index,
        client,
        screen,
        _checked(found),
        name,
        new_client=owner is None,
        new_screen=known is None,
        has_fallback=bool(owner and owner.spec.fallback),
    )


def clients_with(place: Place) -> dict[ClientId, Client]:
    """The clients there are, and the one that is to be."""
    clients = dict(place.index.clients)
    if place.new_client:
        made = {
            "apiVersion": "avtech/v1",
            "kind": "Client",
            "metadata": {"name": place.client},
            "spec": {"title": place.client},
        }
        clients[place.client] = Client.model_validate(made)
    return clients


def _zone_of(state: DesiredState, screen: ScreenId, client: ClientId) -> str | None:
    """The time zone of a screen that is there; None when there is none."""
    found = state.screens.get(screen)
    if found is None:
        return None
    if found.spec.client != client:
        raise ConfigurationError(f"{screen} is a screen of {found.spec.client}, not of {client}", hint="name another: --screen")
    owner = state.clients[client]
    return found.spec.time_zone or owner.spec.time_zone or state.fleet.spec.defaults.time_zone


def _checked(zone: str) -> str:
    try:
        time_zone(zone)
    except ValueError as error:
        raise ConfigurationError(str(error), hint="a name such as Europe/Madrid, not an offset") from error
    return zone
