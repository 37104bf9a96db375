"""Which screens are in which wave: labels first, shares of the changing screens, and other guinea pigs every time."""

from collections import Counter

import pytest
from pydantic import ValidationError

from avtech_controller.rollout import assign_waves, policy_of, rollout_id
from avtech_schema.identifiers import ScreenId
from avtech_schema.resources import Rollout
from avtech_schema.rollout import Allowance, OnHalt, parse_allowance
from tests.controller.publishing import commit
from tests.controller.rollouts import name_of

HUNDRED = [name_of(number) for number in range(1, 101)]


def settings(**values: object) -> Rollout:
    return Rollout.model_validate(values)


def sizes(
    rollout: Rollout, screens: list[ScreenId] = HUNDRED, labels: dict[ScreenId, dict[str, str]] | None = None
) -> list[int]:
    _, waves = assign_waves(rollout.waves, "7-abc", screens, labels or {})
    assert sorted(waves) == sorted(screens)
    return [count for _, count in sorted(Counter(waves.values()).items())]


def test_shares_are_of_this_and_all_earlier_waves_and_the_rest_comes_last() -> None:
    assert sizes(settings(waves=[{"percent": 5}, {"percent": 50}])) == [5, 45, 50]
    assert sizes(settings(waves=[{"percent": 5}, {"percent": 100}])) == [5, 95]


def test_the_first_share_of_a_small_fleet_is_one_screen() -> None:
    assert sizes(settings(waves=[{"percent": 5}]), HUNDRED[:3]) == [1, 2]
    assert sizes(settings(waves=[{"percent": 5}]), HUNDRED[:1]) == [1]


def test_waves_without_screens_are_left_out() -> None:
    rollout = settings(
        waves=[{"percent": 0, "soakMinutes": 1}, {"percent": 50, "soakMinutes": 2}, {"percent": 20, "soakMinutes": 3}]
    )
    soaks, waves = assign_waves(rollout.waves, "x", HUNDRED, {})
    assert soaks == (2, 3)
    assert Counter(waves.values()) == {1: 50, 2: 50}


def test_labels_come_before_shares() -> None:
    labels = {name_of(number): {"ring": "canary", "site": "a" if number < 3 else "b"} for number in range(1, 6)}
    rollout = settings(
        waves=[{"matchLabels": {"ring": "canary", "site": "a"}}, {"matchLabels": {"ring": "canary"}, "percent": 10}]
    )
    _, waves = assign_waves(rollout.waves, "x", HUNDRED, labels)
    assert {screen for screen, wave in waves.items() if wave == 1} == {name_of(1), name_of(2)}
    second = {screen for screen, wave in waves.items() if wave == 2}
    assert {name_of(3), name_of(4), name_of(5)} < second
    assert len(second) == 8


def test_screens_that_have_it_already_are_in_the_first_wave_and_count() -> None:
    rollout = settings(waves=[{"percent": 10}])
    _, waves = assign_waves(rollout.waves, "x", HUNDRED, {}, first=HUNDRED[:4])
    first = {screen for screen, wave in waves.items() if wave == 1}
    assert set(HUNDRED[:4]) < first
    assert len(first) == 10


def test_guinea_pigs_rotate_from_rollout_to_rollout() -> None:
    rollout = settings(waves=[{"percent": 10}])
    chosen: Counter[ScreenId] = Counter()
    for number in range(200):
        _, waves = assign_waves(rollout.waves, rollout_id(number, commit(number)), HUNDRED, {})
        chosen.update(screen for screen, wave in waves.items() if wave == 1)
    assert len(chosen) == 100
    assert 5 <= min(chosen.values()) <= max(chosen.values()) <= 45


def test_the_same_rollout_draws_the_same_screens_whatever_their_order() -> None:
    rollout = settings(waves=[{"percent": 10}])
    assert assign_waves(rollout.waves, "x", HUNDRED, {}) == assign_waves(rollout.waves, "x", HUNDRED[::-1], {})


def test_a_fleet_says_what_a_rollout_is_judged_by() -> None:
    policy = policy_of(settings(minSamples=3, maxFailed="2%", maxLost=1, deadlineMinutes=90, onHalt="hold"))
    assert (policy.min_reporting, policy.min_samples, policy.deadline_minutes) == (90, 3, 90)
    assert (policy.max_failed, policy.max_lost, policy.on_halt) == (Allowance(2, is_percent=True), Allowance(1), OnHalt.HOLD)


@pytest.mark.parametrize("value", ["101%", "-1%", "2.5%", "%", "5 %", "x", "05%", -1, True, 1.5, "3"])
def test_allowances_that_make_no_sense_are_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        settings(maxFailed=value)


@pytest.mark.parametrize(
    ("text", "screens", "number"), [("0%", 50, 0), ("2%", 50, 1), ("2%", 51, 2), ("5%", 10, 1), ("100%", 7, 7), ("3", 1, 3)]
)
def test_shares_are_rounded_up(text: str, screens: int, number: int) -> None:
    allowance = parse_allowance(text)
    assert allowance.of(screens) == number
    assert parse_allowance(str(allowance)) == allowance
