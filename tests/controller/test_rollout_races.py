"""Many ticks, pauses and publications at once, on a directory and on a real S3 server: one record at a time."""

from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from avtech_controller.provenance import Builder
from avtech_controller.publication import Head, Step, Wanted, release_chain
from avtech_controller.rollout import Action, Decision, Standing, WaveStage, pause, read_standing, step_of
from avtech_controller.stores import open_store
from avtech_controller.verification._chain import replay
from avtech_schema.release import ReleaseKind
from avtech_schema.resources import Rollout
from avtech_schema.rollout import RolloutState
from tests.controller.publishing import World, commit, make_world, screens, verify_store
from tests.controller.rollouts import START
from tests.weed import S3Server

WAVES = Rollout.model_validate({"waves": [{"percent": 20}, {"percent": 60}]})


@pytest.fixture(params=["file", pytest.param("s3", marks=pytest.mark.s3)])
def world(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    if request.param == "file":
        (tmp_path / "store").mkdir()
        url = f"file://{tmp_path}/store"
    else:
        server: S3Server = request.getfixturevalue("s3_server")
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        url = server.url()
    made = make_world(tmp_path, open_store(url), number=1)
    publish(made, 1, "Europe/Madrid")
    publish(made, 2, "Asia/Tokyo")
    return made


def publish(world: World, number: int, zone: str) -> None:
    publisher = replace(world.publisher(), stage=WaveStage(world.store, world.anchor, WAVES, {}))
    publisher.publish(Wanted(commit(number), screens(10, time_zone=zone), "tester"))


def standing_of(world: World) -> Standing:
    found = read_standing(world.store, world.anchor, world.head())
    assert found is not None
    return found


def advance_once(world: World, wave: int) -> bool:
    """Begin the wave after `wave` as a tick does that saw it well; whether this one did it."""
    well = Decision(Action.ADVANCE, "well", ())

    def decide_on(head: Head) -> Step | None:
        found = read_standing(world.store, world.anchor, head)
        if found is None or found.wave != wave or found.note.state is not RolloutState.RUNNING:
            return None
        return step_of(found, well, START)

    return world.publisher().amend(decide_on, publisher="t", builder=Builder()).step is not None


def test_of_many_ticks_exactly_one_begins_the_wave(world: World, tmp_path: Path) -> None:
    for wave in (1, 2):
        with ThreadPoolExecutor(6) as pool:
            won = list(pool.map(advance_once, [world] * 6, [wave] * 6))
        assert Counter(won) == {True: 1, False: 5}
        assert standing_of(world).wave == wave + 1
    verify_store(world, tmp_path, screens(10, time_zone="Asia/Tokyo"))


def test_whatever_races_the_chain_explains_what_is_released(world: World, tmp_path: Path) -> None:
    def pausing() -> None:
        def decide_on(head: Head) -> Step | None:
            found = read_standing(world.store, world.anchor, head)
            return pause(found, "racing") if found and found.is_open else None

        world.publisher().amend(decide_on, publisher="p", builder=Builder())

    with ThreadPoolExecutor(6) as pool:
        jobs: list[Future[bool] | Future[None]] = [pool.submit(advance_once, world, 1) for _ in range(2)]
        jobs += [pool.submit(pausing), pool.submit(publish, world, 3, "America/New_York")]
        for job in jobs:
            job.result()
    head = world.head()
    records = [record for _, record in release_chain(world.store, head.metadata.pointer, world.anchor.publishers)]
    assert list(replay(reversed(records), head.released)) == []
    assert [record.kind for record in records].count(ReleaseKind.WAVE) <= 2
    assert head.released.commit == commit(3)
    kinds = [record.kind for record in reversed(records)]
    after_pause = kinds[kinds.index(ReleaseKind.PAUSE) + 1 :] if ReleaseKind.PAUSE in kinds else []
    assert after_pause[:1] in ([], [ReleaseKind.PUBLISH])
    verify_store(world, tmp_path)
