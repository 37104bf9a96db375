"""A clock that is wrong or leaps, in a whole player: it plays on, by the right time where that is known, and says so."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from avtech_player.assembly import Player, assemble
from avtech_player.clock import TrustedClock
from avtech_player.config import load_config
from avtech_player.outcome import OutcomeKind
from avtech_schema.identifiers import Slug, VideoId
from avtech_schema.manifest import Item, Manifest
from avtech_schema.report import Report, SyncState
from tests.player.devices import Device
from tests.player.material import rule, video_bytes
from tests.player.repository import Repository, manifest_of

pytestmark = pytest.mark.media
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
"""A Thursday; what is signed in these tests is signed at noon."""
DAY = timedelta(days=1)


class World:
    """A device's clock, which a test sets, and the store that it reads."""

    def __init__(self, folder: Path) -> None:
        self.now = NOON
        self.synchronised = True
        self.repository = Repository(folder / "store", now=NOON)
        self.device = Device(folder / "device", self.repository)
        self.clock = TrustedClock(system=lambda: self.now, monotonic=lambda: 0.0, synchronised=lambda: self.synchronised)

    def programme(self, zone: str = "Etc/UTC") -> Manifest:
        """Red, and blue from 14:00 to 16:00."""
        assets = {
            name: self.repository.put_clip(video_bytes(name[4:].lower(), 0.4), duration=400) for name in ("VID-RED", "VID-BLUE")
        }
        red, blue = (Item(VideoId(name), None) for name in ("VID-RED", "VID-BLUE"))
        return replace(
            manifest_of(assets),
            time_zone=zone,
            rules=(rule("tea", "tea", from_s=14 * 3600, until_s=16 * 3600),),
            playlists={Slug("all"): (red,), Slug("tea"): (blue,)},
        )

    def live(self, story: "Callable[[Player], Awaitable[None]]") -> None:
        """One life of the whole player, but for the loops that look and report."""

        async def run() -> None:
            player = assemble(load_config(self.device.config, {}), {}, lambda *_: None, clock=self.clock)
            playing = asyncio.create_task(player.playback.run())
            try:
                await player.updater.start()
                await story(player)
            finally:
                playing.cancel()
                await asyncio.gather(playing, return_exceptions=True)

        asyncio.run(run())


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def shows(player: Player, clip: str) -> None:
    async with asyncio.timeout(30):
        while (now := player.playback.now()) is None or now.clip != clip:
            await asyncio.sleep(0.01)


async def applied(player: Player) -> None:
    outcome = await player.updater.step()
    assert outcome.kind is OutcomeKind.APPLIED, outcome


async def reported(player: Player) -> Report:
    return await player.reporter.report(player.updater, player.playback)


def test_leaps_of_the_clock_while_playing_are_followed_where_somebody_vouches_for_them(world: World) -> None:
    """A day back, a week on, the tea hour: what is on the screen is what belongs to the time that is known."""

    async def story(player: Player) -> None:
        world.repository.publish(world.programme())
        await applied(player)
        await shows(player, "VID-RED")
        world.now = NOON + timedelta(hours=3)
        await shows(player, "VID-BLUE")
        world.now = NOON - DAY + timedelta(hours=3)  # Below what was signed: not believed, so it is noon.
        await shows(player, "VID-RED")
        report = await reported(player)
        assert (report.clock_trusted, report.time) == (False, "2026-11-26T12:00:00.000Z")
        world.now = NOON + 7 * DAY + timedelta(hours=3)
        await shows(player, "VID-BLUE")
        assert (await reported(player)).clock_trusted
        world.synchronised = False  # Beyond the expiry, and nobody vouches for it.
        await shows(player, "VID-RED")
        report = await reported(player)
        assert (report.clock_trusted, report.time) == (False, "2026-11-26T12:00:00.000Z")

    world.live(story)


@pytest.mark.parametrize("year", [1970, 2040])
def test_a_first_boot_in_another_year_takes_the_release_and_its_time(world: World, year: int) -> None:
    world.now, world.synchronised = datetime(year, 1, 1, tzinfo=UTC), False

    async def story(player: Player) -> None:
        world.repository.publish(world.programme())
        outcome = await player.updater.step()
        assert outcome.kind is OutcomeKind.APPLIED or year == 2040
        if year == 2040:  # Nothing was ever signed for this device: it cannot know, and must not take what expired.
            assert "expired" in str(outcome.error)
            return
        report = await reported(player)
        assert (report.clock_trusted, report.time) == (False, "2026-11-26T12:00:00.000Z")
        await shows(player, "VID-RED")

    world.live(story)


def test_expired_metadata_stop_updates_and_not_playback_and_a_wrong_clock_does_neither(world: World) -> None:
    async def story(player: Player) -> None:
        world.repository.publish(world.programme())
        await applied(player)
        world.now, world.synchronised = NOON + 5000 * DAY, False
        assert (await player.updater.step()).kind is OutcomeKind.UNCHANGED
        assert not player.clock.read().trusted
        world.synchronised = True
        outcome = await player.updater.step()
        assert (outcome.kind, "expired" in str(outcome.error)) == (OutcomeKind.FAILED, True)
        assert player.updater.sync_state is SyncState.ERROR
        await shows(player, "VID-RED")

    world.live(story)


def test_a_release_in_another_zone_plays_by_that_zone_at_once(world: World) -> None:
    async def story(player: Player) -> None:
        world.repository.publish(world.programme())
        await applied(player)
        await shows(player, "VID-RED")
        world.repository.publish(world.programme("Asia/Dubai"))  # There it is 16:00.
        await applied(player)
        await shows(player, "VID-RED")
        world.repository.publish(world.programme("Asia/Baghdad"))  # And there 15:00.
        await applied(player)
        await shows(player, "VID-BLUE")

    world.live(story)


def test_the_clock_change_while_playing_moves_the_hour(tmp_path: Path) -> None:
    """In Vienna 14:00 is 13:00 UTC, and from the last Sunday of March on 12:00 UTC."""
    world = World(tmp_path)
    world.repository.now = world.now = datetime(2027, 3, 27, 13, 30, tzinfo=UTC)

    async def story(player: Player) -> None:
        world.repository.publish(world.programme("Europe/Vienna"))
        await applied(player)
        await shows(player, "VID-BLUE")  # 14:30 by standard time.
        world.now += timedelta(hours=2)
        await shows(player, "VID-RED")
        world.now = datetime(2027, 3, 28, 12, 30, tzinfo=UTC)
        await shows(player, "VID-BLUE")  # 14:30 by summer time.
        world.now += timedelta(hours=2)
        await shows(player, "VID-RED")  # 16:30.

    world.live(story)


def test_a_leap_to_before_a_rule_begins_takes_it_off_the_air(world: World) -> None:
    async def story(player: Player) -> None:
        dated = replace(world.programme(), rules=(rule("tea", "tea", valid_from="2026-11-28"),))
        world.repository.publish(dated)
        world.now = NOON + 3 * DAY
        await applied(player)
        await shows(player, "VID-BLUE")
        world.now = NOON + DAY
        await shows(player, "VID-RED")
        world.now = NOON + 2 * DAY
        await shows(player, "VID-BLUE")

    world.live(story)
