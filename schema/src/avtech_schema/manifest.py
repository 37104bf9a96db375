"""The manifest: the whole of what one screen needs, as frozen values and canonical JSON (DESIGN section 4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from avtech_schema.canonical import canonical_bytes
from avtech_schema.errors import ManifestRejectedError
from avtech_schema.fields import Fields, FieldsError
from avtech_schema.identifiers import (
    MAX_CLIP_MS,
    ByteSize,
    ClientId,
    DurationMs,
    ScreenId,
    Sha256,
    Slug,
    VideoId,
    client_id,
    screen_id,
    sha256,
    slug,
    video_id,
)
from avtech_schema.layout import content_key
from avtech_schema.localtime import DAY_SECONDS, local_bound, local_date
from avtech_schema.recurrence import check_rrule
from avtech_schema.zones import time_zone

MAX_MANIFEST_BYTES = 4_000_000
"""A manifest larger than this is refused before it is parsed."""


class Cut(StrEnum):
    """When a change of what is on air shows: when the clip on screen ends, or at once."""

    CLIP = "clip"
    NOW = "now"


class Orientation(StrEnum):
    """How the panel hangs; a portrait is a landscape turned clockwise by a quarter."""

    LANDSCAPE = "landscape"
    PORTRAIT = "portrait"
    LANDSCAPE_FLIPPED = "landscape-flipped"
    PORTRAIT_FLIPPED = "portrait-flipped"


@dataclass(frozen=True, slots=True)
class PowerHours:
    """When the panel is on: local wall time in seconds of the day, half-open; `until` before `from` crosses midnight."""

    from_s: int
    until_s: int
    days: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Display:
    """The panel."""

    width: int
    height: int
    orientation: Orientation
    power: PowerHours | None


@dataclass(frozen=True, slots=True)
class Asset:
    """One clip: what it is and where it lies in the store. Rights are local bounds (see `Rule.valid_from`)."""

    sha256: Sha256
    size: ByteSize
    duration: DurationMs
    key: str
    rights_from: str | None = None
    rights_until: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a playlist: a clip or, as one item, a nested playlist; its validity is a pair of local bounds."""

    clip: VideoId | None
    playlist: Slug | None
    weight: int = 1
    valid_from: str | None = None
    valid_until: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of airtime in normal form (DESIGN section 3).

    `from_s` and `until_s` are seconds of the local day (0 to 86400); a window is `[from, until)`, and one with
    `until_s < from_s` crosses midnight. `days` counts from Monday as 0. A bound is a local date `2026-12-01`, which
    speaks of the day a window begins on and is inclusive, or a local date-time `2026-12-01T09:00:00`, which cuts the
    window itself and is half-open. `excluded` are dates on which no window begins; `rrule` is RFC 5545, date parts
    only, anchored at `valid_from`.
    """

    id: str
    schedule: Slug
    playlist: Slug
    priority: int = 0
    weight: int = 1
    from_s: int = 0
    until_s: int = DAY_SECONDS
    days: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    valid_from: str | None = None
    valid_until: str | None = None
    excluded: tuple[str, ...] = ()
    rrule: str | None = None
    emergency: bool = False
    cut: Cut = Cut.CLIP
    max_plays_per_hour: int | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one screen needs: identity, zone, display, rules, playlists, fallback, assets. It names no commit."""

    screen: ScreenId
    client: ClientId
    time_zone: str
    display: Display
    rules: tuple[Rule, ...]
    playlists: Mapping[Slug, tuple[Item, ...]]
    fallback: Slug | None
    assets: Mapping[VideoId, Asset]

    def canonical(self) -> bytes:
        """The manifest's one spelling; its identity is the SHA-256 of these bytes."""
        return canonical_bytes(
            {
                "apiVersion": "avtech/v1",
                "kind": "Manifest",
                "screen": self.screen,
                "client": self.client,
                "timeZone": self.time_zone,
                "display": display_json(self.display),
                "rules": [rule_json(rule) for rule in self.rules],
                "playlists": {name: [item_json(item) for item in items] for name, items in self.playlists.items()},
                "fallback": self.fallback,
                "assets": {name: asset_json(asset) for name, asset in self.assets.items()},
            }
        )


def parse_manifest(data: bytes) -> Manifest:
    """Read a manifest that was verified to be the published bytes, and check that it makes sense.

    Raises:
        ManifestRejectedError: it is malformed, refers to what it does not hold, can play nothing, or has a cycle.
    """
    if len(data) > MAX_MANIFEST_BYTES:
        raise ManifestRejectedError(f"the manifest has {len(data)} bytes; at most {MAX_MANIFEST_BYTES} are read")
    try:
        fields = Fields.parse(data, "manifest")
        fields.constant("apiVersion", "avtech/v1")
        fields.constant("kind", "Manifest")
        client = fields.one("client", client_id)
        manifest = Manifest(
            screen=fields.one("screen", screen_id),
            client=client,
            time_zone=fields.one("timeZone", _zone),
            display=_display(fields.object("display")),
            rules=tuple(_rule(rule) for rule in fields.objects("rules")),
            playlists={
                slug(name): tuple(_item(Fields(item, f"manifest: playlist {name}")) for item in _list(items, name))
                for name, items in fields.mapping("playlists").items()
            },
            fallback=fields.optional("fallback", slug),
            assets={
                video_id(name): _asset(Fields(asset, f"manifest: asset {name}"), client)
                for name, asset in fields.mapping("assets").items()
            },
        )
        fields.finish()
        _check_references(manifest)
    except ValueError as error:
        raise ManifestRejectedError(str(error)) from error
    return manifest


def _check_references(manifest: Manifest) -> None:
    named = {rule.playlist for rule in manifest.rules} | ({manifest.fallback} if manifest.fallback else set())
    if not named:
        raise FieldsError("manifest: neither a rule nor a fallback: it would show nothing")
    if not manifest.assets:
        raise FieldsError("manifest: it has no clip at all")
    for items in manifest.playlists.values():
        named |= {item.playlist for item in items if item.playlist}
        for clip in (item.clip for item in items if item.clip):
            if clip not in manifest.assets:
                raise FieldsError(f"manifest: the clip {clip} is not among its assets")
    if missing := named - manifest.playlists.keys():
        raise FieldsError(f"manifest: the playlist {min(missing)} is not in it")
    if len({rule.id for rule in manifest.rules}) != len(manifest.rules):
        raise FieldsError("manifest: two rules share an id")
    _check_cycles(manifest.playlists)


def _check_cycles(playlists: Mapping[Slug, tuple[Item, ...]]) -> None:
    """Depth-first without recursion: a hostile chain of playlists must not exhaust the stack."""
    done: set[Slug] = set()
    for start in playlists:
        path: set[Slug] = set()
        stack = [(start, False)]
        while stack:
            name, leaving = stack.pop()
            if leaving:
                path.remove(name)
                done.add(name)
            elif name in path:
                raise FieldsError(f"manifest: the playlist {name} contains itself")
            elif name not in done:
                path.add(name)
                stack.append((name, True))
                stack.extend((item.playlist, False) for item in playlists[name] if item.playlist)


def display_json(display: Display) -> dict[str, Any]:
    """A display as manifests spell it."""
    power = display.power
    return {
        "width": display.width,
        "height": display.height,
        "orientation": display.orientation.value,
        "power": power and {"from": power.from_s, "until": power.until_s, "days": list(power.days)},
    }


def _display(fields: Fields) -> Display:
    display = Display(
        width=fields.integer("width", low=1, high=16384),
        height=fields.integer("height", low=1, high=16384),
        orientation=fields.one("orientation", Orientation),
        power=_power(power) if (power := fields.optional_object("power")) else None,
    )
    fields.finish()
    return display


def _power(fields: Fields) -> PowerHours:
    power = PowerHours(
        from_s=fields.integer("from", high=DAY_SECONDS - 1),
        until_s=fields.integer("until", high=DAY_SECONDS),
        days=_days(fields),
    )
    fields.finish()
    return power


def rule_json(rule: Rule) -> dict[str, Any]:
    """A rule as manifests spell it."""
    return {
        "id": rule.id,
        "schedule": rule.schedule,
        "playlist": rule.playlist,
        "priority": rule.priority,
        "weight": rule.weight,
        "from": rule.from_s,
        "until": rule.until_s,
        "days": list(rule.days),
        "validFrom": rule.valid_from,
        "validUntil": rule.valid_until,
        "except": list(rule.excluded),
        "rrule": rule.rrule,
        "emergency": rule.emergency,
        "cut": rule.cut.value,
        "maxPlaysPerHour": rule.max_plays_per_hour,
    }


def _rule(fields: Fields) -> Rule:
    rule = Rule(
        id=fields.text("id", limit=200),
        schedule=fields.one("schedule", slug),
        playlist=fields.one("playlist", slug),
        priority=fields.integer("priority", high=100),
        weight=fields.integer("weight", low=1, high=1000),
        from_s=fields.integer("from", high=DAY_SECONDS - 1),
        until_s=fields.integer("until", high=DAY_SECONDS),
        days=_days(fields),
        valid_from=fields.optional("validFrom", local_bound),
        valid_until=fields.optional("validUntil", local_bound),
        excluded=fields.texts("except", local_date),
        rrule=fields.optional("rrule", _recurrence),
        emergency=fields.boolean("emergency"),
        cut=fields.one("cut", Cut),
        max_plays_per_hour=fields.optional_integer("maxPlaysPerHour", low=1, high=3600),
    )
    fields.finish()
    if rule.from_s == rule.until_s:
        raise FieldsError(f"{fields.where}: its window is empty")
    if rule.rrule is not None and rule.valid_from is None:
        raise FieldsError(f"{fields.where}: its recurrence has no anchor")
    return rule


def item_json(item: Item) -> dict[str, Any]:
    """An item of a playlist as manifests spell it."""
    return {
        **({"clip": item.clip} if item.clip else {"playlist": item.playlist}),
        "weight": item.weight,
        "validFrom": item.valid_from,
        "validUntil": item.valid_until,
    }


def _item(fields: Fields) -> Item:
    nested = fields.has("playlist")
    item = Item(
        clip=None if nested else fields.one("clip", video_id),
        playlist=fields.one("playlist", slug) if nested else None,
        weight=fields.integer("weight", low=1, high=1000),
        valid_from=fields.optional("validFrom", local_bound),
        valid_until=fields.optional("validUntil", local_bound),
    )
    fields.finish()
    return item


def asset_json(asset: Asset) -> dict[str, Any]:
    """An asset as manifests spell it."""
    return {
        "sha256": asset.sha256,
        "size": asset.size,
        "durationMs": asset.duration,
        "key": asset.key,
        "rightsFrom": asset.rights_from,
        "rightsUntil": asset.rights_until,
    }


def _asset(fields: Fields, client: ClientId) -> Asset:
    asset = Asset(
        sha256=fields.one("sha256", sha256),
        size=ByteSize(fields.integer("size", low=1)),
        duration=DurationMs(fields.integer("durationMs", low=1, high=MAX_CLIP_MS)),
        key=fields.text("key", limit=200),
        rights_from=fields.optional("rightsFrom", local_bound),
        rights_until=fields.optional("rightsUntil", local_bound),
    )
    fields.finish()
    if asset.key != content_key(client, asset.sha256):
        raise FieldsError(f"{fields.where}: its key is not its client's content key")
    return asset


def _zone(text: str) -> str:
    time_zone(text)
    return text


def _recurrence(text: str) -> str:
    check_rrule(text)
    return text


def _days(fields: Fields) -> tuple[int, ...]:
    days = fields.sequence("days", limit=7)
    if not days or any(type(day) is not int or not 0 <= day <= 6 for day in days) or sorted(set(days)) != days:
        raise FieldsError(f"{fields.where}: days must be rising numbers from 0 (Monday) to 6, found {days!r:.80}")
    return tuple(days)


def _list(value: object, name: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise FieldsError(f"manifest: the playlist {name} has no items")
    return value
