"""Which screens a schedule or a group means: by name, by group, by label."""

from collections.abc import Mapping

from avtech_controller.desired._state import DesiredState, SlugKey
from avtech_schema.identifiers import ClientId, ScreenId, Slug
from avtech_schema.resources import Group, ScreenSelector

Ghosts = Mapping[ScreenId, tuple[ClientId, Mapping[str, str] | None]]
"""Screens that are there but faulty, with their clients, and with their labels if these can be told."""

_NONE: frozenset[ScreenId] = frozenset()


class Selection:
    """The screens of a state by client and label, so that each selection costs no more than what it selects."""

    def __init__(self, state: DesiredState, ghosts: Ghosts | None = None) -> None:
        """Take the screens of a state and, where selections alone count, faulty ones (`ghosts`) beside them."""
        self._groups = state.groups
        self._of_client: dict[str, set[ScreenId]] = {}
        self._labelled: dict[tuple[str, str, str], set[ScreenId]] = {}
        for name, screen in state.screens.items():
            self._add(name, screen.spec.client, screen.metadata.labels)
        for name, (client, labels) in (ghosts or {}).items():
            self._add(name, client, labels or {})

    def _add(self, name: ScreenId, client: str, labels: Mapping[str, str]) -> None:
        self._of_client.setdefault(client, set()).add(name)
        for key, value in labels.items():
            self._labelled.setdefault((client, key, value), set()).add(name)

    def screens(self, client: ClientId, selector: ScreenSelector) -> set[ScreenId]:
        """The screens of a client that a schedule selects by name, group or label; unknown names select nothing."""
        selected = {ScreenId(name) for name in selector.names}
        for name in selector.groups:
            if group := self._groups.get(SlugKey(client, Slug(name))):
                selected |= self.members(client, group)
        selected |= self._by_labels(client, selector.match_labels)
        return selected & self._of_client.get(client, set())

    def members(self, client: ClientId, group: Group) -> set[ScreenId]:
        """The screens of a client's group."""
        named = {ScreenId(name) for name in group.spec.screens}
        return (named | self._by_labels(client, group.spec.match_labels)) & self._of_client.get(client, set())

    def _by_labels(self, client: ClientId, labels: Mapping[str, str] | None) -> frozenset[ScreenId]:
        if not labels:
            return _NONE
        first, *others = (self._labelled.get((client, key, value), _NONE) for key, value in labels.items())
        return frozenset(first).intersection(*others)
