"""Before and after: what differs, in words; and screens that show the same, put together."""

from dataclasses import replace
from datetime import UTC, date, datetime

from avtech_controller.preview import Dates, State
from avtech_controller.preview._week_html import days_text
from avtech_controller.preview._weeks import MAX_SEARCHES, Memory, screen_weeks
from avtech_schema.identifiers import VideoId
from avtech_schema.manifest import PowerHours
from tests.controller.preview_weeks import DATES, MONDAY, SUNDAY, manifest, one_week, rule, weeks
from tests.controller.publishing import asset, screen

WORKDAYS = (0, 1, 2, 3, 4)


def test_a_change_is_said_once_for_all_its_days() -> None:
    before = manifest(rule("day/1", "offers", 9, 21))
    after = manifest(rule("day/1", "offers", 9, 21), rule("day/2", "lunch", 12, 14, days=WORKDAYS, priority=5))
    week = one_week(after, before)
    assert week.state is State.CHANGED
    (change,) = week.changes
    assert (change.start_clock, change.end_clock) == ("12:00", "14:00")
    assert (change.before.label, change.after.label) == ("offers", "lunch")
    assert days_text(change.days) == "Mon to Fri"
    assert [pair.before is not None for pair in week.days] == [True] * 5 + [False] * 2


def test_blocks_are_cut_where_a_difference_begins_and_only_that_part_is_marked() -> None:
    before = manifest(rule("day/1", "offers", 9, 21))
    after = manifest(rule("day/1", "offers", 9, 21), rule("day/2", "lunch", 12, 14, priority=5))
    pair = one_week(after, before).days[0]
    assert pair.before is not None
    found = [(piece.block.start_clock, piece.block.end_clock, piece.changed) for piece in pair.before]
    assert found == [
        ("00:00", "09:00", False),
        ("09:00", "12:00", False),
        ("12:00", "14:00", True),
        ("14:00", "21:00", False),
        ("21:00", "24:00", False),
    ]
    assert [piece.block.programme.label for piece in pair.after if piece.changed] == ["lunch"]


def test_a_rule_that_moves_to_another_place_changes_nothing_that_is_seen() -> None:
    before = manifest(rule("day/1", "offers", 9, 21))
    after = manifest(rule("night/1", "main", 2, 3, days=(0,), valid_from="2040-01-01"), rule("day/2", "offers", 9, 21))
    assert one_week(after, before).state is State.SAME


def test_another_file_under_the_same_name_is_a_change() -> None:
    before = manifest(rule("day/1", "offers", 9, 21))
    clip = VideoId("VID-ACME-OFFERS")
    after = replace(before, assets={**before.assets, clip: asset(b"a new cut")})
    week = one_week(after, before)
    assert week.state is State.CHANGED
    assert {change.after.label for change in week.changes} == {"offers"}


def test_screens_with_one_week_are_one_group_whatever_their_names_and_zones() -> None:
    made = [manifest(rule("day/1", "offers", 9, 21), name=f"SCR-ACME-{number:04}") for number in range(20)]
    made += [replace(made[0], screen=manifest(name="SCR-ACME-LISBON").screen, time_zone="Europe/Lisbon")]
    other = manifest(rule("day/1", "offers", 9, 20), name="SCR-ACME-OTHER")
    found = weeks(*made, other)
    assert [len(week.screens) for week in found] == [21, 1]
    assert found[0].zones == ("Europe/Lisbon", "Europe/Madrid")
    assert {week.state for week in found} == {State.ALONE}


def test_what_changes_comes_first_and_new_and_unreadable_screens_are_told_apart() -> None:
    same, old = manifest(name="SCR-ACME-SAME"), manifest(name="SCR-ACME-OLD")
    changed = manifest(rule("day/1", "offers"), name="SCR-ACME-OLD")
    added, unknown = manifest(name="SCR-ACME-NEW"), manifest(name="SCR-ACME-UNKNOWN")
    before = {"SCR-ACME-SAME": same, "SCR-ACME-OLD": old, "SCR-ACME-UNKNOWN": None}
    found = weeks(same, changed, added, unknown, before=before)
    assert [(week.screens[0], week.state) for week in found] == [
        ("SCR-ACME-OLD", State.CHANGED),
        ("SCR-ACME-NEW", State.ADDED),
        ("SCR-ACME-UNKNOWN", State.UNKNOWN),
        ("SCR-ACME-SAME", State.SAME),
    ]


def test_a_time_zone_that_changes_is_compared_by_the_clocks_of_each() -> None:
    before = manifest(rule("day/1", "offers", 9, 21), time_zone="Asia/Kathmandu")
    assert one_week(replace(before, time_zone="Europe/London"), before).days[0].before is None
    week = one_week(replace(before, time_zone="Europe/Madrid"), before)
    assert week.days[6].day.seconds == 25 * 3600


def test_this_week_begins_on_monday_where_the_screen_hangs() -> None:
    sunday_night = datetime(2026, 10, 25, 23, 30, tzinfo=UTC)
    assert Dates(sunday_night).of("Europe/Lisbon") == (MONDAY, SUNDAY)
    assert Dates(sunday_night).of("Europe/Madrid")[0] == date(2026, 10, 26)
    assert Dates(sunday_night, last=SUNDAY).of("Europe/Madrid") == (MONDAY, SUNDAY)
    assert Dates(sunday_night, first=SUNDAY).of("Europe/Madrid")[1] == date(2026, 10, 31)


def test_days_are_said_in_few_words() -> None:
    days = [date(2026, 10, day) for day in (19, 20, 21, 24)]
    assert days_text(days) == "Mon to Wed, Sat"
    assert days_text([MONDAY]) == "Mon"
    assert days_text([MONDAY, date(2026, 10, 27)]) == "Mon 19 Oct, Tue 27 Oct"


def test_a_memory_gives_what_it_computed_before_and_forgets_what_is_gone() -> None:
    memory = Memory()
    compiled = [screen("SCR-ACME-0001"), screen("SCR-ACME-0002")]
    first = screen_weeks(compiled, None, DATES, memory)
    again = screen_weeks(compiled, None, DATES, memory)
    assert first[0].days is again[0].days
    screen_weeks([], None, DATES, memory)
    assert screen_weeks(compiled, None, DATES, memory)[0].days is not first[0].days


def test_a_change_beyond_the_shown_days_is_found_and_said() -> None:
    before = manifest(rule("day/1", "offers", 9, 21))
    eve = rule("day/2", "closing", 18, 20, priority=5, valid_from="2026-12-24", valid_until="2026-12-24")
    week = one_week(manifest(rule("day/1", "offers", 9, 21), eve), before)
    assert week.state is State.OTHERWISE
    assert week.remarks == ("what it plays changes later, first on Thursday 24 December 2026",)
    assert week.changes == ()
    other = one_week(manifest(rule("day/1", "offers", 9, 21), replace(eve, valid_from="2028-01-01", valid_until=None)), before)
    assert other.state is State.SAME


def test_what_else_changes_about_a_screen_is_said() -> None:
    before = manifest(rule("day/1", "offers", 9, 21))
    power = replace(before.display, power=PowerHours(6 * 3600, 23 * 3600, WORKDAYS))
    assert one_week(replace(before, display=power), before).remarks == ("the hours in which its panel is on change",)
    larger = replace(before.display, width=3840)
    assert one_week(replace(before, display=larger), before).remarks == ("its panel's size or orientation changes",)
    moved = one_week(replace(before, time_zone="Europe/Lisbon"), before)
    assert moved.remarks == ("its time zone changes from Europe/Madrid to Europe/Lisbon",)
    assert moved.state is State.OTHERWISE


def test_looking_beyond_the_shown_days_is_bounded() -> None:
    before, day = manifest(rule("day/1", "offers", 9, 21)), rule("day/1", "offers", 9, 21)
    eves = [
        rule("x/2", "closing", 18, 20 + place / 60, priority=5, valid_from="2026-12-24", valid_until="2026-12-24")
        for place in range(MAX_SEARCHES + 10)
    ]
    made = [manifest(day, eve, name=f"SCR-ACME-{place}") for place, eve in enumerate(eves)]
    found = weeks(*made, before={screen.screen: replace(before, screen=screen.screen) for screen in made})
    assert sum(len(week.screens) for week in found if week.state is State.OTHERWISE) == MAX_SEARCHES + 10
    assert {len(week.screens) for week in found} == {MAX_SEARCHES, 10}
