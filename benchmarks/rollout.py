"""Simulated fleets under good and bad releases, decided by the controller's own `decide`: `python benchmarks/rollout.py`.

A thousand players report every five minutes, notice a release within five minutes of their wave, and try it. A bad release
fails on (or silences) a random share of them. The table says how often the rollout halted, how many screens had the
release by then, and the chance that the printed detection power promises at least.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from avtech_controller.publication import ReleasedScreen
from avtech_controller.rollout import (
    Action,
    Decision,
    Standing,
    assign_waves,
    decide,
    detection,
    plan_power,
    policy_of,
    step_of,
)
from avtech_controller.trust import rfc3339
from avtech_schema.canonical import sha256_hex
from avtech_schema.identifiers import ByteSize, ClientId, CommitId, ScreenId, Sha256
from avtech_schema.report import Quarantined, Report, SyncState
from avtech_schema.resources import Rollout
from avtech_schema.rollout import PlannedScreen, RecordRef, RolloutNote, RolloutPlan, RolloutState, Version

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.controller.rollouts import report

START = datetime(2026, 11, 24, 12, tzinfo=UTC)
EVERY = timedelta(minutes=5)
"""How often players report and poll, and how often somebody ticks."""
CONTROLS = 300
"""So many screens without the release are looked at, as a tick does."""
CLIENT = ClientId("CLI-ACME")
OLD, NEW = CommitId("1" * 40), CommitId("2" * 40)
WAVES = [{"percent": 5, "soakMinutes": 30}, {"percent": 25, "soakMinutes": 30}, {"percent": 100, "soakMinutes": 30}]


class Fault(StrEnum):
    """What a bad release does to a screen."""

    FAILS = "fails"
    """The player rolls back and says so."""
    BRICKS = "bricks"
    """The player never reports again."""


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of release on one kind of fleet."""

    name: str
    share: float
    """The share of screens on which the release is faulty."""
    fault: Fault = Fault.FAILS
    offline: float = 0.0
    """The share of screens that are off all the time; as many again drop out now and then."""
    unseen: float = 0.0
    """The share of screens that never reported."""


CASES = (
    Case("breaks 100 %", 1.0),
    Case("breaks 10 %", 0.10),
    Case("breaks 2 %", 0.02),
    Case("breaks 0.2 %", 0.002),
    Case("bricks 100 %", 1.0, Fault.BRICKS),
    Case("bricks 10 %", 0.10, Fault.BRICKS),
    Case("breaks 2 %, 5 % never seen", 0.02, unseen=0.05),
    Case("good", 0.0),
    Case("good, 1 % offline", 0.0, offline=0.01),
    Case("good, 5 % never seen", 0.0, unseen=0.05),
)


@dataclass(frozen=True, slots=True)
class Run:
    """How one rollout ended: in which wave, after how long, how many screens had the release, how many of them faulty."""

    action: Action
    wave: int
    after: timedelta
    touched: int
    broken: int


def begin(seed: int, screens: int, rollout: Rollout) -> Standing:
    """A rollout of a whole fleet; each seed draws other waves."""
    names = [ScreenId(f"SCR-S-{number:05}") for number in range(screens)]
    soaks, waves = assign_waves(rollout.waves, f"{seed}-{NEW[:12]}", names, {})
    planned = tuple(PlannedScreen(name, CLIENT, waves[name], _version(name, NEW), _version(name, OLD)) for name in names)
    plan = RolloutPlan(OLD, soaks, policy_of(rollout), planned)
    begun = RecordRef(2, sha256_hex(str(seed).encode()))
    note = RolloutNote(begun, RolloutState.RUNNING, (rfc3339(START),))
    released = {
        step.screen: _released(step.screen, step.new if step.wave == 1 else step.good, 2 if step.wave == 1 else 1)
        for step in planned
    }
    return Standing(begun, NEW, note, plan, released, ())


def simulate(case: Case, seed: int, *, screens: int = 1000, rollout: Rollout, hours: int = 24) -> Run:
    """Tick a rollout every five minutes until it ends or a day has passed."""
    dice = random.Random(f"{seed} {case.name}")
    fleet = Fleet(case, dice, [ScreenId(f"SCR-S-{number:05}") for number in range(screens)])
    standing, now = begin(seed, screens, rollout), START
    decision: Decision | None = None
    while now < START + timedelta(hours=hours):
        now += EVERY
        fleet.tell(standing, now)
        decision = decide(standing, fleet.seen(standing), standing.plan.policy, now)
        if decision.action in (Action.HALT, Action.COMPLETE):
            break
        if step := step_of(standing, decision, now):
            moved = {name: _released(name, version, standing.wave + 2) for name, version in step.screens.items()}
            assert step.note
            standing = replace(standing, note=step.note, released={**standing.released, **moved})
    assert decision
    touched = [planned.screen for planned in standing.touched]
    broken = sum(name in fleet.faulty for name in touched)
    return Run(decision.action, standing.wave, now - START, len(touched), broken)


class Fleet:
    """Players by what they last reported; whom a fault hits and who is away is drawn by dice."""

    def __init__(self, case: Case, dice: random.Random, names: list[ScreenId]) -> None:
        shuffled = dice.sample(names, len(names))
        unseen = round(case.unseen * len(names))
        offline = round(case.offline * len(names))
        self._case, self._dice = case, dice
        self._unseen = frozenset(shuffled[:unseen])
        self._off = frozenset(shuffled[unseen : unseen + offline])
        self._drops = frozenset(shuffled[unseen + offline : unseen + 2 * offline])
        self._met: set[ScreenId] = set()
        self._controls = frozenset(shuffled[-CONTROLS:])
        self.faulty = frozenset(dice.sample(names, round(case.share * len(names))))
        self.reports: dict[ScreenId, Report | None] = {
            name: None if name in self._unseen else _report(name, OLD, 1, START - timedelta(days=2 if name in self._off else 0))
            for name in names
        }

    def tell(self, standing: Standing, now: datetime) -> None:
        """Every player that is looked at and is there reports what it has made of what is released for it."""
        touched = {planned.screen: planned.wave for planned in standing.touched}
        for name in touched.keys() | self._controls:
            screen = standing.released[name]
            if name in self._unseen or name in self._off or (name in self._drops and self._dice.random() < 0.5):
                continue
            if name in touched and name not in self._met:
                self._met.add(name)
                before = standing.began(touched[name]) - timedelta(seconds=self._dice.randrange(300))
                self.reports[name] = _report(name, OLD, 1, before)
            said = now - timedelta(seconds=self._dice.randrange(300))
            knows = name in touched and said > standing.began(touched[name])
            if not knows:
                self.reports[name] = _report(name, OLD, 1, said)
            elif name not in self.faulty:
                self.reports[name] = _report(name, NEW, screen.release, said)
            elif self._case.fault is Fault.FAILS:
                self.reports[name] = _failed(name, screen.release, said)

    def seen(self, standing: Standing) -> dict[ScreenId, Report | None]:
        """The reports that a tick would read."""
        touched = {planned.screen for planned in standing.touched}
        return {name: self.reports[name] for name in touched | self._controls}


def promised(case: Case, screens: int, rollout: Rollout) -> float:
    """The chance of a halt by the last wave but one that the printed power stands for, for faults that players report."""
    power = plan_power(begin(0, screens, rollout).plan)
    last = power[-2] if len(power) > 1 else power[-1]
    return detection(last.population, round(case.share * screens), last.samples, last.tolerated)


def _version(name: ScreenId, commit: CommitId) -> Version:
    return Version(_digest(name, commit), ByteSize(1000), commit)


def _digest(name: ScreenId, commit: CommitId) -> Sha256:
    return _DIGESTS.setdefault((name, commit), sha256_hex(f"{name} {commit}".encode()))


_DIGESTS: dict[tuple[ScreenId, CommitId], Sha256] = {}


def _released(name: ScreenId, version: Version, release: int) -> ReleasedScreen:
    return ReleasedScreen(name, CLIENT, version.digest, version.size, version.commit, release)


def _report(name: ScreenId, commit: CommitId, release: int, time: datetime, **changes: object) -> Report:
    return report(_released(name, _version(name, commit), release), time, **changes)


def _failed(name: ScreenId, release: int, time: datetime) -> Report:
    entry = Quarantined(_digest(name, NEW), release, NEW, "no clip of it plays", rfc3339(time))
    return _report(name, OLD, 1, time, state=SyncState.FAILED, quarantine=(entry,))


def table(runs: int, screens: int, rollout: Rollout) -> Iterator[str]:
    """The table, line by line."""
    for power in plan_power(begin(0, screens, rollout).plan):
        share = "nothing" if power.share is None else f"{power.share:.2%}"
        yield (
            f"wave {power.wave}: {power.added:5} screens, at least {power.samples:4} samples, {power.tolerated} may fail: "
            f"detects {share} with 95 %"
        )
    yield ""
    titles = f"{'halted':>7} {'before the last wave':>21} {'promised':>9} {'complete':>9} {'had it':>7} {'broken':>7}"
    yield f"{'release':28} {titles}"
    for case in CASES:
        found = [simulate(case, seed, screens=screens, rollout=rollout) for seed in range(runs)]
        halted = [run for run in found if run.action is Action.HALT]
        early = [run for run in halted if run.wave < len(rollout.waves)]
        told = (
            f"{promised(case, screens, rollout):.1%}" if case.fault is Fault.FAILS and case.share and not case.unseen else "-"
        )
        complete = sum(run.action is Action.COMPLETE for run in found)
        had = sum(run.touched for run in found) / runs
        broken = sum(run.broken for run in found) / runs
        yield (
            f"{case.name:28} {len(halted) / runs:7.1%} {len(early) / runs:21.1%} {told:>9} {complete / runs:9.1%} "
            f"{had:7.0f} {broken:7.1f}"
        )


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--screens", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--max-failed", default="0", help="a number, or a share such as 2%%")
    options = parser.parse_args()
    settings: Mapping[str, object] = {
        "waves": WAVES,
        "maxFailed": options.max_failed if options.max_failed.endswith("%") else int(options.max_failed),
    }
    started = time.monotonic()
    print(f"{options.runs} rollouts of each kind on {options.screens} screens; maxFailed {options.max_failed}, maxLost 5%\n")
    for line in table(options.runs, options.screens, Rollout.model_validate(settings)):
        print(line)
    print(f"\n{time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
