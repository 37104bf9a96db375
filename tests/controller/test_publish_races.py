"""Many publishers at once: one chain of whole releases, and everybody knows how their own commit fared."""

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from avtech_controller.planning import Plan
from avtech_controller.stores import ObjectStore, open_store
from avtech_schema.errors import SupersededError
from tests.controller.publishing import World, commit, make_world, screens, verify_store
from tests.weed import S3Server

PUBLISHERS = 16
ZONES = ("Europe/Madrid", "Asia/Tokyo", "America/New_York", "Asia/Kathmandu")


@pytest.fixture(params=["file", pytest.param("s3", marks=[pytest.mark.s3, pytest.mark.slow])])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    if request.param == "file":
        (tmp_path / "store").mkdir()
        yield open_store(f"file://{tmp_path}/store")
        return
    server: S3Server = request.getfixturevalue("s3_server")
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    yield open_store(server.url())


@pytest.fixture
def world(store: ObjectStore, tmp_path: Path) -> World:
    return make_world(tmp_path, store, number=1)


@pytest.mark.timeout(300)
def test_racing_publishers_make_one_chain_in_which_each_commit_is_released_or_superseded(world: World, tmp_path: Path) -> None:
    wanted = {number: screens(3, time_zone=ZONES[number % len(ZONES)]) for number in range(1, PUBLISHERS + 1)}
    start = threading.Barrier(PUBLISHERS)

    def run(number: int) -> str:
        start.wait()
        try:
            done = world.publish(number, wanted[number])
        except SupersededError:
            return "superseded"
        return done.outcome

    numbers = random.sample(sorted(wanted), PUBLISHERS)
    with ThreadPoolExecutor(PUBLISHERS) as pool:
        outcomes = dict(zip(numbers, pool.map(run, numbers), strict=True))
    released = [number for number, outcome in sorted(outcomes.items()) if outcome == "published"]
    assert set(outcomes.values()) <= {"published", "superseded"}
    assert world.chain() == [commit(number) for number in reversed(released)]
    assert released[-1] == PUBLISHERS, "the newest commit is never superseded"
    verify_store(world, tmp_path, wanted[PUBLISHERS])


def test_publishers_of_the_same_commit_release_it_once(world: World, tmp_path: Path) -> None:
    start = threading.Barrier(4)

    def run(number: int) -> str:
        start.wait()
        return world.publish(1, screens(3)).outcome

    with ThreadPoolExecutor(4) as pool:
        outcomes = sorted(pool.map(run, range(4)))
    assert outcomes == ["published", "unchanged", "unchanged", "unchanged"]
    assert world.chain() == [commit(1)]
    verify_store(world, tmp_path, screens(3))


@pytest.mark.parametrize(("mine", "theirs"), [(2, 3), (3, 2)])
def test_a_publisher_that_is_delayed_loses_to_a_newer_commit_and_lands_on_top_of_an_older_one(
    world: World, tmp_path: Path, mine: int, theirs: int
) -> None:
    wanted = {number: screens(3, time_zone=ZONES[number]) for number in (1, 2, 3)}
    world.publish(1, wanted[1])
    met: list[Plan] = []

    def delay(plan: Plan) -> None:
        met.append(plan)
        if len(met) == 1:
            world.publish(theirs, wanted[theirs])

    if mine > theirs:
        assert world.publish(mine, wanted[mine], approve=delay).outcome == "published"
        assert [plan.base_sequence for plan in met] == [1, 2]
    else:
        with pytest.raises(SupersededError) as told:
            world.publish(mine, wanted[mine], approve=delay)
        assert told.value.exit_code == 5
    assert world.chain() == [commit(number) for number in ((3, 1) if mine < theirs else (3, 2, 1))]
    verify_store(world, tmp_path, wanted[3])
