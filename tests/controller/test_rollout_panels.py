"""Screens whose panels are off while a rollout reaches them: no failure, no success that nobody saw, and no end of waiting."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from avtech_controller.publication import ReleasedScreen
from avtech_controller.rollout import Action, Decision, Outcome, Standing, decide, observe
from avtech_schema.identifiers import ScreenId
from avtech_schema.report import EngineHealth, Quarantined, ReleaseRef, Report, SyncState
from tests.controller.rollouts import BAD, GOOD, POLICY, START, digest_of, minutes, name_of, report, standing

EVENING = START + minutes(31)
MORNING = START + minutes(60 * 9)
OFF = EngineHealth("mpv", "1", "off", 0)
DEADLINE = replace(POLICY, deadline_minutes=60)


def dark(screen: ReleasedScreen, now: datetime, **changes: Any) -> Report:
    """The report of a screen that has the release on its disk, and plays what it had while its panel is off."""
    before = ReleaseRef(1, GOOD, digest_of(screen.screen, "before"))
    told = {"engine": OFF, "phase": "staged", "applied": before, "state": SyncState.ERROR, "last_error": "the panel is off"}
    return report(screen, now, **{**told, **changes})


def look(found: Standing, now: datetime, off: Collection[ScreenId], **changes: Any) -> Decision:
    """What is decided when some screens are dark, and all others are well."""
    reports = {
        name: dark(screen, now, **changes) if name in off else report(screen, now) for name, screen in found.released.items()
    }
    return decide(found, reports, DEADLINE, now)


def names(count: int) -> list[ScreenId]:
    return [name_of(number) for number in range(1, count + 1)]


def test_a_screen_that_tried_the_release_counts_though_its_panel_is_off_now() -> None:
    found = standing([4, 6])
    reports = {name: report(screen, EVENING, engine=OFF) for name, screen in found.released.items()}
    decision = decide(found, reports, POLICY, EVENING)
    assert (decision.action, decision.count(Outcome.HEALTHY)) == (Action.ADVANCE, 4)


@pytest.mark.parametrize("off", [1, 4])
def test_panels_that_are_off_hold_a_rollout_past_its_deadline_and_it_goes_on_when_they_are_on(off: int) -> None:
    found = standing([4, 6])
    night = START + minutes(300)
    for now in (EVENING, night):
        decision = look(found, now, names(off))
        assert decision.action is Action.HOLD
        assert (decision.count(Outcome.DARK), decision.count(Outcome.HEALTHY)) == (off, 4 - off)
        assert f"(the panels of {off} are off)" in decision.reason
    assert look(found, MORNING, []).action is Action.ADVANCE


def test_few_dark_screens_hold_nothing() -> None:
    found = standing([20, 6])
    assert look(found, EVENING, names(2)).action is Action.ADVANCE


def test_what_fails_in_the_light_or_in_the_dark_halts_it() -> None:
    found = standing([4, 6])
    screen = found.released[name_of(2)]
    failed = Quarantined(screen.digest, screen.release, BAD, "no clip of it plays", "2026-11-24T12:10:00Z")
    reports = {name: dark(one, EVENING) for name, one in found.released.items()}
    reports[name_of(2)] = dark(screen, EVENING, quarantine=(failed,), phase="rolled-back")
    assert decide(found, reports, DEADLINE, EVENING).action is Action.HALT


def test_a_deadline_halts_for_screens_that_are_silent_among_the_dark() -> None:
    found = standing([4, 6])
    now = START + minutes(61)
    reports: dict[ScreenId, Report | None] = {name: dark(one, now) for name, one in found.released.items()}
    for name in names(3):
        reports[name] = dark(found.released[name], now, phase="fetching", engine=OFF)
    decision = decide(found, reports, DEADLINE, now)
    assert decision.action is Action.HALT
    assert "speak of the release" in decision.reason


@pytest.mark.parametrize(
    "changes",
    [
        {"phase": "fetching"},
        {"engine": EngineHealth("mpv", "1", "failed", 3)},
        {"desired": ReleaseRef(1, GOOD, digest_of(name_of(1), "before"))},
        {"desired": None},
    ],
)
def test_a_screen_is_dark_only_if_nothing_but_its_panel_keeps_it_from_trying(changes: dict[str, Any]) -> None:
    found = standing([1])
    screen = found.released[name_of(1)]
    seen = observe(screen, dark(screen, EVENING, **changes), since=START, now=EVENING, lost_after=minutes(15))
    assert seen == (Outcome.WAITING, "the panel is off")


def test_a_dark_screen_that_falls_silent_is_lost_as_any_other() -> None:
    found = standing([1])
    screen = found.released[name_of(1)]
    told = dark(screen, START + minutes(1))
    assert observe(screen, told, since=START, now=EVENING, lost_after=minutes(15))[0] is Outcome.LOST
