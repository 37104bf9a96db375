"""Ticks on a real store with signed reports: twice, late, at the same time, cut short, and with a hundred screens."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner

from avtech_controller.provenance import Builder
from avtech_controller.publication import Publisher, Wanted
from avtech_controller.publication._repair import repair
from avtech_controller.rollout import Action, Outcome, Ticked, Watch, WaveStage, look_now, read_standing, tick
from avtech_controller.stores import StoreError, open_store
from avtech_schema.envelope import public_key_text, seal
from avtech_schema.errors import ConfigurationError, RolloutHaltedError
from avtech_schema.identifiers import ScreenId
from avtech_schema.layout import manifest_key, report_key
from avtech_schema.release import ReleaseKind
from avtech_schema.report import PAYLOAD_TYPE, Report
from avtech_schema.resources import Fleet, Rollout
from avtech_schema.rollout import RolloutState
from tests.controller.publishing import Dying, Passing, World, commit, make_world, screens, verify_store
from tests.controller.rollouts import START, failed_report, minutes, name_of, report

KEY = Ed25519PrivateKey.generate()
FLEET = Fleet.model_validate({"apiVersion": "avtech/v1", "kind": "Fleet", "metadata": {"name": "f"}, "spec": {}})
WAVES: list[dict[str, Any]] = [{"percent": 10, "soakMinutes": 30}, {"percent": 50, "soakMinutes": 30}]


@dataclass
class Stage:
    """A hundred screens of which a tenth has the new release, a directory as the store, and a clock to set."""

    world: World
    directory: Path
    now: datetime = START
    rollout: Rollout = field(default_factory=lambda: Rollout.model_validate({"waves": WAVES}))

    def publish(self, number: int, zone: str, rollout: Rollout | None = None) -> None:
        stage = WaveStage(self.world.store, self.world.anchor, rollout or self.rollout, {})
        publisher = replace(self.world.publisher(now=self.now), stage=stage)
        publisher.publish(Wanted(commit(number), screens(100, time_zone=zone), "tester"))

    def watch(self) -> Watch:
        keys = {name: public_key_text(KEY.public_key()) for name in self.world.head().released.screens}
        return Watch(self.world.store, self.world.store, self.world.anchor, keys, FLEET, lambda: self.now)

    def publisher(self, store: Any = None) -> Publisher:
        return replace(self.world.publisher(store=store), clock=lambda: self.now)

    def tick(self, store: Any = None) -> Ticked:
        return tick(self.watch(), self.publisher(store), name="ticker", builder=Builder())

    def say(self, make: Callable[[ScreenId, Any], Report | None] = lambda name, screen: None) -> None:
        """Every screen reports what is released for it, or what `make` says."""
        for name, screen in self.world.head().released.screens.items():
            made = make(name, screen) or report(screen, self.now)
            path = self.directory / "store" / report_key(screen.client, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(seal(made.payload(), PAYLOAD_TYPE, CryptoSigner(KEY)))

    def later(self, count: int) -> None:
        self.now += minutes(count)

    @property
    def changed(self) -> int:
        """How many screens have the second release."""
        wanted = screens(100, time_zone="Asia/Tokyo")
        return sum(screen.digest == wanted[name].digest for name, screen in self.world.head().released.screens.items())


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    (tmp_path / "store").mkdir()
    made = Stage(make_world(tmp_path, open_store(f"file://{tmp_path}/store"), number=1), tmp_path)
    made.publish(1, "Europe/Madrid")
    made.say()
    made.later(1)
    made.publish(2, "Asia/Tokyo")
    return made


def test_a_good_release_reaches_a_hundred_screens_in_three_waves(stage: Stage, tmp_path: Path) -> None:
    assert stage.changed == 10
    for count in (50, 100):
        stage.later(31)
        stage.say()
        done = stage.tick()
        assert (done.acted, stage.changed) == (Action.ADVANCE, count)
    verify_store(stage.world, tmp_path, screens(100, time_zone="Asia/Tokyo"))
    stage.later(31)
    stage.say()
    assert stage.tick().acted is Action.COMPLETE
    assert stage.world.head().record.kind is ReleaseKind.COMPLETE


@pytest.mark.parametrize("share", [1.0, 0.1])
def test_a_bad_release_is_halted_and_taken_back_before_it_spreads(stage: Stage, tmp_path: Path, share: float) -> None:
    bad = {name_of(number) for number in range(1, 101) if number % round(1 / share) == 0}
    stage.later(6)
    for _ in range(30):
        touched = {name for name, screen in stage.world.head().released.screens.items() if screen.release > 1}
        stage.say(lambda name, screen: failed_report(screen, stage.now) if name in bad & touched else None)  # noqa: B023
        done = stage.tick()
        if done.acted is Action.HALT:
            break
        stage.later(5)
    assert done.acted is Action.HALT
    assert stage.changed == 0
    verify_store(stage.world, tmp_path, screens(100, time_zone="Europe/Madrid"))
    head = stage.world.head()
    assert head.released.commit == commit(2)
    assert done.standing is not None
    assert (head.record.kind, head.record.halted) == (ReleaseKind.HALT, (done.standing.begun,))
    if share == 1.0:
        assert len(head.record.changes) == 10


def test_a_fleet_that_holds_on_a_halt_leaves_screens_as_they_are(stage: Stage) -> None:
    hold = Rollout.model_validate({"waves": WAVES, "onHalt": "hold"})
    stage.publish(3, "America/New_York", hold)
    touched = [change.screen for change in stage.world.head().record.changes]
    stage.say(lambda name, screen: failed_report(screen, stage.now) if name == touched[0] else None)
    done = stage.tick()
    assert done.acted is Action.HALT
    assert stage.world.head().record.changes == ()
    assert done.standing is not None
    assert done.standing.note.state is RolloutState.HALTED
    assert {planned.screen for planned in done.standing.touched} >= set(touched)


def test_ticking_twice_does_what_ticking_once_does(stage: Stage) -> None:
    stage.later(31)
    stage.say()
    assert stage.tick().acted is Action.ADVANCE
    sequence = stage.world.head().released.sequence
    for _ in range(3):
        assert stage.tick().acted is Action.NONE
    assert stage.world.head().released.sequence == sequence


def test_a_tick_that_comes_days_late_goes_on_where_it_was(stage: Stage) -> None:
    stage.later(60 * 24 * 5)
    stage.say()
    assert stage.tick().acted is Action.ADVANCE
    assert stage.changed == 50


class Interrupting(Passing):
    """A store before whose first write something else happens."""

    def __init__(self, store: Any, first: Callable[[], object]) -> None:
        super().__init__(store)
        self._first = first

    def create(self, key: str, data: bytes) -> Any:
        first, self._first = self._first, lambda: None
        first()
        return super().create(key, data)


def test_of_two_ticks_at_the_same_time_one_wins_and_the_other_does_nothing(stage: Stage) -> None:
    stage.later(31)
    stage.say()
    faster: list[Ticked] = []
    slower = stage.tick(Interrupting(stage.world.store, lambda: faster.append(stage.tick())))
    assert (faster[0].acted, slower.acted) == (Action.ADVANCE, Action.NONE)
    assert stage.changed == 50
    assert [record for record in stage.world.chain() if record == commit(2)] == [commit(2)] * 2


def test_a_tick_that_loses_to_a_newer_publication_leaves_the_old_rollout_alone(stage: Stage) -> None:
    stage.later(31)
    stage.say()
    slower = stage.tick(Interrupting(stage.world.store, lambda: stage.publish(3, "America/New_York")))
    assert slower.acted is Action.NONE
    assert stage.world.head().released.commit == commit(3)
    assert stage.changed <= 10


def test_a_tick_that_dies_at_any_write_changes_nothing_and_the_next_one_finishes(stage: Stage) -> None:
    stage.later(31)
    stage.say()
    before = stage.world.head().released
    for writes in range(100):
        try:
            stage.tick(Dying(stage.world.store, writes))
        except StoreError:
            assert stage.world.head().released == before
        else:
            break
    assert writes > 4
    assert stage.changed == 50


def test_reports_that_cannot_be_read_decide_nothing(stage: Stage) -> None:
    class Blind:
        url = "file:///blind"

        def get_all(self, *arguments: Any, **options: Any) -> Any:
            raise StoreError("no answer")

    stage.later(31)
    with pytest.raises(StoreError, match="no answer"):
        tick(replace(stage.watch(), reports=Blind()), stage.publisher(), name="t", builder=Builder())  # type: ignore[arg-type]
    assert stage.changed == 10


def test_without_a_release_there_is_nothing_to_tick(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    world = make_world(tmp_path, open_store(f"file://{tmp_path}/store"), number=1)
    bare = Stage(world, tmp_path)
    watch = Watch(world.store, world.store, world.anchor, {}, FLEET, lambda: START)
    assert look_now(watch) is None
    with pytest.raises(ConfigurationError, match="nothing is released"):
        tick(watch, bare.publisher(), name="t", builder=Builder())


def test_screens_without_a_device_key_are_no_evidence(stage: Stage) -> None:
    stage.later(31)
    stage.say()
    look = replace(stage.watch(), keys={}).look(stage.world.head())
    assert look is not None
    assert look.decision.action is Action.HOLD
    assert look.decision.count(Outcome.REJECTED) == 10


def test_the_commit_of_a_halted_release_is_refused_and_signatures_are_renewed_all_the_same(stage: Stage) -> None:
    stage.later(6)
    stage.say(lambda name, screen: failed_report(screen, stage.now) if screen.release > 1 else None)
    assert stage.tick().acted is Action.HALT
    before = stage.world.head().metadata.timestamp
    stage.now += timedelta(days=4)
    with pytest.raises(RolloutHaltedError):
        stage.publish(2, "Asia/Tokyo")
    after = stage.world.head().metadata.timestamp
    assert after.expires > before.expires
    assert (stage.changed, stage.world.head().record.kind) == (0, ReleaseKind.HALT)


def test_a_wave_hands_out_no_manifest_that_was_altered_and_repair_puts_back_what_waits(stage: Stage) -> None:
    wanted = screens(100, time_zone="Asia/Tokyo")
    released = {screen.digest for screen in stage.world.head().released.screens.values()}
    waiting = [screen for screen in wanted.values() if screen.digest not in released]
    assert len(waiting) == 90
    for screen in waiting:
        path = stage.directory / "store" / manifest_key(screen.client, screen.screen, screen.digest)
        path.write_bytes(screen.data[:-1] + b"!")
    stage.later(31)
    stage.say()
    with pytest.raises(StoreError, match="or altered"):
        stage.tick()
    standing = read_standing(stage.world.store, stage.world.anchor, stage.world.head())
    assert standing is not None
    done = repair(stage.world.store, standing.stakes, lambda of: wanted, lambda step, parts: lambda: None)
    assert (len(done.restored), done.whole) == (90, True)
    assert stage.tick().acted is Action.ADVANCE
