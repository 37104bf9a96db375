"""A screen's local day, from its manifest, in the words of the demo's page."""

from collections.abc import Mapping
from datetime import date, tzinfo

from avtech_controller.demo.story import DaySegment, ScreenDay
from avtech_controller.preview import Block, Kind, calendar
from avtech_schema.airtime import time_zone
from avtech_schema.identifiers import VideoId
from avtech_schema.manifest import Manifest
from avtech_schema.zones import from_instant, wall_instant


def screen_day(manifest: Manifest, day: date, *, title: str, titles: Mapping[VideoId, str]) -> ScreenDay:
    """What is on air on a screen on one local day; `titles` are the clips' titles, for those that have one."""
    zone = time_zone(manifest.time_zone)
    midnight = wall_instant(zone, day.toordinal(), 0, last=False)
    (found,) = calendar(manifest, day, day)
    return ScreenDay(
        screen=manifest.screen,
        title=title,
        zone=zone,
        day=day,
        segments=tuple(_day_segment(block, midnight, zone, titles) for block in found.blocks),
    )


def _day_segment(block: Block, midnight: int, zone: tzinfo, titles: Mapping[VideoId, str]) -> DaySegment:
    programme = block.programme
    start, end = (from_instant(midnight + seconds).astimezone(zone) for seconds in (block.start, block.end))
    return DaySegment(
        start=start,
        end=end,
        label=programme.label,
        clips=tuple(titles.get(clip, clip) for clip in programme.clips()),
        is_fallback=programme.kind in (Kind.FALLBACK, Kind.NOTHING),
        is_emergency=programme.kind is Kind.EMERGENCY,
    )
