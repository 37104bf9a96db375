"""Rotation: exact shares in every prefix, positions that survive restarts, caps, and never a black screen."""

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avtech_schema.airtime import MAX_SEGMENTS, History, Play, airtime, next_turn, playout
from avtech_schema.identifiers import VideoId
from avtech_schema.manifest import Item, Manifest

from .airtime_strategies import CLIPS, clip, manifest, nested, programmes, rule

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
weights = st.lists(st.integers(1, 12), min_size=1, max_size=4)
quick = settings(deadline=None, max_examples=60)


def playlist(item_weights: list[int]) -> tuple[Item, ...]:
    return tuple(clip(name, weight) for name, weight in zip(CLIPS, item_weights, strict=False))


def plays(
    made: Manifest, count: int, *, history: History | None = None, instant: datetime = NOON, step: timedelta = timedelta(0)
) -> tuple[list[Play], History]:
    """The next `count` plays of a manifest, and the history after them."""
    history = history or History()
    found = []
    for number in range(count):
        moment = instant + number * step
        play = playout(airtime(made, moment), history, moment)
        assert play is not None
        history = history.after(play)
        found.append(play)
    return found, history


@settings(deadline=None)
@given(st.lists(st.integers(1, 1000), min_size=1, max_size=8))
def test_after_every_turn_each_place_has_its_share_give_or_take_less_than_one(given_weights: list[int]) -> None:
    total = sum(given_weights)
    counts = [0] * len(given_weights)
    for step in range(1, min(total, 400) + 1):
        counts[next_turn(given_weights, counts)] += 1
        assert all(abs(count * total - step * weight) < total for count, weight in zip(counts, given_weights, strict=True))


@quick
@given(weights, st.integers(1, 60))
def test_items_share_the_air_by_weight_in_every_prefix(given_weights: list[int], length: int) -> None:
    made = manifest([rule("a/1", "all")], {"all": playlist(given_weights)})
    found, _ = plays(made, length)
    total = sum(given_weights)
    for step in range(1, length + 1):
        played = Counter(str(play.clip) for play in found[:step])
        for name, weight in zip(CLIPS, given_weights, strict=False):
            assert abs(played[name] * total - step * weight) < total


@quick
@given(weights, weights, st.integers(1, 9), st.integers(1, 9))
def test_tied_rules_share_by_their_own_weight_and_a_nested_playlist_is_one_item(
    one: list[int], other: list[int], first: int, second: int
) -> None:
    lists = {"one": (*playlist(one), nested("other", 3)), "other": playlist(other)}
    made = manifest([rule("a/1", "one", weight=first), rule("a/2", "other", weight=second)], lists)
    length = 3 * (first + second)
    found, _ = plays(made, length)
    for step in range(1, length + 1):
        assert abs(sum(play.rule == "a/1" for play in found[:step]) * (first + second) - step * first) < first + second


def test_a_nested_playlist_keeps_its_own_rotation() -> None:
    lists = {"outer": (clip("VID-A"), nested("inner")), "inner": (clip("VID-B"), clip("VID-C"))}
    found, _ = plays(manifest([rule("a/1", "outer")], lists), 6)
    assert [play.clip for play in found] == ["VID-A", "VID-B", "VID-A", "VID-C", "VID-A", "VID-B"]


@quick
@given(weights, st.integers(0, 20), st.integers(1, 20))
def test_a_restart_does_not_change_what_plays_next(given_weights: list[int], before: int, after: int) -> None:
    made = manifest([rule("a/1", "all"), rule("a/2", "all", weight=2)], {"all": playlist(given_weights)})
    whole, _ = plays(made, before + after)
    _, history = plays(made, before)
    restarted = History.from_json(json.loads(json.dumps(history.to_json())))
    assert restarted == history
    assert plays(made, after, history=restarted)[0] == whole[before:]


def test_equal_items_play_in_the_order_of_the_playlist() -> None:
    found, _ = plays(manifest([rule("a/1", "all")], {"all": playlist([1, 1, 1])}), 6)
    assert [play.clip for play in found] == ["VID-A", "VID-B", "VID-C"] * 2


CAPPED = {"one": playlist([1]), "two": (clip("VID-B"),), "three": (clip("VID-C"),), "house": (clip("VID-D"),)}


def test_a_capped_rule_steps_aside_for_those_it_ties_with_and_returns_in_the_next_hour() -> None:
    made = manifest([rule("a/1", "one", max_plays_per_hour=2), rule("a/2", "two")], CAPPED)
    found, _ = plays(made, 24, step=timedelta(minutes=5))
    rules = [play.rule for play in found]
    assert rules[:12].count("a/1") == 2
    assert rules[12:].count("a/1") == 2
    assert rules[:4] == ["a/1", "a/2", "a/1", "a/2"]


def test_reserves_step_in_by_priority_and_the_fallback_after_them() -> None:
    made = manifest(
        [
            rule("a/1", "one", priority=9, max_plays_per_hour=1),
            rule("a/2", "two", priority=5, max_plays_per_hour=2),
            rule("a/3", "three", emergency=True, valid_until="2026-07-02", max_plays_per_hour=1),
        ],
        CAPPED,
        fallback="house",
    )
    segment = airtime(made, NOON)
    assert [[share.rule for share in group] for group in (segment.shares, *segment.reserves)] == [
        ["a/3"],
        ["a/1"],
        ["a/2"],
        [None],
    ]
    assert [play.rule for play in plays(made, 6)[0]] == ["a/3", "a/1", "a/2", "a/2", None, None]


def test_rules_below_an_uncapped_one_are_no_reserves() -> None:
    made = manifest([rule("a/1", "one", priority=9), rule("a/2", "two")], CAPPED, fallback="house")
    assert airtime(made, NOON).reserves == ()


def test_without_fallback_a_capped_rule_plays_on_rather_than_nothing() -> None:
    made = manifest([rule("a/1", "one", max_plays_per_hour=1)], CAPPED)
    assert [play.rule for play in plays(made, 3)[0]] == ["a/1"] * 3


def test_the_hour_of_a_cap_is_the_local_clock_hour() -> None:
    made = manifest([rule("a/1", "one", max_plays_per_hour=1)], CAPPED, fallback="house", zone="Asia/Kathmandu")
    found, _ = plays(made, 5, instant=datetime(2026, 7, 1, 12, tzinfo=UTC), step=timedelta(minutes=5))
    assert [play.rule for play in found] == ["a/1", None, None, "a/1", None]


def test_plays_of_an_hour_are_counted_across_segments() -> None:
    lists = {**CAPPED, "one": (clip("VID-A"), clip("VID-B", 1, None, "2026-07-01T14:30:00"))}
    made = manifest([rule("a/1", "one", max_plays_per_hour=2)], lists, fallback="house")
    found, _ = plays(made, 6, step=timedelta(minutes=10))
    assert [play.rule for play in found] == ["a/1", "a/1", None, None, None, None]


def test_history_keeps_a_bounded_number_of_segments_the_latest() -> None:
    history = History()
    for number in range(MAX_SEGMENTS + 5):
        made = manifest([rule(f"a/{number}", "all")], {"all": playlist([1, 1])})
        _, history = plays(made, 1, history=history)
    assert len(history.positions) == MAX_SEGMENTS
    assert airtime(made, NOON).key in history.positions


def test_nothing_at_all_to_play_is_said() -> None:
    made = manifest([], {}, fallback=None)
    segment = airtime(made, NOON)
    assert (segment.shares, segment.until, segment.on_air(), segment.is_fallback) == ((), None, (), True)
    assert playout(segment, History(), NOON) is None


@quick
@given(programmes(), st.integers(-5000, 5000))
def test_whatever_is_on_air_can_be_played(programme: tuple[Manifest, date, frozenset[VideoId]], minutes: int) -> None:
    made, middle, unplayable = programme
    instant = datetime(middle.year, middle.month, middle.day, tzinfo=UTC) + timedelta(minutes=minutes)
    segment = airtime(made, instant, unplayable=unplayable)
    history = History()
    reserved = {clip for group in segment.reserves for share in group for clip in share.lineup.clips()}
    for _ in range(8):
        play = playout(segment, history, instant)
        assert (play is None) == (not segment.shares)
        if play is not None:
            assert play.clip in {entry.clip for entry in segment.on_air()} | reserved
            assert play.clip not in unplayable
            history = history.after(play)


@pytest.mark.parametrize("counts", [(), (1,), (5, 5, 5), (2, 0), (10**9, 0)])
def test_a_damaged_position_starts_a_new_round(counts: tuple[int, ...]) -> None:
    made = manifest([rule("a/1", "all")], {"all": playlist([1, 1])})
    history = History({airtime(made, NOON).key: {"a/1/all": counts}})
    assert plays(made, 2, history=history)[0][-1].clip in CLIPS


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"positions": [], "hour": 1.5, "plays": []},
        {"positions": [{"segment": "a", "rotations": [["a", [-1]]]}], "hour": 0, "plays": []},
        {"positions": [{"segment": "a", "rotations": [["a", ["x"]]]}], "hour": 0, "plays": []},
        {"positions": [{"segment": "a", "rotations": "abc"}], "hour": 0, "plays": []},
        {"positions": [], "hour": 0, "plays": [["a", True]]},
        {"positions": [], "hour": 0, "plays": [["a", 10**30]]},
        {"positions": [], "hour": 0, "plays": [], "more": 1},
    ],
)
def test_a_history_that_is_none_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="history"):
        History.from_json(value)
