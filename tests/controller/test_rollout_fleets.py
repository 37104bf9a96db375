"""Fleets of a thousand simulated players: bad releases are halted as often as the printed power says, good ones are not."""

import importlib.util
import sys
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from avtech_controller.rollout import Action, detection, plan_power
from avtech_schema.resources import Rollout

_PATH = Path(__file__).parents[2] / "benchmarks" / "rollout.py"


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("avtech_rollout_benchmark", _PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


fleets = _load()
STRICT = Rollout.model_validate({"waves": fleets.WAVES})


def runs(case: object, count: int, rollout: Rollout = STRICT, screens: int = 1000) -> list[Any]:
    return [fleets.simulate(case, seed, screens=screens, rollout=rollout) for seed in range(count)]


@pytest.mark.parametrize("fault", list(fleets.Fault))
def test_a_release_that_breaks_every_screen_never_leaves_the_first_wave(fault: object) -> None:
    for run in runs(fleets.Case("all", 1.0, fault), 5):
        assert (run.action, run.wave, run.touched) == (Action.HALT, 1, 50)
        assert run.after <= timedelta(minutes=25)


def test_a_release_that_breaks_a_tenth_never_leaves_the_first_wave() -> None:
    for run in runs(fleets.Case("a tenth", 0.1), 10):
        assert (run.action, run.wave) == (Action.HALT, 1)


@pytest.mark.slow
def test_a_release_that_breaks_a_fiftieth_is_halted_in_each_wave_as_often_as_the_power_says() -> None:
    count = 80
    found = runs(fleets.Case("a fiftieth", 0.02), count)
    assert all(run.action is Action.HALT for run in found)
    power = plan_power(fleets.begin(0, 1000, STRICT).plan)
    for wave in power[:2]:
        halted = sum(run.wave <= wave.wave for run in found) / count
        least = detection(wave.population, 20, wave.samples, wave.tolerated)
        most = detection(wave.population, 20, wave.screens, wave.tolerated)
        assert least - 0.15 <= halted <= most + 0.15
    assert power[1].faulty is not None
    assert power[1].faulty <= 20, "the second wave finds a fiftieth with 95 % probability"
    assert sum(run.wave < 3 for run in found) / count >= 0.95


@pytest.mark.slow
def test_a_tolerant_fleet_halts_as_often_as_its_power_says() -> None:
    rollout = Rollout.model_validate({"waves": [{"percent": 10, "soakMinutes": 30}], "maxFailed": "3%", "minReporting": 100})
    count = 60
    found = runs(fleets.Case("three percent", 0.03), count, rollout)
    (first, _) = plan_power(fleets.begin(0, 1000, rollout).plan)
    halted = sum(run.wave == 1 and run.action is Action.HALT for run in found) / count
    assert halted == pytest.approx(detection(first.population, 30, first.samples, first.tolerated), abs=0.18)


@pytest.mark.parametrize(
    "case", [fleets.Case("good", 0.0), fleets.Case("offline", 0.0, offline=0.01), fleets.Case("unseen", 0.0, unseen=0.05)]
)
def test_a_good_release_completes_although_some_screens_are_away(case: object) -> None:
    for run in runs(case, 4):
        assert (run.action, run.wave, run.touched) == (Action.COMPLETE, 3, 1000)


def test_a_fleet_of_which_nobody_hears_is_held_for_ever() -> None:
    run = fleets.simulate(fleets.Case("dark", 0.0, unseen=1.0), 1, rollout=STRICT, screens=50)
    assert (run.action, run.wave) == (Action.HOLD, 1)
