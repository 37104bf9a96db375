"""A saved plan is published exactly, or not at all, whoever publishes in between."""

from pathlib import Path

import pytest

from avtech_controller.planning import Plan, StalePlanError, parse_plan, save_plan
from avtech_controller.publication import plan_publication
from avtech_controller.stores import ObjectStore, open_store
from tests.controller.publishing import World, commit, make_world, screens, verify_store
from tests.controller.test_plan import NOW
from tests.weed import S3Server


@pytest.fixture(params=["file", pytest.param("s3", marks=pytest.mark.s3)])
def world(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    store: ObjectStore
    if request.param == "file":
        (tmp_path / "store").mkdir()
        store = open_store(f"file://{tmp_path}/store")
    else:
        server: S3Server = request.getfixturevalue("s3_server")
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        store = open_store(server.url())
    return make_world(tmp_path, store, number=1)


def test_a_release_that_comes_between_the_check_and_the_swap_makes_the_plan_stale(world: World, tmp_path: Path) -> None:
    world.publish(1, screens(3))
    wanted = screens(3, time_zone="Asia/Tokyo")
    saved = parse_plan(save_plan(plan_publication(world.store, world.head(), commit(9), wanted, now=NOW)))
    checks: list[int | None] = []

    def approve(plan: Plan) -> None:
        checks.append(plan.base_sequence)
        saved.check(plan)
        if len(checks) == 1:
            world.publish(5, screens(3, time_zone="Asia/Kathmandu"))

    with pytest.raises(StalePlanError, match=r"stands on release 1 .* but release 2 "):
        world.publish(9, wanted, approve=approve)
    assert checks == [1, 2]
    assert world.chain() == [commit(5), commit(1)]
    verify_store(world, tmp_path, screens(3, time_zone="Asia/Kathmandu"))


def test_a_release_of_the_same_commit_that_comes_between_fulfils_the_plan(world: World, tmp_path: Path) -> None:
    world.publish(1, screens(3))
    wanted = screens(3, time_zone="Asia/Tokyo")
    saved = parse_plan(save_plan(plan_publication(world.store, world.head(), commit(9), wanted, now=NOW)))
    raced: list[bool] = []

    def approve(plan: Plan) -> None:
        saved.check(plan)
        if not raced:
            raced.append(True)
            world.publish(9, wanted)

    assert world.publish(9, wanted, approve=approve).outcome == "unchanged"
    assert world.chain() == [commit(9), commit(1)]
    verify_store(world, tmp_path, wanted)
