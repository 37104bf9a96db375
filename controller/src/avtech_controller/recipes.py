"""How each screen's manifest is put together from spellings that screens share: pure, and small enough to be kept."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

from avtech_controller.desired._state import DesiredState, SlugKey
from avtech_controller.normal import NormalForms, display_of, fallback_of, time_zone_of
from avtech_controller.selection import Selection
from avtech_schema.identifiers import ClientId, ScreenId, Slug
from avtech_schema.manifest import Display
from avtech_schema.spelling import spell_asset, spell_end, spell_manifest, spell_middle, spell_playlist, spell_rules


class Body(NamedTuple):
    """The clips and playlists of a manifest, as numbers of spellings, in order of their names."""

    assets: Sequence[int]
    playlists: Sequence[int]


class Recipe(NamedTuple):
    """One screen's manifest: the numbers of its body, its schedules' rules and its middle, and its own end."""

    screen: ScreenId
    client: ClientId
    body: int
    schedules: Sequence[int]
    middle: int
    end: bytes


@dataclass(slots=True)
class Spellings:
    """The spellings and bodies that the recipes of one part of a repository name by number."""

    pieces: list[bytes] = field(default_factory=list)
    bodies: list[Body] = field(default_factory=list)

    def assets(self, recipe: Recipe) -> list[bytes]:
        """The members of the manifest's `assets`."""
        return [self.pieces[number] for number in self.bodies[recipe.body].assets]

    def data(self, recipe: Recipe) -> bytes:
        """The manifest's canonical bytes."""
        pieces, body = self.pieces, self.bodies[recipe.body]
        return spell_manifest(
            self.assets(recipe),
            [pieces[number] for number in body.playlists],
            [pieces[number] for number in recipe.schedules],
            middle=pieces[recipe.middle],
            end=recipe.end,
        )


class _Reach(NamedTuple):
    """Clips and playlists, by their place in the order of all names, and one digest of them and what they hold."""

    clips: frozenset[int]
    playlists: frozenset[int]
    digest: bytes


_NOTHING: frozenset[int] = frozenset()


class Cookbook:
    """The recipes of a state's screens, and for each a key that names everything its manifest is made of."""

    def __init__(self, state: DesiredState, forms: NormalForms) -> None:
        self.spellings = Spellings()
        self._state = state
        self._forms = forms
        self._digests: list[bytes] = []
        self._clips = sorted(state.videos)
        self._playlists = sorted(state.playlists)
        self._clip_places = {name: place for place, name in enumerate(self._clips)}
        self._playlist_places = {key: place for place, key in enumerate(self._playlists)}
        self._clip_numbers: dict[int, int] = {}
        self._playlist_numbers: dict[int, int] = {}
        self._rules_numbers: dict[SlugKey, int] = {}
        self._middles: dict[tuple[ClientId, Display, Slug | None], int] = {}
        self._closures: dict[SlugKey, _Reach] = {}
        self._reaches: dict[SlugKey, _Reach] = {}
        self._bodies: dict[tuple[ClientId, Slug | None, tuple[SlugKey, ...]], int] = {}
        self._body_digests: list[bytes] = []

    def recipes(self, airing: Mapping[ScreenId, Sequence[SlugKey]], only: Collection[ScreenId] | None) -> Iterator[Recipe]:
        """The recipes of all screens, or of those in `only`, in order of their names; `airing` as `airing_schedules` says."""
        wanted = sorted(self._state.screens if only is None else self._state.screens.keys() & only)
        return (self._recipe(name, airing.get(name, ())) for name in wanted)

    def key(self, recipe: Recipe) -> bytes:
        """What a manifest is made of, as one digest (32 bytes): equal keys, equal bytes."""
        shared = (recipe.middle, *recipe.schedules)
        return sha256(b"".join((self._body_digests[recipe.body], *(self._digests[n] for n in shared), recipe.end))).digest()

    def _recipe(self, name: ScreenId, schedules: Sequence[SlugKey]) -> Recipe:
        screen = self._state.screens[name]
        client = ClientId(screen.spec.client)
        fallback = fallback_of(self._state, screen)
        body = self._body(client, fallback, tuple(schedules))
        middle = self._middle(client, display_of(screen.spec.display), fallback)
        end = spell_end(name, time_zone_of(self._state, screen))
        return Recipe(name, client, body, [self._rules(key) for key in schedules], middle, end)

    def _body(self, client: ClientId, fallback: Slug | None, schedules: tuple[SlugKey, ...]) -> int:
        known = self._bodies.get((client, fallback, schedules))
        if known is not None:
            return known
        reaches = [self._reach(key) for key in schedules]
        if fallback:
            reaches.append(self._closure(SlugKey(client, fallback)))
        clips = _NOTHING.union(*(reach.clips for reach in reaches))
        playlists = _NOTHING.union(*(reach.playlists for reach in reaches))
        self._body_digests.append(sha256(b"".join(reach.digest for reach in reaches)).digest())
        self.spellings.bodies.append(Body(self._clips_at(clips), self._playlists_at(playlists)))
        self._bodies[client, fallback, schedules] = number = len(self.spellings.bodies) - 1
        return number

    def _reach(self, key: SlugKey) -> _Reach:
        """All that a schedule's rules can play."""
        if key not in self._reaches:
            played = {Slug(rule.play) for rule in self._state.schedules[key].spec.rules}
            closures = [self._closure(SlugKey(key.client, name)) for name in sorted(played)]
            clips, playlists = (_NOTHING.union(*(one[place] for one in closures)) for place in (0, 1))
            digest = sha256(b"".join(one.digest for one in closures)).digest()
            self._reaches[key] = _Reach(clips, playlists, digest)
        return self._reaches[key]

    def _closure(self, key: SlugKey) -> _Reach:
        """All that a playlist can play."""
        if key not in self._closures:
            nested = self._forms.closure(key)
            clips = frozenset(map(self._clip_places.__getitem__, self._forms.clips(key.client, nested)))
            playlists = frozenset(self._playlist_places[SlugKey(key.client, name)] for name in nested)
            pieces = [self._digests[number] for number in (*self._clips_at(clips), *self._playlists_at(playlists))]
            self._closures[key] = _Reach(clips, playlists, sha256(b"".join(pieces)).digest())
        return self._closures[key]

    def _clips_at(self, places: frozenset[int]) -> list[int]:
        """The numbers of clips' spellings, in order of names."""
        for place in sorted(places.difference(self._clip_numbers)):
            name = self._clips[place]
            self._clip_numbers[place] = self._spelt(spell_asset(name, self._forms.asset(name)))
        return list(map(self._clip_numbers.__getitem__, sorted(places)))

    def _playlists_at(self, places: frozenset[int]) -> list[int]:
        """The numbers of playlists' spellings, in order of names."""
        for place in sorted(places.difference(self._playlist_numbers)):
            key = self._playlists[place]
            self._playlist_numbers[place] = self._spelt(spell_playlist(key.name, self._forms.items(key)))
        return list(map(self._playlist_numbers.__getitem__, sorted(places)))

    def _rules(self, key: SlugKey) -> int:
        if key not in self._rules_numbers:
            self._rules_numbers[key] = self._spelt(spell_rules(self._forms.rules(key)))
        return self._rules_numbers[key]

    def _middle(self, client: ClientId, display: Display, fallback: Slug | None) -> int:
        known = self._middles.get((client, display, fallback))
        if known is None:
            known = self._middles[client, display, fallback] = self._spelt(spell_middle(client, display, fallback))
        return known

    def _spelt(self, piece: bytes) -> int:
        self.spellings.pieces.append(piece)
        self._digests.append(sha256(piece).digest())
        return len(self._digests) - 1


def airing_schedules(state: DesiredState) -> dict[ScreenId, list[SlugKey]]:
    """Every screen's schedules in order of their names, whatever files they came from; screens without any are left out."""
    airing: dict[ScreenId, list[SlugKey]] = {}
    selection = Selection(state)
    for key in sorted(state.schedules):
        for screen in selection.screens(key.client, state.schedules[key].spec.screens):
            airing.setdefault(screen, []).append(key)
    return airing
