"""Checks that what is named exists, belongs to the same client, and does not go in circles."""

from collections.abc import Iterator

from avtech_controller.checks.gathering import gathered
from avtech_controller.checks.renamed import check_renamed, renamed
from avtech_controller.checks.view import View
from avtech_controller.desired._index import folder_owner
from avtech_controller.desired._spots import Mend, Problem, Spot
from avtech_controller.desired._state import Origin, SlugKey
from avtech_schema.identifiers import ClientId, Slug
from avtech_schema.resources import AirCheck, Client, Group, Playlist, Schedule, Screen

_CODES = {"Screen": "AVT202", "Group": "AVT203", "Playlist": "AVT204", "Video": "AVT205"}
_WORDS = {"Screen": "screen", "Group": "group", "Playlist": "playlist", "Video": "clip"}


def check_references(view: View) -> Iterator[Problem]:
    """Every name that leads nowhere or to another client, and every circle of playlists."""
    yield from gathered(view, _names(view))
    yield from _half_renamed(view)
    yield from _circles(view)


def _half_renamed(view: View) -> Iterator[Problem]:
    """Screens that were renamed where they stand, but not where they are named."""
    asked = {name for group in view.state.groups.values() for name in group.spec.screens}
    asked |= {name for schedule in view.state.schedules.values() for name in schedule.spec.screens.names}
    asked |= {check.spec.screen for check in view.state.checks.values()}
    for old in sorted(name for name in asked if not view.exists("Screen", name)):
        if isinstance(screen := renamed(view, "Screen", old), Screen):
            yield from check_renamed(view, old, screen)


def _names(view: View) -> Iterator[Problem]:
    state = view.state
    for client in state.clients.values():
        yield from _client(view, client)
    for screen in state.screens.values():
        yield from _screen(view, screen)
    for group in state.groups.values():
        yield from _group(view, group)
    for playlist in state.playlists.values():
        yield from _playlist(view, playlist)
    for schedule in state.schedules.values():
        yield from _schedule(view, schedule)
    for check in state.checks.values():
        yield from _air_check(view, check)


def _client(view: View, client: Client) -> Iterator[Problem]:
    if client.spec.fallback:
        name = client.metadata.name
        yield from _named(view, "Playlist", client.spec.fallback, name, view.spot(client).value("spec", "fallback"))


def _screen(view: View, screen: Screen) -> Iterator[Problem]:
    if screen.spec.fallback:
        client = screen.spec.client
        yield from _named(view, "Playlist", screen.spec.fallback, client, view.spot(screen).value("spec", "fallback"))


def _group(view: View, group: Group) -> Iterator[Problem]:
    here = view.spot(group)
    for place, name in enumerate(group.spec.screens):
        yield from _named(view, "Screen", name, group.spec.client, here.value("spec", "screens", place))


def _playlist(view: View, playlist: Playlist) -> Iterator[Problem]:
    here, client = view.spot(playlist), playlist.spec.client
    for place, item in enumerate(playlist.spec.items):
        if item.clip:
            yield from _named(view, "Video", item.clip, client, here.value("spec", "items", place, "clip"))
        elif item.playlist:
            yield from _named(view, "Playlist", item.playlist, client, here.value("spec", "items", place, "playlist"))


def _schedule(view: View, schedule: Schedule) -> Iterator[Problem]:
    here, client = view.spot(schedule), schedule.spec.client
    for place, name in enumerate(schedule.spec.screens.names):
        yield from _named(view, "Screen", name, client, here.value("spec", "screens", "names", place))
    for place, name in enumerate(schedule.spec.screens.groups):
        yield from _named(view, "Group", name, client, here.value("spec", "screens", "groups", place))
    for place, rule in enumerate(schedule.spec.rules):
        yield from _named(view, "Playlist", rule.play, client, here.value("spec", "rules", place, "play"))


def _air_check(view: View, check: AirCheck) -> Iterator[Problem]:
    here, client = view.spot(check), check.spec.client
    yield from _named(view, "Screen", check.spec.screen, client, here.value("spec", "screen"))
    kind = "Video" if check.spec.plays.startswith("VID-") else "Playlist"
    yield from _named(view, kind, check.spec.plays, client, here.value("spec", "plays"))


def _named(view: View, kind: str, name: str, client: str, spot: Spot) -> Iterator[Problem]:
    """Judge one name that a resource of `client` uses."""
    if view.exists(kind, name if kind in ("Screen", "Video") else SlugKey(ClientId(client), Slug(name))):
        return
    if found := view.elsewhere(kind, name, client):
        yield _foreign(kind, name, spot, client=client, owner=found[0], where=found[1])
    else:
        yield _missing(view, kind, name, client, spot)


def _missing(view: View, kind: str, name: str, client: str, spot: Spot) -> Problem:
    became = renamed(view, kind, name)
    near = became.metadata.name if became else view.nearest(kind, name)
    found = view.find(kind, client, near) if near else None
    related = (
        ((view.spot(found).value("metadata", "name"), "it was renamed here" if became else "a similar name is here"),)
        if found
        else ()
    )
    label = f"not a {_WORDS[kind]} of {client}"
    help_ = f'did you mean "{near}"?' if near else _help(kind, view.names(kind))
    mend = Mend("word", near) if became and near else view.mend(kind, name) if near else None
    return Problem(_CODES[kind], f'{_WORDS[kind]} "{name}" does not exist', spot, label, related, help_, mend=mend)


def _help(kind: str, candidates: list[str]) -> str:
    if kind == "Video":
        return "`avtech content add FILE` adds a clip to the index"
    if not candidates:
        return f"there is no {_WORDS[kind]} at all"
    more = f" and {len(candidates) - 6} more" if len(candidates) > 6 else ""
    return f"there {'is' if len(candidates) == 1 else 'are'} {', '.join(candidates[:6])}{more}"


def _foreign(kind: str, name: str, spot: Spot, *, client: str, owner: str, where: Origin) -> Problem:
    message, label = f'{_WORDS[kind]} "{name}" is another client\'s', f"not a {_WORDS[kind]} of {client}"
    there = Spot(where).value("spec", "client")
    if folder_owner(where.file) == client:
        told = ((there, f"the folder says {client}"),)
        return Problem("AVT210", message, spot, label, told, f'did you mean "{client}"?')
    help_ = f"a resource of {client} may name only what is {client}'s own"
    return Problem("AVT210", message, spot, label, ((there, f"it is {owner}'s"),), help_)


def _circles(view: View) -> Iterator[Problem]:
    """One problem for each circle, at its first link; depth first without recursion."""
    done: set[SlugKey] = set()
    for start in sorted(view.state.playlists):
        path: dict[SlugKey, int] = {}
        stack: list[tuple[SlugKey, int]] = [(start, 0)]
        while stack:
            key, place = stack.pop()
            items = view.state.playlists[key].spec.items
            path[key] = place
            nested = _next(view, key, place)
            if nested is None:
                del path[key]
                done.add(key)
                continue
            position, target = nested
            stack.append((key, position + 1))
            if target in path:
                circle = [*list(path)[list(path).index(target) :], target]
                spot = view.spot(view.state.playlists[key]).value("spec", "items", position, "playlist")
                names = " > ".join(step.name for step in circle)
                message = f'playlist "{target.name}" contains itself'
                yield Problem("AVT211", message, spot, label=names, help="take one of them out of the other")
            elif target not in done and items:
                stack.append((target, 0))


def _next(view: View, key: SlugKey, place: int) -> tuple[int, SlugKey] | None:
    """The next nested playlist that exists, from a position on."""
    items = view.state.playlists[key].spec.items
    for position in range(place, len(items)):
        name = items[position].playlist
        if name and (target := SlugKey(key.client, Slug(name))) in view.state.playlists:
            return position, target
    return None
