"""Playback: keeps on screen what the manifest says for now, on whatever engine, and judges new generations."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

from avtech_player.clock import Reading, spell
from avtech_player.config import PowerCommand
from avtech_player.engine import ClipCheck
from avtech_player.playback._airing import Airing
from avtech_player.playback._faults import Faults, OnFault
from avtech_player.playback._judge import Judge, find_faults, judge_faults
from avtech_player.playback._memory import Load, Memory, Save
from avtech_player.playback._panel import PanelSwitch
from avtech_player.playback._proof import OnPlay, Proof
from avtech_player.playback._reckoning import Reckoner, is_heavy
from avtech_player.playback._running_order import Clocks, RunningOrder
from avtech_player.ports import Clip, Died, Ended, Engine, EngineEvent, Generation, Started, TrialResult
from avtech_schema.report import EngineHealth, NowPlaying

_TICK_S = 1.0
_PREFLIGHT_S = 20.0
_FIRST_FRAME_S = 15.0
_SETTLE_S = 1.0
_DRAWING = ("playing", "slate")
_LOGGER = logging.getLogger("avtech.player.playback")


class Playback:
    """The stage: one clip on screen, the next one queued, and a look at the clock at least every second.

    `now` is the trusted clock. `on_fault` hears of every clip that does not play, so that it is fetched again.
    `load` and `save` keep the rotation's position; both may block, `save` runs in a thread. `on_play` hears of every clip
    that was on screen; `read` is the trusted clock with its judgement of itself, without which what is dated does not play;
    `refreshed` says whether the release was asked for since the start, which is clock enough for an emergency.
    `power` are the commands that turn the panel on and off. `on_trouble` hears in one line what is wrong with the engine or
    the panel although it may play, and nothing (an empty text) once all is well.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        now: Callable[[], datetime],
        on_fault: OnFault | None = None,
        load: Load | None = None,
        save: Save | None = None,
        check: ClipCheck | None = None,
        on_play: OnPlay | None = None,
        read: Callable[[], Reading] | None = None,
        refreshed: Callable[[], bool] = lambda: True,
        monotonic: Callable[[], float] = time.monotonic,
        power: PowerCommand | None = None,
        on_trouble: Callable[[str], None] | None = None,
    ) -> None:
        self._engine = engine
        self._clocks = Clocks(read or (lambda: Reading(now(), trusted=True)), refreshed, monotonic)
        self._memory = Memory(load, save)
        self._faults = Faults(check, on_fault)
        self._proof = Proof(on_play, self._clocks.read)
        self._lock = asyncio.Lock()
        self._panel = PanelSwitch(power, self._panel_changed)
        self._on_trouble = on_trouble
        self._trouble = ""
        self._order = RunningOrder(
            engine,
            self._clocks,
            memory=self._memory,
            faults=self._faults,
            panel=self._panel,
            lock=self._lock,
            work=Reckoner(self._live),
        )
        self._wake = asyncio.Event()
        self._blind = ""
        self.beat = monotonic()
        """When the clock was last looked at, monotonic: about every second while nothing is stuck."""

    async def run(self) -> None:
        """Play until cancelled; then the engine is stopped and the rotation's position saved."""
        try:
            await self._engine.start()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._follow())
                group.create_task(self._keep_time())
                group.create_task(self._panel.run())
        finally:
            self._faults.cancel()
            await self._engine.stop()
            self._proof.interrupted("the player stopped")
            await self._memory.close()

    async def play(self, generation: Generation | None) -> None:
        """Play a generation known to be good, without a break if it plays already; None shows the built-in slate."""
        async with self._lock:
            self._order.judge = None
            await self._order.adopt(generation)
            self._wake.set()

    async def trial(self, generation: Generation) -> TrialResult:
        """Judge a generation off screen, switch to it, and judge what the screen shows; ends within about a minute.

        It is bad when a clip that is on the air now and new with it does not decode, when none of its clips on the air
        plays, or when its first clip brings no frames. A clip whose file is not what was released is fetched again instead.
        Without a display it is not judged at all.
        """
        if blindness := self.blindness():
            return TrialResult(good=False, reason=blindness, unseen=True)
        order, now, heavy = self._order, self._clocks.now, is_heavy(generation.manifest)
        before = order.airing
        known = frozenset(asset.sha256 for asset in before.generation.manifest.assets.values()) if before else frozenset()
        try:
            make = partial(Airing, generation, now(), before=before, dates=self._clocks.dates(), strict=True)
            candidate = await order.work.do(make, heavy=heavy)
        except ValueError as error:
            return TrialResult(good=False, reason=f"its airtime cannot be worked out: {error}")
        clips = await order.work.do(partial(candidate.on_air, now()), heavy=heavy)
        faults = await find_faults(self._faults.check, clips, within=_PREFLIGHT_S)
        if result := judge_faults(clips, faults, known):
            return result
        judge = Judge(known)
        async with self._lock:
            await order.refuse(candidate, faults)
            order.judge = judge
            await order.switch(candidate)
            self._wake.set()
            wait = _FIRST_FRAME_S + order.remaining().total_seconds()
        try:
            result = await judge.result(within=wait, settle=_SETTLE_S)
        finally:
            order.judge = None
            self._wake.set()
        if not result.good and not self._panel.lit:  # a panel that is off may take the picture away
            return replace(result, reason=f"the panel is off: {result.reason}", unseen=True)
        return result

    def now(self) -> NowPlaying | None:
        """The clip on screen; None while it is the slate, or nothing is seen yet."""
        on = self._order.on
        if on is None or on.since is None:
            return None
        clip = on.choice.clip
        return NowPlaying(clip.video, clip.sha256, clip.rule, spell(on.since))

    def on_air(self) -> tuple[list[Clip], datetime | None]:
        """The clips that are meant to play now, in order, and when that changes."""
        airing, instant = self._order.airing, self._clocks.now()
        if airing is None:
            return [], None
        return airing.on_air(instant), airing.segment(instant).until

    async def screenshot(self, path: Path) -> None:
        """Write what is on screen as a PNG.

        Raises:
            EnvironmentFailedError: there is no picture.
        """
        await self._engine.screenshot(path)

    def health(self) -> EngineHealth:
        """How the engine is; its state is `off` while the panel is off and so nothing plays, even if its display is gone."""
        health = self._engine.health()
        rests = self._order.resting and (health.state in _DRAWING or bool(self._blind))
        return replace(health, state="off") if rests else health

    def blindness(self) -> str:
        """Why the engine cannot draw at all; empty once it does, or while nobody knows."""
        return "" if self._engine.health().state in _DRAWING else self._blind

    async def _follow(self) -> None:
        """Hear the engine."""
        async for event in self._engine.events():
            await self._guarded(self._hear(event))
            await asyncio.sleep(0)  # whatever an engine tells, the clock is looked at too

    async def _hear(self, event: EngineEvent) -> None:
        self._proof.hear(event)
        match event:
            case Started():
                self._blind = ""
                await self._order.started(event)
            case Ended():
                await self._order.ended(event)
            case Died():
                self._blind = event.reason if event.blind else ""
                self._tell_trouble()
                await self._order.died(event)

    async def _keep_time(self) -> None:
        """Look at the clock every second, and at the very instant at which what is on the air changes."""
        while True:
            self._tell_trouble()
            await self._guarded(self._order.look())
            self.beat = self._clocks.monotonic()
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause()):
                    await self._wake.wait()

    async def _guarded(self, work: Coroutine[None, None, None]) -> None:
        """Do one thing at a time; a bug in it is told, and must not take the picture from the screen."""
        async with self._lock:
            try:
                await work
            except Exception as error:
                _LOGGER.error("a bug in playback: %s: %s", type(error).__name__, error)  # noqa: TRY400
                _LOGGER.debug("the bug was", exc_info=error)

    def _live(self) -> None:
        """What takes long is being worked out: until it is, the clock cannot be looked at, and nothing is stuck."""
        self.beat = self._clocks.monotonic()

    def _pause(self) -> float:
        until = self._order.until
        if until is None:
            return _TICK_S
        return min(_TICK_S, max(0.001, (until - self._clocks.now()).total_seconds()))

    def _panel_changed(self) -> None:
        self._proof.light(lit=self._panel.lit)
        self._wake.set()

    def _tell_trouble(self) -> None:
        trouble = self._engine.trouble() or self._panel.fault
        if trouble != self._trouble and self._on_trouble:
            self._on_trouble(trouble)
        self._trouble = trouble
