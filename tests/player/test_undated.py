"""An untrusted clock: what is dated does not play until somebody vouches for the date, and nothing goes black."""

import asyncio
import contextlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from avtech_player.assembly import assemble
from avtech_player.clock import Reading, TrustedClock
from avtech_player.config import load_config
from avtech_player.engine import ClipCheck, SimulatedEngine
from avtech_player.last_report import last_report
from avtech_player.outcome import OutcomeKind
from avtech_player.playback import Playback
from avtech_player.playback._undated import Dates, dated_out
from avtech_player.ports import Generation
from avtech_player.store import StoreError
from avtech_schema.identifiers import Slug, VideoId
from avtech_schema.manifest import Item, Manifest
from avtech_schema.report import Report, SyncState
from tests.player.devices import Device
from tests.player.material import NOON, make_clip, make_generation, rule, video_bytes
from tests.player.repository import Repository, manifest_of

DOUBT, VOUCHED = Dates(trusted=False, emergencies=False), Dates(trusted=False, emergencies=True)


def generation(folder: Path) -> Generation:
    """A daily rule, a dated campaign above it, an emergency above that, and a fallback."""
    colours = {"daily": "red", "sale": "blue", "fire": "green", "back": "white"}
    clips = {name: [make_clip(folder, name, video_bytes(colour, 0.4), ms=400)] for name, colour in colours.items()}
    rules = [
        rule("daily", "daily"),
        rule("sale", "sale", priority=50, valid_from="2026-05-01", valid_until="2026-07-01"),
        rule("fire", "fire", emergency=True, valid_until="2026-06-01T13:00:00"),
    ]
    return make_generation(clips, rules, fallback="back")


def rules(manifest: Manifest) -> list[str]:
    return [entry.id for entry in manifest.rules]


@pytest.mark.media
def test_dated_rules_leave_and_emergencies_need_a_refresh(tmp_path: Path) -> None:
    manifest = generation(tmp_path).manifest
    assert dated_out(manifest, Dates()) is manifest
    assert rules(dated_out(manifest, VOUCHED)) == ["daily/1", "fire/1"]
    assert rules(dated_out(manifest, DOUBT)) == ["daily/1"]


@pytest.mark.media
def test_recurrences_are_dates_and_weekdays_windows_and_excluded_dates_are_not(tmp_path: Path) -> None:
    manifest = generation(tmp_path).manifest
    daily = manifest.rules[0]
    changed = (
        replace(daily, id="a", rrule="FREQ=MONTHLY", valid_from="2026-01-01"),
        replace(daily, id="b", days=(0, 1), from_s=3600, until_s=7200),
        replace(daily, id="c", excluded=("2026-12-24",)),
        replace(daily, id="d", valid_until="2026-12-24"),
    )
    assert rules(dated_out(replace(manifest, rules=changed), VOUCHED)) == ["b", "c"]


@pytest.mark.media
def test_dated_items_leave_but_never_the_whole_fallback_nor_what_an_emergency_plays(tmp_path: Path) -> None:
    manifest = generation(tmp_path).manifest
    old = Item(VideoId("VID-SALE"), None, valid_until="2026-06-30")
    plain = Item(VideoId("VID-DAILY"), None)
    nested = Item(None, Slug("daily"))
    playlists = {**manifest.playlists, Slug("daily"): (old, plain), Slug("back"): (nested, old), Slug("fire"): (old,)}
    thinned = dated_out(replace(manifest, playlists=playlists), VOUCHED)
    assert thinned.playlists[Slug("daily")] == (plain,)
    assert thinned.playlists[Slug("back")] == (nested,)
    assert thinned.playlists[Slug("fire")] == (old,)
    playlists[Slug("daily")] = (old,)
    kept = dated_out(replace(manifest, playlists=playlists), DOUBT)
    assert (kept.playlists[Slug("back")], kept.playlists[Slug("daily")]) == ((nested, old), (old,))
    assert kept.playlists[Slug("fire")] == ()


@pytest.mark.media
def test_playback_follows_what_is_known_of_the_clock(tmp_path: Path) -> None:
    state = {"trusted": False, "refreshed": False}

    async def play() -> list[str]:
        engine = SimulatedEngine(check=ClipCheck())
        playback = Playback(
            engine,
            now=lambda: NOON,
            check=ClipCheck(),
            read=lambda: Reading(NOON, trusted=state["trusted"]),
            refreshed=lambda: state["refreshed"],
        )
        running = asyncio.create_task(playback.run())
        seen: list[str] = []

        async def see(name: str) -> None:
            async with asyncio.timeout(15):
                while (now := playback.now()) is None or now.clip != f"VID-{name}":
                    await asyncio.sleep(0.01)
            seen.append(name)

        await playback.play(generation(tmp_path))
        await see("DAILY")
        state["refreshed"] = True
        await see("FIRE")
        state["refreshed"] = False
        await see("DAILY")
        state["trusted"] = True
        await see("FIRE")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return seen

    assert asyncio.run(play()) == ["DAILY", "FIRE", "DAILY", "FIRE"]


def calendar(repository: Repository) -> Manifest:
    """Red always, blue in these days."""
    today = repository.now.date()
    assets = {name: repository.put_clip(video_bytes(name[4:].lower())) for name in ("VID-RED", "VID-BLUE")}
    plain, sale = (Item(VideoId(name), None) for name in ("VID-RED", "VID-BLUE"))
    dates = {"valid_from": str(today - timedelta(days=9)), "valid_until": str(today + timedelta(days=9))}
    return replace(
        manifest_of(assets),
        rules=(rule("sale", "sale", **dates),),
        playlists={Slug("all"): (plain,), Slug("sale"): (sale,)},
    )


async def live(device: Device, clock: TrustedClock, wanted: str, *, look: bool) -> Report:
    """One life of the whole player but its loops, until a clip is on screen; what it would report then."""
    player = assemble(load_config(device.config, {}), {}, lambda *_: None, clock=clock)
    playing = asyncio.create_task(player.playback.run())
    try:
        await player.updater.start()
        if look:
            outcome = await player.updater.step()
            assert outcome.kind is OutcomeKind.APPLIED, outcome
        async with asyncio.timeout(15):
            while (now := player.playback.now()) is None or now.clip != wanted:
                await asyncio.sleep(0.01)
        with contextlib.suppress(StoreError):
            return await player.reporter.report(player.updater, player.playback)
        report = last_report(device.state_dir)
        assert report is not None
        return report
    finally:
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)


@pytest.mark.media
@pytest.mark.parametrize("away", [timedelta(days=-20000), timedelta(days=5000)])
def test_a_device_that_wakes_in_another_year_plays_what_has_no_dates_and_says_so(tmp_path: Path, away: timedelta) -> None:
    repository = Repository(tmp_path / "store")
    device = Device(tmp_path / "device", repository)
    repository.publish(calendar(repository))
    clock = TrustedClock(synchronised=lambda: False)
    assert asyncio.run(live(device, clock, "VID-BLUE", look=True)).clock_trusted
    repository.path.rename(tmp_path / "gone")  # Without the network nobody tells the date.
    astray = TrustedClock(system=lambda: datetime.now(UTC) + away, synchronised=lambda: False)
    report = asyncio.run(live(device, astray, "VID-RED", look=False))
    assert not report.clock_trusted
    assert report.time[:10] == str(repository.now.date())
    assert report.state is not SyncState.FAILED
    right = TrustedClock(system=lambda: datetime.now(UTC) + timedelta(days=8), synchronised=lambda: True)
    assert asyncio.run(live(device, right, "VID-BLUE", look=False)).clock_trusted
