"""A manifest's canonical bytes, put together from the spellings of its parts: what many screens share is spelt once."""

from collections.abc import Iterable, Sequence

from avtech_schema.canonical import canonical_bytes
from avtech_schema.identifiers import ClientId, ScreenId, Slug, VideoId
from avtech_schema.manifest import Asset, Display, Item, Rule, asset_json, display_json, item_json, rule_json

_BEGIN = b'{"apiVersion":"avtech/v1","assets":{'
_RULES = b'},"rules":['


def spell_asset(name: VideoId, asset: Asset) -> bytes:
    """One member of `assets`."""
    return _inner({name: asset_json(asset)})


def spell_playlist(name: Slug, items: Iterable[Item]) -> bytes:
    """One member of `playlists`."""
    return _inner({name: [item_json(item) for item in items]})


def spell_rules(rules: Iterable[Rule]) -> bytes:
    """Consecutive elements of `rules`."""
    return _inner([rule_json(rule) for rule in rules])


def spell_middle(client: ClientId, display: Display, fallback: Slug | None) -> bytes:
    """What stands between the assets and the playlists."""
    head = {"client": client, "display": display_json(display), "fallback": fallback, "kind": "Manifest"}
    return b"}," + _inner(head) + b',"playlists":{'


def spell_end(screen: ScreenId, time_zone: str) -> bytes:
    """What stands after the rules."""
    return b"]," + _inner({"screen": screen, "timeZone": time_zone}) + b"}"


def spell_manifest(
    assets: Sequence[bytes], playlists: Sequence[bytes], rules: Sequence[bytes], *, middle: bytes, end: bytes
) -> bytes:
    """The same bytes as `Manifest.canonical`, if assets and playlists are in order of their names."""
    return b"".join(
        (_BEGIN, b",".join(assets), middle, b",".join(playlists), _RULES, b",".join(filter(None, rules)), end),
    )


def _inner(value: object) -> bytes:
    """A mapping or list without its brackets."""
    return canonical_bytes(value)[1:-1]
