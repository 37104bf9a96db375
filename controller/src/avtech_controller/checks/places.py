"""Checks of what must be there once, of names used twice, of folders, time zones and selections."""

from collections.abc import Iterator

from avtech_controller.checks.view import View
from avtech_controller.desired._models import did_you_mean, mend_for
from avtech_controller.desired._spots import Problem, Spot
from avtech_controller.desired._state import Origin, SlugKey, key_of
from avtech_schema.airtime import time_zones
from avtech_schema.resources import Resource

FLEET_FILE = "fleet/fleet.yaml"


def check_repository_places(view: View) -> Iterator[Problem]:
    """The Fleet is there, once, with a time zone; and there are screens."""
    yield from _fleet(view)
    fleet = view.state.fleet
    if view.index.fleets:
        yield from _time_zone(view, fleet, fleet.spec.defaults.time_zone, ("spec", "defaults", "timeZone"))
    if not view.index.screens and not view.index.unread:
        yield Problem(
            "AVT209",
            "there is no screen",
            Spot(view.index.fleets[0] if view.index.fleets else Origin(FLEET_FILE)),
            help="write a resource of the kind Screen; nothing is published without",
        )


def check_places(view: View) -> Iterator[Problem]:
    """Names used twice, folders, time zones and selections of a client."""
    yield from _twins(view)
    yield from _folders(view)
    for client in view.state.clients.values():
        yield from _time_zone(view, client, client.spec.time_zone, ("spec", "timeZone"))
    for screen in view.state.screens.values():
        yield from _time_zone(view, screen, screen.spec.time_zone, ("spec", "timeZone"))
    yield from _selections(view)


def _fleet(view: View) -> Iterator[Problem]:
    if not view.index.fleets and not view.index.unread:
        yield Problem(
            "AVT207",
            "there is no resource of the kind Fleet",
            Spot(Origin(FLEET_FILE)),
            help="is this the desired-state repository? `avtech init DIR` makes one",
        )
    for origin in view.index.fleets[1:]:
        first = Spot(view.index.fleets[0]).value("kind")
        yield Problem("AVT208", "a second Fleet", Spot(origin).value("kind"), "one is enough", ((first, "the first is here"),))


def _twins(view: View) -> Iterator[Problem]:
    for resource, origin, earlier in view.twins:
        key = key_of(resource)
        owner = f" of {key.client}" if isinstance(key, SlugKey) else ""
        yield Problem(
            "AVT206",
            f'{resource.kind} "{resource.metadata.name}"{owner} exists twice',
            Spot(origin).value("metadata", "name"),
            "this name is taken",
            ((Spot(earlier).value("metadata", "name"), "the first is here"),),
            "rename one of them, or delete it",
        )


def _folders(view: View) -> Iterator[Problem]:
    """Paths like fleet/CLI-ACME/… and content-index/CLI-ACME/… speak of the client whose folder they are in."""
    for kind, table in view.tables.items():
        for resource in table.values():
            parts = view.state.origin(resource).file.split("/")
            folder = parts[1] if len(parts) > 2 else ""
            owner = resource.metadata.name if kind == "Client" else getattr(resource.spec, "client", "")
            if folder.startswith("CLI-") and owner and folder != owner and view.exists("Client", owner):
                path = ("metadata", "name") if kind == "Client" else ("spec", "client")
                yield Problem(
                    "AVT212",
                    f"the file lies in the folder of {folder} but belongs to {owner}",
                    view.spot(resource).value(*path),
                    f"the folder says {folder}",
                    help=f"move it to {parts[0]}/{owner}/",
                )


def _time_zone(view: View, resource: Resource, name: str | None, path: tuple[str, ...]) -> Iterator[Problem]:
    known = time_zones()
    if name is not None and name not in known:
        help_ = did_you_mean(name, known) or "time zones are named like Europe/Madrid or America/New_York"
        spot = view.spot(resource).value(*path)
        message = f'time zone "{name}" does not exist'
        yield Problem("AVT213", message, spot, "unknown", help=help_, mend=mend_for(name, known))


def _selections(view: View) -> Iterator[Problem]:
    for key, schedule in view.state.schedules.items():
        if not view.selection.screens(key.client, schedule.spec.screens):
            spot = view.spot(schedule).key("spec", "screens")
            yield Problem("AVT214", f'schedule "{key.name}" selects no screen', spot, "nobody is meant by this")
    for key, group in view.state.groups.items():
        if not view.selection.members(key.client, group):
            spot = view.spot(group).key("spec")
            yield Problem("AVT214", f'group "{key.name}" selects no screen', spot, "nobody is meant by this")
