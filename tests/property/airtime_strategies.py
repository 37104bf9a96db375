"""Hypothesis strategies for manifests around the transitions of a few telling time zones."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from avtech_schema.identifiers import ByteSize, ClientId, DurationMs, ScreenId, Sha256, Slug, VideoId
from avtech_schema.layout import content_key
from avtech_schema.manifest import Asset, Cut, Display, Item, Manifest, Orientation, Rule

CLIENT, SCREEN = ClientId("CLI-ACME"), ScreenId("SCR-ACME-0001")
Bounds = tuple[str | None, str | None]
PLACES = [
    ("Europe/Madrid", date(2026, 3, 29)),
    ("Europe/Madrid", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Asia/Kathmandu", date(1986, 1, 1)),
    ("Pacific/Apia", date(2011, 12, 30)),
    ("America/Havana", date(2025, 11, 2)),
]
"""A zone and a date on which its clocks change: by an hour, half an hour, a quarter of an hour, a day, at midnight."""
CLIPS = ("VID-A", "VID-B", "VID-C", "VID-D")
_MINUTES = st.sampled_from([0, 30, 59, 60, 90, 119, 120, 135, 150, 180, 181, 240, 540, 720, 1320, 1439])


def asset(number: int, rights: Bounds = (None, None)) -> Asset:
    digest = Sha256(f"{number:064x}")
    return Asset(digest, ByteSize(1000), DurationMs(5000), content_key(CLIENT, digest), *rights)


def clip(name: str, weight: int = 1, *valid: str | None) -> Item:
    return Item(VideoId(name), None, weight, *valid)


def nested(name: str, weight: int = 1, *valid: str | None) -> Item:
    return Item(None, Slug(name), weight, *valid)


def rule(name: str, playlist: str, **fields: Any) -> Rule:
    return Rule(name, Slug(name.partition("/")[0]), Slug(playlist), **fields)


def manifest(
    rules: Iterable[Rule],
    playlists: Mapping[str, tuple[Item, ...]],
    *,
    zone: str = "Europe/Madrid",
    fallback: str | None = None,
    rights: Mapping[str, Bounds] | None = None,
) -> Manifest:
    """A manifest whose assets are all of CLIPS."""
    return Manifest(
        SCREEN,
        CLIENT,
        zone,
        Display(1920, 1080, Orientation.LANDSCAPE, None),
        tuple(rules),
        {Slug(name): items for name, items in playlists.items()},
        None if fallback is None else Slug(fallback),
        {VideoId(name): asset(number, (rights or {}).get(name, (None, None))) for number, name in enumerate(CLIPS)},
    )


def dates(middle: date) -> SearchStrategy[str]:
    return st.integers(-4, 4).map(lambda n: (middle + timedelta(days=n)).isoformat())


def bounds(middle: date) -> SearchStrategy[str | None]:
    times = st.builds(lambda day, m: f"{day}T{m // 60:02}:{m % 60:02}:00", dates(middle), _MINUTES)
    return st.none() | dates(middle) | times


@st.composite
def rules(draw: DrawFn, number: int, middle: date, playlists: list[str]) -> Rule:
    start = draw(_MINUTES)
    until = draw(_MINUTES.filter(lambda m: m != start) | st.just(DAY_MINUTES))
    whole = draw(st.booleans())
    valid_from = draw(bounds(middle))
    recurring = valid_from is not None and draw(st.integers(0, 3)) == 0
    return Rule(
        id=f"week/{number}",
        schedule=Slug("week"),
        playlist=Slug(draw(st.sampled_from(playlists))),
        priority=draw(st.sampled_from([0, 0, 10])),
        weight=draw(st.integers(1, 3)),
        from_s=0 if whole else start * 60,
        until_s=DAY_MINUTES * 60 if whole else until * 60,
        days=tuple(sorted(draw(st.sets(st.integers(0, 6), min_size=1)))) if draw(st.booleans()) else tuple(range(7)),
        valid_from=valid_from,
        valid_until=draw(bounds(middle)),
        excluded=tuple(sorted(draw(st.sets(dates(middle), max_size=2)))),
        rrule=f"FREQ=DAILY;INTERVAL={draw(st.integers(1, 3))}" if recurring else None,
        emergency=draw(st.integers(0, 7)) == 0,
        cut=draw(st.sampled_from([Cut.CLIP, Cut.CLIP, Cut.NOW])),
        max_plays_per_hour=draw(st.sampled_from([None, None, 2])),
    )


DAY_MINUTES = 1440


@st.composite
def programmes(draw: DrawFn) -> tuple[Manifest, date, frozenset[VideoId]]:
    """A manifest, the date its zone's clocks change near it, and clips that cannot be played."""
    zone, middle = draw(st.sampled_from(PLACES))

    def items(inner: list[str]) -> SearchStrategy[tuple[Item, ...]]:
        weight, bound = st.integers(1, 4), bounds(middle)
        one = st.builds(clip, st.sampled_from(CLIPS), weight, bound, bound)
        more = st.builds(nested, st.sampled_from(inner), weight, bound, bound) if inner else st.nothing()
        return st.lists(one | more, min_size=1, max_size=3).map(tuple)

    lists = {"inner": draw(items([]))}
    lists["middle"] = draw(items(["inner"]))
    lists["outer"] = draw(items(["inner", "middle"]))
    names = sorted(lists)
    made = [draw(rules(number, middle, names)) for number in range(1, draw(st.integers(0, 4)) + 1)]
    rights = {clip: (draw(bounds(middle)), draw(bounds(middle))) for clip in draw(st.sets(st.sampled_from(CLIPS), max_size=2))}
    fallback = draw(st.sampled_from([None, "inner", "outer"]))
    unplayable = frozenset(VideoId(name) for name in draw(st.sets(st.sampled_from(CLIPS), max_size=2)))
    return manifest(made, lists, zone=zone, fallback=fallback, rights=rights), middle, unplayable
