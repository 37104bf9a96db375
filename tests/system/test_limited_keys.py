"""Keys of an S3 server that are limited to a prefix: enough for the controller and for a player, and good for nothing else."""

from pathlib import Path

import pytest

from avtech_controller.stores import StoreConfigurationError, Stored, open_store
from avtech_player.store import StoreDeniedError
from avtech_player.store import open_store as open_as_player
from avtech_schema.layout import TIMESTAMP_KEY, report_key
from tests.controller.publishing import CLIENT, make_world, screens, verify_store
from tests.weed import DEVICE, LIMITED, LIMITED_PREFIX, S3Server

pytestmark = pytest.mark.s3


@pytest.fixture
def controller(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    for name, value in LIMITED.environment().items():
        monkeypatch.setenv(name, value)
    return s3_server


def test_a_controller_publishes_with_keys_for_one_prefix(controller: S3Server, tmp_path: Path) -> None:
    world = make_world(tmp_path, open_store(controller.url(f"{LIMITED_PREFIX}/{tmp_path.name}")), number=1)
    assert world.publish(1, screens(40)).outcome == "published"
    assert world.publish(2, screens(41, time_zone="Asia/Tokyo")).outcome == "published"
    verify_store(world, tmp_path, screens(41, time_zone="Asia/Tokyo"))
    assert list(world.store.listing("targets/"))


@pytest.mark.parametrize("prefix", ["limited2", "other"])
def test_beside_its_prefix_a_controller_is_denied_everything(controller: S3Server, tmp_path: Path, prefix: str) -> None:
    store = open_store(controller.url(prefix))
    for act in (
        lambda: store.get(TIMESTAMP_KEY, limit=10_000),
        lambda: store.size(TIMESTAMP_KEY),
        lambda: store.sizes([TIMESTAMP_KEY]),
        lambda: store.create("targets/x", b"x"),
        lambda: list(store.keys("targets/")),
    ):
        with pytest.raises(StoreConfigurationError):
            act()


def test_a_player_reads_the_store_and_writes_under_its_own_screen_alone(controller: S3Server) -> None:
    url = controller.url(LIMITED_PREFIX)
    open_store(url).create("content/CLI-ACME/for-the-player", b"clip")
    player = open_as_player(url, DEVICE.environment())
    found = player.read("content/CLI-ACME/for-the-player", limit=10)
    assert found is not None
    player.write(report_key(CLIENT, screens(1).popitem()[0]), b"report")
    assert isinstance(open_store(url).get("reports/CLI-ACME/SCR-ACME-0001/latest.json", limit=10), Stored)
    for key in ("reports/CLI-ACME/SCR-ACME-00012/latest.json", "metadata/timestamp.json", "content/CLI-ACME/x", "gc/mark.json"):
        with pytest.raises(StoreDeniedError):
            player.write(key, b"x")
