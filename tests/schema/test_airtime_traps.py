"""The known traps of calendars and clocks, each a test named after it."""

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from avtech_schema.airtime import Change, Timeline, airtime, airtimes, time_zone, time_zones, transition_effects
from avtech_schema.identifiers import VideoId
from avtech_schema.manifest import Manifest, Rule, parse_manifest
from tests.property.airtime_strategies import clip, manifest, nested, rule

HOUR = 3600
LISTS = {"all": (clip("VID-A"),), "house": (clip("VID-D"),)}


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def spans(made: Rule | Manifest, first: str, last: str, *, zone: str = "Europe/Madrid") -> list[str]:
    """When the rules are on air between two instants, spelt in UTC like `07-03T06:30/20:30`."""
    made = made if isinstance(made, Manifest) else manifest([made], LISTS, zone=zone)
    start, end = instant(first), instant(last)
    found = [
        (begin, min(segment.until or end, end)) for begin, segment in airtimes(made, start, end) if not segment.is_fallback
    ]
    return [f"{begin:%m-%dT%H:%M}/{until:%H:%M}" for begin, until in found]


def days_of(rrule: str, anchor: str, until: str) -> list[str]:
    """The local days on which a recurring hour of the morning is on air."""
    made = rule("s/1", "all", from_s=9 * HOUR, until_s=10 * HOUR, valid_from=anchor, rrule=rrule)
    segments = airtimes(manifest([made], LISTS), instant(anchor), instant(until))
    return [f"{begin.astimezone(ZoneInfo('Europe/Madrid')):%Y-%m-%d}" for begin, segment in segments if segment.shares]


def test_an_event_inside_the_missing_hour_does_not_play_that_day_and_is_warned_of() -> None:
    event = rule("s/1", "all", from_s=2 * HOUR + 600, until_s=2 * HOUR + 3000)
    assert spans(event, "2026-03-27T12:00", "2026-03-30T12:00") == ["03-28T01:10/01:50", "03-30T00:10/00:50"]
    before = airtime(manifest([event], LISTS), instant("2026-03-28T02:00"))
    assert before.until == instant("2026-03-30T00:10")
    effects = transition_effects(event, "Europe/Madrid", date(2026, 3, 1), within_days=60)
    assert [(effect.day, effect.change) for effect in effects] == [(date(2026, 3, 29), Change.SILENCED)]


def test_an_event_that_only_touches_the_missing_hour_plays_what_exists_of_it() -> None:
    into = rule("s/1", "all", from_s=HOUR, until_s=2 * HOUR + 1800)
    out_of = rule("s/1", "all", from_s=2 * HOUR + 1800, until_s=4 * HOUR)
    around = rule("s/1", "all", from_s=HOUR + 1800, until_s=3 * HOUR + 1800)
    assert spans(into, "2026-03-29T00:00", "2026-03-29T12:00") == ["03-29T00:00/01:00"]
    assert spans(out_of, "2026-03-29T00:00", "2026-03-29T12:00") == ["03-29T01:00/02:00"]
    assert spans(around, "2026-03-29T00:00", "2026-03-29T12:00") == ["03-29T00:30/01:30"]


def test_an_item_that_starts_inside_the_missing_hour_starts_at_the_change() -> None:
    lists = {"all": (clip("VID-A", 1, "2026-03-29T02:30:00"),)}
    made = manifest([rule("s/1", "all")], lists)
    assert spans(made, "2026-03-28T12:00", "2026-03-29T12:00") == ["03-29T01:00/12:00"]


@pytest.mark.parametrize(
    ("change", "hours"),
    [("2026-03-29", ["08:00", "07:00", "07:00"]), ("2026-10-25", ["07:00", "08:00", "08:00"])],
    ids=["spring", "autumn"],
)
def test_a_daily_recurrence_on_the_change_day_keeps_its_wall_time_and_plays_once(change: str, hours: list[str]) -> None:
    daily = rule("s/1", "all", from_s=9 * HOUR, until_s=10 * HOUR, valid_from="2026-01-01", rrule="FREQ=DAILY")
    day = instant(change)
    found = spans(daily, f"{day - timedelta(days=1):%Y-%m-%d}", f"{day + timedelta(days=2):%Y-%m-%d}")
    assert [span[6:11] for span in found] == hours


def test_a_daily_recurrence_in_the_hour_that_comes_twice_is_one_block() -> None:
    daily = rule("s/1", "all", from_s=2 * HOUR, until_s=3 * HOUR, valid_from="2026-01-01", rrule="FREQ=DAILY")
    found = spans(daily, "2026-10-23T12:00", "2026-10-26T12:00")
    assert found == ["10-24T00:00/01:00", "10-25T00:00/02:00", "10-26T01:00/02:00"]


def test_every_other_day_counts_days_of_the_calendar_over_a_change_of_the_clocks() -> None:
    assert days_of("FREQ=DAILY;INTERVAL=2", "2026-03-25", "2026-04-03") == [
        *("2026-03-25", "2026-03-27", "2026-03-29", "2026-03-31", "2026-04-02")
    ]
    assert days_of("FREQ=DAILY;INTERVAL=3", "2026-10-22", "2026-11-01") == [
        *("2026-10-22", "2026-10-25", "2026-10-28", "2026-10-31")
    ]


def test_every_second_month_counts_from_its_anchor_and_over_the_end_of_the_year() -> None:
    assert days_of("FREQ=MONTHLY;INTERVAL=2", "2026-09-15", "2027-06-01") == [
        *("2026-09-15", "2026-11-15", "2027-01-15", "2027-03-15", "2027-05-15")
    ]


def test_every_second_month_skips_months_without_the_day_and_does_not_lose_its_rhythm() -> None:
    assert days_of("FREQ=MONTHLY;INTERVAL=2", "2026-01-31", "2027-04-01") == [
        *("2026-01-31", "2026-03-31", "2026-05-31", "2026-07-31", "2027-01-31", "2027-03-31")
    ]
    assert days_of("FREQ=MONTHLY;INTERVAL=2;BYDAY=1MO", "2026-12-01", "2027-07-01") == [
        *("2026-12-07", "2027-02-01", "2027-04-05", "2027-06-07")
    ]


def test_a_fifth_weekday_is_in_months_that_have_one_and_is_not_the_last() -> None:
    assert days_of("FREQ=MONTHLY;BYDAY=5FR", "2026-01-01", "2026-11-01") == [
        *("2026-01-30", "2026-05-29", "2026-07-31", "2026-10-30")
    ]
    assert days_of("FREQ=MONTHLY;BYDAY=-1FR", "2026-01-01", "2026-05-30") == [
        *("2026-01-30", "2026-02-27", "2026-03-27", "2026-04-24", "2026-05-29")
    ]


def test_month_ends_are_counted_from_the_end_and_a_31st_is_not_moved() -> None:
    assert days_of("FREQ=MONTHLY;BYMONTHDAY=-1", "2027-12-01", "2028-05-01") == [
        *("2027-12-31", "2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30")
    ]
    assert days_of("FREQ=MONTHLY;BYMONTHDAY=31", "2026-01-01", "2026-06-01") == ["2026-01-31", "2026-03-31", "2026-05-31"]
    assert days_of("FREQ=MONTHLY;BYMONTHDAY=30", "2026-01-01", "2026-05-01") == ["2026-01-30", "2026-03-30", "2026-04-30"]
    assert days_of("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "2026-01-01", "2026-06-01") == [
        *("2026-01-30", "2026-02-27", "2026-03-31", "2026-04-30", "2026-05-29")
    ]


def test_a_29_february_recurs_in_leap_years_alone() -> None:
    assert days_of("FREQ=YEARLY", "2024-02-29", "2033-01-01") == ["2024-02-29", "2028-02-29", "2032-02-29"]


def test_a_window_past_midnight_at_a_weeks_end_belongs_to_sunday() -> None:
    night = {"from_s": 22 * HOUR, "until_s": 2 * HOUR}
    week = ("2026-07-02", "2026-07-08")
    assert spans(rule("s/1", "all", days=(6,), **night), *week) == ["07-05T20:00/00:00"]
    assert spans(rule("s/1", "all", days=(0,), **night), *week) == ["07-06T20:00/00:00"]
    weekend = spans(rule("s/1", "all", days=(5, 6), **night), *week)
    assert weekend == ["07-04T20:00/00:00", "07-05T20:00/00:00"]


def test_a_window_past_midnight_at_a_weeks_end_ends_whole_at_a_months_and_a_years_end() -> None:
    last = rule("s/1", "all", from_s=22 * HOUR, until_s=2 * HOUR, valid_until="2026-12-31")
    assert spans(last, "2026-12-31T12:00", "2027-01-03") == ["12-31T21:00/01:00"]
    excepted = rule("s/1", "all", from_s=22 * HOUR, until_s=2 * HOUR, excluded=("2027-01-01",))
    assert spans(excepted, "2026-12-31T12:00", "2027-01-03") == ["12-31T21:00/01:00", "01-02T21:00/00:00"]


ANSWER = """
import json, sys
from datetime import UTC, datetime, timedelta
from avtech_schema.airtime import Timeline, airtimes
from avtech_schema.manifest import parse_manifest
made = parse_manifest(sys.stdin.buffer.read())
start = datetime(2026, 10, 20, tzinfo=UTC)
found = airtimes(made, start, start + timedelta(days=8))
timeline = Timeline.compile(made, start)
assert all(timeline.at(begin) == segment for begin, segment in found)
print(json.dumps([[begin.isoformat(), segment.key, str(segment.until)] for begin, segment in found]))
"""


def elsewhere(made: Manifest, **environment: str) -> list[list[str]]:
    """The answers of a process on a machine that thinks it is somewhere else."""
    ran = subprocess.run(
        [sys.executable, "-c", ANSWER],
        input=made.canonical(),
        env={"PATH": os.environ["PATH"], **environment},
        check=True,
        capture_output=True,
        timeout=60,
    )
    assert ran.stderr == b""
    answers: list[list[str]] = json.loads(ran.stdout)
    return answers


def test_a_players_zone_differing_from_the_controllers_changes_nothing(tmp_path: Path) -> None:
    """TZ, the C library's zone files and Python's search path all say something else, down to another Europe/Madrid."""
    with resources.as_file(resources.files("tzdata") / "zoneinfo") as zones:
        (tmp_path / "Europe").mkdir()
        shutil.copy(zones / "Asia/Tokyo", tmp_path / "Europe/Madrid")
    rules = [
        rule("s/1", "all", from_s=2 * HOUR + 1800, until_s=4 * HOUR),
        rule("s/2", "all", from_s=22 * HOUR, until_s=2 * HOUR, days=(6,), max_plays_per_hour=3),
        rule("s/3", "all", valid_from="2026-10-22T09:30:00", valid_until="2026-10-23", priority=9),
    ]
    made = manifest(rules, LISTS, fallback="house")
    start = datetime(2026, 10, 20, tzinfo=UTC)
    here = [
        [begin.isoformat(), segment.key, str(segment.until)]
        for begin, segment in airtimes(made, start, start + timedelta(days=8))
    ]
    assert len(here) > 10
    lying = {"TZDIR": str(tmp_path), "PYTHONTZPATH": str(tmp_path)}
    assert elsewhere(made, TZ="Pacific/Apia", **lying) == here
    assert elsewhere(made, TZ="XYZ+11:30", PYTHONTZPATH="") == here


@pytest.mark.parametrize(
    ("legacy", "canonical"),
    [
        ("US/Eastern", "America/New_York"),
        ("Asia/Katmandu", "Asia/Kathmandu"),
        ("Europe/Kiev", "Europe/Kyiv"),
        ("Australia/LHI", "Australia/Lord_Howe"),
        ("UTC", "Etc/UTC"),
    ],
)
def test_a_legacy_zone_name_gives_the_same_answers_and_stays_in_the_manifest_as_written(legacy: str, canonical: str) -> None:
    rules = [rule("s/1", "all", from_s=HOUR + 1800, until_s=9 * HOUR), rule("s/2", "all", valid_from="2026-10-28T01:00:00")]
    old, new = (parse_manifest(manifest(rules, LISTS, zone=zone).canonical()) for zone in (legacy, canonical))
    assert old.time_zone == legacy
    assert {legacy, canonical} <= time_zones()
    assert time_zone(legacy).key == legacy
    stretch = instant("2026-10-01"), instant("2026-11-15")
    assert [(begin, segment.key, segment.until) for begin, segment in airtimes(old, *stretch)] == [
        (begin, segment.key, segment.until) for begin, segment in airtimes(new, *stretch)
    ]


@pytest.mark.parametrize("away", [timedelta(hours=3), timedelta(days=30), timedelta(days=500), timedelta(days=6000)])
def test_an_item_that_starts_in_the_future_with_nothing_else_to_wake_the_player_is_named_by_until(away: timedelta) -> None:
    now = instant("2026-07-01T12:00")
    comes = now + away
    local = comes.astimezone(ZoneInfo("Europe/Madrid")).replace(tzinfo=None).isoformat()
    made = manifest([rule("s/1", "all")], {"all": (clip("VID-A"), clip("VID-B", 1, local))})
    segment = airtime(made, now)
    assert segment.until == comes
    assert [entry.clip for entry in segment.on_air()] == ["VID-A"]
    timeline = Timeline.compile(made, now)
    assert timeline.at(now).until == comes
    assert timeline.at(timeline.horizon - timedelta(seconds=1)).until == (comes if comes >= timeline.horizon else None)
    later = airtime(made, comes)
    assert [entry.clip for entry in later.on_air()] == ["VID-A", "VID-B"]
    assert airtime(made, comes - timedelta(seconds=1)) == segment
    if comes < timeline.horizon:
        assert timeline.at(comes) == later


def test_an_item_that_starts_in_the_future_wakes_the_player_however_it_is_hidden() -> None:
    """Nested, under rights, alone in its playlist, or in reserve behind a cap: `until` names it all the same."""
    now, comes = instant("2026-07-01T12:00"), instant("2026-08-01T10:00")
    late = "2026-08-01T12:00:00"
    deep = {"all": (clip("VID-A"), nested("in")), "in": (nested("inner"),), "inner": (clip("VID-B", 1, late),)}
    alone = {"all": (clip("VID-B", 1, late),), "house": (clip("VID-D"),)}
    behind = {"all": (clip("VID-A"),), "low": (clip("VID-B", 1, late),), "house": (clip("VID-D"),)}
    capped = [rule("s/1", "all", priority=9, max_plays_per_hour=2), rule("s/2", "low")]
    for made in (
        manifest([rule("s/1", "all")], deep),
        manifest([rule("s/1", "all")], {"all": (clip("VID-A"), clip("VID-B"))}, rights={"VID-B": (late, None)}),
        manifest([rule("s/1", "all")], alone, fallback="house"),
        manifest([], {"house": (clip("VID-D"), clip("VID-B", 1, late))}, fallback="house"),
        manifest(capped, behind, fallback="house"),
    ):
        before, after = airtime(made, now), airtime(made, comes)
        assert before.until == comes
        assert before.key != after.key
        groups = (after.shares, *after.reserves)
        assert VideoId("VID-B") in {name for group in groups for share in group for name in share.lineup.clips()}
