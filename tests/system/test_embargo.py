"""Embargo: merged and released now, on air at an instant to come, by the command line and on a player that is offline then."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from avtech_player.clock import TrustedClock
from avtech_player.engine import SimulatedEngine
from avtech_player.generations import Library
from avtech_player.playback import Playback
from avtech_player.store import open_store
from avtech_player.sync import Parts, Updater
from avtech_player.trust import Trust
from avtech_schema.airtime import local_instant
from avtech_schema.identifiers import ClientId, ScreenId
from tests.clips import make
from tests.system.published import CLIENT, SCREEN, Published, publish_example

pytestmark = [pytest.mark.slow, pytest.mark.media]

ZONE = "America/New_York"
DAY = (datetime.now(UTC) + timedelta(days=3)).date()
RIGHTS = local_instant(f"{DAY}", ZONE)
LAUNCH = local_instant(f"{DAY}T10:00", ZONE)
DAILY, SECRET, LAUNCHED = "VID-EXAMPLE-DAILY", "VID-EXAMPLE-SECRET", "VID-EXAMPLE-LAUNCHED"
SECOND = timedelta(seconds=1)


@pytest.fixture
def released(tmp_path: Path) -> Published:
    """A release with two embargoes: by the rights of a clip, from a date on, and by an item of a playlist, from a time on."""
    (tmp_path / "store").mkdir()
    example = publish_example(tmp_path, (tmp_path / "store").as_uri())
    for name, source in (("daily", "red"), ("secret", "green"), ("launched", "blue")):
        clip = make(tmp_path / f"{name}.mp4", source=f"color={source}:size=64x64:rate=25:duration=1")
        rights = ["--rights-from", f"{DAY}"] if name == "secret" else []
        example.avtech("content", "add", str(clip), "--client", CLIENT, *rights)
    write(example, "playlists/teaser.yaml", f"items: [{{clip: {DAILY}}}, {{clip: {SECRET}}}, {{playlist: launch}}]", "Playlist")
    write(example, "playlists/launch.yaml", f'items: [{{clip: {LAUNCHED}, validFrom: "{DAY}T10:00"}}]', "Playlist")
    rule = "screens: {names: [" + SCREEN + "]}\n  rules: [{play: teaser, priority: 9}]"
    write(example, "schedules/teaser.yaml", rule, "Schedule")
    for check in (example.repo / f"fleet/{CLIENT}/checks").iterdir():
        check.unlink()
    write(example, "checks/launch.yaml", f'screen: {SCREEN}\n  at: "{DAY}T10:00"\n  plays: {LAUNCHED}', "AirCheck")
    screen = example.repo / f"fleet/{CLIENT}/screens/lobby.yaml"
    screen.write_text(screen.read_text() + f"  timeZone: {ZONE}\n")
    example.publish()
    return example


def write(example: Published, path: str, spec: str, kind: str) -> None:
    head = f"apiVersion: avtech/v1\nkind: {kind}\nmetadata: {{name: {Path(path).stem}}}\n"
    (example.repo / f"fleet/{CLIENT}/{path}").write_text(f"{head}spec:\n  client: {CLIENT}\n  {spec}\n")


def asked(example: Published, at: datetime) -> tuple[list[str], str | None]:
    """What the real `avtech airtime` says is on air at an instant, and until when."""
    answer = json.loads(example.avtech("airtime", SCREEN, "--at", spelt(at), "--output", "json"))
    assert answer["rules"] == ["teaser/1"]
    return [entry["clip"] for entry in answer["clips"]], answer["until"]


def spelt(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


def test_what_is_merged_now_is_on_air_at_its_instant_by_the_command_line_and_on_a_player_offline(
    released: Published, tmp_path: Path
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    assert asked(released, now) == ([DAILY], spelt(RIGHTS))
    assert asked(released, RIGHTS - SECOND) == ([DAILY], spelt(RIGHTS))
    assert asked(released, RIGHTS) == ([DAILY, SECRET], spelt(LAUNCH))
    assert asked(released, LAUNCH - SECOND) == ([DAILY, SECRET], spelt(LAUNCH))
    assert asked(released, LAUNCH) == ([DAILY, SECRET, LAUNCHED], None)
    asyncio.run(asyncio.wait_for(watch_player(released, tmp_path), 60))


async def watch_player(released: Published, tmp_path: Path) -> None:
    """Sync now, lose the store for good, and see each clip come when its time has come and not before."""
    shift = timedelta(0)
    clock = TrustedClock(system=lambda: datetime.now(UTC) + shift, synchronised=lambda: True)
    parts = make_parts(released, tmp_path / "state", clock)
    playback = Playback(SimulatedEngine(), now=clock.now)
    updater = Updater(parts, playback)
    running = asyncio.create_task(playback.run())
    try:
        await updater.start()
        await updater.step()
        good = updater.state.good
        assert good is not None
        assert {DAILY, SECRET, LAUNCHED} <= parts.library.generation(good).files.keys()
        (tmp_path / "store").rename(tmp_path / "gone")
        assert await first_of(playback, lambda clip: clip == DAILY) == DAILY
        for instant, clip in ((RIGHTS, SECRET), (LAUNCH, LAUNCHED)):
            shift = instant - 2 * SECOND - datetime.now(UTC)
            await first_of(playback, lambda name, clip=clip: name == clip)  # type: ignore[misc]
            playing = playback.now()
            assert playing is not None
            came = datetime.fromisoformat(playing.since)
            assert instant <= came < instant + 5 * SECOND
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def first_of(playback: Playback, wanted: Callable[[str], bool]) -> str:
    """The first clip on screen that is wanted."""
    while True:
        playing = playback.now()
        if playing and wanted(playing.clip):
            return playing.clip
        await asyncio.sleep(0.01)


def make_parts(released: Published, state: Path, clock: TrustedClock) -> Parts:
    """The player of the screen, by a clock of ours."""
    state.mkdir()
    client, screen = ClientId(CLIENT), ScreenId(SCREEN)
    store = open_store(released.store, {})
    root = (released.repo / "trust/1.root.json").read_bytes()
    trust = Trust(state, store, clock, root=root, client=client, screen=screen)
    return Parts(state, client, screen, trust, store, Library(state), clock)
