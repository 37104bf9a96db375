"""Checks of what must be there once, of names used twice, of folders, time zones and selections."""

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache

from avtech_controller.checks.view import View
from avtech_controller.checks.zones import Outdated, outdated
from avtech_controller.desired._models import did_you_mean, mend_for, nearest
from avtech_controller.desired._spots import Mend, Problem, Spot
from avtech_controller.desired._state import Origin, SlugKey, key_of
from avtech_schema.airtime import time_zones
from avtech_schema.identifiers import ClientId, ScreenId, Slug
from avtech_schema.resources import Resource

FLEET_FILE = "fleet/fleet.yaml"
_SHOWN = 6
_FEW = 200
"""Among this few labels, a similar one is sought."""
_Carried = Callable[[ClientId], Mapping[str, Mapping[str, list[ScreenId]]]]


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
    yield from check_twins(view)
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


def check_twins(view: View) -> Iterator[Problem]:
    """Names that two resources have."""
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
    elif name is not None and (old := outdated(name)):
        yield _outdated(name, old, view.spot(resource).value(*path))


def _outdated(name: str, old: Outdated, spot: Spot) -> Problem:
    message = f'"{name}" is an outdated name of a time zone'
    if not old.name:
        help_ = "name a place with the clocks that are meant, like Europe/Madrid or America/New_York"
        return Problem("AVT217", message, spot, "an abbreviation, kept for old programs", help=help_)
    mend = Mend("word", old.name) if old.is_same else None
    help_ = f'write "{old.name}": its clocks are the same' if old.is_same else f'it has the clocks of "{old.name}" now'
    return Problem("AVT217", message, spot, "kept for old programs", help=help_, mend=mend)


def _carried_by(view: View) -> _Carried:
    """The labels that the screens of a client carry, with their values and whose they are; collected when asked for."""

    @cache
    def carried(client: ClientId) -> Mapping[str, Mapping[str, list[ScreenId]]]:
        there: dict[str, dict[str, list[ScreenId]]] = {}
        for name, screen in view.state.screens.items():
            for key, value in screen.metadata.labels.items():
                if screen.spec.client == client:
                    there.setdefault(key, {}).setdefault(value, []).append(name)
        return there

    return carried


def _selections(view: View) -> Iterator[Problem]:
    carried = _carried_by(view)
    for key, schedule in view.state.schedules.items():
        chosen = schedule.spec.screens
        if view.is_misfiled(schedule):
            continue  # that is said already
        if view.whole_selection.screens(key.client, chosen) or _is_in_doubt(view, key.client, chosen.groups, chosen.names):
            continue
        here = view.spot(schedule).value("spec", "screens")
        yield _nobody(view, f'schedule "{key.name}"', key.client, here, chosen.match_labels, carried=carried)
    for key, group in view.state.groups.items():
        if view.is_misfiled(group):
            continue  # that is said already
        if not view.whole_selection.members(key.client, group) and not _is_in_doubt(view, key.client, (), group.spec.screens):
            here = view.spot(group).value("spec")
            yield _nobody(view, f'group "{key.name}"', key.client, here, group.spec.match_labels, carried=carried)


def _is_in_doubt(view: View, client: ClientId, groups: Collection[str], names: Collection[str]) -> bool:
    """Whether a selection may have screens that cannot be told now, for a faulty group, label or name, or a text unread."""
    unlabelled = any(labels is None for _, labels in view.ghosts.values())
    keys = [SlugKey(client, Slug(name)) for name in groups]
    faulty = any(("Group", key) in view.broken or not view.exists("Group", key) for key in keys)
    misfiled = any(kind in ("Screen", "Group") for kind, _ in view.index.misfiled.get(client, ()))
    missing = any(not view.exists("Screen", name) for name in names)
    return view.is_in_doubt or unlabelled or faulty or misfiled or missing


def _nobody(
    view: View, who: str, client: ClientId, here: Spot, labels: Mapping[str, str] | None, *, carried: _Carried
) -> Problem:
    """A selection of no screen: at the first label that no screen carries, with the one most like it."""
    message = f"{who} selects no screen"
    there = carried(client) if labels else {}
    for key, value in (labels or {}).items():
        if key not in there:
            near = nearest(key, there) if len(there) <= _FEW else None
            help_ = f'did you mean the label "{near}"?' if near else _carried("labels", there)
            return Problem("AVT214", message, here.key("matchLabels", key), f"no screen of {client} has this label", help=help_)
        if value not in there[key]:
            near = nearest(value, there[key]) if len(there[key]) <= _FEW else None
            help_ = f'did you mean "{near}"?' if near else _carried(f"values of {key}", there[key])
            meant = there[key][near] if near else []
            return Problem(
                "AVT214",
                message,
                here.value("matchLabels", key),
                f"no screen of {client} has {key}: {value}",
                tuple((_label(view, name, key), "a similar label is here") for name in meant[:1]),
                help_,
                touches=tuple(("Screen", name) for name in meant),
            )
    label = f"no screen of {client} has all of these labels" if labels else "nobody is meant by this"
    return Problem("AVT214", message, here.key("matchLabels") if labels else here.key(), label)


def _carried(what: str, words: Collection[str]) -> str:
    first = sorted(words)[:_SHOWN]
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return f"{what} of the client's screens: {', '.join(first)}{more}" if first else "the client's screens have no labels"


def _label(view: View, screen: ScreenId, key: str) -> Spot:
    return view.spot(view.state.screens[screen]).value("metadata", "labels", key)
