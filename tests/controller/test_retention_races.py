"""Collections against publications, against each other, and against death: nothing that is released is ever lost."""

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from avtech_controller.provenance import Builder
from avtech_controller.publication import ContentMissingError, Step
from avtech_controller.retention import SweepUnderwayError
from avtech_controller.retention.collection import Collected
from avtech_controller.stores import ObjectStore, StoreError, open_store
from avtech_schema.release import ReleaseKind
from avtech_schema.rollout import Version
from tests.controller.collecting import START, keys, make_past, showing
from tests.controller.publishing import World, asset, make_world, verify_store
from tests.weed import S3Server

ROOT = Path(__file__).parents[2]
OLD = asset(b"old").key


@pytest.fixture(params=["file", pytest.param("s3", marks=[pytest.mark.s3, pytest.mark.slow])])
def world(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    if request.param == "file":
        (tmp_path / "store").mkdir()
        yield make_world(tmp_path, open_store(f"file://{tmp_path}/store"), number=1)
        return
    server: S3Server = request.getfixturevalue("s3_server")
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    yield make_world(tmp_path, open_store(server.url()), number=1)


class Tardy:
    """A store that answers after a moment of its own choosing, so that two who use it meet at every possible step."""

    def __init__(self, store: ObjectStore, longest: float) -> None:
        self._store = store
        self._longest = longest

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if not callable(found):
            return found

        def later(*arguments: Any, **options: Any) -> Any:
            time.sleep(random.random() * self._longest)
            return found(*arguments, **options)

        return later


class Dying:
    """A store whose machine loses power at the n-th write."""

    def __init__(self, store: ObjectStore, writes: int) -> None:
        self._store = store
        self._left = writes
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        return self._counted(found) if name in {"create", "replace", "delete"} else found

    def _counted(self, write: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            with self._lock:
                self._left -= 1
                if self._left < 0:
                    raise StoreError("the power went off")
            return write(*arguments, **options)

        return counted


@pytest.mark.timeout(300)
def test_a_publication_that_reuses_what_is_being_collected_wins_or_is_told_and_never_loses_it(
    world: World, tmp_path: Path
) -> None:
    past = make_past(world)
    outcomes: set[str] = set()
    for turn in range(1, 13):
        reused, current = showing(world, b"reused %d" % turn), showing(world, b"current %d" % turn)
        world.publish(10 * turn, reused, now=START)
        world.publish(10 * turn + 1, current, now=START)
        for name, screen in current.items():
            past.report(name, screen.digest)
        past.collect(31 + 10 * turn)
        start = threading.Barrier(2)

        def publish(turn: int = turn, reused: Any = reused, start: threading.Barrier = start) -> str:
            start.wait()
            time.sleep(random.random() * 0.05)
            try:
                world.publish(10 * turn + 2, reused, now=START, store=Tardy(world.store, 0.005))
            except (SweepUnderwayError, ContentMissingError) as error:
                return type(error).__name__
            return "published"

        def collect(turn: int = turn, start: threading.Barrier = start) -> Collected:
            start.wait()
            return past.collect(33 + 10 * turn, store=Tardy(world.store, 0.005))

        with ThreadPoolExecutor(2) as pool:
            published, collected = pool.submit(publish), pool.submit(collect)
            collected.result()
            outcome = published.result()
        outcomes.add(outcome)
        wanted = reused if outcome == "published" else current
        verify_store(world, tmp_path, wanted)
        past.collect(35 + 10 * turn)
        past.collect(37 + 10 * turn)
        verify_store(world, tmp_path, wanted)
    assert outcomes <= {"published", "SweepUnderwayError", "ContentMissingError"}


def test_a_step_of_a_rollout_to_what_is_being_collected_wins_or_is_told_and_never_loses_it(
    world: World, tmp_path: Path
) -> None:
    past = make_past(world)
    for turn in range(1, 7):
        back, current = showing(world, b"back %d" % turn), showing(world, b"current %d" % turn)
        world.publish(10 * turn, back, now=START)
        good = {name: Version(one.digest, one.size, one.commit) for name, one in world.head().released.screens.items()}
        world.publish(10 * turn + 1, current, now=START)
        for name, screen in current.items():
            past.report(name, screen.digest)
        past.collect(31 + 10 * turn)
        start = threading.Barrier(2)

        def step(good: Any = good, start: threading.Barrier = start) -> str:
            publisher = world.publisher(now=START, store=Tardy(world.store, 0.005))
            start.wait()
            time.sleep(random.random() * 0.05)
            try:
                publisher.amend(lambda head: Step(ReleaseKind.REVERT, good, None, ()), publisher="t", builder=Builder())
            except (StoreError, ContentMissingError) as error:
                return type(error).__name__
            return "released"

        def collect(turn: int = turn, start: threading.Barrier = start) -> Collected:
            start.wait()
            return past.collect(33 + 10 * turn, store=Tardy(world.store, 0.005))

        with ThreadPoolExecutor(2) as pool:
            stepped, collected = pool.submit(step), pool.submit(collect)
            collected.result()
            wanted = back if stepped.result() == "released" else current
        verify_store(world, tmp_path, wanted)
        past.collect(35 + 10 * turn)
        past.collect(37 + 10 * turn)
        verify_store(world, tmp_path, wanted)


def test_of_many_collections_at_once_one_removes_and_the_others_are_told(world: World, tmp_path: Path) -> None:
    past = make_past(world)
    past.collect(31)
    wanted = showing(world, b"new")
    start = threading.Barrier(4)

    def collect(number: int) -> int:
        start.wait()
        try:
            return past.collect(33, store=Tardy(world.store, 0.003)).removed
        except StoreError:
            return -1

    with ThreadPoolExecutor(4) as pool:
        removed = list(pool.map(collect, range(4)))
    assert sum(number > 0 for number in removed) == 1
    assert OLD not in keys(world)
    verify_store(world, tmp_path, wanted)


@pytest.mark.parametrize("day", [31, 33])
def test_a_collection_that_dies_at_any_write_loses_nothing_and_is_finished_later(
    world: World, tmp_path: Path, day: int
) -> None:
    past = make_past(world)
    wanted = showing(world, b"new")
    if day == 33:
        past.collect(31)
    for writes in range(20):
        try:
            past.collect(day + writes / 10, store=Dying(world.store, writes))
        except StoreError:
            verify_store(world, tmp_path, wanted)
            continue
        break
    assert writes > 0
    past.collect(day + 4)
    past.collect(day + 6)
    assert OLD not in keys(world)
    verify_store(world, tmp_path, wanted)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_collection_killed_at_any_touch_of_the_disk_loses_nothing_and_is_finished_later(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.controller.collecting_killed", str(tmp_path), "9"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=280)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["kills"] > 5


def test_a_collection_whose_time_is_over_stops(world: World) -> None:
    past = make_past(world)
    past.collect(31)
    times = iter([33.0, 33.0, 33.0])
    done = past.collect(0, clock=lambda: START + timedelta(days=next(times, 33.03)))
    assert (done.removed, done.stopped) == (0, True)
    assert OLD in keys(world)
    assert past.collect(33.03).removed > 0, "it gave its claim back"
