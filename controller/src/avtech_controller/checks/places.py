"""Checks of what must be there once, of names used twice, of folders, time zones and selections."""

from collections.abc import Iterator

from avtech_controller.checks.view import View
from avtech_controller.desired._models import did_you_mean, mend_for
from avtech_controller.desired._spots import Problem, Spot
from avtech_controller.desired._state import Origin, SlugKey, key_of
from avtech_schema.airtime import time_zones
from avtech_schema.resources import Resource

FLEET_FILE = "fleet/fleet.yaml"


def check_places(view: View) -> Iterator[Problem]:
    """All checks of this module."""
    yield from _fleet(view)
    yield from _twins(view)
    yield from _folders(view)
    yield from _time_zones(view)
    yield from _selections(view)
    if not view.state.screens and not any(kind == "Screen" for kind, _ in view.broken) and not view.broken_names:
        yield Problem(
            "AVT209",
            "there is no screen",
            _beginning(view),
            help="write a resource of the kind Screen; nothing is published without",
        )


def _beginning(view: View) -> Spot:
    return Spot(view.fleets[0] if view.fleets else Origin(FLEET_FILE))


def _fleet(view: View) -> Iterator[Problem]:
    if not view.fleets and not view.broken_names:
        yield Problem(
            "AVT207",
            "there is no resource of the kind Fleet",
            Spot(Origin(FLEET_FILE)),
            help="is this the desired-state repository? `avtech init DIR` makes one",
        )
    for origin in view.fleets[1:]:
        first = Spot(view.fleets[0]).value("kind")
        yield Problem("AVT208", "a second Fleet", Spot(origin).value("kind"), "one is enough", ((first, "the first is here"),))


def _twins(view: View) -> Iterator[Problem]:
    for resource, origin in view.twins:
        if resource.kind == "Fleet":
            continue
        first = Spot(view.state.origins[resource.kind, key_of(resource)]).value("metadata", "name")
        key = key_of(resource)
        owner = f" of {key.client}" if isinstance(key, SlugKey) else ""
        yield Problem(
            "AVT206",
            f'{resource.kind} "{resource.metadata.name}"{owner} exists twice',
            Spot(origin).value("metadata", "name"),
            "this name is taken",
            ((first, "the first is here"),),
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


def _time_zones(view: View) -> Iterator[Problem]:
    known = time_zones()
    state = view.state
    named: list[tuple[Resource, str | None, tuple[str, ...]]] = [
        (state.fleet, state.fleet.spec.defaults.time_zone if view.fleets else None, ("spec", "defaults", "timeZone")),
        *((client, client.spec.time_zone, ("spec", "timeZone")) for client in state.clients.values()),
        *((screen, screen.spec.time_zone, ("spec", "timeZone")) for screen in state.screens.values()),
    ]
    for resource, name, path in named:
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
