"""Under which identities plans compare manifests: without the screen's name, and without emergencies. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from avtech_schema.canonical import sha256_hex
from avtech_schema.identifiers import ScreenId

Spelt = Mapping[str, Any]
"""A manifest as JSON."""


def content_of(data: bytes, screen: ScreenId) -> str:
    """The identity of a manifest's bytes but for its screen's name, which is quoted there as no text can be."""
    return sha256_hex(data.replace(f'"screen":"{screen}"'.encode(), b'"screen":""'))


def calm_of(data: bytes) -> str:
    """The identity of a manifest without its screen's name, its emergencies and what only these play.

    If it is the same before and after, a change only adds, alters or ends emergencies.
    """
    return calm_identity(orjson.loads(data))


def calm_identity(spelt: Spelt) -> str:
    """The same of a manifest that was read as JSON."""
    rules = [rule for rule in spelt["rules"] if not rule["emergency"]]
    starts = {rule["playlist"] for rule in rules} | ({spelt["fallback"]} if spelt["fallback"] else set())
    playlists = {name: spelt["playlists"][name] for name in _closure(spelt["playlists"], starts)}
    clips = {item["clip"] for items in playlists.values() for item in items if "clip" in item}
    assets = {name: asset for name, asset in spelt["assets"].items() if name in clips}
    left = {**spelt, "screen": "", "rules": rules, "playlists": playlists, "assets": assets}
    return sha256_hex(orjson.dumps(left, option=orjson.OPT_SORT_KEYS))


def _closure(playlists: Mapping[str, list[Spelt]], starts: Iterable[str]) -> set[str]:
    reached: set[str] = set()
    pending = list(starts)
    while pending:
        if (name := pending.pop()) not in reached:
            reached.add(name)
            pending.extend(item["playlist"] for item in playlists[name] if "playlist" in item)
    return reached
