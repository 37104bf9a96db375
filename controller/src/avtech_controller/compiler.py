"""Compiles the desired state into one manifest per screen: pure, the same bytes on any machine (DESIGN section 4)."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version

from avtech_controller.desired._state import DesiredState, SlugKey
from avtech_controller.selection import Selection
from avtech_schema.canonical import sha256_hex
from avtech_schema.identifiers import (
    ByteSize,
    ClientId,
    DurationMs,
    ScreenId,
    Sha256,
    Slug,
    VideoId,
)
from avtech_schema.layout import content_key
from avtech_schema.localtime import DAY_SECONDS, seconds_of_day
from avtech_schema.manifest import Asset, Cut, Display, Item, Manifest, PowerHours, Rule
from avtech_schema.resources import (
    WEEKDAYS,
    DisplaySpec,
    PlaylistItem,
    PowerHoursSpec,
    ScheduleRule,
    Screen,
    Video,
    Weekday,
)

COMPILER = f"avtech-controller {version('avtech-controller')}"
"""The compiler's name and version, for release records."""


@dataclass(frozen=True, slots=True)
class CompiledScreen:
    """One screen's manifest; `digest` is the SHA-256 of `data`, its canonical bytes."""

    screen: ScreenId
    client: ClientId
    digest: Sha256
    data: bytes
    manifest: Manifest


def compile_state(state: DesiredState, *, only: Collection[ScreenId] | None = None) -> dict[ScreenId, CompiledScreen]:
    """Compile every screen, or those in `only`, in order of their names; a manifest holds only what its screen reaches."""
    airing = _rules_by_screen(state)
    parts = _Parts(state)
    wanted = sorted(state.screens if only is None else state.screens.keys() & only)
    return {screen: _compile_screen(state, parts, screen, airing.get(screen, [])) for screen in wanted}


def compile_rule_alone(state: DesiredState, screen: ScreenId, rule: Rule) -> Manifest:
    """A screen's manifest with one rule and nothing else, to see how what the rule names is played.

    The state must be without errors.
    """
    return _compile_screen(state, _Parts(state), screen, [rule]).manifest


def time_zone_of(state: DesiredState, screen: Screen) -> str:
    """The screen's own zone, else its client's, else the fleet's."""
    client = state.clients.get(ClientId(screen.spec.client))
    return screen.spec.time_zone or (client and client.spec.time_zone) or state.fleet.spec.defaults.time_zone


def fallback_of(state: DesiredState, screen: Screen) -> Slug | None:
    """The screen's own fallback playlist, else its client's."""
    client = state.clients.get(ClientId(screen.spec.client))
    name = screen.spec.fallback or (client and client.spec.fallback)
    return Slug(name) if name else None


def _rules_by_screen(state: DesiredState) -> dict[ScreenId, list[Rule]]:
    """Every screen's rules in order of schedule and position, whatever files they came from."""
    airing: dict[ScreenId, list[Rule]] = {}
    selection = Selection(state)
    for key in sorted(state.schedules):
        schedule = state.schedules[key]
        rules = [compile_rule(key.name, number, rule) for number, rule in enumerate(schedule.spec.rules, 1)]
        for screen in selection.screens(key.client, schedule.spec.screens):
            airing.setdefault(screen, []).extend(rules)
    return airing


def compile_rule(schedule: Slug, number: int, rule: ScheduleRule) -> Rule:
    """A rule in normal form; `number` counts the schedule's rules from 1."""
    return Rule(
        id=f"{schedule}/{number}",
        schedule=schedule,
        playlist=Slug(rule.play),
        priority=rule.priority,
        weight=rule.weight,
        from_s=seconds_of_day(rule.from_) if rule.from_ else 0,
        until_s=_until(rule.until),
        days=_days(rule.days),
        valid_from=rule.valid_from,
        valid_until=rule.valid_until,
        excluded=tuple(sorted(set(rule.except_))),
        rrule=rule.rrule,
        emergency=rule.emergency,
        cut=rule.cut or (Cut.NOW if rule.emergency else Cut.CLIP),
        max_plays_per_hour=rule.max_plays_per_hour,
    )


def _until(text: str | None) -> int:
    """Midnight at the end of a window is the end of the day, `00:00` as well as `24:00`."""
    return (seconds_of_day(text) if text else DAY_SECONDS) or DAY_SECONDS


def _days(days: Iterable[Weekday] | None) -> tuple[int, ...]:
    return tuple(sorted({WEEKDAYS.index(day) for day in days})) if days else tuple(range(7))


class _Parts:
    """Items and assets in normal form, made once and shared by all the screens that reach them."""

    def __init__(self, state: DesiredState) -> None:
        self._state = state
        self._items: dict[SlugKey, tuple[Item, ...]] = {}
        self._assets: dict[VideoId, Asset] = {}
        self._closures: dict[SlugKey, frozenset[Slug]] = {}

    def items(self, key: SlugKey) -> tuple[Item, ...]:
        if key not in self._items:
            self._items[key] = tuple(_item(item) for item in self._state.playlists[key].spec.items)
        return self._items[key]

    def asset(self, name: VideoId) -> Asset:
        if name not in self._assets:
            self._assets[name] = _asset(self._state.videos[name])
        return self._assets[name]

    def closure(self, key: SlugKey) -> frozenset[Slug]:
        """A playlist and all that it nests, however deep."""
        if key not in self._closures:
            self._closures[key] = frozenset(self._nested(key))
        return self._closures[key]

    def _nested(self, start: SlugKey) -> Iterator[Slug]:
        seen = {start.name}
        pending = [start.name]
        while pending:
            name = pending.pop()
            yield name
            found = {item.playlist for item in self.items(SlugKey(start.client, name)) if item.playlist} - seen
            seen |= found
            pending.extend(found)


def _compile_screen(state: DesiredState, parts: _Parts, name: ScreenId, rules: list[Rule]) -> CompiledScreen:
    screen = state.screens[name]
    client = ClientId(screen.spec.client)
    fallback = fallback_of(state, screen)
    starts = {rule.playlist for rule in rules} | ({fallback} if fallback else set())
    reached = sorted({nested for start in starts for nested in parts.closure(SlugKey(client, start))})
    playlists = {playlist: parts.items(SlugKey(client, playlist)) for playlist in reached}
    clips = sorted({item.clip for items in playlists.values() for item in items if item.clip})
    manifest = Manifest(
        screen=name,
        client=client,
        time_zone=time_zone_of(state, screen),
        display=_display(screen.spec.display),
        rules=tuple(rules),
        playlists=playlists,
        fallback=fallback,
        assets={clip: parts.asset(clip) for clip in clips},
    )
    data = manifest.canonical()
    return CompiledScreen(name, client, sha256_hex(data), data, manifest)


def _display(spec: DisplaySpec) -> Display:
    width, height = (int(pixels) for pixels in spec.resolution.split("x"))
    return Display(width, height, spec.orientation, compile_power(spec.power_hours) if spec.power_hours else None)


def compile_power(spec: PowerHoursSpec) -> PowerHours:
    """Power hours in normal form."""
    return PowerHours(seconds_of_day(spec.from_), _until(spec.until), _days(spec.days))


def _item(item: PlaylistItem) -> Item:
    return Item(
        clip=VideoId(item.clip) if item.clip else None,
        playlist=Slug(item.playlist) if item.playlist else None,
        weight=item.weight,
        valid_from=item.valid_from,
        valid_until=item.valid_until,
    )


def _asset(video: Video) -> Asset:
    spec = video.spec
    digest = Sha256(spec.sha256)
    return Asset(
        sha256=digest,
        size=ByteSize(spec.size_bytes),
        duration=DurationMs(spec.duration_ms),
        key=content_key(ClientId(spec.client), digest),
        rights_from=spec.rights.from_ if spec.rights else None,
        rights_until=spec.rights.until if spec.rights else None,
    )
