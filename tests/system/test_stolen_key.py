"""A stolen publish key, as the runbook has it: the thief released, the store is put back, and players follow the new keys."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from avtech_controller.publication._heartbeat import heartbeat
from avtech_controller.publication._renewal import renew
from avtech_controller.stores import open_store
from avtech_controller.trust import (
    Duty,
    KeyChange,
    Rotation,
    begin_rotation,
    create_key,
    keys_for,
    load_anchor,
    load_public_key,
    load_signer,
    sign_waiting,
)
from avtech_player import store as player_store
from avtech_player.floor import RollbackError
from avtech_player.metadata import MetadataClient, Verified
from avtech_schema.errors import TrustError
from avtech_schema.layout import TIMESTAMP_KEY, target_path
from tests.controller.publishing import CLIENT, World, make_world, screens

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)
PATH = target_path(CLIENT, next(iter(screens(1))))


@pytest.fixture
def world(tmp_path: Path) -> World:
    (tmp_path / "store").mkdir()
    return make_world(tmp_path, open_store(f"file://{tmp_path / 'store'}"), number=1)


class Device:
    """A player's own client and its state, restarted at every look."""

    def __init__(self, world: World, directory: Path) -> None:
        self._directory = directory
        self._directory.mkdir()
        self._root = (world.repo / "trust/1.root.json").read_bytes()
        self._store = player_store.open_store(world.store.url, {})

    def look(self, now: datetime) -> Verified:
        client = MetadataClient(self._directory / "trust", self._directory, self._store, root=self._root)
        found = client.walk([PATH], now=now)
        client.accept(found, signed=None)
        return found

    def digest(self, now: datetime) -> str:
        target = self.look(now).targets[PATH]
        assert target is not None
        return target.hashes["sha256"]


def replaced(world: World, *duties: Duty) -> World:
    """The world with other keys for some duties, signed by who must."""
    changes: dict[Duty, KeyChange] = {}
    for duty in duties:
        public = create_key(world.keys / f"{duty}-2.pem", passphrase=None).public
        old = tuple(key.keyid for key in keys_for(world.anchor.root, duty))
        changes[duty] = KeyChange((load_public_key(public),), old)
    begin_rotation(world.repo, Rotation(changes), expires=NOW + timedelta(days=365))
    for name in ("root-1", "root-2", "targets"):
        sign_waiting(world.repo, load_signer(str(world.keys / f"{name}.pem")))
    return replace(world, anchor=load_anchor(world.repo), signer=load_signer(str(world.keys / "publish-2.pem")))


def steal(world: World, rounds: int) -> None:
    """The thief releases again and again, and the heartbeat vouches for it."""
    for number in range(rounds):
        at = NOW + (1 + number) * 4 * HOUR
        world.publish(0x100 + number, screens(1, time_zone="Europe/Paris" if number % 2 else "Europe/Rome"), now=at)
    heartbeat(world.store, world.anchor, load_signer(str(world.keys / "heartbeat.pem")), lambda: NOW + (rounds + 2) * 4 * HOUR)


def test_with_new_publish_and_heartbeat_keys_players_follow_back_below_what_the_thief_released(
    world: World, tmp_path: Path
) -> None:
    wanted = screens(1)
    world.publish(1, wanted, now=NOW)
    timestamp = tmp_path / "store" / TIMESTAMP_KEY
    kept = timestamp.read_bytes()
    device = Device(world, tmp_path / "device")
    good = device.digest(NOW)
    steal(world, 3)
    later = NOW + 24 * HOUR
    assert device.digest(later) != good
    timestamp.write_bytes(kept)
    with pytest.raises((RollbackError, TrustError)):
        device.look(later)
    after = replaced(world, Duty.PUBLISH, Duty.HEARTBEAT)
    assert renew(after.store, after.anchor, after.signer, lambda: later, lambda step, parts: lambda: None).outcome == "renewed"
    assert device.digest(later) == good
    with pytest.raises(TrustError):
        world.publish(0x200, screens(1, time_zone="Europe/Oslo"), now=later)
    assert device.digest(later + HOUR) == good
