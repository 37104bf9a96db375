"""Reckons the air of a manifest. What depends on windows alone is swept once for all manifests that have the same windows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any

from avtech_controller.airtime_minutes._meter import Air, Groups, Meter
from avtech_schema.airtime import Lineup, Share, Turn, airtimes, panel
from avtech_schema.identifiers import ByteSize, ClientId, DurationMs, ScreenId, Sha256, Slug, VideoId
from avtech_schema.manifest import Asset, Display, Item, Manifest, Orientation, PowerHours, Rule
from avtech_schema.zones import bound_instant, from_instant, time_zone, to_instant

_Piece = tuple[tuple[tuple[int, ...], ...], tuple[tuple[int, int], ...]]
"""Places of rules group by group (-1: the fallback), and the stretches in which they are on air."""
_TIMES = ("from_s", "until_s", "days", "valid_from", "valid_until", "excluded", "rrule")
_NAMES = ("priority", *_TIMES, "emergency", "max_plays_per_hour")
_WINDOW = attrgetter(*_NAMES)
"""What of a rule says when it is on air."""
_Fields = tuple[Any, ...]
_NAME = Slug("x")
_CLIP = VideoId("VID-X")
_ASSET = Asset(Sha256("0" * 64), ByteSize(1), DurationMs(1000), "")


def air(manifest: Manifest, start: datetime, end: datetime) -> Air:
    """How long each clip of a screen is on air from `start` to `end` (aware).

    Raises:
        ValueError: an instant has no offset, or the manifest's zone or a recurrence is none.
    """
    first, last = to_instant(start), to_instant(end)
    meter = Meter(manifest.time_zone, manifest.assets)
    lineups = _steady_lineups(manifest, first, last)
    for groups, spans in _swept(manifest, first, last) if lineups is None else _steady(manifest, lineups, first, last):
        for begin, stop in spans:
            meter.add(groups, begin, stop)
    return meter.total()


def _swept(manifest: Manifest, first: int, last: int) -> Iterator[tuple[Groups, Sequence[tuple[int, int]]]]:
    """The stretches of a manifest whose items come or go meanwhile."""
    on = tuple(_panel_on(manifest, first, last))
    found = airtimes(manifest, from_instant(first), from_instant(last))
    ends = [to_instant(instant) for instant, _ in found[1:]] + [last]
    for (begin, segment), stop in zip(found, ends, strict=True):
        groups = (segment.shares, *segment.reserves) if segment.shares else ()
        yield groups, list(_overlaps(on, to_instant(begin), stop))


def _steady(
    manifest: Manifest, lineups: Mapping[Slug, Lineup], first: int, last: int
) -> Iterator[tuple[Groups, Sequence[tuple[int, int]]]]:
    """The stretches of a manifest whose playlists stay as they are: those of its windows, with its lineups put in."""
    rules = [rule for rule in manifest.rules if rule.playlist in lineups]
    fallback = lineups.get(manifest.fallback) if manifest.fallback else None
    shares = {place: _share(rule, lineups[rule.playlist]) for place, rule in enumerate(rules)}
    if fallback:
        shares[-1] = Share(None, None, fallback.playlist, fallback)
    bare = tuple(_WINDOW(rule) for rule in rules)
    power = manifest.display.power
    for places, spans in _window_pieces(_Windows(bare, fallback is not None, manifest.time_zone, power, first, last)):
        yield tuple(tuple(shares[place] for place in group) for group in places), spans


def _share(rule: Rule, lineup: Lineup) -> Share:
    return Share(rule.id, rule.schedule, rule.playlist, lineup, rule.weight, rule.max_plays_per_hour)


@dataclass(frozen=True, slots=True)
class _Windows:
    """All on which the stretches of a manifest depend while its playlists stay as they are."""

    rules: tuple[_Fields, ...]
    fallback: bool
    zone: str
    power: PowerHours | None
    first: int
    last: int


@lru_cache(maxsize=8192)
def _window_pieces(windows: _Windows) -> tuple[_Piece, ...]:
    """What rules are on air when, whatever they play; groups without a cap have one stretch as long as all together."""
    bare = Manifest(
        ScreenId("SCR-X"),
        ClientId("CLI-X"),
        windows.zone,
        Display(1, 1, Orientation.LANDSCAPE, windows.power),
        tuple(
            Rule(str(place), _NAME, _NAME, **dict(zip(_NAMES, rule, strict=True))) for place, rule in enumerate(windows.rules)
        ),
        {_NAME: (Item(_CLIP, None),)},
        _NAME if windows.fallback else None,
        {_CLIP: _ASSET},
    )
    plain: dict[tuple[tuple[int, ...], ...], int] = {}
    pieces: list[_Piece] = []
    for groups, spans in _swept(bare, windows.first, windows.last):
        places = tuple(tuple(-1 if share.rule is None else int(share.rule) for share in group) for group in groups)
        if any(share.max_plays_per_hour for group in groups for share in group):
            pieces.append((places, tuple(spans)))
        else:
            plain[places] = plain.get(places, 0) + sum(stop - begin for begin, stop in spans)
    return (*pieces, *((places, ((0, seconds),)) for places, seconds in plain.items()))


def _steady_lineups(manifest: Manifest, first: int, last: int) -> dict[Slug, Lineup] | None:
    """What may play of each playlist from `first` to `last`; None if that changes. Empty ones are left out."""
    lineups: dict[Slug, Lineup] = {}
    pending = [(name, False) for name in manifest.playlists]
    done: set[Slug] = set()
    while pending:
        name, nested_are_known = pending.pop()
        if name in done:
            continue
        if not nested_are_known:
            pending.append((name, True))
            pending.extend((item.playlist, False) for item in manifest.playlists[name] if item.playlist)
            continue
        done.add(name)
        turns: list[Turn] = []
        for item in manifest.playlists[name]:
            plays = _plays(item, manifest, first, last)
            if plays is None:
                return None
            if plays and item.clip:
                turns.append(Turn(item.weight, clip=item.clip))
            elif plays and item.playlist and item.playlist in lineups:
                turns.append(Turn(item.weight, lineup=lineups[item.playlist]))
        if turns:
            lineups[name] = Lineup(name, name, tuple(turns))
    return lineups


def _plays(item: Item, manifest: Manifest, first: int, last: int) -> bool | None:
    """Whether an item may play from `first` to `last`; None if that changes meanwhile."""
    asset = manifest.assets.get(item.clip) if item.clip else None
    if item.clip and asset is None:
        return False
    begins = (item.valid_from, asset.rights_from if asset else None)
    ends = (item.valid_until, asset.rights_until if asset else None)
    if begins == ends == (None, None):
        return True
    plays = True
    for bound, end in ((begins[0], False), (begins[1], False), (ends[0], True), (ends[1], True)):
        if bound is None:
            continue
        instant = _bound(manifest.time_zone, bound, end)
        if first < instant < last:
            return None
        plays = plays and (instant >= last if end else instant <= first)
    return plays


@lru_cache(maxsize=65536)
def _bound(zone: str, bound: str, end: bool) -> int:  # noqa: FBT001  part of a cache's key
    return bound_instant(time_zone(zone), bound, end=end)


def _panel_on(manifest: Manifest, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The stretches in which the panel is on."""
    while start < end:
        found = panel(manifest, datetime.fromtimestamp(start, UTC))
        until = min(end, to_instant(found.until)) if found.until else end
        if found.on:
            yield start, until
        start = until


def _overlaps(spans: Sequence[tuple[int, int]], start: int, end: int) -> Iterator[tuple[int, int]]:
    """What [start, end) has in common with rising spans."""
    for first, last in spans:
        if first < end and start < last:
            yield max(first, start), min(last, end)
