"""Airtime against an oracle that asks every minute what the wall clock shows, around changes of the clocks."""

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from avtech_schema.airtime import Segment, Share, Timeline, airtime, airtimes
from avtech_schema.identifiers import VideoId
from avtech_schema.manifest import Manifest

from .airtime_oracle import DAY, Answer, Oracle, clock, spell
from .airtime_strategies import PLACES, clip, manifest, programmes, rule

SPAN = 4
Programme = tuple[Manifest, date, frozenset[VideoId]]
quick = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def answer(segment: Segment) -> Answer:
    def said(shares: Iterable[Share]) -> tuple[tuple[str | None, tuple[str, ...]], ...]:
        return tuple((share.rule, share.lineup.clips()) for share in shares)

    return Answer(said(segment.shares), tuple(said(group) for group in segment.reserves), segment.cut.value == "now")


def first_minute(manifest: Manifest, middle: date) -> int:
    return clock(manifest.time_zone, middle).first + (15 - SPAN // 2) * DAY


@settings(quick, max_examples=60)
@given(programmes(), st.integers(0, DAY))
def test_every_minute_has_the_one_answer_that_the_wall_clock_gives(programme: Programme, offset: int) -> None:
    manifest, middle, unplayable = programme
    oracle = Oracle(manifest, middle, unplayable)
    start = first_minute(manifest, middle) + offset
    timeline = Timeline.compile(manifest, spell(start), days=SPAN, unplayable=unplayable)
    for minute in range(start, start + SPAN * DAY, 7):
        assert answer(timeline.at(spell(minute))) == oracle.at(minute), spell(minute)


@settings(quick, max_examples=60)
@given(programmes(), st.integers(0, SPAN * DAY))
def test_nothing_changes_before_until_and_something_changes_at_it(programme: Programme, offset: int) -> None:
    manifest, middle, unplayable = programme
    oracle = Oracle(manifest, middle, unplayable)
    start = first_minute(manifest, middle) + offset
    segment = airtime(manifest, spell(start), unplayable=unplayable)
    end = start + 5 * DAY
    if segment.until is not None and segment.until <= spell(end):
        end = int(segment.until.timestamp()) // 60
        assert segment.until.second == 0
        assert oracle.at(end) != oracle.at(start) or weights(
            airtime(manifest, segment.until, unplayable=unplayable)
        ) != weights(segment)
    assert {oracle.at(minute) for minute in range(start, end, 3)} == {answer(segment)}
    assert oracle.at(end - 1) == answer(segment)


def weights(segment: Segment) -> list[str]:
    """What the oracle does not tell: the turns, by their weights and nesting."""
    return [share.lineup.key for group in (segment.shares, *segment.reserves) for share in group]


@settings(quick, max_examples=60)
@given(programmes(), st.lists(st.integers(0, SPAN * DAY * 60 - 1), min_size=1, max_size=20))
def test_a_compiled_timeline_gives_the_same_answers(programme: Programme, seconds: list[int]) -> None:
    manifest, middle, unplayable = programme
    start = spell(first_minute(manifest, middle))
    timeline = Timeline.compile(manifest, start, days=SPAN, unplayable=unplayable)
    for offset in seconds:
        instant = start + timedelta(seconds=offset)
        assert timeline.at(instant) == airtime(manifest, instant, unplayable=unplayable)


@settings(quick, max_examples=40)
@given(programmes(), st.integers(1, 8 * DAY))
def test_segments_follow_each_other_without_gap_and_each_is_another(programme: Programme, length: int) -> None:
    manifest, middle, _ = programme
    start = spell(first_minute(manifest, middle))
    found = airtimes(manifest, start, start + timedelta(minutes=length))
    assert found[0][0] == start
    for (_, before), (begin, after) in pairwise(found):
        assert before.until == begin
        assert before.key != after.key
    assert found[-1][1].until is None or found[-1][1].until >= start + timedelta(minutes=length)


@pytest.mark.parametrize(("zone", "changes"), PLACES, ids=[f"{zone} {changes}" for zone, changes in PLACES])
def test_around_every_change_of_the_clocks_each_minute_has_its_answer_and_each_change_its_minute(
    zone: str, changes: date
) -> None:
    """The same rules in every zone: windows that begin, end, or lie within what is skipped or comes twice."""
    edges = [0, 30, 105, 120, 150, 180]
    windows = [(first, last) for first in edges for last in edges if first != last]
    rules = [
        rule(f"night/{n}", "all", from_s=first * 60, until_s=last * 60, priority=n) for n, (first, last) in enumerate(windows)
    ]
    made = manifest(rules, {"all": (clip("VID-A"),)}, zone=zone)
    oracle = Oracle(made, changes)
    first = first_minute(made, changes) + DAY
    found = airtimes(made, spell(first), spell(first + 2 * DAY))
    starts = {int(begin.timestamp()) // 60: segment for begin, segment in found}
    for minute in range(first, first + 2 * DAY):
        segment = starts.get(minute)
        if segment:
            assert answer(segment) == oracle.at(minute), spell(minute)
            assert minute == first or oracle.at(minute) != oracle.at(minute - 1), spell(minute)
        else:
            assert oracle.at(minute) == oracle.at(minute - 1), spell(minute)
