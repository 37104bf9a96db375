"""A plan says whose air changes: gained and lost, emptied, around a change of the clocks; the same for the same change."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import starmap
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avtech_controller.compiler import CompiledScreen
from avtech_controller.planning import (
    AirChange,
    ChangeKind,
    CommitBase,
    Plan,
    clip_totals,
    compare_air,
    group_changes,
    make_plan,
    measure,
    plan_json,
    plan_text,
)
from avtech_schema.canonical import sha256_hex
from avtech_schema.identifiers import ScreenId, Slug, VideoId
from avtech_schema.manifest import Item, Manifest, PowerHours, Rule
from tests.controller.publishing import asset, commit, screen, screens
from tests.property.airtime_strategies import programmes

NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)
HOUR = 3600
A, B = VideoId("VID-ACME-A"), VideoId("VID-ACME-B")
PLAYLISTS = {Slug("main"): (Item(A, None),), Slug("night"): (Item(B, None),)}
ASSETS = {A: asset(), B: asset(b"b")}
DAY = Rule("day/1", Slug("day"), Slug("main"))


def built(*rules: Rule, **changes: object) -> dict[str, object]:
    """Fields of a manifest with two playlists, whose fallback is the first."""
    return {"rules": rules, "playlists": PLAYLISTS, "assets": ASSETS, **changes}


def night(start: int, until: int, **changes: Any) -> Rule:
    return replace(Rule("night/1", Slug("night"), Slug("night"), priority=5, from_s=start, until_s=until), **changes)


def plan_of(old: dict[ScreenId, CompiledScreen], new: dict[ScreenId, CompiledScreen], **options: object) -> Plan:
    base = CommitBase(commit(1), old)
    return make_plan(commit(2), base, new, base.manifests(new), now=NOW, **options)  # type: ignore[arg-type]


def air_of(old: dict[str, object], new: dict[str, object]) -> AirChange:
    (change,) = plan_of(screens(1, **old), screens(1, **new)).changes
    assert change.air is not None
    return change.air


def gains(air: AirChange) -> dict[str, float]:
    return {clip.clip: clip.gain / HOUR for clip in air.clips}


def test_an_hour_more_for_one_clip_is_an_hour_less_for_another() -> None:
    air = air_of(built(night(20 * HOUR, 22 * HOUR)), built(night(20 * HOUR, 23 * HOUR)))
    assert gains(air) == {"VID-ACME-B": 7, "VID-ACME-A": -7}
    assert air.scheduled == (14 * HOUR, 21 * HOUR)
    assert not air.emptied


def test_a_screen_that_falls_to_its_fallback_is_emptied() -> None:
    assert air_of(built(night(20 * HOUR, 22 * HOUR)), built()).emptied
    assert air_of(built(night(20 * HOUR, 22 * HOUR)), built(night(20 * HOUR, 22 * HOUR, valid_from="2027-01-01"))).emptied
    assert not air_of(built(), built(night(20 * HOUR, 22 * HOUR))).emptied
    assert not air_of(built(), built(fallback="night")).emptied


def test_a_screen_that_shows_nothing_any_more_is_emptied() -> None:
    gone = {A: replace(asset(), rights_until="2026-01-01"), B: asset(b"b")}
    assert air_of(built(), built(assets=gone)).emptied


def test_a_shorter_day_of_the_panel_is_air_lost() -> None:
    display = screen("SCR-X").manifest.display
    on = [replace(display, power=PowerHours(8 * HOUR, until * HOUR, tuple(range(7)))) for until in (20, 19)]
    assert gains(air_of(built(display=on[0]), built(display=on[1]))) == {"VID-ACME-A": -7}


def test_a_rule_that_the_clock_change_silences_is_told_apart_from_a_usual_week() -> None:
    air = air_of(built(), built(night(2 * HOUR, 2 * HOUR + 1800)))
    assert gains(air)["VID-ACME-B"] == 3.5
    assert air.clock is not None
    assert (air.clock.day, air.clock.time_zone, air.clock.as_usual) == (date(2026, 10, 25), "Europe/Madrid", False)
    assert {clip.clip: clip.gain / HOUR for clip in air.clock.clips}[B] == 4.5
    text = plan_text(plan_of(screens(1, **built()), screens(1, **built(night(2 * HOUR, 2 * HOUR + 1800)))))
    assert "week of the clock change on 2026-10-25 (Europe/Madrid):" in text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (built(), built(night(20 * HOUR, 22 * HOUR))),
        (built(DAY), built(DAY, fallback=Slug("night"))),
        (built(DAY), built(replace(DAY, playlist=Slug("night")))),
        (built(), built(night(2 * HOUR, 3 * HOUR, valid_until="2026-10-05"))),
    ],
    ids=["evening", "fallback", "all day", "over by then"],
)
def test_a_clock_change_that_alters_nothing_is_not_told(old: dict[str, object], new: dict[str, object]) -> None:
    air = air_of(old, new)
    assert air.clock is not None
    assert air.clock.as_usual
    assert "clock change" not in plan_text(plan_of(screens(1, **old), screens(1, **new)))


def test_a_clip_that_begins_later_is_no_matter_of_the_clocks() -> None:
    def lunch(*items: Item) -> dict[str, object]:
        rule = night(12 * HOUR + 1800, 15 * HOUR, days=(0, 1, 2, 3, 4))
        return built(DAY, rule, playlists={Slug("main"): (Item(A, None),), Slug("night"): items})

    for first in ("2026-10-04", "2026-10-12", "2026-10-23", "2026-10-28"):
        late = Item(B, None, valid_from=first)
        air = air_of(lunch(Item(A, None)), lunch(Item(A, None), late))
        assert air.clock is not None
        assert air.clock.as_usual, first
    silenced = replace(night(2 * HOUR, 2 * HOUR + 1800), valid_from="2026-10-12")
    air = air_of(built(), built(silenced))
    assert air.clock is not None
    assert not air.clock.as_usual


def test_a_zone_without_clock_changes_has_none() -> None:
    zone = {"time_zone": "Asia/Kathmandu"}
    assert air_of(built(**zone), built(night(2 * HOUR, 3 * HOUR), **zone)).clock is None


def test_the_same_edit_on_screens_with_other_programmes_is_one_group_with_a_range() -> None:
    def both(*rules: Rule) -> dict[ScreenId, CompiledScreen]:
        quiet = screen("SCR-ACME-0001", **built(*rules))
        busy = screen("SCR-ACME-0002", **built(*rules, Rule("top/1", Slug("top"), Slug("main"), priority=9, from_s=21 * HOUR)))
        return {quiet.screen: quiet, busy.screen: busy}

    plan = plan_of(both(), both(night(20 * HOUR, 24 * HOUR)))
    (group,) = group_changes(plan)
    assert group.screens == ("SCR-ACME-0001", "SCR-ACME-0002")
    (_, gained) = group.air()
    assert (gained.clip, gained.least, gained.most, gained.total) == (B, 7 * HOUR, 28 * HOUR, 35 * HOUR)
    assert "+420 to +1,680 min VID-ACME-B" in plan_text(plan)
    assert [(total.clip, total.gain) for total in clip_totals(plan)] == [(A, -35 * HOUR), (B, 35 * HOUR)]


def test_screens_that_differ_in_name_alone_are_measured_once() -> None:
    plan = plan_of(screens(50), screens(50, **built(DAY)))
    assert len({id(change.air) for change in plan.changes}) == 1
    (group,) = group_changes(plan)
    assert len(group.screens) == 50


def test_a_renamed_screen_is_moved_and_neither_added_nor_removed() -> None:
    old, new = screens(2), screens(1)
    renamed = screen("SCR-ACME-0009")
    new[renamed.screen] = renamed
    moved = {ScreenId("SCR-ACME-0002"): ScreenId("SCR-ACME-0009")}
    (change,) = plan_of(old, new, moved=moved).changes
    assert (change.kind, change.screen, change.moved_from) == (ChangeKind.MOVED, "SCR-ACME-0009", "SCR-ACME-0002")
    assert not change.alters
    assert "until now SCR-ACME-0002" in plan_text(plan_of(old, new, moved=moved))
    assert plan_json(plan_of(old, new, moved=moved))["screens"]["moved"] == 1


@pytest.mark.parametrize(
    "moved",
    [
        {"SCR-ACME-0007": "SCR-ACME-0009"},
        {"SCR-ACME-0001": "SCR-ACME-0009"},
        {"SCR-ACME-0002": "SCR-ACME-0001"},
        {"SCR-ACME-0002": "SCR-ACME-0008"},
    ],
    ids=["never released", "still wanted", "onto a released one", "not wanted"],
)
def test_a_rename_that_does_not_hold_is_none(moved: dict[str, str]) -> None:
    old, new = screens(2), screens(1)
    renamed = screen("SCR-ACME-0009")
    new[renamed.screen] = renamed
    plan = plan_of(old, new, moved=dict(starmap(lambda old, new: (ScreenId(old), ScreenId(new)), moved.items())))
    assert [change.kind for change in plan.changes] == [ChangeKind.REMOVED, ChangeKind.ADDED]


def compiled(manifest: Manifest) -> dict[ScreenId, CompiledScreen]:
    data = manifest.canonical()
    return {manifest.screen: CompiledScreen(manifest.screen, manifest.client, sha256_hex(data), data, manifest)}


@settings(max_examples=25, deadline=None)
@given(programmes(), programmes(), st.integers(-100, 100))
def test_gains_and_losses_are_the_difference_of_the_whole_air(
    first: tuple[Manifest, date, object], second: tuple[Manifest, date, object], shift: int
) -> None:
    now = datetime.fromordinal(first[1].toordinal() + shift // 20).replace(hour=abs(shift) % 24, tzinfo=UTC)
    old, new = (replace(made[0], time_zone=first[0].time_zone) for made in (first, second))
    sides = [measure(manifest, now) for manifest in (old, new)]
    change = compare_air(*sides)
    whole = [sum(side.week.clips.values()) for side in sides]
    assert abs(sum(clip.gain for clip in change.clips) - (whole[1] - whole[0])) <= len(change.clips) + 1
    back = compare_air(*reversed(sides))
    assert {clip.clip: clip.gain for clip in back.clips} == {clip.clip: -clip.gain for clip in change.clips}
    assert compare_air(sides[0], sides[0]).clips == ()


@settings(max_examples=10, deadline=None)
@given(programmes())
def test_a_plan_of_the_same_state_is_empty(made: tuple[Manifest, date, object]) -> None:
    same: Callable[[], dict[ScreenId, CompiledScreen]] = lambda: compiled(made[0])  # noqa: E731
    assert plan_of(same(), same()).changes == ()
