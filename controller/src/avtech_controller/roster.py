"""A roster: every screen of a fleet by name, in parts by client that can be told apart without looking at their screens. Pure.

What a publication costs follows from this: of 100,000 screens, it looks at those of the clients that differ.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar

from avtech_schema.identifiers import ClientId, ScreenId, Sha256


class ManifestRef(Protocol):
    """A screen's manifest by its digest."""

    @property
    def screen(self) -> ScreenId:
        """The screen."""
        ...

    @property
    def client(self) -> ClientId:
        """Its client."""
        ...

    @property
    def digest(self) -> Sha256:
        """The digest of its manifest."""
        ...


S = TypeVar("S", bound=ManifestRef)
Old = TypeVar("Old", bound=ManifestRef)
New = TypeVar("New", bound=ManifestRef)


@dataclass(frozen=True, slots=True)
class Part(Generic[S]):
    """The screens of one client: their names divided by spaces, their digests in the same order, and how to have them."""

    names: str
    digests: str
    rows: Callable[[], Sequence[S]]

    @classmethod
    def of(cls, rows: Iterable[S]) -> "Part[S]":
        """The part that some screens of one client are."""
        ordered = sorted(rows, key=lambda row: row.screen)
        names = " ".join(row.screen for row in ordered)
        return cls(names, "".join(row.digest for row in ordered), lambda: ordered)

    def __len__(self) -> int:
        """How many screens it has."""
        return self.names.count(" ") + 1 if self.names else 0

    def is_same(self, other: "Part[Any] | None") -> bool:
        """Whether both hold the same manifests for the same screens."""
        return other is not None and self.digests == other.digests and self.names == other.names


class Roster(Mapping[ScreenId, S]):
    """Every screen by name, in order of names; the parts of clients by their names. No name is in two parts."""

    def __init__(self, parts: Mapping[ClientId, Part[S]]) -> None:
        self.parts = {client: part for client, part in sorted(parts.items()) if part.names}
        self._opened: dict[ClientId, dict[ScreenId, S]] = {}

    @classmethod
    def of(cls, screens: Mapping[ScreenId, S]) -> "Roster[S]":
        """The roster of some screens, or they themselves if they are one."""
        if isinstance(screens, Roster):
            return screens
        rows: dict[ClientId, list[S]] = {}
        for screen in screens.values():
            rows.setdefault(screen.client, []).append(screen)
        return cls({client: Part.of(some) for client, some in rows.items()})

    def __getitem__(self, name: ScreenId) -> S:
        """One screen."""
        return self.part(self._places[name])[name]

    def __contains__(self, name: object) -> bool:
        """Whether there is a screen."""
        return name in self._places

    def __iter__(self) -> Iterator[ScreenId]:
        """All names in order."""
        return iter(self._ordered)

    def __len__(self) -> int:
        """How many screens there are."""
        return sum(map(len, self.parts.values()))

    def values(self) -> Any:
        """All screens, in order of their names."""
        return self._ordered.values()

    def items(self) -> Any:
        """All names and screens, in order."""
        return self._ordered.items()

    @property
    def counts(self) -> dict[ClientId, int]:
        """How many screens each client has."""
        return {client: len(part) for client, part in self.parts.items()}

    def part(self, client: ClientId) -> Mapping[ScreenId, S]:
        """The screens of one client, which may have none."""
        if client not in self._opened:
            found = self.parts.get(client)
            self._opened[client] = {row.screen: row for row in found.rows()} if found else {}
        return self._opened[client]

    def with_changes(self, changes: Mapping[ScreenId, S | None]) -> "Roster[S]":
        """The same with some screens added, replaced, moved or (None) removed."""
        touched: dict[ClientId, dict[ScreenId, S]] = {}

        def opened(client: ClientId) -> dict[ScreenId, S]:
            if client not in touched:
                touched[client] = dict(self.part(client))
            return touched[client]

        for name, new in changes.items():
            if (client := self._places.get(name)) is not None:
                opened(client).pop(name)
            if new is not None:
                opened(new.client)[name] = new
        return Roster({**self.parts, **{client: Part.of(rows.values()) for client, rows in touched.items()}})

    @cached_property
    def _places(self) -> dict[ScreenId, ClientId]:
        places: dict[ScreenId, ClientId] = {}
        for client, part in self.parts.items():
            places.update(dict.fromkeys(map(ScreenId, part.names.split(" ")), client))
        return places

    @cached_property
    def _ordered(self) -> dict[ScreenId, S]:
        return dict(sorted(one for client in self.parts for one in self.part(client).items()))


def split_digests(digests: str) -> list[Sha256]:
    """The single digests of a part, 64 characters each."""
    return [Sha256(digests[start : start + 64]) for start in range(0, len(digests), 64)]


def differing(old: Mapping[ScreenId, Old], new: Mapping[ScreenId, New]) -> tuple[dict[ScreenId, Old], dict[ScreenId, New]]:
    """The screens, on both sides, of the clients whose screens or manifests are not all the same; others surely are."""
    before, after = Roster.of(old), Roster.of(new)
    clients = [
        client
        for client in before.parts.keys() | after.parts.keys()
        if (part := before.parts.get(client)) is None or not part.is_same(after.parts.get(client))
    ]
    olds = {name: one for client in clients for name, one in before.part(client).items()}
    return olds, {name: one for client in clients for name, one in after.part(client).items()}
