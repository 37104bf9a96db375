"""Rollouts under whatever screens say and whatever people do, held against what must always be true."""

import tempfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from avtech_controller.provenance import Builder
from avtech_controller.publication import Head, ReleasedScreen, Step, Wanted, release_chain
from avtech_controller.rollout import (
    Action,
    Outcome,
    Standing,
    WaveStage,
    abort,
    advance,
    decide,
    lift,
    pause,
    read_standing,
    resume,
    retry,
    step_of,
)
from avtech_controller.status import Unreadable
from avtech_controller.stores import open_store
from avtech_controller.verification._chain import replay
from avtech_schema.errors import ConfigurationError, RolloutHaltedError
from avtech_schema.identifiers import ScreenId, Sha256
from avtech_schema.release import ReleaseKind, parse_release
from avtech_schema.report import Report
from avtech_schema.resources import Rollout
from avtech_schema.rollout import RolloutState, parse_allowance
from tests.controller.publishing import commit, make_world, screens
from tests.controller.rollouts import POLICY, START, failed_report, minutes, noted, old_report, report, standing

Said = dict[ScreenId, Report | Unreadable | None]
WORDS = ("healthy", "failed", "old", "silent", "lost", "unseen", "forged")


def saying(found: Standing, words: list[str], now: datetime) -> Said:
    """One report of each screen that has the release, as a word says."""
    return {
        planned.screen: _report(found, found.released[planned.screen], word, now)
        for planned, word in zip(found.touched, words, strict=True)
    }


def _report(found: Standing, screen: ReleasedScreen, word: str, now: datetime) -> Report | Unreadable | None:
    match word:
        case "healthy":
            return report(screen, now)
        case "failed":
            return failed_report(screen, now)
        case "old":
            return old_report(screen, now)
        case "silent":
            return old_report(screen, START - minutes(999))
        case "lost":
            return old_report(screen, found.began(found.wave))
        case "forged":
            return Unreadable("forged")
        case _:
            return None


@st.composite
def looks(draw: st.DrawFn) -> tuple[Standing, list[str], datetime]:
    sizes = draw(st.lists(st.integers(1, 12), min_size=1, max_size=4))
    policy = replace(
        POLICY,
        min_reporting=draw(st.integers(0, 100)),
        min_samples=draw(st.integers(1, 5)),
        max_failed=parse_allowance(draw(st.sampled_from(["0", "1", "10%"]))),
        max_lost=parse_allowance(draw(st.sampled_from(["0", "2", "20%"]))),
        deadline_minutes=draw(st.none() | st.integers(1, 200)),
    )
    began = draw(st.integers(1, len(sizes)))
    found = standing(sizes, began=began, policy=policy)
    found = noted(found, draw(st.sampled_from(list(RolloutState))))
    words = draw(st.lists(st.sampled_from(WORDS), min_size=len(found.touched), max_size=len(found.touched)))
    return found, words, found.began(began) + minutes(draw(st.integers(0, 300)))


@settings(deadline=None, max_examples=400)
@given(looks())
def test_a_decision_goes_on_only_with_evidence_and_halts_on_every_fault(case: tuple[Standing, list[str], datetime]) -> None:
    found, words, now = case
    policy = found.plan.policy
    seen = decide(found, saying(found, words, now), policy, now)
    assert seen == decide(found, saying(found, words, now), policy, now)
    counted = len(words) - words.count("unseen")
    if not found.is_open:
        assert seen.action is Action.NONE
        return
    if words.count("failed") > policy.max_failed.of(counted):
        assert seen.action is Action.HALT
    if seen.action in (Action.ADVANCE, Action.COMPLETE):
        assert found.note.state is RolloutState.RUNNING
        assert now >= found.soaked_at
        assert words.count("failed") <= policy.max_failed.of(counted)
        speaking = words.count("healthy") + words.count("failed")
        assert speaking * 100 >= policy.min_reporting * counted
        mine = [word for word, planned in zip(words, found.touched, strict=True) if planned.wave == found.wave]
        samples = mine.count("healthy") + mine.count("failed")
        assert samples >= min(policy.min_samples, len(mine) - mine.count("unseen")) > 0
        assert (seen.action is Action.COMPLETE) == (found.wave == found.waves)
    if seen.action is Action.HOLD:
        assert seen.waits
    step = step_of(found, seen, now)
    assert (step is None) == (seen.action in (Action.HOLD, Action.NONE))


@settings(deadline=None, max_examples=200)
@given(looks(), st.data())
def test_one_more_failure_never_helps(case: tuple[Standing, list[str], datetime], data: st.DataObject) -> None:
    found, words, now = case
    before = decide(found, saying(found, words, now), found.plan.policy, now)
    place = data.draw(st.integers(0, len(words) - 1))
    worse = [*words[:place], "failed", *words[place + 1 :]]
    if words[place] in ("unseen", "lost"):  # more are counted then, or fewer are lost
        return
    after = decide(found, saying(found, worse, now), found.plan.policy, now)
    assert after.count(Outcome.FAILED) >= before.count(Outcome.FAILED)
    if before.action is Action.HALT and "minutes after wave" not in before.reason:
        assert after.action is Action.HALT


ZONES = ("Europe/Madrid", "Asia/Tokyo", "America/New_York")
WAVES = Rollout.model_validate({"waves": [{"percent": 20}, {"percent": 60}]})


class Rolling(RuleBasedStateMachine):
    """People publish, pause, abort and retry on a real store in any order; the chain of records explains what is released."""

    @initialize()
    def set_up(self) -> None:
        self.directory = tempfile.TemporaryDirectory()
        path = Path(self.directory.name)
        (path / "store").mkdir()
        self.world = make_world(path, open_store(f"file://{path}/store"), number=1)
        self.now, self.number = START, 0
        self.digests: set[Sha256] = set()
        self.publish("Europe/Madrid", 5, waves=True)

    def teardown(self) -> None:
        if hasattr(self, "directory"):
            self.directory.cleanup()

    @rule(zone=st.sampled_from(ZONES), count=st.integers(4, 6), waves=st.booleans())
    def publish(self, zone: str, count: int, *, waves: bool) -> None:
        self._tick()
        self.number += 1
        wanted = screens(count, time_zone=zone)
        rollout = WAVES if waves else Rollout()
        stage = WaveStage(self.world.store, self.world.anchor, rollout, {})
        publisher = replace(self.world.publisher(now=self.now), stage=stage)
        try:
            publisher.publish(Wanted(commit(self.number), wanted, "tester"))
        except RolloutHaltedError:
            self.number -= 1
            return
        self.digests |= {compiled.digest for compiled in wanted.values()}
        head = self.world.head()
        assert head.released.commit == commit(self.number)
        assert head.released.screens.keys() == wanted.keys()

    @rule(what=st.sampled_from(["advance", "pause", "resume", "abort", "retry", "lift", "halt"]), which=st.integers(1, 6))
    def move(self, what: str, which: int) -> None:
        self._tick()

        def decide_on(head: Head) -> Step | None:
            found = read_standing(self.world.store, self.world.anchor, head)
            if what == "lift":
                return lift(head, found)
            if what == "retry":
                return retry(head, found, [ScreenId(f"SCR-ACME-{which:04}")])
            if found is None or (what in ("advance", "halt") and not found.is_open):
                return None
            match what:
                case "advance":
                    return advance(found, self.now)
                case "pause":
                    return pause(found, "why")
                case "resume":
                    return resume(found)
                case "abort":
                    return abort(found, "why")
                case _:
                    seen = decide(found, {}, found.plan.policy, self.now)
                    return step_of(found, replace(seen, action=Action.HALT, reason="a fault"), self.now)

        before = self.world.head().released
        try:
            self.world.publisher(now=self.now).amend(decide_on, publisher="tester", builder=Builder())
        except (ConfigurationError, RolloutHaltedError):
            assert self.world.head().released == before
        assert self.world.head().released.commit == before.commit

    @invariant()
    def the_chain_explains_what_is_released(self) -> None:
        head = self.world.head()
        records = [record for _, record in release_chain(self.world.store, head.metadata.pointer, self.world.anchor.publishers)]
        assert list(replay(reversed(records), head.released)) == []
        assert all(parse_release(record.payload()) == record for record in records)
        assert {screen.digest for screen in head.released.screens.values()} <= self.digests

    @invariant()
    def a_rollout_can_be_rebuilt_and_has_a_way_back(self) -> None:
        head = self.world.head()
        found = read_standing(self.world.store, self.world.anchor, head)
        if found is None:
            return
        assert found.commit == head.released.commit
        if head.record.kind in (ReleaseKind.HALT, ReleaseKind.REVERT):
            assert found.begun in head.record.halted
            assert all(found.released[planned.screen].digest == planned.good.digest for planned in found.plan.screens)
        for planned in found.plan.screens:
            assert (
                found.released[planned.screen].digest in (planned.new.digest, planned.good.digest) or planned.wave > found.wave
            )

    def _tick(self) -> None:
        self.now += minutes(1)


TestRolling = Rolling.TestCase
TestRolling.settings = settings(
    max_examples=10, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck), derandomize=False
)
