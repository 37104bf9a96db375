"""Airtime: priorities, emergencies, fallbacks, what can play, the next change, changes of the clocks, hostile manifests."""

import time
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from avtech_schema.airtime import (
    Change,
    EffortError,
    OnAir,
    Segment,
    Timeline,
    airtime,
    airtimes,
    local_instant,
    time_zone,
    time_zones,
    transition_effects,
)
from avtech_schema.identifiers import Slug, VideoId
from avtech_schema.manifest import Cut, Manifest
from tests.property.airtime_strategies import clip, manifest, nested, rule

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
LISTS = {"a": (clip("VID-A"),), "b": (clip("VID-B"),), "c": (clip("VID-C"),), "house": (clip("VID-D"),)}


def on(segment: Segment) -> list[str | None]:
    return [share.rule for share in segment.shares]


def test_the_highest_priority_wins_and_an_emergency_outranks_it() -> None:
    normal, high = rule("s/1", "a"), rule("s/2", "b", priority=100)
    alarm = rule("s/3", "c", emergency=True, valid_until="2026-07-02")
    assert on(airtime(manifest([normal, high], LISTS), NOW)) == ["s/2"]
    assert on(airtime(manifest([normal, high, alarm], LISTS), NOW)) == ["s/3"]
    assert on(airtime(manifest([normal, high, alarm], LISTS), NOW + timedelta(days=2))) == ["s/2"]


def test_rules_of_one_priority_tie_in_the_order_of_the_manifest() -> None:
    made = manifest([rule("s/2", "b"), rule("s/1", "a"), rule("s/3", "c", priority=0, emergency=False)], LISTS)
    segment = airtime(made, NOW)
    assert on(segment) == ["s/2", "s/1", "s/3"]
    assert segment.on_air()[0] == OnAir(VideoId("VID-B"), "s/2", Slug("s"), Slug("b"))


def test_a_rule_that_has_nothing_to_play_steps_aside() -> None:
    made = manifest([rule("s/1", "a", priority=9), rule("s/2", "b")], LISTS, rights={"VID-A": ("2026-08-01", None)})
    assert on(airtime(made, NOW)) == ["s/2"]
    assert airtime(made, NOW).until == datetime(2026, 7, 31, 22, tzinfo=UTC)
    assert on(airtime(made, NOW, unplayable={VideoId("VID-B")})) == []


def test_the_fallback_plays_when_no_rule_can_and_says_so() -> None:
    segment = airtime(manifest([rule("s/1", "a", until_s=3600)], LISTS, fallback="house"), NOW)
    assert segment.is_fallback
    assert [(entry.clip, entry.rule, entry.playlist) for entry in segment.on_air()] == [("VID-D", None, "house")]
    assert not airtime(manifest([rule("s/1", "a")], LISTS, fallback="house"), NOW).is_fallback


@pytest.mark.parametrize("cut", [{"emergency": True}, {"cut": Cut.NOW}])
def test_an_emergency_or_cut_now_interrupts_when_it_comes_on_air_but_not_again(cut: dict[str, object]) -> None:
    lists = {**LISTS, "b": (clip("VID-B"), clip("VID-C", 1, None, "2026-07-01T14:30:00"))}
    made = manifest([rule("s/1", "a"), rule("s/2", "b", priority=1, valid_until="2026-07-01T15:00:00", **cut)], lists)
    found = [segment for _, segment in airtimes(made, NOW, NOW + timedelta(hours=2))]
    assert [on(segment) for segment in found] == [["s/2"], ["s/2"], ["s/1"]]
    assert [segment.cut for segment in found] == [Cut.NOW, Cut.NOW, Cut.CLIP]
    assert found[0].interrupts(None)
    assert found[0].interrupts(found[2])
    assert not found[1].interrupts(found[0])
    assert not found[2].interrupts(found[1])


def test_nested_playlists_are_on_air_with_the_playlist_that_nests_them() -> None:
    lists = {"outer": (clip("VID-A"), nested("inner"), clip("VID-C")), "inner": (clip("VID-B"), clip("VID-A"))}
    segment = airtime(manifest([rule("s/1", "outer")], lists), NOW)
    assert [entry.clip for entry in segment.on_air()] == ["VID-A", "VID-B", "VID-C"]
    assert {entry.playlist for entry in segment.on_air()} == {"outer"}
    assert segment.playlists() == {"outer", "inner"}


@pytest.mark.parametrize(
    ("fields", "until"),
    [
        ({}, None),
        ({"valid_until": "2019-01-01"}, None),
        ({"valid_from": "2031-01-01"}, "2030-12-31T23:00"),
        ({"valid_from": "2090-01-01"}, "2089-12-31T23:00"),
        ({"valid_from": "2090-01-01", "until_s": 60, "days": (2,)}, "2090-01-03T23:00"),
        ({"valid_until": "2400-01-01"}, "2400-01-01T23:00"),
        ({"rrule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "valid_from": "2020-01-01"}, "2028-02-28T23:00"),
        ({"rrule": "FREQ=DAILY;UNTIL=20391231", "valid_from": "2020-01-01"}, "2039-12-31T23:00"),
        ({"excluded": ("2035-05-05",)}, "2035-05-04T22:00"),
        ({"until_s": 60}, "2026-07-01T22:00"),
        ({"valid_until": "9999-12-31"}, None),
        ({"valid_from": "9999-12-31"}, None),
    ],
)
def test_the_next_change_is_found_however_far(fields: dict[str, object], until: str | None) -> None:
    began = time.process_time()
    found = airtime(manifest([rule("s/1", "a", **fields)], LISTS, fallback="house"), NOW).until
    assert found == (None if until is None else datetime.fromisoformat(until).replace(tzinfo=UTC))
    assert time.process_time() - began < 2


def test_an_instant_without_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="no offset"):
        airtime(manifest([], LISTS), datetime(2026, 7, 1))
    with pytest.raises(ValueError, match="not in the compiled days"):
        Timeline.compile(manifest([], LISTS), NOW).at(NOW + timedelta(days=8))


def test_an_instant_may_carry_any_offset_and_a_fraction() -> None:
    made = manifest([rule("s/1", "a", until_s=14 * 3600)], LISTS)
    assert on(airtime(made, NOW.astimezone(ZoneInfo("UTC")) - timedelta(microseconds=1))) == ["s/1"]
    assert on(airtime(made, datetime.fromisoformat("2026-07-01T21:59:59.999999+10:00"))) == ["s/1"]
    assert on(airtime(made, datetime.fromisoformat("2026-07-01T22:00:00+10:00"))) == []


def test_instants_at_the_ends_of_the_calendar_have_an_answer() -> None:
    made = manifest([rule("s/1", "a", from_s=60, days=(1,))], LISTS, fallback="house")
    for moment in (datetime.min, datetime(1900, 1, 1), datetime(2600, 1, 1), datetime.max):
        assert airtime(made, moment.replace(tzinfo=UTC)).shares
    assert airtimes(made, NOW, NOW) == []


def test_zones_are_those_of_the_pinned_package_alone() -> None:
    assert {"Europe/Madrid", "Pacific/Apia", "UTC"} <= time_zones()
    for name in ("Europe/Atlantis", "../../etc/passwd", "", "/etc/localtime", "europe/madrid", "posixrules", "x" * 10_000):
        with pytest.raises(ValueError, match="is not a time zone"):
            time_zone(name)


def test_a_local_time_names_an_instant() -> None:
    assert local_instant("2026-10-25T02:30", "Europe/Madrid") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert local_instant("2026-10-25T02:30", "Europe/Madrid", end=True) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert local_instant("2026-03-29T02:30", "Europe/Madrid") == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert local_instant("2026-07-01", "Europe/Madrid", end=True) == datetime(2026, 7, 1, 22, tzinfo=UTC)
    with pytest.raises(ValueError, match="neither a date"):
        local_instant("noon", "Europe/Madrid")


@pytest.mark.parametrize(
    ("fields", "effects"),
    [
        (
            {"from_s": 7800, "until_s": 10200},
            [(date(2026, 10, 25), Change.LENGTHENED, 3600), (date(2027, 3, 28), Change.SILENCED, -2400)],
        ),
        (
            {"from_s": 22 * 3600, "until_s": 6 * 3600},
            [(date(2026, 10, 24), Change.LENGTHENED, 3600), (date(2027, 3, 27), Change.SHORTENED, -3600)],
        ),
        ({"from_s": 22 * 3600, "until_s": 6 * 3600, "days": (0, 1, 2, 3, 4)}, []),
        ({"from_s": 8 * 3600, "until_s": 20 * 3600}, []),
        ({}, []),
        ({"days": (6,)}, []),
    ],
)
def test_what_changes_of_the_clocks_do_to_a_rule_is_told_by_date(
    fields: dict[str, object], effects: list[tuple[date, Change, int]]
) -> None:
    found = transition_effects(rule("s/1", "a", **fields), "Europe/Madrid", date(2026, 7, 1))
    assert [(effect.day, effect.change, effect.seconds) for effect in found] == effects


def test_the_missing_day_of_samoa_silences_and_shortens() -> None:
    found = transition_effects(
        rule("s/1", "a", from_s=36_000, until_s=43_200), "Pacific/Apia", date(2011, 12, 1), within_days=60
    )
    assert [(effect.day, effect.change) for effect in found] == [(date(2011, 12, 30), Change.SILENCED)]


def chain(length: int, fan: int) -> Manifest:
    """Playlists that nest the next one `fan` times: fan^length ways to the one clip."""
    lists = {f"p{n}": (nested(f"p{n + 1}"),) * fan for n in range(length)}
    return manifest([rule("s/1", "p0")], {**lists, f"p{length}": (clip("VID-A"),)})


@pytest.mark.parametrize(("length", "fan"), [(60, 2), (5000, 1), (1000, 3)])
def test_a_bomb_of_nested_playlists_costs_no_more_than_its_size(length: int, fan: int) -> None:
    began = time.process_time()
    segment = airtime(chain(length, fan), NOW)
    assert [entry.clip for entry in segment.on_air()] == ["VID-A"]
    assert len(segment.playlists()) == length + 1
    assert segment == airtime(chain(length, fan), NOW)
    assert len(repr(segment)) < 1000
    assert time.process_time() - began < 2


def test_a_playlist_that_contains_itself_is_refused_not_followed() -> None:
    made = manifest([rule("s/1", "a")], {"a": (nested("b"),), "b": (nested("a"),)})
    with pytest.raises(ValueError, match="contains itself"):
        airtime(made, NOW)


def test_a_playlist_or_clip_that_is_missing_cannot_play() -> None:
    made = manifest([rule("s/1", "a")], {"a": (nested("lost"), clip("VID-LOST"), clip("VID-A"))})
    assert [entry.clip for entry in airtime(made, NOW).on_air()] == ["VID-A"]


@pytest.mark.parametrize("weekly", [True, False], ids=["each on a day of the week", "all on every day"])
def test_a_thousand_rules_are_compiled_in_a_moment(weekly: bool) -> None:
    rules = [
        rule(
            f"s/{n}",
            "abc"[n % 3],
            priority=n % 7,
            from_s=n * 613 % 86_400,
            until_s=(n * 1613 + 100) % 86_400,
            days=(n % 7,) if weekly else tuple(range(7)),
        )
        for n in range(1000)
    ]
    began = time.process_time()
    timeline = Timeline.compile(manifest(rules, LISTS, fallback="house"), NOW)
    assert time.process_time() - began < 2
    assert timeline.at(NOW).until is not None
    began = time.process_time()
    assert [timeline.at(NOW + timedelta(minutes=minute)).shares for minute in range(1000)]
    assert time.process_time() - began < 0.5


def test_the_key_tells_content_apart_and_nothing_else() -> None:
    one = airtime(manifest([rule("s/1", "a")], LISTS), NOW)
    assert one.key == airtime(manifest([rule("s/1", "a"), rule("s/2", "b", until_s=60)], LISTS), NOW).key
    assert one.key != airtime(manifest([rule("s/1", "a", weight=2)], LISTS), NOW).key
    assert one.key != airtime(manifest([rule("s/1", "a", max_plays_per_hour=2)], LISTS), NOW).key
    assert one.key != airtime(manifest([rule("s/1", "a")], {"a": (clip("VID-A", 2),)}), NOW).key
    assert Slug("a") in one.playlists()


def test_a_timeline_spans_days_of_24_hours_whatever_zone_its_start_is_given_in() -> None:
    start = datetime(2026, 10, 24, 12, tzinfo=ZoneInfo("Europe/Madrid"))
    timeline = Timeline.compile(manifest([], LISTS, fallback="house"), start, days=2)
    assert timeline.horizon == datetime(2026, 10, 26, 10, tzinfo=UTC)
    assert timeline.at(start).is_fallback


def many(count: int, **more: object) -> Manifest:
    """Rules that begin and end all day, each at another second."""
    rules = [rule(f"s/{n}", "a", from_s=n * 7 % 80_000, until_s=n * 7 % 80_000 + 300, **more) for n in range(count)]
    return manifest(rules, LISTS, fallback="house")


@pytest.mark.parametrize("most", [15_000, 20_000, 200_000])
def test_a_timeline_that_may_take_so_much_reaches_less_far_and_says_the_same(most: int) -> None:
    made = many(150)
    whole, part = Timeline.compile(made, NOW, days=2), Timeline.compile(made, NOW, days=2, most=most)
    assert NOW + timedelta(minutes=10) <= part.horizon <= whole.horizon
    assert (part.horizon < whole.horizon) == (most < 200_000)
    instant = NOW
    while instant < part.horizon:
        mine, other = part.at(instant), whole.at(instant)
        assert (mine.key, mine.until) == (other.key, other.until)
        instant += timedelta(seconds=97)


def test_what_takes_too_much_before_the_first_ten_minutes_is_refused_soon() -> None:
    chain = {f"p{n}": (nested(f"p{n + 1}") if n < 1999 else clip("VID-A"),) for n in range(2000)}
    absurd = (
        many(6000),
        many(1000, valid_from="0001-01-01", rrule="FREQ=DAILY;COUNT=10000"),
        manifest([rule(f"s/{n}", f"p{n}") for n in range(2000)], chain),
    )
    for made in absurd:
        began = time.process_time()
        with pytest.raises(EffortError):
            Timeline.compile(made, NOW, most=500_000)
        assert time.process_time() - began < 5


def test_without_an_effort_for_the_change_after_the_horizon_that_is_when_something_may_change() -> None:
    made = manifest(
        [rule(f"s/{n}", "a", valid_from="2030-01-01", rrule="FREQ=YEARLY") for n in range(20)], LISTS, fallback="house"
    )
    part = Timeline.compile(made, NOW, days=2, most=7_000)
    assert part.at(NOW).until == part.horizon == NOW + timedelta(days=2)
    until = Timeline.compile(made, NOW, days=2).at(NOW).until
    assert until is not None
    assert until > part.horizon
