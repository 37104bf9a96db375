"""How small a fault a wave detects, by exact hypergeometric chances: waves are drawn from the fleet without replacement."""

from dataclasses import dataclass
from math import ceil, exp, lgamma

from avtech_schema.rollout import RolloutPlan

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class WavePower:
    """What a rollout detects by the end of one wave. Numbers of screens are of this and all earlier waves.

    `samples` speak of the release at least before the next wave begins; `tolerated` may fail. `faulty` is the smallest
    number of faulty screens in the whole rollout that halts it by then with 95 % probability; None: none does.
    """

    wave: int
    added: int
    screens: int
    population: int
    soak_minutes: int
    samples: int
    tolerated: int
    faulty: int | None

    @property
    def share(self) -> float | None:
        """The smallest share of faulty screens that is detected."""
        return None if self.faulty is None else self.faulty / self.population


def detection(population: int, faulty: int, samples: int, tolerated: int) -> float:
    """The probability that among `samples` screens drawn from `population` more than `tolerated` are faulty."""
    if not 0 <= faulty <= population or not 0 <= samples <= population:
        raise ValueError("there cannot be more faulty screens or samples than screens")
    lowest = max(0, samples - (population - faulty))
    whole = _log_choose(population, samples)
    missed = sum(
        exp(_log_choose(faulty, bad) + _log_choose(population - faulty, samples - bad) - whole)
        for bad in range(lowest, min(tolerated, samples, faulty) + 1)
    )
    return min(1.0, max(0.0, 1.0 - missed))


def detectable(population: int, samples: int, tolerated: int, *, confidence: float = CONFIDENCE) -> int | None:
    """The smallest number of faulty screens that is detected with this probability; None if not even all are."""
    if population == 0 or detection(population, population, samples, tolerated) < confidence:
        return None
    low, high = 1, population
    while low < high:
        middle = (low + high) // 2
        if detection(population, middle, samples, tolerated) >= confidence:
            high = middle
        else:
            low = middle + 1
    return low


def plan_power(plan: RolloutPlan) -> tuple[WavePower, ...]:
    """What each wave of a plan detects, if faults fall on screens by chance and every screen reports at some time."""
    sizes = [0] * len(plan.soaks)
    for planned in plan.screens:
        sizes[planned.wave - 1] += 1
    found: list[WavePower] = []
    policy, population, screens = plan.policy, len(plan.screens), 0
    for wave, added in enumerate(sizes, 1):
        screens += added
        samples = max(ceil(policy.min_reporting * screens / 100), min(policy.min_samples, added))
        tolerated = policy.max_failed.of(screens)
        faulty = detectable(population, samples, tolerated)
        found.append(WavePower(wave, added, screens, population, plan.soaks[wave - 1], samples, tolerated, faulty))
    return tuple(found)


def _log_choose(whole: int, part: int) -> float:
    return lgamma(whole + 1) - lgamma(part + 1) - lgamma(whole - part + 1)
