"""When what a screen plays changes, if not on the days that are shown. Pure."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from avtech_controller.airtime_minutes import next_clock_week
from avtech_controller.preview._programme import Programmes
from avtech_schema.airtime import airtimes, time_zone
from avtech_schema.manifest import Manifest
from avtech_schema.zones import from_instant, to_instant, wall_instant

SEARCH = timedelta(days=400)
"""How far a difference is sought beyond the days that are shown."""
_WEEK = timedelta(days=7)


def first_difference(old: Manifest, new: Manifest, after: date) -> date | None:
    """The first local day after a day, within some 400, on which two manifests do not play the same; None if there is none.

    Where nothing is dated, all weeks are alike but those in which the clocks change: no others are looked at.
    """
    zone = time_zone(new.time_zone)
    start = from_instant(wall_instant(zone, after.toordinal() + 1, 0, last=False))
    spans = [(start, start + SEARCH)]
    if old.time_zone == new.time_zone and not _is_dated(old) and not _is_dated(new):
        spans = [(start, start + _WEEK), *_clock_weeks(new.time_zone, start)]
    found = (_difference(old, new, first, last) for first, last in spans)
    instant = next((one for one in found if one is not None), None)
    return instant.astimezone(zone).date() if instant else None


def _is_dated(manifest: Manifest) -> bool:
    """Whether a rule, an item or a clip's rights name dates."""
    return (
        any(rule.valid_from or rule.valid_until or rule.excluded or rule.rrule for rule in manifest.rules)
        or any(item.valid_from or item.valid_until for items in manifest.playlists.values() for item in items)
        or any(asset.rights_from or asset.rights_until for asset in manifest.assets.values())
    )


def _clock_weeks(zone: str, start: datetime) -> Iterator[tuple[datetime, datetime]]:
    end = start + SEARCH
    while (week := next_clock_week(zone, start)) and week.start < end:
        yield max(week.start, start), week.end
        start = week.end


def _difference(old: Manifest, new: Manifest, start: datetime, end: datetime) -> datetime | None:
    """The first instant of a span at which two manifests do not play the same."""
    sides = [
        {to_instant(at): programmes.of(segment).identity for at, segment in airtimes(manifest, start, end)}
        for manifest, programmes in ((old, Programmes(old)), (new, Programmes(new)))
    ]
    shown: list[str | None] = [None, None]
    for instant in sorted(sides[0].keys() | sides[1].keys()):
        shown = [side.get(instant, now) for side, now in zip(sides, shown, strict=True)]
        if shown[0] != shown[1]:
            return from_instant(instant)
    return None
