"""Which screens a resource reaches, so that a finding can say whom it touches."""

from collections.abc import Sequence
from functools import cached_property

from avtech_controller.checks.view import View
from avtech_controller.compiler import fallback_of
from avtech_controller.desired._state import Key, SlugKey
from avtech_controller.findings import Severity
from avtech_schema.identifiers import ClientId, ScreenId, Slug

_SHOWN = 3


class Reach:
    """Follows names from resources to screens, on a state that may have gaps."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._state = view.state
        self._selection = view.whole_selection

    def screens(self, kind: str, key: Key) -> frozenset[ScreenId]:
        """The screens that a resource, valid or not, has to do with."""
        state = self._state
        match kind:
            case "Fleet":
                return frozenset(ScreenId(name) for name in self._view.index.known.valid("Screen"))
            case "Client":
                own = (name for name, screen in state.screens.items() if screen.spec.client == key)
                return frozenset(own) | {name for name, (client, _) in self._view.ghosts.items() if client == key}
            case "Screen":
                return self._existing(str(key))
            case "Video":
                holders = self._holders.get(str(key), set())
                return frozenset().union(*(self.screens("Playlist", holder) for holder in holders))
            case _ if isinstance(key, SlugKey):
                return self._of_slug(kind, key)
            case _:
                return frozenset()

    def _of_slug(self, kind: str, key: SlugKey) -> frozenset[ScreenId]:
        state = self._state
        if kind == "Playlist":
            return self._by_playlist(key)
        if kind == "Schedule" and key in state.schedules:
            return frozenset(self._selection.screens(key.client, state.schedules[key].spec.screens))
        if (kind, key) in self._view.broken_selectors:
            return frozenset(self._selection.screens(key.client, self._view.broken_selectors[kind, key]))
        if kind == "Group" and key in state.groups:
            return frozenset(self._selection.members(key.client, state.groups[key]))
        if kind == "AirCheck" and key in state.checks:
            return self._existing(state.checks[key].spec.screen)
        return frozenset()

    def _existing(self, name: str) -> frozenset[ScreenId]:
        """A screen, if there is one of that name, be it faulty."""
        there = ScreenId(name) in self._state.screens or name in self._view.index.known.of("Screen")
        return frozenset({ScreenId(name)}) if there else frozenset()

    def impact(self, severity: Severity, touched: Sequence[tuple[str, Key]]) -> str:
        """How many screens a finding about resources (kind and name) touches, and some of them by name."""
        screens = sorted(frozenset().union(*(self.screens(kind, key) for kind, key in touched)))
        if not screens:
            return ""
        more = f" and {len(screens) - _SHOWN} more" if len(screens) > _SHOWN else ""
        if severity is Severity.ERROR and touched[0][0] != "AirCheck":
            return f"{_count(screens)} would not compile: {', '.join(screens[:_SHOWN])}{more}"
        return f"concerns {_count(screens)}: {', '.join(screens[:_SHOWN])}{more}"

    def _by_playlist(self, key: SlugKey) -> frozenset[ScreenId]:
        found: set[ScreenId] = set()
        seen = {key}
        pending = [key]
        while pending:
            here = pending.pop()
            found |= self._direct.get(here, set())
            above = self._holders.get(here, set()) - seen
            seen |= above
            pending.extend(above)
        return frozenset(found)

    @cached_property
    def _direct(self) -> dict[SlugKey, set[ScreenId]]:
        """Screens by the playlists that their rules and fallbacks name."""
        found: dict[SlugKey, set[ScreenId]] = {}
        for key, schedule in self._state.schedules.items():
            screens = self._selection.screens(key.client, schedule.spec.screens)
            for rule in schedule.spec.rules:
                found.setdefault(SlugKey(key.client, Slug(rule.play)), set()).update(screens)
        for name, (client, _) in self._view.ghosts.items():
            if owner := self._state.clients.get(client):
                found.setdefault(SlugKey(client, Slug(owner.spec.fallback or "")), set()).add(name)
        for name, screen in self._state.screens.items():
            if fallback := fallback_of(self._state, screen):
                found.setdefault(SlugKey(ClientId(screen.spec.client), fallback), set()).add(name)
        return found

    @cached_property
    def _holders(self) -> dict[Key, set[SlugKey]]:
        """Playlists by the clips and playlists that they hold."""
        found: dict[Key, set[SlugKey]] = {}
        for key, playlist in self._state.playlists.items():
            for item in playlist.spec.items:
                held: Key = item.clip or SlugKey(key.client, Slug(item.playlist or ""))
                found.setdefault(held, set()).add(key)
        return found


def _count(screens: list[ScreenId]) -> str:
    return "1 screen" if len(screens) == 1 else f"{len(screens)} screens"
