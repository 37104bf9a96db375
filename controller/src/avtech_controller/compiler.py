"""Compiles the desired state into one manifest per screen: pure, the same bytes on any machine (DESIGN section 4)."""

from collections.abc import Callable, Collection, Sequence
from functools import partial
from importlib.metadata import version

from avtech_controller.desired._state import DesiredState, SlugKey
from avtech_controller.normal import NormalForms, compile_power, compile_rule, display_of, fallback_of, time_zone_of
from avtech_controller.recipes import Cookbook, airing_schedules
from avtech_schema.canonical import sha256_hex
from avtech_schema.identifiers import ByteSize, ClientId, ScreenId, Sha256
from avtech_schema.manifest import Manifest, Rule, parse_manifest
from avtech_schema.spelling import spell_asset

__all__ = [
    "COMPILER",
    "CompiledScreen",
    "compile_power",
    "compile_rule",
    "compile_rule_alone",
    "compile_state",
    "fallback_of",
    "time_zone_of",
]

COMPILER = f"avtech-controller {version('avtech-controller')}"
"""The compiler's name and version, for release records."""


class CompiledScreen:
    """One screen's manifest; `digest` is the SHA-256 of `data`, its canonical bytes, and `size` their number.

    `data` may be a function that makes or reads the bytes whenever they are asked for, so that very many screens fit
    into memory; then `size` is needed. `manifest` may be one, too, and is made once; without it, the data is parsed.
    `assets` gives the spellings of the clips, which screens share.
    """

    __slots__ = ("_assets", "_data", "_manifest", "client", "digest", "screen", "size")

    def __init__(
        self,
        screen: ScreenId,
        client: ClientId,
        digest: Sha256,
        data: bytes | Callable[[], bytes],
        manifest: Manifest | Callable[[], Manifest] | None = None,
        *,
        size: int | None = None,
        assets: Callable[[], Sequence[bytes]] | None = None,
    ) -> None:
        self.screen = screen
        self.client = client
        self.digest = digest
        self.size = ByteSize(len(data) if isinstance(data, bytes) else size or 0)
        self._data = data
        self._manifest = manifest
        self._assets = assets

    @property
    def data(self) -> bytes:
        """The manifest's canonical bytes; keep them rather than ask twice."""
        return self._data if isinstance(self._data, bytes) else self._data()

    @property
    def assets(self) -> Sequence[bytes]:
        """The members of the manifest's `assets`, as `spell_asset` spells them: much sooner than its data, if that is made."""
        if self._assets:
            return self._assets()
        return [spell_asset(name, asset) for name, asset in self.manifest.assets.items()]

    @property
    def manifest(self) -> Manifest:
        """The manifest itself."""
        if not isinstance(self._manifest, Manifest):
            self._manifest = self._manifest() if self._manifest else parse_manifest(self.data)
        return self._manifest

    def __eq__(self, other: object) -> bool:
        """Whether both are the same manifest in the same place."""
        return isinstance(other, CompiledScreen) and self._identity() == other._identity()

    def __hash__(self) -> int:
        """By the digest."""
        return hash(self.digest)

    def __repr__(self) -> str:
        """Its place and digest."""
        return f"CompiledScreen({self.client}/{self.screen}, {self.digest})"

    def _identity(self) -> tuple[str, str, str]:
        return self.client, self.screen, self.digest


def compile_state(state: DesiredState, *, only: Collection[ScreenId] | None = None) -> dict[ScreenId, CompiledScreen]:
    """Compile every screen, or those in `only`, in order of their names; a manifest holds only what its screen reaches."""
    airing = airing_schedules(state)
    forms = NormalForms(state)
    cookbook = Cookbook(state, forms)
    compiled: dict[ScreenId, CompiledScreen] = {}
    for recipe in cookbook.recipes(airing, only):
        name, data = recipe.screen, cookbook.spellings.data(recipe)
        made = partial(cookbook.spellings.data, recipe)
        manifest, assets = (
            partial(_manifest, state, forms, name, airing.get(name, ())),
            partial(cookbook.spellings.assets, recipe),
        )
        compiled[name] = CompiledScreen(name, recipe.client, sha256_hex(data), made, manifest, size=len(data), assets=assets)
    return compiled


def compile_rule_alone(state: DesiredState, screen: ScreenId, rule: Rule) -> Manifest:
    """A screen's manifest with one rule and nothing else, to see how what the rule names is played.

    The state must be without errors.
    """
    return _manifest_of(state, NormalForms(state), screen, (rule,))


def _manifest(state: DesiredState, forms: NormalForms, name: ScreenId, schedules: Sequence[SlugKey]) -> Manifest:
    return _manifest_of(state, forms, name, [rule for key in schedules for rule in forms.rules(key)])


def _manifest_of(state: DesiredState, forms: NormalForms, name: ScreenId, rules: Sequence[Rule]) -> Manifest:
    screen = state.screens[name]
    client = ClientId(screen.spec.client)
    fallback = fallback_of(state, screen)
    reached = forms.reached(client, {rule.playlist for rule in rules} | ({fallback} if fallback else set()))
    return Manifest(
        screen=name,
        client=client,
        time_zone=time_zone_of(state, screen),
        display=display_of(screen.spec.display),
        rules=tuple(rules),
        playlists={playlist: forms.items(SlugKey(client, playlist)) for playlist in reached},
        fallback=fallback,
        assets={clip: forms.asset(clip) for clip in forms.clips(client, reached)},
    )
