"""A screen's local day, from its manifest, in the words of the demo's page."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta

from avtech_controller.demo.story import DaySegment, ScreenDay
from avtech_schema.airtime import Segment, airtimes, time_zone
from avtech_schema.identifiers import VideoId
from avtech_schema.manifest import Manifest


def screen_day(manifest: Manifest, day: date, *, title: str, titles: Mapping[VideoId, str]) -> ScreenDay:
    """What is on air on a screen on one local day; `titles` are the clips' titles, for those that have one."""
    zone = time_zone(manifest.time_zone)
    start = datetime.combine(day, time(), zone)
    end = datetime.combine(day + timedelta(days=1), time(), zone)
    found = airtimes(manifest, start, end)
    ends = [instant for instant, _ in found[1:]] + [end]
    return ScreenDay(
        screen=manifest.screen,
        title=title,
        zone=zone,
        day=day,
        segments=tuple(
            _day_segment(segment, instant, until, titles) for (instant, segment), until in zip(found, ends, strict=True)
        ),
    )


def _day_segment(segment: Segment, start: datetime, end: datetime, titles: Mapping[VideoId, str]) -> DaySegment:
    """The tied playlists joined by `+`; those that step in when a cap is reached follow after `then`."""
    groups = (segment.shares, *segment.reserves)
    label = " then ".join(" + ".join(dict.fromkeys(share.playlist for share in group)) for group in groups if group)
    clips = dict.fromkeys(clip for group in groups for share in group for clip in share.lineup.clips())
    return DaySegment(
        start=start,
        end=end,
        label=label or "nothing",
        clips=tuple(titles.get(clip, clip) for clip in clips),
        is_fallback=segment.is_fallback,
        is_emergency=any(share.emergency for share in segment.shares),
    )
