"""Airtime: the meaning of a schedule, as pure functions of a manifest, an instant and what has played (DESIGN section 3).

`airtime` says what is on air at an instant, `playout` which clip comes next. The rules are in docs/reference/airtime.md.
"""

from avtech_schema.airtime._effort import MOST_STEPS, EffortError
from avtech_schema.airtime._panel import Panel, panel
from avtech_schema.airtime._rotation import MAX_SEGMENTS, History, Play, next_turn, playout
from avtech_schema.airtime._segment import Lineup, OnAir, Segment, Share, Turn
from avtech_schema.airtime._timeline import Timeline, airtime, airtimes
from avtech_schema.airtime._transitions import Change, Effect, transition_effects
from avtech_schema.airtime._windows import days as window_days
from avtech_schema.recurrence import check_rrule
from avtech_schema.zones import local_instant, time_zone, time_zones

__all__ = [
    "MAX_SEGMENTS",
    "MOST_STEPS",
    "Change",
    "Effect",
    "EffortError",
    "History",
    "Lineup",
    "OnAir",
    "Panel",
    "Play",
    "Segment",
    "Share",
    "Timeline",
    "Turn",
    "airtime",
    "airtimes",
    "check_rrule",
    "local_instant",
    "next_turn",
    "panel",
    "playout",
    "time_zone",
    "time_zones",
    "transition_effects",
    "window_days",
]
