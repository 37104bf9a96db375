"""The panel's hours: a command of the operator's turns it on and off, may fail or hang, and nothing plays unseen."""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import psutil
import pytest

from avtech_player.clock import Reading
from avtech_player.config import PowerCommand
from avtech_player.playback._command import run_command
from avtech_player.playback._panel import PanelSwitch, panel_hours, retry_delay
from avtech_player.ports import Clip, Died, Ended, Generation, TrialResult
from avtech_schema.airtime import Panel, airtime
from avtech_schema.identifiers import DurationMs
from avtech_schema.manifest import Cut, PowerHours
from avtech_schema.plays import PlayResult
from avtech_schema.report import EngineHealth
from tests.player.devices import Device
from tests.player.material import NOON, make_clip, make_generation, rule, scrambled, video_bytes
from tests.player.repository import Repository, manifest_of
from tests.player.theatre import MOVING, Recorded, Theatre, clips, loop_of, theatre

NIGHT = timedelta(hours=11)
"""From noon on, when the panel is off."""
EIGHT_TO_TEN = PowerHours(8 * 3600, 22 * 3600, (0, 1, 2, 3, 4, 5, 6))


def with_hours(generation: Generation) -> Generation:
    """The same release on a panel that is on from eight to ten."""
    display = replace(generation.manifest.display, power=EIGHT_TO_TEN)
    return replace(generation, manifest=replace(generation.manifest, display=display))


class Script:
    """A real script as the operator's command: it notes its argument in a file, and then does what it is told."""

    def __init__(self, folder: Path) -> None:
        self.said = folder / "said"
        self.orders = folder / "orders"
        self.path = folder / "panel.sh"
        self.path.write_text(f'#!/bin/sh\necho "$1" >>{self.said}\n[ ! -e {self.orders} ] || . {self.orders}\n')
        self.path.chmod(0o755)
        self.said.touch()

    @property
    def command(self) -> PowerCommand:
        return PowerCommand((str(self.path), "on"), (str(self.path), "off"))

    def calls(self) -> list[str]:
        """What it was called with so far."""
        return self.said.read_text().split()

    def then(self, orders: str) -> None:
        """What it does from now on."""
        new = self.orders.with_suffix(".new")
        new.write_text(orders)
        new.replace(self.orders)


@pytest.fixture
def script(tmp_path: Path) -> Script:
    return Script(tmp_path)


async def until(condition: Callable[[], object], within: float = 15.0) -> None:
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.01)


def test_the_panel_is_on_in_its_hours_in_an_emergency_and_while_nobody_knows_the_time() -> None:
    alarm = rule("alarm", "a", valid_from="2026-06-01T23:00:00", valid_until="2026-06-02T01:00:00", emergency=True, cut=Cut.NOW)
    clip = Clip("VID-A", "0" * 64, Path(__file__), 1000)  # type: ignore[arg-type]
    manifest = with_hours(make_generation({"a": [clip]}, [rule("day", "a"), alarm])).manifest

    def hours(instant: datetime, *, trusted: bool = True) -> Panel:
        return panel_hours(manifest, airtime(manifest, instant), {"alarm/1"}, Reading(instant, trusted))

    def at(day: int, hour: int) -> datetime:
        return datetime(2026, 6, day, hour, tzinfo=UTC)

    assert hours(NOON) == Panel(on=True, until=at(1, 22))
    assert hours(at(1, 22)) == Panel(on=False, until=at(2, 8))
    assert hours(at(1, 23)) == Panel(on=True, until=at(2, 1))
    assert hours(at(2, 1)) == Panel(on=False, until=at(2, 8))
    assert hours(at(1, 22), trusted=False) == Panel(on=True, until=None)
    always = replace(manifest, display=replace(manifest.display, power=None))
    assert panel_hours(always, airtime(always, at(2, 3)), (), Reading(at(2, 3), trusted=True)) == Panel(on=True, until=None)


@pytest.mark.parametrize(
    ("orders", "fault"),
    [
        ("exit 0", ""),
        ("echo; echo '  no  adapter '; echo more; exit 3", " ended with status 3: no adapter"),
        ("echo oops >&2; exit 1", " ended with status 1: oops"),
        ("kill -9 $$", " was killed by signal 9"),
        ("head -c 5000000 /dev/zero | tr '\\0' 'x'; exit 1", " ended with status 1: " + "x" * 200),
        ("printf '\\377\\376\\0'; exit 1", " ended with status 1: \ufffd\ufffd\0"),
        ("sleep 60 & exit 0", ""),
    ],
)
def test_a_command_succeeds_or_says_in_one_line_how_it_failed(script: Script, orders: str, fault: str) -> None:
    script.then(orders)
    begun = time.monotonic()
    found = asyncio.run(run_command(script.command.on, within=30))
    assert found == (str(script.path) + fault if fault else "")
    assert time.monotonic() - begun < 15


@pytest.mark.parametrize("name", ["no-such-program", "/", "\ud800"])
def test_a_program_that_is_none_is_a_failure_too(name: str) -> None:
    assert "cannot be run: " in asyncio.run(run_command([name, "x"], within=5))


@pytest.mark.parametrize("how", ["time", "cancelled"])
def test_a_command_that_hangs_is_ended_with_all_that_it_started(script: Script, tmp_path: Path, how: str) -> None:
    script.then(
        f"trap '' TERM HUP\nsleep 300 & echo $! >{tmp_path}/pid.new\nmv {tmp_path}/pid.new {tmp_path}/pid\necho waiting\nwait"
    )

    async def scenario() -> str:
        running = asyncio.create_task(run_command(script.command.off, within=60 if how == "cancelled" else 3))
        await until((tmp_path / "pid").exists)
        if how == "cancelled":
            running.cancel()
        (result,) = await asyncio.gather(running, return_exceptions=True)
        return str(result)

    told = asyncio.run(scenario())
    assert told == ("" if how == "cancelled" else f"{script.path} did not end within 3 s: waiting")
    with contextlib.suppress(psutil.NoSuchProcess):
        child = psutil.Process(int((tmp_path / "pid").read_text()))
        psutil.wait_procs([child], timeout=10)
        assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_a_failing_command_is_tried_again_ever_less_often() -> None:
    rng = Random(1)
    delays = [[retry_delay(failures, rng) for _ in range(100)] for failures in (1, 2, 5, 10_000)]
    assert [round(sum(some) / len(some) / base, 1) for some, base in zip(delays, (2, 4, 32, 300), strict=True)] == [1.0] * 4
    assert min(map(min, delays)) >= 1.5
    assert max(map(max, delays)) <= 375


def test_a_switch_runs_a_command_once_retries_one_that_fails_and_gives_one_up_for_its_opposite(script: Script) -> None:
    told: list[tuple[bool, str]] = []

    async def scenario() -> None:
        switch = PanelSwitch(script.command, lambda: told.append((switch.lit, switch.fault)))
        running = asyncio.create_task(switch.run())
        switch.want(on=True)
        switch.want(on=True)
        await until(lambda: len(told) == 1)
        script.then("echo no bus; exit 1")
        switch.want(on=False)
        await until(lambda: len(told) == 2)
        assert told[-1] == (True, f"the panel is not turned off: {script.path} ended with status 1: no bus")
        script.then("exit 0")
        await until(lambda: len(told) == 3)  # two seconds later
        assert told[-1] == (False, "")
        script.then("sleep 300")
        switch.want(on=True)
        await until(lambda: len(script.calls()) == 4)
        switch.want(on=False)
        await until(lambda: len(script.calls()) == 5)
        script.then("exit 0")
        switch.want(on=True)
        await until(lambda: len(told) == 4)
        assert told[-1] == (True, "")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(scenario())
    assert script.calls() == ["on", "off", "off", "on", "off", "on"]


@pytest.mark.media
def test_nothing_plays_while_the_panel_is_off_and_no_play_is_proved_that_nobody_saw(tmp_path: Path, script: Script) -> None:
    a, b = clips(tmp_path, "a", "b", ms=3000)

    async def scenario() -> None:
        async with theatre(power=script.command) as house:
            await house.playback.play(with_hours(loop_of([a, b])))
            await house.see("A")
            await until(lambda: script.calls() == ["on"])
            house.clock.shift = NIGHT
            await until(lambda: house.playback.health().state == "off")
            assert script.calls() == ["on", "off"]
            assert house.engine.asked[-1] == "slate"
            assert house.playback.now() is None
            assert [(play.clip, play.result, play.reason) for play in house.plays] == [
                ("VID-A", PlayResult.CUT, "the panel was turned off")
            ]
            asked = len(house.engine.asked)
            await asyncio.sleep(1.2)  # more than a look at the clock
            assert len(house.engine.asked) == asked
            script.then(f"until [ -e {tmp_path}/lit ]; do sleep 0.05; done")
            house.clock.shift = timedelta(hours=20.5)
            await house.see("B")  # at once, while the panel is still dark
            await until(lambda: script.calls() == ["on", "off", "on"])
            (tmp_path / "lit").touch()
            await until(lambda: len(house.plays) > 1)
            seen = house.plays[1]
            assert (seen.result, seen.reason) == (PlayResult.CUT, "the panel was turned on during it")
            assert 0 <= seen.played < 3000
            assert house.playback.health().state == "playing"
            assert house.troubles == []

    asyncio.run(scenario())


@pytest.mark.media
@pytest.mark.parametrize("orders", ["echo no such bus >&2; exit 1", "sleep 300"])
def test_a_command_that_fails_or_hangs_does_not_stop_playing(tmp_path: Path, script: Script, orders: str) -> None:
    script.then(orders)

    async def scenario() -> None:
        async with theatre(power=script.command) as house:
            await house.playback.play(with_hours(loop_of(clips(tmp_path, "a", "b", ms=300))))
            house.clock.shift = NIGHT
            await until(lambda: "off" in script.calls())
            plays = len(house.plays)
            await house.see("A", "B", "A")
            assert len(house.plays) > plays
            assert {play.result for play in house.plays} == {PlayResult.COMPLETE}
            if "exit" in orders:
                await until(lambda: any("not turned off: " in fault and "no such bus" in fault for fault in house.troubles))

    asyncio.run(scenario())


@pytest.mark.media
def test_an_emergency_turns_the_panel_on_and_its_end_turns_it_off(tmp_path: Path, script: Script) -> None:
    a, b = clips(tmp_path, "a", "b", ms=400)
    alarm = rule("alarm", "b", valid_from="2026-06-01T23:30:00", valid_until="2026-06-01T23:45:00", emergency=True, cut=Cut.NOW)
    generation = with_hours(make_generation({"a": [a], "b": [b]}, [rule("day", "a"), alarm]))

    async def scenario() -> None:
        async with theatre(power=script.command) as house:
            house.clock.shift = NIGHT
            await house.playback.play(generation)
            await until(lambda: house.playback.health().state == "off")
            house.clock.shift = NIGHT + timedelta(minutes=31)
            await house.see("B")
            await until(lambda: [play.clip for play in house.plays if play.clip == "VID-B"])
            house.clock.shift = NIGHT + timedelta(minutes=46)
            await until(lambda: house.playback.health().state == "off")
            assert script.calls() == ["off", "on", "off"]

    asyncio.run(scenario())


class Dark(Recorded):
    """A screen that takes no picture from a moment on, as some do while their panel is off."""

    dark = False

    async def show(self, clip: Clip) -> None:
        if self.dark:
            self._events.put_nowait(Ended(clip, "error", DurationMs(0), "it brought no picture"))
        else:
            await super().show(clip)

    async def queue(self, clip: Clip) -> None:
        if not self.dark:
            await super().queue(clip)


@pytest.mark.media
def test_a_release_is_tried_in_the_dark_and_what_cannot_be_seen_there_does_not_count_against_it(
    tmp_path: Path, script: Script
) -> None:
    a, b, c = clips(tmp_path, "a", "b", "c", ms=400)
    bad = make_clip(tmp_path, "bad", scrambled(video_bytes(MOVING)))

    async def scenario(house: Theatre, engine: Dark) -> None:
        await house.playback.play(with_hours(loop_of([a])))
        await until(lambda: house.playback.health().state == "off")
        assert await house.playback.trial(with_hours(loop_of([b], sequence=2))) == TrialResult(good=True)
        await until(lambda: house.playback.health().state == "off")
        result = await house.playback.trial(with_hours(loop_of([bad], sequence=3)))
        assert (result.good, result.unseen) == (False, False)
        assert "does not decode" in result.reason
        engine.dark = True
        result = await house.playback.trial(with_hours(loop_of([c], sequence=4)))
        assert result == TrialResult(good=False, reason="the panel is off: it brought no picture", unseen=True)
        await house.playback.play(with_hours(loop_of([b], sequence=2)))
        await until(lambda: house.playback.health().state == "off")
        in_the_dark = [play for play in house.plays if play.clip != "VID-A"]  # A may show until the panel is off.
        assert [(play.clip, play.result, play.played) for play in in_the_dark] == [("VID-C", PlayResult.FAILED, 0)]
        assert script.calls() == ["off"]

    async def evening() -> None:
        engine = Dark()
        async with theatre(engine, power=script.command) as house:
            house.clock.shift = NIGHT
            await scenario(house, engine)

    asyncio.run(evening())


class Gone(Recorded):
    """A screen whose display goes with its panel, as one that is driven directly does."""

    gone = False

    def health(self) -> EngineHealth:
        found = super().health()
        return replace(found, state="failed") if self.gone else found


@pytest.mark.media
def test_a_display_that_goes_with_its_panel_is_off_and_not_failed_until_the_panel_is_on(tmp_path: Path, script: Script) -> None:
    (a,) = clips(tmp_path, "a", ms=400)

    async def evening() -> None:
        engine = Gone()
        async with theatre(engine, power=script.command) as house:
            house.clock.shift = NIGHT
            await house.playback.play(with_hours(loop_of([a])))
            await until(lambda: house.playback.health().state == "off")
            engine.gone = True
            engine._events.put_nowait(Died("the display is missing", blind=True))
            await until(lambda: house.playback.blindness() == "the display is missing")
            assert house.playback.health().state == "off"
            house.clock.shift = timedelta(0)
            await until(lambda: house.playback.health().state == "failed")

    asyncio.run(evening())


@pytest.mark.media
def test_a_player_reports_that_its_panel_is_not_turned_on_until_it_is(tmp_path: Path, script: Script) -> None:
    script.then("echo no adapter; exit 1")
    repository = Repository(tmp_path / "store")
    device = Device(tmp_path / "device", repository)
    repository.publish(manifest_of({"VID-RED": repository.put_clip(video_bytes("red"))}))
    settings = {
        "AVTECH_PLAYER_DISPLAY": f"{{powerCommand: {{'on': ['{script.path}', 'on'], 'off': ['{script.path}', 'off']}}}}"
    }
    with device.running(environment={**os.environ, **settings}):
        report = device.reported(lambda report: report.last_error is not None and report.now_playing is not None)
        assert report.last_error == f"the panel is not turned on: {script.path} ended with status 1: no adapter"
        script.then("exit 0")
        device.reported(lambda report: report.last_error is None and report.now_playing is not None)
