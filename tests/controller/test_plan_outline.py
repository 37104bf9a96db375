"""An outline of a plan says of every screen what the whole plan says, as far as limits and waves ask."""

from dataclasses import replace
from datetime import UTC, date, datetime
from operator import attrgetter

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from avtech_controller.compiler import CompiledScreen
from avtech_controller.planning import CommitBase, Plan, Sketcher, calm_of, make_outline, make_plan, measure
from avtech_schema.canonical import sha256_hex
from avtech_schema.identifiers import ScreenId, Slug, VideoId
from avtech_schema.manifest import Item, Manifest, PowerHours, Rule
from tests.controller.publishing import asset, commit, screen, screens
from tests.property.airtime_strategies import programmes

NOW = datetime(2026, 10, 21, 12, tzinfo=UTC)
DAY = Rule("day/1", Slug("day"), Slug("main"))
NAMES = tuple(map(ScreenId, ("SCR-ACME-0001", "SCR-ACME-0002", "SCR-ACME-0003")))
ASKED = attrgetter("kind", "screen", "client", "old", "new", "moved_from", "alters", "emptied", "emergency_only")


def both(old: dict[ScreenId, CompiledScreen], new: dict[ScreenId, CompiledScreen], **options: object) -> tuple[Plan, Plan]:
    """The whole plan and its outline."""
    base, sketcher = CommitBase(commit(1), old), Sketcher(NOW)
    sketches = {one.digest: found for one in old.values() if (found := sketcher.sketch(one.data, one.screen))}
    return (
        make_plan(commit(2), base, new, base.manifests(new), now=NOW, **options),  # type: ignore[arg-type]
        make_outline(commit(2), base, new, sketches, sketcher, **options),  # type: ignore[arg-type]
    )


def compiled(manifest: Manifest, name: ScreenId) -> CompiledScreen:
    data = replace(manifest, screen=name).canonical()
    return CompiledScreen(name, manifest.client, sha256_hex(data), data)


def asked(plan: Plan) -> list[object]:
    return [ASKED(change) for change in plan.changes]


@settings(max_examples=30, deadline=None)
@given(programmes(), programmes(), st.sampled_from(["other", "calm", "name"]))
def test_an_outline_agrees_with_the_plan_about_everything_that_limits_and_waves_look_at(
    first: tuple[Manifest, date, object], second: tuple[Manifest, date, object], kind: str
) -> None:
    old = first[0]
    calm = tuple(rule for rule in old.rules if not rule.emergency)
    new = {"other": second[0], "calm": replace(old, rules=calm), "name": old}[kind]
    assume((new.rules or new.fallback) and (old.rules or old.fallback))
    before = {name: compiled(old, name) for name in NAMES[:2]}
    after = {name: compiled(new, name) for name in (NAMES[0], NAMES[2])}
    whole, outline = both(before, after, moved={NAMES[1]: NAMES[2]})
    assert asked(outline) == asked(whole)
    fields = attrgetter("commit", "base_sequence", "base_commit", "base_digest", "released", "wanted_screens", "now")
    assert fields(outline) == fields(whole)


@settings(max_examples=30, deadline=None)
@given(programmes(), st.integers(-40, 40))
def test_what_a_sketch_says_of_the_air_is_what_the_whole_week_has(made: tuple[Manifest, date, object], shift: int) -> None:
    assume(made[0].rules or made[0].fallback)
    now = datetime.fromordinal(made[1].toordinal() + shift).replace(tzinfo=UTC)
    found = Sketcher(now).sketch(made[0].canonical(), made[0].screen)
    week = measure(made[0], now, clock=False).week
    assert found is not None
    assert found.scheduled == (week.scheduled >= 1)
    assert found.airs == (week.scheduled + week.fallback >= 1)
    assert found.clips == {one.key for one in made[0].assets.values()}


@pytest.mark.parametrize(
    ("change", "emptied"),
    [
        ({"rules": ()}, True),
        ({"rules": (replace(DAY, valid_from="2027-01-01"),)}, True),
        ({"rules": (replace(DAY, days=(0,), from_s=0, until_s=60),)}, False),
        ({"assets": {VideoId("VID-ACME-A"): replace(asset(), rights_until="2026-01-01")}}, True),
        ({"playlists": {Slug("main"): (Item(VideoId("VID-ACME-A"), None, 1, "2030-01-01"),)}}, True),
        ({"display": replace(screen("SCR-X").manifest.display, power=PowerHours(0, 3600, (0,)))}, False),
        ({"rules": (replace(DAY, max_plays_per_hour=1),)}, False),
        ({"time_zone": "Asia/Tokyo"}, False),
    ],
)
def test_an_outline_notices_screens_that_lose_their_air(change: dict[str, object], *, emptied: bool) -> None:
    whole, outline = both(screens(1), screens(1, **change))
    assert [change.emptied for change in whole.changes] == [change.emptied for change in outline.changes] == [emptied]


def test_an_outline_tells_emergencies_from_other_changes() -> None:
    siren = Rule("alarm/1", Slug("alarm"), Slug("alarm"), emergency=True, valid_until="2026-12-25")
    playlists = {Slug("main"): (Item(VideoId("VID-ACME-A"), None),), Slug("alarm"): (Item(VideoId("VID-ACME-E"), None),)}
    assets = {VideoId("VID-ACME-A"): asset(), VideoId("VID-ACME-E"): asset(b"run")}
    for rules, alone in (((DAY, siren), True), ((replace(DAY, priority=3), siren), False)):
        _, outline = both(screens(1), screens(1, rules=rules, playlists=playlists, assets=assets))
        assert outline.emergency_only == alone


def test_screens_that_come_or_go_lose_no_air_and_are_no_emergency() -> None:
    whole, outline = both(screens(1), {NAMES[1]: screen(NAMES[1])})
    assert asked(outline) == asked(whole)
    assert not any(change.emptied or change.emergency_only for change in outline.changes)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"nothing", b'{"screen":"SCR-ACME-0001"}', b'{"screen":7,"assets":[]}'])
def test_what_is_no_manifest_has_no_sketch(data: bytes) -> None:
    assert Sketcher(NOW).sketch(data, NAMES[0]) is None


def test_the_manifest_of_another_screen_has_no_sketch() -> None:
    assert Sketcher(NOW).sketch(screen("SCR-ACME-0002").data, NAMES[0]) is None


def test_a_released_manifest_that_cannot_be_read_is_only_a_change() -> None:
    old, new = screens(1), screens(1, time_zone="Asia/Tokyo")
    outline = make_outline(commit(2), CommitBase(commit(1), old), new, {}, Sketcher(NOW))
    assert [(change.alters, change.emptied, change.emergency_only) for change in outline.changes] == [(True, False, False)]


def test_the_name_of_a_screen_is_no_part_of_what_is_calm() -> None:
    one, other = screen("SCR-ACME-0001"), screen("SCR-ACME-0002")
    assert calm_of(one.data) == calm_of(other.data) != calm_of(screen("SCR-ACME-0001", time_zone="Asia/Tokyo").data)
