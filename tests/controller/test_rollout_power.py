"""The printed detection power against exact values, by fractions of whole numbers."""

from fractions import Fraction
from math import comb

import pytest

from avtech_controller.rollout import detectable, detection, plan_power
from tests.controller.rollouts import standing


def exact(population: int, faulty: int, samples: int, tolerated: int) -> Fraction:
    """The hypergeometric chance of more than `tolerated` faulty ones, without rounding."""
    missed = sum(
        comb(faulty, bad) * comb(population - faulty, samples - bad)
        for bad in range(min(tolerated, samples) + 1)
        if samples - bad >= 0
    )
    return 1 - Fraction(missed, comb(population, samples))


@pytest.mark.parametrize("population", [1, 2, 7, 40, 1000])
@pytest.mark.parametrize("tolerated", [0, 1, 3])
def test_the_chance_of_detection_is_exact(population: int, tolerated: int) -> None:
    for faulty in {0, 1, population // 50, population // 10, population // 2, population}:
        for samples in {0, 1, population // 20, population // 3, population}:
            wanted = float(exact(population, faulty, samples, tolerated))
            assert detection(population, faulty, samples, tolerated) == pytest.approx(wanted, abs=1e-9)


def test_it_is_the_binomial_chance_in_a_fleet_without_end() -> None:
    assert detection(1_000_000, 20_000, 50, 0) == pytest.approx(1 - 0.98**50, abs=1e-4)


@pytest.mark.parametrize(
    ("population", "samples", "tolerated"), [(1000, 50, 0), (1000, 45, 1), (200, 20, 0), (10, 10, 9), (3, 1, 0)]
)
def test_the_smallest_fault_that_is_detected_is_the_smallest(population: int, samples: int, tolerated: int) -> None:
    found = detectable(population, samples, tolerated)
    assert found is not None
    assert exact(population, found, samples, tolerated) >= Fraction(95, 100)
    assert exact(population, found - 1, samples, tolerated) < Fraction(95, 100)


@pytest.mark.parametrize(("population", "samples", "tolerated"), [(0, 0, 0), (10, 0, 0), (10, 3, 3), (100, 5, 50)])
def test_what_tolerates_all_that_it_sees_detects_nothing(population: int, samples: int, tolerated: int) -> None:
    assert detectable(population, samples, tolerated) is None


def test_impossible_numbers_are_refused() -> None:
    for arguments in ((10, 11, 1, 0), (10, 1, 11, 0), (10, -1, 1, 0)):
        with pytest.raises(ValueError, match="cannot be more"):
            detection(*arguments)


def test_a_plan_detects_more_with_every_wave() -> None:
    waves = plan_power(standing([50, 200, 750]).plan)
    assert [(wave.added, wave.screens, wave.samples, wave.tolerated) for wave in waves] == [
        (50, 50, 45, 0),
        (200, 250, 225, 0),
        (750, 1000, 900, 0),
    ]
    assert [wave.faulty for wave in waves] == [63, 12, 2]


def test_a_hundred_thousand_screens_are_reckoned_at_once() -> None:
    assert detectable(100_000, 5_000, 25) == pytest.approx(690, abs=40)
