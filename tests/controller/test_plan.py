"""A plan says what changes on which screens, in an editor's words, and what stops it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from avtech_controller.compiler import CompiledScreen
from avtech_controller.planning import (
    ChangeKind,
    CommitBase,
    Consent,
    Loss,
    Plan,
    ScreenChange,
    Verdict,
    assess,
    byte_text,
    make_plan,
    plan_json,
    plan_text,
    replaced_screens,
)
from avtech_controller.publication import Released, ReleasedScreen
from avtech_schema.errors import UnsafePlanError
from avtech_schema.identifiers import ByteSize, ScreenId, Sha256, Slug, VideoId
from avtech_schema.manifest import Item, Rule
from avtech_schema.resources import Fleet
from tests.controller.publishing import CLIENT, asset, commit, screen, screens

NOW = datetime(2026, 12, 24, 12, 0, tzinfo=UTC)
DAY = Rule("day/1", Slug("day"), Slug("main"))


def released(wanted: dict[ScreenId, CompiledScreen]) -> Released:
    found = {
        name: ReleasedScreen(name, compiled.client, compiled.digest, ByteSize(len(compiled.data)), commit(1), 1)
        for name, compiled in wanted.items()
    }
    return Released(1, commit(1), Sha256("0" * 64), found)


def plan_of(
    old: dict[ScreenId, CompiledScreen], new: dict[ScreenId, CompiledScreen], moved: dict[ScreenId, ScreenId] | None = None
) -> Plan:
    manifests = CommitBase(commit(1), old).manifests(new)
    return make_plan(commit(2), released(old), new, manifests, now=NOW, moved=moved)


def change_of(**changes: object) -> ScreenChange:
    """The change of one screen whose manifest's fields are replaced."""
    (change,) = plan_of(screens(1), screens(1, **changes)).changes
    return change


def fleet(**spec: object) -> Fleet:
    document = {"apiVersion": "avtech/v1", "kind": "Fleet", "metadata": {"name": "fleet"}, "spec": spec}
    return Fleet.model_validate(document)


def check_safety(plan: Plan, limits: Fleet, consent: Consent, now: datetime) -> Verdict:
    """Hold a plan against a fleet's limits, and stop if it must."""
    verdict = assess(plan, limits, {}, consent, now)
    verdict.raise_if_stopped()
    return verdict


def accept(loss: Loss, number: int) -> Consent:
    return Consent(frozenset({(loss, number)}))


def test_nothing_changes_when_the_manifests_are_the_same() -> None:
    plan = plan_of(screens(3), screens(3))
    assert plan.changes == ()
    assert "0 added, 0 changed, 0 removed, 3 unchanged" in plan_text(plan)


def test_added_changed_and_removed_screens_are_told_apart() -> None:
    old, new = screens(3), screens(4)
    del new[ScreenId("SCR-ACME-0001")]
    new[ScreenId("SCR-ACME-0002")] = screen("SCR-ACME-0002", time_zone="Asia/Tokyo")
    plan = plan_of(old, new)
    assert {change.screen: change.kind for change in plan.changes} == {
        "SCR-ACME-0001": ChangeKind.REMOVED,
        "SCR-ACME-0002": ChangeKind.CHANGED,
        "SCR-ACME-0004": ChangeKind.ADDED,
    }
    assert [old.screen for old in replaced_screens(released(old), new)] == ["SCR-ACME-0001", "SCR-ACME-0002"]


def test_the_first_release_adds_every_screen() -> None:
    plan = make_plan(commit(1), None, screens(2), {}, now=NOW)
    assert [change.kind for change in plan.changes] == [ChangeKind.ADDED, ChangeKind.ADDED]
    assert "the first release" in plan_text(plan)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"time_zone": "Asia/Tokyo"}, "~ time zone Europe/Madrid -> Asia/Tokyo"),
        ({"rules": (DAY, replace(DAY, id="day/2"))}, "+ rule day/2 plays main"),
        ({"rules": ()}, "- rule day/1 played main"),
        (
            {"rules": (replace(DAY, from_s=8 * 3600, until_s=22 * 3600 + 1800),)},
            "~ rule day/1: from 00:00 -> 08:00, until 24:00 -> 22:30",
        ),
        ({"rules": (replace(DAY, days=(5, 6)),)}, "~ rule day/1: days every day -> sat sun"),
        ({"rules": (replace(DAY, valid_until="2026-11-24T00:00:00"),)}, "~ rule day/1: validUntil none -> 2026-11-24T00:00"),
        ({"rules": (replace(DAY, excluded=("2026-12-24",)),)}, "~ rule day/1: except none -> 2026-12-24"),
        ({"playlists": {Slug("main"): (Item(VideoId("VID-ACME-A"), None, 3),)}}, "~ playlist main: VID-ACME-A weight 1 -> 3"),
        ({"assets": {VideoId("VID-ACME-A"): asset(b"new cut")}}, "~ clip VID-ACME-A: another file"),
        ({"fallback": None}, "~ fallback main -> none"),
    ],
)
def test_a_change_is_described_in_an_editors_words(changes: dict[str, object], line: str) -> None:
    assert change_of(**changes).details == (line,)


def test_a_new_clip_counts_as_download_once() -> None:
    playlists = {
        Slug("main"): (Item(VideoId("VID-ACME-A"), None), Item(VideoId("VID-ACME-B"), None), Item(VideoId("VID-ACME-C"), None))
    }
    extra = asset(b"x" * 1000)
    assets = {VideoId("VID-ACME-A"): asset(), VideoId("VID-ACME-B"): extra, VideoId("VID-ACME-C"): extra}
    change = change_of(playlists=playlists, assets=assets)
    assert change.download == 1000
    assert "~ playlist main: +VID-ACME-B +VID-ACME-C" in change.details


def test_an_emergency_with_its_own_playlist_is_an_emergency_alone() -> None:
    siren = Rule("alarm/1", Slug("alarm"), Slug("alarm"), emergency=True, valid_until="2026-12-25")
    playlists = {Slug("main"): (Item(VideoId("VID-ACME-A"), None),), Slug("alarm"): (Item(VideoId("VID-ACME-E"), None),)}
    assets = {VideoId("VID-ACME-A"): asset(), VideoId("VID-ACME-E"): asset(b"run")}
    added = change_of(rules=(DAY, siren), playlists=playlists, assets=assets)
    assert added.emergency_only
    assert not change_of(rules=(replace(DAY, priority=3), siren), playlists=playlists, assets=assets).emergency_only
    assert not change_of(time_zone="Asia/Tokyo").emergency_only


def test_a_released_manifest_that_cannot_be_read_is_said_and_not_guessed() -> None:
    plan = make_plan(commit(2), released(screens(1)), screens(1, time_zone="Asia/Tokyo"), {}, now=NOW)
    assert "not readable" in plan.changes[0].details[0]
    assert not plan.emergency_only


def test_the_same_change_on_many_screens_is_shown_once() -> None:
    text = plan_text(plan_of(screens(30), screens(30, time_zone="Asia/Tokyo")))
    assert "SCR-ACME-0004 and 26 more" in text
    assert text.count("time zone") == 1
    assert len(text.splitlines()) < 10


def test_a_plan_as_json_holds_every_screen() -> None:
    value = plan_json(plan_of(screens(30), screens(30, time_zone="Asia/Tokyo")))
    assert value["screens"] == {"released": 30, "wanted": 30, "added": 0, "changed": 30, "removed": 0, "moved": 0}
    assert len(value["changes"]) == 30
    assert value["changes"][0]["client"] == CLIENT


def test_a_change_of_more_than_half_of_the_fleet_needs_consent_to_its_number() -> None:
    plan = plan_of(screens(20), screens(20, time_zone="Asia/Tokyo"))
    with pytest.raises(UnsafePlanError, match="20 of 20 released screens would change") as caught:
        check_safety(plan, fleet(), Consent(), NOW)
    assert "--accept-changes 20" in caught.value.hint
    with pytest.raises(UnsafePlanError):
        check_safety(plan, fleet(), accept(Loss.CHANGED, 19), NOW)
    check_safety(plan, fleet(), accept(Loss.CHANGED, 20), NOW)


def test_removals_have_a_limit_of_their_own() -> None:
    plan = plan_of(screens(20), screens(17))
    with pytest.raises(UnsafePlanError, match="3 of 20 released screens would be removed") as caught:
        check_safety(plan, fleet(), accept(Loss.CHANGED, 3), NOW)
    assert "--accept-removals 3" in caught.value.hint
    check_safety(plan, fleet(), accept(Loss.REMOVED, 3), NOW)


def test_percentages_do_not_apply_to_a_handful_of_screens_but_numbers_do() -> None:
    plan = plan_of(screens(9), screens(9, time_zone="Asia/Tokyo"))
    check_safety(plan, fleet(), Consent(), NOW)
    with pytest.raises(UnsafePlanError, match="at most 8 screens"):
        check_safety(plan, fleet(limits={"changedScreens": 8}), Consent(), NOW)


def test_added_screens_are_not_counted_as_changes() -> None:
    check_safety(make_plan(commit(1), None, screens(500), {}, now=NOW), fleet(limits={"changedScreens": 0}), Consent(), NOW)


FREEZE = {"from": "2026-12-20", "until": "2026-12-24", "reason": "christmas sales"}


def test_a_freeze_stops_a_plan_to_the_end_of_its_last_local_day() -> None:
    frozen = fleet(freezes=[FREEZE], defaults={"timeZone": "America/New_York"})
    plan = plan_of(screens(2), screens(2, time_zone="Asia/Tokyo"))
    with pytest.raises(UnsafePlanError, match="christmas sales"):
        check_safety(plan, frozen, Consent(), datetime(2026, 12, 25, 4, 59, tzinfo=UTC))
    check_safety(plan, frozen, Consent(), datetime(2026, 12, 25, 5, 0, tzinfo=UTC))
    check_safety(plan, frozen, Consent(override_freeze=True), NOW)


def test_a_freeze_lets_emergencies_and_commits_without_changes_pass() -> None:
    frozen = fleet(freezes=[FREEZE])
    siren = Rule("alarm/1", Slug("alarm"), Slug("main"), emergency=True, valid_until="2026-12-25")
    check_safety(plan_of(screens(2), screens(2, rules=(DAY, siren))), frozen, Consent(), NOW)
    check_safety(plan_of(screens(2), screens(2)), frozen, Consent(), NOW)


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2_000_000, "2.0 MB"), (3 * 10**15, "3000.0 TB")]
)
def test_bytes_have_a_unit(size: int, text: str) -> None:
    assert byte_text(size) == text
