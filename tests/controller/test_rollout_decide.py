"""What a rollout does about what its screens say: every state, every kind of silence."""

from dataclasses import replace
from datetime import datetime

import pytest

from avtech_controller.rollout import Action, Decision, Outcome, Reports, Standing, decide, observe
from avtech_controller.status import Unreadable
from avtech_schema.identifiers import ScreenId
from avtech_schema.report import EngineHealth, Report
from avtech_schema.rollout import RolloutPolicy, RolloutState, parse_allowance
from tests.controller.rollouts import (
    POLICY,
    START,
    failed_report,
    minutes,
    name_of,
    noted,
    old_report,
    report,
    standing,
)

SOAKED = START + minutes(31)
LOST_AFTER = minutes(15)


def healthy(found: Standing, now: datetime) -> dict[ScreenId, Report | Unreadable | None]:
    """Fresh reports of all released screens: of the release where it is, else of what was before."""
    touched = {planned.screen for planned in found.touched}
    return {
        name: report(screen, now) if name in touched else old_report(screen, now) for name, screen in found.released.items()
    }


def look(
    found: Standing, reports: Reports, now: datetime = SOAKED, *, policy: RolloutPolicy = POLICY, freeze: str | None = None
) -> Decision:
    return decide(found, reports, policy, now, freeze=freeze)


def test_a_wave_that_soaked_and_is_well_lets_the_next_begin() -> None:
    found = standing([10, 90])
    assert look(found, healthy(found, SOAKED)).action is Action.ADVANCE


def test_a_wave_soaks_for_its_time() -> None:
    found = standing([10, 90])
    held = look(found, healthy(found, START + minutes(28)), START + minutes(29))
    assert held.action is Action.HOLD
    assert held.waits == ("wave 1 soaks until 2026-11-24 12:30 UTC",)
    assert look(found, healthy(found, START + minutes(20)), START + minutes(30)).action is Action.ADVANCE


def test_the_last_wave_completes_it() -> None:
    found = standing([10, 20], began=2)
    late = START + minutes(61)
    assert look(found, healthy(found, late), late).action is Action.COMPLETE


def test_no_data_holds_and_is_never_a_success() -> None:
    found = standing([10, 90])
    nothing: Reports = dict.fromkeys(found.released)
    for now in (SOAKED, START + minutes(60 * 24 * 365)):
        held = look(found, nothing, now)
        assert held.action is Action.HOLD
        assert "no screen of wave 1 ever reported" in held.reason
        assert held.count(Outcome.UNSEEN) == 10


def test_never_seen_screens_are_listed_and_not_counted() -> None:
    found = standing([10, 90])
    reports = healthy(found, SOAKED)
    for number in range(2, 11):
        reports[name_of(number)] = None
    seen = look(found, reports)
    assert seen.action is Action.ADVANCE
    assert (seen.count(Outcome.HEALTHY), seen.count(Outcome.UNSEEN)) == (1, 9)


def test_only_reports_of_the_released_manifest_count() -> None:
    found = standing([4, 4])
    reports = healthy(found, SOAKED)
    for number in (1, 2, 3, 4):
        reports[name_of(number)] = old_report(found.released[name_of(number)], SOAKED)
    held = look(found, reports)
    assert held.action is Action.HOLD
    assert "0 of 4 screens of wave 1 speak of the release, and 1 must" in held.reason


def test_a_report_of_the_same_manifest_from_an_earlier_release_does_not_count() -> None:
    found = standing([1])
    screen = found.released[name_of(1)]
    earlier = report(replace(screen, release=screen.release - 1), SOAKED)
    assert observe(screen, earlier, since=START, now=SOAKED, lost_after=LOST_AFTER)[0] is Outcome.WAITING
    failed_earlier = failed_report(replace(screen, release=screen.release - 1), SOAKED)
    assert observe(screen, failed_earlier, since=START, now=SOAKED, lost_after=LOST_AFTER)[0] is Outcome.WAITING


def test_a_screen_that_has_the_release_and_shows_the_slate_is_no_success() -> None:
    found = standing([1])
    screen = found.released[name_of(1)]
    shown = report(screen, SOAKED, engine=EngineHealth("mpv", "1", "slate", 0))
    outcome, reason = observe(screen, shown, since=START, now=SOAKED, lost_after=LOST_AFTER)
    assert outcome is Outcome.WAITING
    assert "slate" in reason


@pytest.mark.parametrize("state", [RolloutState.RUNNING, RolloutState.PAUSED])
@pytest.mark.parametrize("now", [START + minutes(1), SOAKED])
@pytest.mark.parametrize("freeze", [None, "frozen"])
def test_a_failure_halts_it_in_every_open_state(state: RolloutState, now: datetime, freeze: str | None) -> None:
    found = noted(standing([10, 90]), state)
    reports = healthy(found, now)
    reports[name_of(3)] = failed_report(found.released[name_of(3)], now)
    halted = look(found, reports, now, freeze=freeze)
    assert halted.action is Action.HALT
    assert halted.reason == "it failed on 1 of 10 screens (at most 0): SCR-ACME-0003: no clip of it plays"


@pytest.mark.parametrize("state", [RolloutState.HALTED, RolloutState.REVERTED, RolloutState.COMPLETE])
def test_what_has_ended_is_left_alone(state: RolloutState) -> None:
    found = noted(standing([10, 90]), state, "why")
    reports = healthy(found, SOAKED)
    reports[name_of(3)] = failed_report(found.released[name_of(3)], SOAKED)
    assert look(found, reports).action is Action.NONE


def test_a_failure_counts_although_the_screen_fell_silent_since() -> None:
    found = standing([1])
    screen = found.released[name_of(1)]
    failed = failed_report(screen, START + minutes(1))
    assert observe(screen, failed, since=START, now=START + minutes(500), lost_after=LOST_AFTER)[0] is Outcome.FAILED


@pytest.mark.parametrize(("failures", "action"), [(1, Action.ADVANCE), (2, Action.ADVANCE), (3, Action.HALT)])
def test_a_share_of_failures_may_be_tolerated(failures: int, action: Action) -> None:
    policy = replace(POLICY, max_failed=parse_allowance("2%"))
    found = standing([70, 100])
    reports = healthy(found, SOAKED)
    for number in range(1, failures + 1):
        reports[name_of(number)] = failed_report(found.released[name_of(number)], SOAKED)
    assert look(found, reports, policy=policy).action is action


def silent(found: Standing, count: int, time: datetime) -> dict[ScreenId, Report | Unreadable | None]:
    """The first screens reported last at a time; all others do now."""
    reports = healthy(found, SOAKED)
    for number in range(1, count + 1):
        reports[name_of(number)] = old_report(found.released[name_of(number)], time)
    return reports


def test_screens_that_reported_and_fell_silent_after_they_got_it_halt_it() -> None:
    found = standing([40], others=60)
    for time in (START - minutes(4), START + minutes(3)):
        assert look(found, silent(found, 2, time)).action is Action.COMPLETE
        halted = look(found, silent(found, 3, time))
        assert halted.action is Action.HALT
        assert "it silenced 3 of 40 screens (at most 5%, 2)" in halted.reason


def test_screens_are_not_lost_before_they_are_overdue() -> None:
    found = standing([40], others=60)
    reports = silent(found, 40, START - minutes(4))
    assert look(found, reports, START + minutes(14)).action is Action.HOLD
    screen = found.released[name_of(1)]
    before = old_report(screen, START - minutes(14))
    assert observe(screen, before, since=START, now=START + minutes(2), lost_after=LOST_AFTER)[0] is Outcome.WAITING


def test_screens_that_were_silent_before_are_not_lost_and_hold_it_when_they_are_too_many() -> None:
    found = standing([40], others=60)
    away = START - minutes(60 * 24)
    assert look(found, silent(found, 4, away)).action is Action.COMPLETE
    held = look(found, silent(found, 5, away))
    assert held.action is Action.HOLD
    assert "35 of 40 screens that have it speak of the release, and 90 % must" in held.reason
    assert held.count(Outcome.SILENT) == 5


def test_an_outage_that_silences_screens_without_the_release_too_is_not_its_fault() -> None:
    found = standing([40], others=60)
    reports = silent(found, 20, START + minutes(3))
    for number in range(41, 71):
        reports[name_of(number)] = old_report(found.released[name_of(number)], START + minutes(3))
    held = look(found, reports)
    assert held.action is Action.HOLD
    assert "30 of 60 screens without the release fell silent too: an outage" in held.reason
    reports = healthy(found, START + minutes(120)) | {
        name_of(n): old_report(found.released[name_of(n)], START) for n in range(1, 21)
    }
    assert look(found, reports, START + minutes(120)).action is Action.HALT


def test_in_the_last_wave_screens_of_earlier_waves_tell_an_outage_from_a_fault() -> None:
    now = START + minutes(61)
    found = standing([40, 40], began=2)
    reports = healthy(found, now)
    for number in (*range(1, 21), *range(41, 61)):
        reports[name_of(number)] = report(found.released[name_of(number)], START + minutes(32))
    assert "an outage" in look(found, reports, now).reason
    for number in range(1, 21):
        reports[name_of(number)] = report(found.released[name_of(number)], now)
    assert look(found, reports, now).action is Action.HALT


def test_an_outage_with_a_failure_halts_all_the_same() -> None:
    found = standing([40], others=60)
    reports = {name: old_report(screen, START + minutes(3)) for name, screen in found.released.items()}
    reports[name_of(1)] = failed_report(found.released[name_of(1)], START + minutes(3))
    assert look(found, reports).action is Action.HALT


def test_a_pause_holds_and_says_why() -> None:
    found = noted(standing([10, 90]), RolloutState.PAUSED, "the fair")
    assert look(found, healthy(found, SOAKED)).waits == ("it is paused: the fair",)


def test_a_freeze_holds_the_next_wave_and_says_why() -> None:
    found = standing([10, 90])
    assert look(found, healthy(found, SOAKED), freeze="frozen: Christmas").waits == ("frozen: Christmas",)


def test_a_deadline_turns_waiting_into_a_halt_unless_it_is_paused() -> None:
    policy = replace(POLICY, deadline_minutes=120)
    found = standing([10, 90])
    reports: Reports = dict.fromkeys(found.released)
    assert look(found, reports, START + minutes(119), policy=policy).action is Action.HOLD
    halted = look(found, reports, START + minutes(120), policy=policy)
    assert halted.action is Action.HALT
    assert halted.reason == "120 minutes after wave 1 began, no screen of wave 1 ever reported"
    assert look(noted(found, RolloutState.PAUSED), reports, START + minutes(120), policy=policy).action is Action.HOLD
    late = START + minutes(500)
    assert look(found, healthy(found, late), late, policy=policy).action is Action.ADVANCE


def test_a_wave_smaller_than_the_samples_asked_for_needs_all_of_its_screens() -> None:
    policy = replace(POLICY, min_samples=5, min_reporting=0)
    found = standing([3, 90])
    reports = healthy(found, SOAKED)
    assert look(found, reports, policy=policy).action is Action.ADVANCE
    reports[name_of(1)] = old_report(found.released[name_of(1)], SOAKED)
    assert "2 of 3 screens of wave 1 speak of the release, and 3 must" in look(found, reports, policy=policy).reason


def test_samples_must_come_from_the_wave_that_is_watched() -> None:
    policy = replace(POLICY, min_samples=2, min_reporting=0)
    found = standing([50, 10, 10], began=2)
    now = START + minutes(61)
    reports = healthy(found, now)
    for number in range(51, 61):
        reports[name_of(number)] = old_report(found.released[name_of(number)], now)
    assert "of wave 2" in look(found, reports, now, policy=policy).reason


def test_a_report_that_cannot_be_believed_counts_as_silence() -> None:
    found = standing([4])
    reports = healthy(found, SOAKED)
    reports[name_of(1)] = Unreadable("a wrong signature")
    held = look(found, reports)
    assert held.action is Action.HOLD
    assert held.count(Outcome.REJECTED) == 1


def test_a_report_that_is_missing_altogether_is_that_of_a_screen_never_seen() -> None:
    assert "ever reported" in look(standing([4]), {}).reason


def test_screens_that_changed_otherwise_are_not_watched() -> None:
    found = standing([4])
    gone = {name: screen for name, screen in found.released.items() if name != name_of(1)}
    other = {**gone, name_of(2): replace(gone[name_of(2)], digest=found.released[name_of(3)].digest)}
    seen = look(replace(found, released=other), healthy(found, SOAKED))
    assert [entry.screen for entry in seen.observed] == [name_of(3), name_of(4)]


def test_what_was_taken_back_is_still_told_by_what_screens_report() -> None:
    ran = standing([6, 4])
    back = {
        planned.screen: replace(ran.released[planned.screen], digest=planned.good.digest, release=8)
        for planned in ran.plan.screens
        if planned.wave == 1
    }
    halted = noted(replace(ran, released={**ran.released, **back}), RolloutState.HALTED, "it failed")
    reports: dict[ScreenId, Report | Unreadable | None] = {
        name_of(1): failed_report(ran.released[name_of(1)], SOAKED),
        name_of(2): report(back[name_of(2)], SOAKED),
        name_of(3): report(ran.released[name_of(3)], SOAKED),
        name_of(4): report(ran.released[name_of(4)], START),
        name_of(5): Unreadable("its signature is another's"),
    }
    seen = look(halted, reports)
    assert (seen.action, seen.reason) == (Action.NONE, "it failed")
    assert [entry.outcome for entry in seen.observed] == [
        Outcome.FAILED,
        Outcome.RETURNED,
        Outcome.WAITING,
        Outcome.LOST,
        Outcome.REJECTED,
        Outcome.UNSEEN,
    ]
    assert seen.observed[0].reason == "no clip of it plays"
    assert look(noted(halted, RolloutState.COMPLETE), reports).observed == ()
