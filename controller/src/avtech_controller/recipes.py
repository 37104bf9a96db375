"""How each screen's manifest is put together from spellings that screens share: pure, and small enough to be kept."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

from avtech_controller.desired._state import DesiredState, SlugKey
from avtech_controller.normal import NormalForms, display_of, fallback_of, time_zone_of
from avtech_controller.selection import Selection
from avtech_schema.identifiers import ClientId, ScreenId, Slug, VideoId
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

    def data(self, recipe: Recipe) -> bytes:
        """The manifest's canonical bytes."""
        pieces, body = self.pieces, self.bodies[recipe.body]
        return spell_manifest(
            [pieces[number] for number in body.assets],
            [pieces[number] for number in body.playlists],
            [pieces[number] for number in recipe.schedules],
            middle=pieces[recipe.middle],
            end=recipe.end,
        )


class Cookbook:
    """The recipes of a state's screens, and for each a key that names everything its manifest is made of."""

    def __init__(self, state: DesiredState, forms: NormalForms) -> None:
        self.spellings = Spellings()
        self._state = state
        self._forms = forms
        self._digests: list[bytes] = []
        self._numbers: dict[tuple[str, SlugKey | str], int] = {}
        self._middles: dict[tuple[ClientId, Display, Slug | None], int] = {}
        self._bodies: dict[tuple[ClientId, frozenset[Slug]], int] = {}
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
        starts = {Slug(rule.play) for key in schedules for rule in self._state.schedules[key].spec.rules}
        body = self._body(client, frozenset(starts | {fallback} if fallback else starts))
        middle = self._middle(client, display_of(screen.spec.display), fallback)
        end = spell_end(name, time_zone_of(self._state, screen))
        return Recipe(name, client, body, [self._rules(key) for key in schedules], middle, end)

    def _body(self, client: ClientId, starts: frozenset[Slug]) -> int:
        known = self._bodies.get((client, starts))
        if known is not None:
            return known
        reached = self._forms.reached(client, starts)
        assets = [self._asset(name) for name in self._forms.clips(client, reached)]
        body = Body(assets, [self._playlist(SlugKey(client, name)) for name in reached])
        pieces = [self._digests[number] for numbers in body for number in numbers]
        self._body_digests.append(sha256(b"%d " % len(assets) + b"".join(pieces)).digest())
        self.spellings.bodies.append(body)
        self._bodies[client, starts] = number = len(self.spellings.bodies) - 1
        return number

    def _asset(self, name: VideoId) -> int:
        known = self._numbers.get(("asset", name))
        return self._add(("asset", name), spell_asset(name, self._forms.asset(name))) if known is None else known

    def _playlist(self, key: SlugKey) -> int:
        known = self._numbers.get(("playlist", key))
        return self._add(("playlist", key), spell_playlist(key.name, self._forms.items(key))) if known is None else known

    def _rules(self, key: SlugKey) -> int:
        known = self._numbers.get(("rules", key))
        return self._add(("rules", key), spell_rules(self._forms.rules(key))) if known is None else known

    def _middle(self, client: ClientId, display: Display, fallback: Slug | None) -> int:
        known = self._middles.get((client, display, fallback))
        if known is None:
            known = self._middles[client, display, fallback] = self._spelt(spell_middle(client, display, fallback))
        return known

    def _add(self, name: tuple[str, SlugKey | str], piece: bytes) -> int:
        self._numbers[name] = number = self._spelt(piece)
        return number

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
