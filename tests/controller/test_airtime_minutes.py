"""Minutes on air are what a player shows: held against a real playout, clip by clip, and against sums done by hand."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avtech_controller.airtime_minutes import air, next_clock_week
from avtech_schema.airtime import History, Timeline, playout
from avtech_schema.identifiers import DurationMs, VideoId
from avtech_schema.manifest import Manifest, PowerHours
from tests.property.airtime_strategies import clip, manifest, nested, programmes, rule

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = 3600
SECONDS = {"VID-A": 5, "VID-B": 20, "VID-C": 3, "VID-D": 11}
MAIN = {"main": (clip("VID-A"),), "other": (clip("VID-B"),), "third": (clip("VID-C"),)}


def timed(found: Manifest) -> Manifest:
    """The manifest with clips of telling lengths."""
    assets = {name: replace(asset, duration=DurationMs(SECONDS[name] * 1000)) for name, asset in found.assets.items()}
    return replace(found, assets=assets)


def hours(found: Manifest, length: int, start: datetime = NOON) -> dict[str, float]:
    """The seconds of each clip over some hours."""
    measured = air(timed(found), start, start + timedelta(hours=length))
    return {name: round(seconds, 3) for name, seconds in measured.clips.items()}


def played(found: Manifest, start: datetime, length: timedelta) -> tuple[Mapping[str, float], int]:
    """What a player shows, clip by clip, and the number of stretches that begin or end between clips."""
    timeline = Timeline.compile(found, start, days=length.days + 1)
    history, instant, end = History(), start, start + length
    shown: Counter[str] = Counter()
    edges, last = 1, timeline.at(start).key
    while instant < end:
        segment = timeline.at(instant)
        edges, last = edges + (segment.key != last), segment.key
        play = playout(segment, history, instant)
        if play is None:
            instant = min(segment.until or end, end)
            continue
        stop = instant + timedelta(milliseconds=found.assets[play.clip].duration)
        shown[play.clip] += int((min(stop, end) - instant).total_seconds())
        history, instant = history.after(play), stop
    return shown, edges


def test_one_rule_all_day_has_all_the_air() -> None:
    assert hours(manifest([rule("day/1", "main")], MAIN), 24) == {"VID-A": 86400}


def test_rules_that_tie_share_plays_by_weight_and_time_by_length() -> None:
    both = [rule("day/1", "main", weight=2), rule("day/2", "other", weight=1)]
    assert hours(manifest(both, MAIN), 1) == {"VID-A": HOUR * 10 / 30, "VID-B": HOUR * 20 / 30}


def test_weights_of_items_count_plays_and_a_nested_playlist_is_one_item() -> None:
    lists = {"outer": (clip("VID-A", 3), nested("inner")), "inner": (clip("VID-B"), clip("VID-C"))}
    found = hours(manifest([rule("day/1", "outer")], lists), 1)
    cycle = 3 * 5 + 11.5
    assert found == {
        "VID-A": pytest.approx(HOUR * 15 / cycle, abs=0.01),
        "VID-B": pytest.approx(HOUR * 10 / cycle, abs=0.01),
        "VID-C": pytest.approx(HOUR * 1.5 / cycle, abs=0.01),
    }


def test_what_no_rule_fills_is_the_fallbacks_and_the_rest_is_nothing() -> None:
    window = rule("day/1", "main", from_s=14 * HOUR, until_s=15 * HOUR)
    start, end = NOON, NOON + timedelta(hours=24)
    found = air(timed(manifest([window], MAIN, fallback="other")), start, end)
    assert (found.scheduled, found.fallback, found.nothing) == (HOUR, 23 * HOUR, 0)
    found = air(timed(manifest([window], MAIN)), start, end)
    assert (found.scheduled, found.fallback, found.nothing) == (HOUR, 0, 23 * HOUR)


def test_a_cap_leaves_the_rest_of_each_clock_hour_to_those_next_in_order() -> None:
    rules = [rule("top/1", "other", priority=5, max_plays_per_hour=6), rule("day/1", "main")]
    found = air(timed(manifest(rules, MAIN)), NOON, NOON + timedelta(hours=10))
    assert found.approximate
    assert found.clips == {"VID-B": pytest.approx(10 * 120), "VID-A": pytest.approx(10 * 3480)}


def test_capped_rules_alone_play_on_so_that_nothing_goes_black() -> None:
    found = air(timed(manifest([rule("top/1", "other", max_plays_per_hour=1)], MAIN)), NOON, NOON + timedelta(hours=2))
    assert found.clips == {"VID-B": pytest.approx(7200)}
    assert found.nothing == 0


def test_a_panel_that_is_off_shows_nothing() -> None:
    found = manifest([rule("day/1", "main")], MAIN)
    found = replace(found, display=replace(found.display, power=PowerHours(8 * HOUR, 20 * HOUR, (0, 1, 2, 3, 4))))
    assert hours(found, 7 * 24) == {"VID-A": 5 * 12 * HOUR}


def test_the_week_of_a_clock_change_has_an_hour_more_or_less() -> None:
    week = next_clock_week("Europe/Madrid", NOON)
    assert week is not None
    assert (week.day, week.end - week.start) == (date(2026, 10, 25), timedelta(hours=7 * 24 + 1))
    spring = next_clock_week("Europe/Madrid", week.end)
    assert spring is not None
    assert (spring.day, spring.end - spring.start) == (date(2027, 3, 28), timedelta(hours=7 * 24 - 1))
    assert next_clock_week("Asia/Kathmandu", NOON) is None
    night = rule("night/1", "main", from_s=2 * HOUR, until_s=3 * HOUR)
    assert air(timed(manifest([night], MAIN)), spring.start, spring.end).scheduled == 6 * HOUR


@pytest.mark.parametrize(("weights", "cap"), [((1, 1, 1), None), ((7, 2, 1), None), ((1, 5, 3), 40), ((3, 1, 1), 200)])
def test_minutes_are_those_of_a_real_playout(weights: tuple[int, int, int], cap: int | None) -> None:
    lists = {**MAIN, "mixed": (clip("VID-D", weights[2]), nested("other", 2), clip("VID-A"))}
    rules = [
        rule("day/1", "mixed", weight=weights[0], max_plays_per_hour=cap),
        rule("day/2", "third", weight=weights[1]),
        rule("noon/1", "main", priority=9, from_s=12 * HOUR, until_s=13 * HOUR),
    ]
    found = timed(manifest(rules, lists))
    length = timedelta(days=1)
    shown, _ = played(found, NOON, length)
    measured = air(found, NOON, NOON + length)
    assert {name: measured.clips.get(VideoId(name), 0) for name in shown} == pytest.approx(shown, rel=0.02, abs=60)


@settings(max_examples=30, deadline=None)
@given(programmes(), st.integers(-30, 30))
def test_minutes_of_any_programme_are_those_of_a_real_playout(made: tuple[Manifest, date, object], shift: int) -> None:
    found, middle, _ = made
    found = timed(found)
    start = datetime(middle.year, middle.month, middle.day, tzinfo=UTC) + timedelta(hours=shift)
    length = timedelta(hours=20)
    shown, edges = played(found, start, length)
    measured = air(found, start, start + length)
    parts = 2 * edges + (20 if measured.approximate else 0)
    for name in {*shown, *measured.clips}:
        assert abs(measured.clips.get(VideoId(name), 0) - shown.get(name, 0)) <= parts * 3 * 20
    total = sum(measured.clips.values())
    assert measured.scheduled + measured.fallback == pytest.approx(total)
    assert total + measured.nothing == pytest.approx(length.total_seconds())
