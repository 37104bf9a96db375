"""What a publication begins: waves, what does not wait, what supersedes what, and what is not released again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from avtech_controller.compiler import CompiledScreen
from avtech_controller.provenance import Builder
from avtech_controller.publication import Amendment, Publication, Step, Wanted
from avtech_controller.rollout import (
    Action,
    Decision,
    Standing,
    WaveStage,
    abort,
    advance,
    lift,
    pause,
    read_standing,
    retry,
    step_of,
)
from avtech_controller.stores import StoreError, open_store
from avtech_schema.errors import ConfigurationError, RolloutHaltedError
from avtech_schema.identifiers import ScreenId, Slug
from avtech_schema.layout import manifest_key
from avtech_schema.manifest import Rule
from avtech_schema.release import ReleaseKind
from avtech_schema.resources import Rollout
from avtech_schema.rollout import RolloutState
from tests.controller.publishing import World, commit, make_world, screen, screens, verify_store
from tests.controller.rollouts import START, minutes, name_of

ZONES = {1: "Europe/Madrid", 2: "Asia/Tokyo", 3: "America/New_York", 4: "Asia/Kathmandu"}
TEN = Rollout.model_validate({"waves": [{"percent": 10}, {"percent": 50}]})
AT_ONCE = Rollout()
ALARM = Rule("alarm/1", Slug("alarm"), Slug("main"), emergency=True, valid_until="2099-01-01T00:00:00")
DAY = Rule("day/1", Slug("day"), Slug("main"))


@dataclass
class Fleet:
    """A world in which releases are rolled out."""

    world: World
    now: datetime = START

    def publish(self, number: int, wanted: Mapping[ScreenId, CompiledScreen], rollout: Rollout = TEN) -> Publication:
        self.now += minutes(1)
        stage = WaveStage(self.world.store, self.world.anchor, rollout, {})
        publisher = replace(self.world.publisher(now=self.now), stage=stage)
        return publisher.publish(Wanted(commit(number), wanted, "tester"))

    def amend(self, make: Any) -> Amendment:
        self.now += minutes(1)
        publisher = self.world.publisher(now=self.now)
        return publisher.amend(lambda head: make(self.standing()), publisher="tester", builder=Builder())

    def standing(self) -> Standing:
        found = read_standing(self.world.store, self.world.anchor, self.world.head())
        assert found is not None
        return found

    def advance(self) -> Amendment:
        return self.amend(lambda standing: advance(standing, self.now))

    def have(self, wanted: Mapping[ScreenId, CompiledScreen]) -> set[ScreenId]:
        """The screens that are released with what a commit wants for them."""
        released = self.world.head().released.screens
        return {name for name, compiled in wanted.items() if name in released and released[name].digest == compiled.digest}


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    (tmp_path / "store").mkdir()
    made = Fleet(make_world(tmp_path, open_store(f"file://{tmp_path}/store"), number=1))
    made.publish(1, of(1))
    return made


def of(number: int, count: int = 20, rules: Iterable[Rule] = (DAY,)) -> dict[ScreenId, CompiledScreen]:
    return screens(count, time_zone=ZONES[number], rules=tuple(rules))


def digests(wanted: Mapping[ScreenId, CompiledScreen]) -> dict[ScreenId, str]:
    return {name: compiled.digest for name, compiled in wanted.items()}


def halt(standing: Standing) -> Step | None:
    return abort(standing, "a fault")


def test_the_first_release_ever_has_nothing_to_protect(fleet: Fleet) -> None:
    assert fleet.world.head().record.rollout is None
    assert fleet.have(of(1)) == set(of(1))


def test_a_release_reaches_wave_after_wave_and_players_see_whole_releases(fleet: Fleet, tmp_path: Path) -> None:
    done = fleet.publish(2, of(2))
    assert done.outcome == "published"
    assert done.rollout is not None
    assert len(fleet.have(of(2))) == 2
    for count in (10, 20):
        verify_store(fleet.world, tmp_path)
        assert fleet.advance().record.kind is ReleaseKind.WAVE
        assert len(fleet.have(of(2))) == count
    assert verify_store(fleet.world, tmp_path, of(2))
    with pytest.raises(ConfigurationError, match="last one"):
        fleet.advance()
    assert fleet.world.chain() == [commit(2)] * 3 + [commit(1)]


def test_records_tell_every_step_and_only_that(fleet: Fleet) -> None:
    fleet.publish(2, of(2))
    first = fleet.world.head().record
    assert {change.screen for change in first.changes} == fleet.have(of(2))
    step = fleet.advance()
    assert {change.screen for change in step.record.changes} == fleet.have(of(2)) - {c.screen for c in first.changes}
    assert all(change.old == of(1)[change.screen].digest for change in step.record.changes)
    paused = fleet.amend(lambda standing: pause(standing, "why"))
    assert paused.record.kind is ReleaseKind.PAUSE
    assert paused.record.changes == ()


def test_publishing_the_same_commit_during_its_rollout_changes_nothing(fleet: Fleet) -> None:
    fleet.publish(2, of(2))
    before = fleet.world.head().released
    assert fleet.publish(2, of(2)).outcome == "unchanged"
    assert fleet.world.head().released == before


def test_a_fleet_without_waves_gets_all_at_once(fleet: Fleet) -> None:
    assert fleet.publish(2, of(2), AT_ONCE).rollout is None
    assert fleet.have(of(2)) == set(of(2))


def test_screens_that_come_and_go_do_not_wait(fleet: Fleet) -> None:
    wanted = {**of(2, 22), **of(1, 5)}
    del wanted[name_of(6)]
    fleet.publish(2, wanted)
    released = fleet.world.head().released.screens
    assert {name_of(21), name_of(22)} < released.keys()
    assert name_of(6) not in released
    assert {planned.screen for planned in fleet.standing().plan.screens} == {name_of(n) for n in range(7, 21)}


def test_a_publication_during_a_rollout_supersedes_it_and_starts_from_what_each_screen_has(fleet: Fleet) -> None:
    fleet.publish(2, of(2))
    touched = fleet.have(of(2))
    fleet.publish(3, of(3))
    standing = fleet.standing()
    assert standing.commit == commit(3)
    assert standing.begun.sequence == 3
    old = {change.screen: change.old for change in fleet.world.head().record.changes}
    for name, digest in old.items():
        assert digest == (of(2) if name in touched else of(1))[name].digest
    assert fleet.have(of(2)) == touched - old.keys()


def test_what_is_good_is_what_completed_not_what_was_on_its_way(fleet: Fleet) -> None:
    fleet.publish(2, of(2))
    fleet.publish(3, of(3))
    fleet.advance()
    assert {planned.good.digest for planned in fleet.standing().plan.screens} == {one.digest for one in of(1).values()}
    fleet.amend(halt)
    assert fleet.have(of(3)) == set()
    assert fleet.world.head().released.commit == commit(3)
    assert fleet.standing().plan.base == commit(1)


def test_screens_that_keep_what_an_unfinished_rollout_brought_are_watched_on(fleet: Fleet) -> None:
    fleet.publish(2, of(2))
    touched = fleet.have(of(2))
    fleet.publish(3, of(2))
    standing = fleet.standing()
    assert touched <= {planned.screen for planned in standing.in_wave(1)}
    assert {planned.screen for planned in standing.touched} == touched
    assert len(standing.plan.screens) == 20
    fleet.amend(halt)
    assert fleet.have(of(1)) == set(of(1))


def test_a_halt_takes_screens_back_that_wait_with_what_was_superseded(fleet: Fleet) -> None:
    fleet.publish(2, of(2))
    fleet.advance()
    fleet.publish(3, of(3))
    waiting = fleet.have(of(2))
    assert waiting
    assert not waiting & fleet.have(of(3))
    fleet.amend(halt)
    assert fleet.have(of(1)) == set(of(1))


def test_going_back_to_what_is_good_does_not_wait(fleet: Fleet) -> None:
    fleet.publish(2, of(2))
    fleet.advance()
    assert fleet.publish(3, of(1)).rollout is None
    assert fleet.have(of(1)) == set(of(1))


def test_a_halt_keeps_the_head_and_its_release_is_not_released_again(fleet: Fleet, tmp_path: Path) -> None:
    fleet.publish(2, of(2))
    fleet.amend(halt)
    released = fleet.world.head().released
    assert released.commit == commit(2)
    assert verify_store(fleet.world, tmp_path, of(1))
    for number, wanted in ((2, of(2)), (3, of(2)), (4, {**of(3), name_of(9): of(2)[name_of(9)]})):
        with pytest.raises(RolloutHaltedError, match="was halted for"):
            fleet.publish(number, wanted)
        with pytest.raises(RolloutHaltedError):
            fleet.publish(number, wanted, AT_ONCE)
    assert fleet.world.head().released == released
    assert fleet.publish(3, of(1)).outcome == "published"
    with pytest.raises(RolloutHaltedError):
        fleet.publish(4, of(2))
    assert fleet.publish(4, of(3)).rollout is not None


def test_an_aborted_rollout_stays_ended(fleet: Fleet) -> None:
    fleet.publish(2, of(2))
    fleet.amend(halt)
    sequence = fleet.world.head().released.sequence
    assert fleet.amend(halt).step is None
    with pytest.raises(ConfigurationError, match="has ended"):
        fleet.amend(lambda standing: pause(standing, ""))
    assert fleet.world.head().released.sequence == sequence


def test_an_emergency_skips_the_waves(fleet: Fleet) -> None:
    wanted = of(1, rules=(DAY, ALARM))
    assert fleet.publish(2, wanted).rollout is None
    assert fleet.have(wanted) == set(wanted)


def test_an_emergency_on_some_screens_skips_the_waves_there_alone(fleet: Fleet) -> None:
    alarm = of(1, rules=(DAY, ALARM))
    wanted = {**of(2), **{name_of(n): alarm[name_of(n)] for n in range(1, 6)}}
    fleet.publish(2, wanted)
    assert {name_of(n) for n in range(1, 6)} < fleet.have(wanted)
    assert len(fleet.standing().plan.screens) == 15


def test_an_emergency_during_a_rollout_reaches_every_screen_at_once_and_all_are_watched_on(
    fleet: Fleet, tmp_path: Path
) -> None:
    fleet.publish(2, of(2))
    wanted = of(2, rules=(DAY, ALARM))
    assert fleet.publish(3, wanted).rollout is not None
    assert fleet.have(wanted) == set(wanted)
    assert verify_store(fleet.world, tmp_path, wanted)
    standing = fleet.standing()
    assert (standing.wave, standing.waves, standing.note.state) == (1, 1, RolloutState.RUNNING)
    assert {planned.screen for planned in standing.touched} == set(wanted)
    assert {planned.screen: planned.good.digest for planned in standing.plan.screens} == digests(of(1))
    assert standing.plan.base == commit(1)


def test_a_halt_takes_no_emergency_off_the_air_and_an_abort_goes_back_to_what_is_good(fleet: Fleet, tmp_path: Path) -> None:
    fleet.publish(2, of(2))
    fleet.advance()
    wanted = of(2, rules=(DAY, ALARM))
    fleet.publish(3, wanted)
    halted = fleet.amend(lambda standing: step_of(standing, Decision(Action.HALT, "a fault", ()), fleet.now))
    assert (halted.record.kind, halted.record.changes) == (ReleaseKind.HALT, ())
    assert fleet.have(wanted) == set(wanted)
    fleet.amend(halt)
    assert verify_store(fleet.world, tmp_path, of(1))
    with pytest.raises(RolloutHaltedError):
        fleet.publish(4, wanted)
    assert fleet.publish(4, of(1, rules=(DAY, ALARM))).rollout is None


def test_the_end_of_an_emergency_comes_at_once_too_and_then_a_halt_takes_the_release_back(fleet: Fleet) -> None:
    fleet.publish(2, of(2))
    fleet.publish(3, of(2, rules=(DAY, ALARM)))
    fleet.publish(4, of(2))
    assert fleet.have(of(2)) == set(of(2))
    fleet.amend(lambda standing: step_of(standing, Decision(Action.HALT, "a fault", ()), fleet.now))
    assert fleet.have(of(1)) == set(of(1))


def test_an_emergency_during_a_rollout_that_does_well_completes_it(fleet: Fleet) -> None:
    fleet.publish(2, of(2))
    wanted = of(2, rules=(DAY, ALARM))
    fleet.publish(3, wanted)
    done = fleet.amend(lambda standing: step_of(standing, Decision(Action.COMPLETE, "well", ()), fleet.now))
    assert done.record.kind is ReleaseKind.COMPLETE
    assert fleet.have(wanted) == set(wanted)
    assert fleet.publish(4, of(3)).rollout is not None


def test_an_emergency_on_some_screens_of_a_rollout_leaves_the_others_in_their_waves(fleet: Fleet) -> None:
    fleet.publish(2, of(2))
    touched = fleet.have(of(2))
    waiting = sorted(set(of(2)) - touched)
    alarm = of(2, rules=(DAY, ALARM))
    wanted = {**of(2), **{name: alarm[name] for name in waiting[:4]}}
    fleet.publish(3, wanted)
    assert fleet.have(wanted) >= touched | set(waiting[:4])
    assert len(fleet.have(wanted)) < 20
    while fleet.standing().wave < fleet.standing().waves:
        fleet.advance()
    assert fleet.have(wanted) == set(wanted)
    fleet.amend(halt)
    assert fleet.have(of(1)) == set(of(1))


@pytest.mark.parametrize("end", ["open", "halted and held"])
def test_an_emergency_on_top_of_a_revert_reaches_every_screen_at_once_and_ends_the_rollout(fleet: Fleet, end: str) -> None:
    fleet.publish(2, of(2), Rollout.model_validate({"waves": [{"percent": 10}, {"percent": 50}], "onHalt": "hold"}))
    fleet.advance()
    if end != "open":
        fleet.amend(lambda standing: step_of(standing, Decision(Action.HALT, "a fault", ()), fleet.now))
        assert len(fleet.have(of(2))) == 10
    wanted = of(1, rules=(DAY, ALARM))
    assert fleet.publish(3, wanted).rollout is None
    assert fleet.have(wanted) == set(wanted)
    assert fleet.publish(4, of(3)).rollout is not None


def test_what_is_good_is_remembered_through_several_publications_that_supersede_each_other(fleet: Fleet) -> None:
    fleet.publish(2, of(2))
    fleet.advance()
    fleet.publish(3, of(3))
    fleet.publish(4, of(4))
    fleet.advance()
    fleet.amend(halt)
    assert fleet.have(of(1)) == set(of(1))


def test_an_emergency_on_top_of_what_was_halted_is_refused_until_that_is_reverted(fleet: Fleet) -> None:
    fleet.publish(2, of(2))
    fleet.amend(halt)
    with pytest.raises(RolloutHaltedError):
        fleet.publish(3, of(2, rules=(DAY, ALARM)))
    wanted = of(1, rules=(DAY, ALARM))
    assert fleet.publish(4, wanted).rollout is None
    assert fleet.have(wanted) == set(wanted)


def test_a_retry_lifts_a_quarantine_by_a_record(fleet: Fleet) -> None:
    before = fleet.world.head().released.screens[name_of(1)]
    done = fleet.world.publisher(now=START).amend(
        lambda head: retry(head, None, [name_of(1)]), publisher="tester", builder=Builder()
    )
    after = fleet.world.head().released.screens[name_of(1)]
    assert done.record.kind is ReleaseKind.RETRY
    assert (after.digest, after.release) == (before.digest, before.release + 1)
    with pytest.raises(ConfigurationError, match="SCR-NONE is not released"):
        retry(fleet.world.head(), None, [ScreenId("SCR-NONE")])


def test_lifting_lets_the_release_begin_again(fleet: Fleet) -> None:
    fleet.publish(2, of(2))
    fleet.amend(halt)
    fleet.amend(lambda standing: lift(fleet.world.head(), standing))
    assert fleet.publish(2, of(2)).rollout is not None
    assert fleet.amend(lambda standing: lift(fleet.world.head(), standing)).step is None


def test_a_wave_whose_manifests_are_gone_does_not_begin(fleet: Fleet, tmp_path: Path) -> None:
    fleet.publish(2, of(2))
    planned = fleet.standing().in_wave(2)[0]
    (tmp_path / "store" / manifest_key(planned.client, planned.screen, planned.new.digest)).unlink()
    sequence = fleet.world.head().released.sequence
    with pytest.raises(StoreError, match="gone"):
        fleet.advance()
    assert fleet.world.head().released.sequence == sequence


def test_a_rollout_of_screens_that_were_removed_meanwhile_goes_on_without_them(fleet: Fleet) -> None:
    fleet.publish(2, of(2))
    standing = fleet.standing()
    gone = standing.in_wave(2)[0].screen
    left = {name: one for name, one in standing.released.items() if name != gone}
    step = advance(replace(standing, released=left), START)
    assert gone not in step.screens
    assert len(step.screens) == len(standing.in_wave(2)) - 1


def test_a_screen_that_moved_to_another_client_does_not_wait(fleet: Fleet) -> None:
    from avtech_schema.identifiers import ClientId

    moved = screen(name_of(1), client=ClientId("CLI-OTHER"), time_zone=ZONES[2])
    fleet.publish(2, {**of(2), name_of(1): moved})
    assert name_of(1) not in {planned.screen for planned in fleet.standing().plan.screens}


def test_an_unrelated_commit_after_a_halt_is_told_what_it_holds(fleet: Fleet) -> None:
    fleet.publish(2, of(2))
    fleet.amend(halt)
    assert fleet.standing().note.state is RolloutState.REVERTED
    with pytest.raises(RolloutHaltedError, match="20 screens would get what release 2 was halted for") as refused:
        fleet.publish(3, of(2))
    assert "avtech retry --halted" in refused.value.hint
