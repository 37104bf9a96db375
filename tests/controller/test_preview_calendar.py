"""The calendar of a screen: true to the length of its days, to midnight and to its panel's hours."""

from datetime import date
from itertools import pairwise

import pytest

from avtech_controller.preview._calendar import Day, calendar
from avtech_controller.preview._programme import Kind
from avtech_schema.manifest import Cut, Display, Orientation, PowerHours
from tests.controller.preview_weeks import MONDAY, SUNDAY, manifest, rule

WEEK = (0, 1, 2, 3, 4, 5, 6)


def shown(day: Day) -> list[tuple[str, str, str]]:
    return [(block.start_clock, block.end_clock, block.programme.label) for block in day.blocks]


def test_a_day_is_covered_without_a_gap_by_rules_and_the_fallback() -> None:
    days = calendar(manifest(rule("day/1", "offers", 9, 21)), MONDAY, SUNDAY)
    assert [day.date.weekday() for day in days] == list(WEEK)
    assert shown(days[0]) == [("00:00", "09:00", "main"), ("09:00", "21:00", "offers"), ("21:00", "24:00", "main")]
    assert [block.programme.kind for block in days[0].blocks] == [Kind.FALLBACK, Kind.RULES, Kind.FALLBACK]
    for day in days:
        edges = [(block.start, block.end) for block in day.blocks]
        assert edges[0][0] == 0
        assert edges[-1][1] == day.seconds
        assert all(one[1] == other[0] for one, other in pairwise(edges))


@pytest.mark.parametrize(
    ("zone", "day", "hours", "note", "shown_hours"),
    [
        ("Europe/Madrid", date(2026, 10, 25), 25, "25 hours: clocks go back", ["00", "01", "02", "02", "03"]),
        ("Europe/Madrid", date(2026, 3, 29), 23, "23 hours: clocks go forward", ["00", "01", "03", "04", "05"]),
        ("America/New_York", date(2026, 11, 1), 25, "25 hours: clocks go back", ["00", "01", "01", "02", "03"]),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5, "24.5 hours: clocks go back", ["00", "01", "02", "03", "04"]),
        ("Asia/Kathmandu", date(2026, 10, 25), 24, "", []),
        ("Pacific/Apia", date(2011, 12, 30), 0, "this day does not exist here", []),
        ("America/Havana", date(2024, 11, 3), 25, "25 hours: clocks go back", ["00", "00", "01", "02", "03"]),
    ],
)
def test_a_day_has_the_hours_its_clocks_have(zone: str, day: date, hours: float, note: str, shown_hours: list[str]) -> None:
    (found,) = calendar(manifest(time_zone=zone), day, day)
    assert (found.seconds / 3600, found.note) == (hours, note)
    assert [text for _, text in found.hours][:5] == shown_hours
    assert sum(block.end - block.start for block in found.blocks) == found.seconds


def test_an_hour_that_comes_twice_is_told_apart() -> None:
    twice = rule("day/1", "offers", 1.5, 2.5)
    (found,) = calendar(manifest(twice), SUNDAY, SUNDAY)
    assert shown(found)[1] == ("01:30", "02:30 again", "offers")
    assert found.blocks[1].end - found.blocks[1].start == 2 * 3600


def test_a_window_past_midnight_is_drawn_across() -> None:
    late = rule("late/1", "closing", 21, 0.5, days=(4,))
    friday, saturday = calendar(manifest(late), date(2026, 10, 23), date(2026, 10, 24))
    assert (shown(friday)[-1], friday.blocks[-1].goes_on) == (("21:00", "24:00", "closing"), True)
    assert (shown(saturday)[0], saturday.blocks[0].from_before) == (("00:00", "00:30", "closing"), True)
    assert not friday.blocks[0].from_before


def test_rules_that_look_the_same_stay_two_blocks_of_one_identity() -> None:
    (day,) = calendar(manifest(rule("a/1", "offers", 9, 12), rule("b/1", "offers", 12, 15)), MONDAY, MONDAY)
    first, second = (block.programme for block in day.blocks[1:3])
    assert first != second
    assert first.identity == second.identity


def test_an_emergency_and_a_cap_are_said() -> None:
    drill = rule("drill/1", "drill", emergency=True, valid_from="2026-10-19T11:00:00", valid_until="2026-10-19T11:10:00")
    capped = rule("day/1", "brand", priority=5, max_plays_per_hour=4)
    (day,) = calendar(manifest(drill, capped, rule("day/2", "offers")), MONDAY, MONDAY)
    before, during, _after = day.blocks
    assert before.programme.label == "brand (at most 4 an hour), else offers"
    assert before.programme.main == "offers"
    assert (during.programme.kind, during.start_clock, during.end_clock) == (Kind.EMERGENCY, "11:00", "11:10")
    assert next(during.programme.parts()).cuts


def test_ties_share_and_weights_count_only_beside_others() -> None:
    alone = calendar(manifest(rule("day/1", "offers", weight=1)), MONDAY, MONDAY)[0].blocks[0].programme
    heavy = calendar(manifest(rule("day/1", "offers", weight=9)), MONDAY, MONDAY)[0].blocks[0].programme
    assert alone.identity == heavy.identity
    tied = [
        calendar(manifest(rule("day/1", "brand", weight=weight), rule("day/2", "offers")), MONDAY, MONDAY)[0]
        .blocks[0]
        .programme
        for weight in (1, 2)
    ]
    assert tied[0].label == "brand + offers"
    assert tied[0].identity != tied[1].identity


def test_a_screen_on_which_nothing_can_play_says_so() -> None:
    late = rule("day/1", "main", valid_from="2030-01-01", cut=Cut.NOW)
    (day,) = calendar(manifest(late, fallback=None), MONDAY, MONDAY)
    assert shown(day) == [("00:00", "24:00", "nothing")]
    assert day.blocks[0].programme.kind is Kind.NOTHING


def test_the_panel_is_off_outside_its_hours_also_past_midnight() -> None:
    power = PowerHours(18 * 3600, 2 * 3600, (0,))
    display = Display(1920, 1080, Orientation.LANDSCAPE, power)
    monday, tuesday = calendar(manifest(display=display), MONDAY, date(2026, 10, 20))
    assert monday.off == ((0, 18 * 3600),)
    assert tuesday.off == ((2 * 3600, 24 * 3600),)
    assert calendar(manifest(), MONDAY, MONDAY)[0].off == ()
