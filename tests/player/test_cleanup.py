"""Clips that nothing needs go by their age: by hand after so many days, and once a day by the player itself."""

import asyncio
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from avtech_player.clock import TrustedClock
from avtech_player.logs import screen_log
from avtech_player.space import Limits
from avtech_player.upkeep import Upkeep
from tests.player.devices import Device
from tests.player.material import video_bytes
from tests.player.repository import LOBBY, Repository, asset_of, manifest_of
from tests.player.rig import Rig
from tests.player.served import serving

NOW = datetime.now(UTC)


def aged(assets: Path, days: float, data: bytes = b"") -> str:
    """A clip in this directory that was last needed so many days ago; its name."""
    data = data or f"needed {days} days ago".encode()
    path = assets / asset_of(data).sha256
    path.write_bytes(data)
    last = (NOW - timedelta(days=days)).timestamp()
    os.utime(path, (last, last))
    return path.name


def cleaned(device: Device, *options: str, environment: Mapping[str, str] | None = None) -> set[str]:
    """What `cleanup` says that it removed."""
    result = device.command("cleanup", "--config", str(device.config), "--output", "json", *options, environment=environment)
    assert result.returncode == 0, result.stderr
    return {file["name"] for file in json.loads(result.stdout)["removed"]}


def test_what_was_not_needed_for_fifteen_days_goes_by_hand_and_what_a_release_needs_stays_at_any_age(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "store")
    needed = b"needed by what plays"
    repository.publish(manifest_of({"VID-A": repository.put_clip(needed)}))
    device = Device(tmp_path / "device", repository)
    assert device.command("sync", "--config", str(device.config)).returncode == 0
    assets = device.state_dir / "assets"
    kept = aged(assets, 400, needed)
    young, old, ancient = aged(assets, 14.9), aged(assets, 15.1), aged(assets, 300)
    assert cleaned(device, "--days-old", "15", "--dry-run") == {old, ancient}
    assert cleaned(device, "--days-old", "200") == {ancient}
    assert {path.name for path in assets.iterdir()} == {kept, young, old}
    assert cleaned(device) == {old}, "fifteen days, where none are given"
    assert cleaned(device, "--days-old", "15") == set()
    assert cleaned(device, "--days-old", "0") == {young}
    assert [path.name for path in assets.iterdir()] == [kept]


@pytest.mark.media
def test_a_running_player_is_asked_to_do_it_and_counts_the_same_days(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        assets = served.device.state_dir / "assets"
        playing = aged(assets, 400, video_bytes("red"))
        young, old = aged(assets, 14.9), aged(assets, 15.1)
        assert cleaned(served.device, "--days-old", "15") == {old}
        assert {path.name for path in assets.iterdir()} == {playing, young}
        served.alive()


def test_once_a_day_the_player_removes_what_was_not_needed_for_retention_days(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "store")
    rig = Rig(tmp_path / "state", repository.url, repository.root_bytes, limits=Limits(retention=timedelta(days=10)))
    rig.start()
    for clip in (b"first", b"second", b"third"):
        repository.publish(manifest_of({"VID-A": repository.put_clip(clip)}))
        rig.step()
    assets, passed = tmp_path / "state" / "assets", 0.0
    log = screen_log("upkeep", LOBBY)
    upkeep = Upkeep(tmp_path / "state", rig.updater, rig.library, rig.clock, log, monotonic=lambda: passed)
    kept = {aged(assets, 400, clip) for clip in (b"second", b"third")}
    young, left = aged(assets, 9), asset_of(b"first").sha256

    def tidied() -> set[str]:
        asyncio.run(upkeep.tidy())
        return {path.name for path in assets.iterdir()}

    aged(assets, 11)
    assert tidied() == {*kept, young, left}, "the clip that was replaced was needed until a moment ago"
    old = aged(assets, 12)
    passed = 86_399.0
    assert old in tidied(), "not twice in a day"
    passed = 86_400.0
    assert tidied() == {*kept, young, left}


def test_a_clock_that_is_not_to_be_believed_removes_nothing(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "store")
    rig = Rig(tmp_path / "state", repository.url, repository.root_bytes)
    rig.start()
    clock = TrustedClock(system=lambda: NOW + timedelta(days=5000), synchronised=lambda: False)
    clock.signed(NOW, expiry=NOW + timedelta(days=7))
    old = aged(tmp_path / "state" / "assets", 60)
    upkeep = Upkeep(tmp_path / "state", rig.updater, rig.library, clock, screen_log("upkeep", LOBBY))
    asyncio.run(upkeep.tidy())
    assert (tmp_path / "state" / "assets" / old).exists()
    clock.signed(NOW, expiry=NOW + timedelta(days=9000))
    asyncio.run(upkeep.tidy())
    assert not (tmp_path / "state" / "assets" / old).exists()
