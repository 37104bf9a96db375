"""Faults while real clips play: what is proved of each play, what plays on, and that nothing is tried without end."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from avtech_player.playback._airing import Airing
from avtech_player.ports import Clip
from avtech_schema.airtime import History
from avtech_schema.identifiers import Slug, VideoId
from avtech_schema.manifest import Item, Rule
from avtech_schema.plays import Played, PlayResult
from tests.display import unused_display, virtual_display, watching
from tests.player.devices import Device
from tests.player.filmed import first_picture, loop_of, playing
from tests.player.material import NOON, make_clip, make_generation, rule, video_bytes
from tests.player.repository import Repository, manifest_of
from tests.player.test_proof_of_play import plays
from tests.player.theatre import clips as moving_clips
from tests.player.theatre import theatre

pytestmark = pytest.mark.media


def mpv_pid() -> int:
    (found,) = [child.pid for child in psutil.Process().children(recursive=True) if child.name() == "mpv"]
    return found


async def until(condition: Callable[[], object], within: float = 30.0) -> None:
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.mark.display
def test_a_crash_a_hang_and_a_lost_display_each_interrupt_the_play_that_was_on(tmp_path: Path) -> None:
    items = [make_clip(tmp_path, name, video_bytes(name, 2), ms=2000) for name in ("red", "green")]
    name = unused_display()
    told: list[Played] = []

    def interrupted(reason: str) -> bool:
        return any(play.result is PlayResult.INTERRUPTED and reason in play.reason for play in told)

    async def scenario(displays: ExitStack) -> None:
        displays.enter_context(virtual_display(number=name))
        async with playing(name, told) as playback:
            await playback.play(loop_of(items))
            await first_picture(playback)
            os.kill(mpv_pid(), signal.SIGKILL)
            await until(lambda: interrupted("mpv was killed by signal 9"))
            await first_picture(playback)
            with watching(name) as watch:
                os.kill(mpv_pid(), signal.SIGSTOP)
                await until(lambda: interrupted("mpv hangs: "))
                await first_picture(playback)
            assert not watch.went_black(), watch.colours()
            displays.close()
            await until(lambda: interrupted(f"the display is missing: no X server answers on {name}"))
            assert playback.blindness()
            displays.enter_context(virtual_display(number=name))
            await until(lambda: playback.now() is not None and playback.health().state == "playing")
            after = len(told)
            await until(lambda: any(play.result is PlayResult.COMPLETE for play in told[after:]))
        assert told[-1].reason in ("the player stopped", "")

    with ExitStack() as displays:
        asyncio.run(scenario(displays))
    assert {play.result for play in told} <= {PlayResult.COMPLETE, PlayResult.INTERRUPTED}
    assert all(play.start <= play.end for play in told)
    assert all(play.played <= 2000 for play in told)


@pytest.mark.display
def test_a_clip_that_breaks_off_in_its_middle_is_a_failed_play_and_the_rest_goes_on(tmp_path: Path, x_display: str) -> None:
    data = video_bytes("testsrc=s=320x180:r=25", 3)
    at = data.index(b"mdat") + 4 + (len(data) - data.index(b"mdat")) * 6 // 10
    broken = make_clip(tmp_path, "broken", data[:at] + os.urandom(len(data) - at), ms=3000)
    red = make_clip(tmp_path, "red", video_bytes("red"))
    told: list[Played] = []

    async def scenario() -> None:
        async with playing(x_display, told) as playback:
            await playback.play(loop_of([red, broken]))
            await until(lambda: any(play.result is PlayResult.FAILED for play in told))
            failed = len(told)
            await until(lambda: [play for play in told[failed:] if play.result is PlayResult.COMPLETE])

    asyncio.run(scenario())
    failure = next(play for play in told if play.result is PlayResult.FAILED)
    assert failure.clip == broken.video
    assert failure.reason.startswith("VID-BROKEN ")
    assert failure.played < 3000


def test_when_the_only_clip_of_a_rule_does_not_decode_the_fallback_plays(tmp_path: Path) -> None:
    (good,) = moving_clips(tmp_path, "good")
    bad = make_clip(tmp_path, "bad", b"noise")
    generation = make_generation({"rule": [bad], "rest": [good]}, [rule("day", "rule")], fallback="rest")

    async def scenario() -> None:
        async with theatre() as house:
            await house.playback.play(generation)
            await house.see("GOOD")
            await until(lambda: len(house.plays) > 3)
            assert {play.rule for play in house.plays if play.clip == "VID-GOOD"} == {None}
            assert sum("VID-BAD" in asked for asked in house.engine.asked) <= 2
            assert {fault.reason[:7] for _, fault in house.faults} == {"VID-BAD"}

    asyncio.run(scenario())


def test_a_clip_that_fails_on_screen_again_and_again_is_tried_a_dozen_times_an_hour(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"whatever")
    clip = Clip(make_clip(tmp_path, "a", b"x").video, "0" * 64, path, 1000)  # type: ignore[arg-type]
    airing = Airing(loop_of([clip]), NOON)
    loads: list[float] = []
    for tick in range(0, 36_000):
        second = tick / 10
        instant = NOON + timedelta(seconds=second)
        airing.review(instant, second)
        if choice := airing.choose(History(), instant):
            loads.append(second)
            airing.refuse(choice.clip, instant, parole_from=second)
    minutes = Counter(int(second // 60) for second in loads)
    assert loads[:3] == [0.0, 5.0, 15.0]
    assert max(minutes.values()) <= 4
    assert len(loads) <= 13


def test_what_a_cap_counted_survives_kills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVTECH_PLAYER_PLAYS_UPLOAD_SECONDS", "0.2")
    repository = Repository(tmp_path / "store")
    device = Device(tmp_path / "device", repository)
    few, rest = (
        repository.put_clip(video_bytes("red", 0.4), duration=400),
        repository.put_clip(video_bytes("blue", 0.4), duration=400),
    )
    plain = manifest_of({"VID-FEW": few, "VID-REST": rest})
    capped = Rule("few/1", Slug("few"), Slug("few"), max_plays_per_hour=2)
    playlists = {Slug("few"): (Item(VideoId("VID-FEW"), None),), Slug("all"): (Item(VideoId("VID-REST"), None),)}
    repository.publish(replace(plain, rules=(capped,), playlists=playlists))
    for _ in range(3):
        before = len(plays(device))
        with device.running() as process:
            deadline = time.monotonic() + 30
            while not [play for play in plays(device)[before:] if play.clip == "VID-REST"]:
                assert time.monotonic() < deadline, (device.folder / "log").read_text()
                time.sleep(0.05)
            process.kill()
    counted = [play for play in plays(device) if play.clip == "VID-FEW"]
    assert counted
    hours = Counter(datetime.fromisoformat(play.start).astimezone(UTC).hour for play in counted)
    assert max(hours.values()) <= 2
