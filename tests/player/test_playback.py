"""Playback over the simulated engine: what is chosen, when it changes, what is skipped, and how trials are judged."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest

from avtech_player.engine import ClipCheck, FaultKind
from avtech_player.playback import Playback
from avtech_player.ports import Clip
from avtech_schema.manifest import Cut
from avtech_schema.plays import PlayResult
from tests.player.material import NOON, make_clip, make_generation, rule, scrambled, video_bytes
from tests.player.theatre import MOVING, Clock, Mortal, Recorded, clips, loop_of, theatre

pytestmark = pytest.mark.media


def test_counted_plays_are_on_the_disk_at_once_so_that_a_kill_does_not_give_them_back(tmp_path: Path) -> None:
    a, b = clips(tmp_path, "a", "b")
    capped = make_generation({"few": [a], "rest": [b]}, [rule("few", "few", max_plays_per_hour=2)], fallback="rest")

    async def scenario() -> None:
        async with theatre() as house:
            await house.playback.play(capped)
            await house.see("A", "B")
            await house.until(lambda: house.saved and json.loads(house.saved[-1])["plays"] == [["few/1", 2]])
            killed = house.saved[-1]
        async with theatre(loaded=killed) as house:
            await house.playback.play(capped)
            await house.see("B")
            assert "show VID-A" not in house.engine.asked

    asyncio.run(scenario())


def test_the_clips_of_a_playlist_take_turns_and_the_rotation_survives_a_restart(tmp_path: Path) -> None:
    a, b, c = clips(tmp_path, "a", "b", "c")

    async def scenario() -> None:
        async with theatre() as house:
            await house.playback.play(loop_of([a, b, c]))
            await house.see("A", "B", "C", "A", "B")
            playing = house.playback.now()
            assert playing is not None
            assert (playing.rule, playing.sha256) == ("day/1", b.sha256)
            assert playing.since.startswith("2026-06-01T12:00:0")
            assert playing.since.endswith("Z")
            assert house.playback.health().kind == "simulated"
        last = house.saved[-1]
        async with theatre(loaded=last) as house:
            await house.playback.play(loop_of([a, b, c]))
            await house.see("C", "A")
            assert house.engine.asked[:2] == ["rotate 0", "show VID-C"]

    asyncio.run(scenario())


@pytest.mark.parametrize("loaded", [b"", b"[1", b"[" * 100_000, json.dumps({"positions": 3}).encode()])
def test_a_damaged_memory_or_a_full_disk_does_not_stop_playback(tmp_path: Path, loaded: bytes) -> None:
    async def scenario() -> None:
        async with theatre(loaded=loaded, broken_disk=True) as house:
            await house.playback.play(loop_of(clips(tmp_path, "a", "b")))
            await house.see("A", "B", "A")

    asyncio.run(scenario())


def test_a_change_of_rule_waits_for_the_clip_to_end(tmp_path: Path) -> None:
    a, b = clips(tmp_path, "a", "b", ms=700)
    one = 13 * 3600
    generation = make_generation({"a": [a], "b": [b]}, [rule("noon", "a", until_s=one), rule("later", "b", from_s=one)])

    async def scenario() -> None:
        async with theatre() as house:
            await house.playback.play(generation)
            await house.see("A")
            house.clock.shift = timedelta(hours=1)
            await house.see("B")
            assert house.engine.asked.count("show VID-A") == 1
            assert "show VID-B" not in house.engine.asked
            assert {(play.clip, play.result, play.played) for play in house.plays} == {("VID-A", PlayResult.COMPLETE, 700)}
            assert house.playback.now().rule == "later/1"  # type: ignore[union-attr]

    asyncio.run(scenario())


def test_an_emergency_cuts_in_at_its_very_instant_and_ends_by_itself(tmp_path: Path) -> None:
    a, b = clips(tmp_path, "a", "b", ms=10_000)
    alarm = rule("alarm", "b", valid_from="2026-06-01T12:00:01", valid_until="2026-06-01T18:00:00", emergency=True, cut=Cut.NOW)
    generation = make_generation({"a": [a], "b": [b]}, [rule("day", "a"), alarm])

    async def scenario() -> None:
        async with theatre() as house:
            await house.playback.play(generation)
            await house.see("A", "B")
            assert timedelta(seconds=1) <= house.clock.now() - NOON < timedelta(seconds=3)
            house.clock.shift = timedelta(hours=6)  # the clock jumps beyond the emergency
            await house.until(lambda: house.engine.asked[-1] == "queue VID-A", within=6)
            house.clock.shift = timedelta(hours=-20)
            await house.until(lambda: house.engine.asked[-1] == "queue VID-A", within=6)

    asyncio.run(scenario())


def test_a_clip_that_does_not_decode_is_skipped_and_told_and_returns_once_its_file_is_right(tmp_path: Path) -> None:
    a, b = clips(tmp_path, "a", "b")
    right = b.path.read_bytes()
    b.path.write_bytes(right[:-100] + bytes(100))

    async def scenario() -> None:
        async with theatre() as house:
            await house.playback.play(loop_of([a, b]))
            await house.see("A")
            await house.until(lambda: house.faults)
            clip, fault = house.faults[0]
            assert clip.video == "VID-B"
            assert fault.kind is FaultKind.ROTTEN
            assert "checksum" in fault.reason
            assert house.on() in ("A", "")
            other = tmp_path / "fetched"
            other.write_bytes(right)
            other.replace(b.path)
            await house.see("B", "A", "B")
            assert {clip.video for clip, _ in house.faults} == {"VID-B"}

    asyncio.run(scenario())


def test_when_nothing_plays_the_slate_is_shown_and_nothing_loops(tmp_path: Path) -> None:
    bad = make_clip(tmp_path, "bad", scrambled(video_bytes(MOVING)))

    async def scenario() -> None:
        async with theatre() as house:
            await house.playback.play(loop_of([bad]))
            await house.until(lambda: house.faults)
            await house.until(lambda: house.playback.health().state == "slate")
            await asyncio.sleep(1.5)
            assert len(house.engine.asked) <= 6, house.engine.asked
            assert all(fault.kind is FaultKind.UNDECODABLE for _, fault in house.faults)
            assert house.playback.now() is None
            await house.playback.play(None)
            await house.playback.play(loop_of(clips(tmp_path, "a")))
            await house.see("A")

    asyncio.run(scenario())


def test_a_trial_of_a_good_generation_switches_and_a_second_play_of_it_changes_nothing(tmp_path: Path) -> None:
    a, b = clips(tmp_path, "a", "b", ms=3000)

    async def scenario() -> None:
        async with theatre() as house:
            await house.playback.play(loop_of([a]))
            await house.see("A")
            result = await house.playback.trial(loop_of([b], sequence=2))
            assert result.good
            assert house.on() == "B"
            asked = len(house.engine.asked)
            await house.playback.play(loop_of([b], sequence=2))
            assert len(house.engine.asked) == asked

    asyncio.run(scenario())


def test_a_clip_that_stays_on_the_air_plays_to_its_end_through_a_switch(tmp_path: Path) -> None:
    a, b = clips(tmp_path, "a", "b", ms=800)

    async def scenario() -> None:
        async with theatre() as house:
            await house.playback.play(loop_of([a]))
            await house.see("A")
            assert (await house.playback.trial(loop_of([a, b], sequence=2))).good
            await house.see("B")
            assert [asked for asked in house.engine.asked if asked.startswith("show")] == ["show VID-A"]

    asyncio.run(scenario())


def test_a_trial_is_bad_when_a_new_clip_on_the_air_does_not_decode_and_the_screen_stays(tmp_path: Path) -> None:
    a, b, c = clips(tmp_path, "a", "b", "c", ms=5000)
    bad = make_clip(tmp_path, "bad", scrambled(video_bytes(MOVING)))

    async def scenario() -> None:
        async with theatre() as house:
            await house.playback.play(loop_of([a]))
            await house.see("A")
            result = await house.playback.trial(loop_of([b, c, bad], sequence=2))
            assert not result.good
            assert result.reason.startswith("VID-BAD does not decode: ")
            assert house.on() == "A"
            assert "show VID-B" not in house.engine.asked

    asyncio.run(scenario())


def test_a_trial_decodes_the_first_second_of_every_clip_on_the_air_before_anything_is_seen(tmp_path: Path) -> None:
    several = clips(tmp_path, "a", "b", "c", "d", ms=5000)

    async def scenario() -> None:
        async with theatre() as house:
            await house.playback.play(loop_of(several[:1]))
            await house.see("A")
            result = await house.playback.trial(loop_of(several, sequence=2))
            assert result.good, result
            check = house.playback._faults.check
            assert {one.sha256 for one in several} <= set(check._verdicts)
            assert not any(check._verdicts.values())

    asyncio.run(scenario())


def test_a_bad_clip_that_was_there_before_does_not_fail_a_release(tmp_path: Path) -> None:
    a, b = clips(tmp_path, "a", "b", ms=300)
    bad = make_clip(tmp_path, "bad", scrambled(video_bytes(MOVING)))

    async def scenario() -> None:
        async with theatre() as house:
            await house.playback.play(loop_of([a, bad]))
            await house.see("A")
            assert (await house.playback.trial(loop_of([b, bad], sequence=2))).good
            await house.see("B")
            assert not (await house.playback.trial(loop_of([bad], sequence=3))).good

    asyncio.run(scenario())


def test_a_rotten_file_fails_a_trial_only_when_nothing_else_plays(tmp_path: Path) -> None:
    a, b = clips(tmp_path, "a", "b", ms=300)
    b.path.write_bytes(b"gone bad")

    async def scenario() -> None:
        async with theatre() as house:
            assert (await house.playback.trial(loop_of([b, a]))).good
            await house.see("A")
            assert [(clip.video, fault.kind) for clip, fault in house.faults] == [("VID-B", FaultKind.ROTTEN)]
            result = await house.playback.trial(loop_of([b], sequence=2))
            assert not result.good
            assert "VID-B" in result.reason

    asyncio.run(scenario())


def test_a_trial_of_an_airtime_this_device_cannot_work_out_is_bad(tmp_path: Path) -> None:
    (a,) = clips(tmp_path, "a")
    generation = make_generation({"loop": [a]}, [rule("day", "loop", rrule="FREQ=NONSENSE", valid_from="2026-01-01")])

    async def scenario() -> None:
        async with theatre() as house:
            result = await house.playback.trial(generation)
            assert not result.good
            assert "airtime" in result.reason
            await house.playback.play(generation)
            assert house.engine.asked[-1] == "slate"

    asyncio.run(scenario())


def test_a_clip_that_kills_the_engine_twice_is_skipped(tmp_path: Path) -> None:
    a, b = clips(tmp_path, "deadly", "b")

    async def scenario() -> None:
        async with theatre(Mortal("DEADLY")) as house:
            await house.playback.play(loop_of([a, b]))
            await house.see("B")
            assert house.engine.asked.count("show VID-DEADLY") == 2
            await house.until(lambda: house.faults)
            assert "stops the engine" in house.faults[0][1].reason

    asyncio.run(scenario())


def test_a_trial_whose_clip_kills_the_engine_is_bad_but_a_missing_display_is_not_its_fault(tmp_path: Path) -> None:
    a, b = clips(tmp_path, "a", "deadly", ms=5000)

    async def scenario() -> None:
        async with theatre(Mortal("DEADLY")) as house:
            await house.playback.play(loop_of([a]))
            await house.see("A")
            result = await house.playback.trial(loop_of([b], sequence=2))
            assert not result.good
            assert "the engine died" in result.reason or "stops the engine" in result.reason
        async with theatre(Mortal("DEADLY", blind=True)) as house:
            result = await house.playback.trial(loop_of([b], sequence=2))
            assert (result.good, result.unseen) == (False, True)

    asyncio.run(scenario())


def test_a_bug_is_told_and_the_screen_stays_alive(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Buggy(Recorded):
        async def queue(self, clip: Clip) -> None:
            await super().queue(clip)
            if len(self.asked) in (6, 7):
                raise RuntimeError("as bugs do")

    async def scenario() -> None:
        playback = Playback(Buggy(), now=Clock().now, check=ClipCheck())
        running = asyncio.create_task(playback.run())
        await playback.play(loop_of(clips(tmp_path, "a", "b")))
        seen = set[str]()
        async with asyncio.timeout(15):
            while "as bugs do" not in caplog.text or len(seen) < 2:
                await asyncio.sleep(0.01)
                seen = {*seen, playing.clip} if (playing := playback.now()) and "as bugs do" in caplog.text else seen
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(scenario())
