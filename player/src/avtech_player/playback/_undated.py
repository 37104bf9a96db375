"""What may play while nobody knows the date: the part of a manifest that no date decides (DESIGN section 5)."""

from dataclasses import replace
from typing import NamedTuple

from avtech_schema.identifiers import Slug
from avtech_schema.manifest import Item, Manifest, Rule


class Dates(NamedTuple):
    """Whether the clock is to be believed, and if not, whether a refresh since the start vouches for emergencies."""

    trusted: bool = True
    emergencies: bool = True


def dated_out(manifest: Manifest, dates: Dates) -> Manifest:
    """The manifest that plays: the whole one by a trusted clock, else what has no dates.

    Windows and weekdays are still reckoned by the clock, as are rights and excluded dates. When nothing of the fallback is
    without dates it stays as it is, so that no screen goes black.
    """
    if dates.trusted:
        return manifest
    rules = tuple(rule for rule in manifest.rules if not _is_dated(rule) or (rule.emergency and dates.emergencies))
    kept = {rule.playlist for rule in rules if rule.emergency}
    whole = {name for top in kept for name in _below(top, manifest)}
    playlists = {
        name: items if name in whole else tuple(item for item in items if not (item.valid_from or item.valid_until))
        for name, items in manifest.playlists.items()
    }
    thinned = replace(manifest, rules=rules, playlists=playlists)
    if manifest.fallback is not None and not _can_play(manifest.fallback, thinned):
        restored = {name: manifest.playlists[name] for name in _below(manifest.fallback, manifest)}
        thinned = replace(thinned, playlists={**playlists, **restored})
    return thinned


def _is_dated(rule: Rule) -> bool:
    return bool(rule.valid_from or rule.valid_until or rule.rrule)


def _below(top: Slug, manifest: Manifest) -> set[Slug]:
    """A playlist and those that it nests."""
    found: set[Slug] = set()
    pending = [top]
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += [item.playlist for item in manifest.playlists[name] if item.playlist]
    return found


def _can_play(top: Slug, manifest: Manifest) -> bool:
    items: list[Item] = [item for name in _below(top, manifest) for item in manifest.playlists[name]]
    return any(item.clip for item in items)
