"""What people write, in the normal form that manifests hold: windows in seconds, defaults filled in, names resolved."""

from collections.abc import Iterable, Iterator

from avtech_controller.desired._state import DesiredState, SlugKey
from avtech_schema.identifiers import ByteSize, ClientId, DurationMs, Sha256, Slug, VideoId
from avtech_schema.layout import content_key
from avtech_schema.localtime import DAY_SECONDS, seconds_of_day
from avtech_schema.manifest import Asset, Cut, Display, Item, PowerHours, Rule
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


def time_zone_of(state: DesiredState, screen: Screen) -> str:
    """The screen's own zone, else its client's, else the fleet's."""
    client = state.clients.get(ClientId(screen.spec.client))
    return screen.spec.time_zone or (client and client.spec.time_zone) or state.fleet.spec.defaults.time_zone


def fallback_of(state: DesiredState, screen: Screen) -> Slug | None:
    """The screen's own fallback playlist, else its client's."""
    client = state.clients.get(ClientId(screen.spec.client))
    name = screen.spec.fallback or (client and client.spec.fallback)
    return Slug(name) if name else None


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


def compile_power(spec: PowerHoursSpec) -> PowerHours:
    """Power hours in normal form."""
    return PowerHours(seconds_of_day(spec.from_), _until(spec.until), _days(spec.days))


def display_of(spec: DisplaySpec) -> Display:
    """A display in normal form."""
    width, height = (int(pixels) for pixels in spec.resolution.split("x"))
    return Display(width, height, spec.orientation, compile_power(spec.power_hours) if spec.power_hours else None)


class NormalForms:
    """Rules, items and assets of a state in normal form, made once and shared by all the screens that reach them."""

    def __init__(self, state: DesiredState) -> None:
        self._state = state
        self._rules: dict[SlugKey, tuple[Rule, ...]] = {}
        self._items: dict[SlugKey, tuple[Item, ...]] = {}
        self._assets: dict[VideoId, Asset] = {}
        self._closures: dict[SlugKey, frozenset[Slug]] = {}

    def rules(self, key: SlugKey) -> tuple[Rule, ...]:
        """The rules of a schedule, in order."""
        if key not in self._rules:
            written = self._state.schedules[key].spec.rules
            self._rules[key] = tuple(compile_rule(key.name, number, rule) for number, rule in enumerate(written, 1))
        return self._rules[key]

    def items(self, key: SlugKey) -> tuple[Item, ...]:
        """The items of a playlist, in order."""
        if key not in self._items:
            self._items[key] = tuple(_item(item) for item in self._state.playlists[key].spec.items)
        return self._items[key]

    def asset(self, name: VideoId) -> Asset:
        """What a clip is and where it lies."""
        if name not in self._assets:
            self._assets[name] = _asset(self._state.videos[name])
        return self._assets[name]

    def closure(self, key: SlugKey) -> frozenset[Slug]:
        """A playlist and all that it nests, however deep."""
        if key not in self._closures:
            self._closures[key] = frozenset(self._nested(key))
        return self._closures[key]

    def reached(self, client: ClientId, starts: Iterable[Slug]) -> list[Slug]:
        """Some playlists of a client and all that they nest, in order of their names."""
        return sorted({nested for start in starts for nested in self.closure(SlugKey(client, start))})

    def clips(self, client: ClientId, playlists: Iterable[Slug]) -> list[VideoId]:
        """The clips that some playlists name themselves, in order of their names."""
        return sorted({item.clip for name in playlists for item in self.items(SlugKey(client, name)) if item.clip})

    def _nested(self, start: SlugKey) -> Iterator[Slug]:
        seen = {start.name}
        pending = [start.name]
        while pending:
            name = pending.pop()
            yield name
            found = {item.playlist for item in self.items(SlugKey(start.client, name)) if item.playlist} - seen
            seen |= found
            pending.extend(found)


def _until(text: str | None) -> int:
    """Midnight at the end of a window is the end of the day, `00:00` as well as `24:00`."""
    return (seconds_of_day(text) if text else DAY_SECONDS) or DAY_SECONDS


def _days(days: Iterable[Weekday] | None) -> tuple[int, ...]:
    return tuple(sorted({WEEKDAYS.index(day) for day in days})) if days else tuple(range(7))


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
