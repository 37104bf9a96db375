"""Playback: keeps on screen what the manifest says for now, on whatever engine, and judges new generations."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from avtech_player.clock import Reading, spell
from avtech_player.engine import ClipCheck, Fault, FaultKind, shared_check
from avtech_player.playback._airing import Airing, Choice, make_airing
from avtech_player.playback._judge import Judge, find_faults, judge_faults
from avtech_player.playback._memory import Load, Memory, Save
from avtech_player.playback._proof import OnPlay, Proof
from avtech_player.playback._undated import Dates
from avtech_player.ports import Clip, Died, Ended, Engine, EngineEvent, Generation, Started, TrialResult
from avtech_schema.airtime import Segment
from avtech_schema.report import EngineHealth, NowPlaying

_TICK_S = 1.0
_PREFLIGHT_S = 20.0
_FIRST_FRAME_S = 15.0
_SETTLE_S = 1.0
_LOST_S = 15.0
_CRASHES = 2
_DRAWING = ("playing", "slate")
_LOGGER = logging.getLogger("avtech.player.playback")


@dataclass(eq=False, slots=True)
class _Showing:
    """The clip that was given to the screen; `since` is when its frames were seen to advance, `given` is monotonic."""

    choice: Choice
    airing: Airing
    given: float
    since: datetime | None = None
    crashes: int = 0


class Playback:
    """The stage: one clip on screen, the next one queued, and a look at the clock at least every second.

    `now` is the trusted clock. `on_fault` hears of every clip that does not play, so that it is fetched again.
    `load` and `save` keep the rotation's position; both may block, `save` runs in a thread. `on_play` hears of every clip
    that was on screen; `read` is the trusted clock with its judgement of itself, without which what is dated does not play;
    `refreshed` says whether the release was asked for since the start, which is clock enough for an emergency.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        now: Callable[[], datetime],
        on_fault: Callable[[Clip, Fault], None] | None = None,
        load: Load | None = None,
        save: Save | None = None,
        check: ClipCheck | None = None,
        on_play: OnPlay | None = None,
        read: Callable[[], Reading] | None = None,
        refreshed: Callable[[], bool] = lambda: True,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._now = now
        self._monotonic = monotonic
        self._on_fault = on_fault
        self._check = check or shared_check()
        self._memory = Memory(load, save)
        self._read = read or (lambda: Reading(now(), trusted=True))
        self._refreshed = refreshed
        self._proof = Proof(on_play, self._read)
        self._lock = asyncio.Lock()
        self._wake = asyncio.Event()
        self._checks: set[asyncio.Task[None]] = set()
        self._airing: Airing | None = None
        self._segment: Segment | None = None
        self._on: _Showing | None = None
        self._next: Choice | None = None
        self._judge: Judge | None = None
        self._blind = ""

    async def run(self) -> None:
        """Play until cancelled; then the engine is stopped and the rotation's position saved."""
        try:
            await self._engine.start()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._follow())
                group.create_task(self._keep_time())
        finally:
            for task in list(self._checks):
                task.cancel()
            await self._engine.stop()
            self._proof.interrupted("the player stopped")
            await self._memory.close()

    async def play(self, generation: Generation | None) -> None:
        """Play a generation known to be good, without a break if it plays already; None shows the built-in slate."""
        async with self._lock:
            self._judge = None
            await self._adopt(generation)

    async def trial(self, generation: Generation) -> TrialResult:
        """Judge a generation off screen, switch to it, and judge what the screen shows; ends within about a minute.

        It is bad when a clip that is on the air now and new with it does not decode, when none of its clips on the air
        plays, or when its first clip brings no frames. A clip whose file is not what was released is fetched again instead.
        Without a display it is not judged at all.
        """
        if blindness := self.blindness():
            return TrialResult(good=False, reason=blindness, unseen=True)
        before = self._airing
        known = frozenset(asset.sha256 for asset in before.generation.manifest.assets.values()) if before else frozenset()
        try:
            candidate = Airing(generation, self._now(), before=before, dates=self._dates())
        except ValueError as error:
            return TrialResult(good=False, reason=f"its airtime cannot be worked out: {error}")
        clips = candidate.on_air(self._now())
        faults = await find_faults(self._check, clips, within=_PREFLIGHT_S)
        if result := judge_faults(clips, faults, known):
            return result
        judge = Judge(known)
        async with self._lock:
            for clip, fault in faults:
                self._refuse(candidate, clip, fault)
            self._judge = judge
            await self._switch(candidate)
            wait = _FIRST_FRAME_S + self._remaining().total_seconds()
        try:
            return await judge.result(within=wait, settle=_SETTLE_S)
        finally:
            self._judge = None

    def now(self) -> NowPlaying | None:
        """The clip on screen; None while it is the slate, or nothing is seen yet."""
        on = self._on
        if on is None or on.since is None:
            return None
        clip = on.choice.clip
        return NowPlaying(clip.video, clip.sha256, clip.rule, spell(on.since))

    def on_air(self) -> tuple[list[Clip], datetime | None]:
        """The clips that are meant to play now, in order, and when that changes."""
        airing, instant = self._airing, self._now()
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
        """How the engine is."""
        return self._engine.health()

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
                await self._started(event.clip)
            case Ended():
                await self._ended(event)
            case Died():
                await self._died(event)

    async def _keep_time(self) -> None:
        """Look at the clock every second, and at the very instant at which what is on the air changes."""
        while True:
            await self._guarded(self._look())
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

    def _pause(self) -> float:
        until = self._segment.until if self._segment else None
        if until is None:
            return _TICK_S
        return min(_TICK_S, max(0.001, (until - self._now()).total_seconds()))

    async def _look(self) -> None:
        """Put right whatever the passing of time has made wrong."""
        airing, instant = self._airing, self._now()
        if airing is None:
            return
        airing.believe(self._dates(), instant)
        airing.review(instant, self._monotonic())
        segment, before = airing.segment(instant), self._segment
        self._segment = segment
        on = self._on
        lost = on is None or (on.since is None and self._monotonic() - on.given > _LOST_S)
        cut_in = before is not None and segment.key != before.key and segment.interrupts(before)
        if on is None or lost or cut_in:
            await self._show_next()
        elif on.since is not None and not self._next_stands(airing):
            await self._queue_next()

    def _dates(self) -> Dates:
        trusted = self._read().trusted
        return Dates(trusted, trusted or self._refreshed())

    def _next_stands(self, airing: Airing) -> bool:
        """Whether the queued clip is from what will be on the air when it starts."""
        starts = self._now() + self._remaining()
        return self._next is not None and airing.segment(starts).key == self._next.segment.key

    def _remaining(self) -> timedelta:
        """How long the clip on screen will still be there."""
        on = self._on
        if on is None:
            return timedelta(0)
        passed = 0.0 if on.since is None else self._monotonic() - on.given
        return timedelta(seconds=max(0.0, on.choice.clip.duration / 1000 - passed))

    async def _adopt(self, generation: Generation | None) -> None:
        if generation and self._airing and self._airing.generation.ref.digest == generation.ref.digest:
            if self._airing.generation.files.keys() != generation.files.keys():  # Clips that were lost are back.
                self._airing = Airing(generation, self._now(), before=self._airing, dates=self._dates())
            self._airing.generation = generation
            return
        airing = make_airing(generation, self._now(), self._airing, self._dates())
        if airing:
            await self._switch(airing)
        else:
            self._airing = self._segment = self._on = self._next = None
            await self._engine.slate()

    async def _switch(self, airing: Airing) -> None:
        """Go over to a generation: at once, but a clip on screen that is on the air in it too plays to its end."""
        before, self._airing = self._segment, airing
        segment = self._segment = airing.segment(self._now())
        await self._engine.rotate(airing.degrees)
        on = self._on
        stays = on is not None and on.since is not None and not segment.interrupts(before)
        if on is not None and stays and any(clip.sha256 == on.choice.clip.sha256 for clip in airing.on_air(self._now())):
            await self._queue_next()
        else:
            await self._show_next()
        self._wake.set()

    async def _show_next(self) -> None:
        """Cut to the next clip, or to the slate when nothing can play."""
        airing = self._airing
        if airing is None:
            return
        choice = airing.choose(self._memory.history, self._now())
        if choice is None:
            await self._show_slate(airing)
            return
        self._on = _Showing(choice, airing, self._monotonic())
        self._next = None
        await self._engine.show(choice.clip)
        await self._queue_next()

    async def _show_slate(self, airing: Airing) -> None:
        if self._on is not None or self._engine.health().state != "slate":
            self._on = self._next = None
            await self._engine.slate()
        if self._judge and airing.on_air(self._now()):
            self._judge.nothing_plays("none of its clips on the air plays on this device")
        elif self._judge:
            self._judge.nothing_on_air()

    async def _queue_next(self) -> None:
        """Choose what follows the clip on screen, for the instant at which it will follow."""
        airing, on = self._airing, self._on
        if airing is None or on is None:
            return
        history = self._memory.history if on.since else self._memory.history.after(on.choice.play)
        choice = self._next = airing.choose(history, self._now() + self._remaining())
        if choice:
            await self._engine.queue(choice.clip)
            self._in_background(self._verify(airing, choice))

    def _in_background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._checks.add(task)
        task.add_done_callback(self._checks.discard)

    async def _verify(self, airing: Airing, choice: Choice) -> None:
        """Decode the queued clip off screen while another plays, and queue another if it would not play."""
        fault = await self._check.fault(choice.clip)
        if fault is None:
            return
        async with self._lock:
            self._refuse(airing, choice.clip, fault)
            if self._next is choice:
                await self._queue_next()

    async def _started(self, clip: Clip) -> None:
        self._blind = ""
        self._promote(clip)
        on = self._on
        if on is None or on.choice.clip is not clip:
            return
        on.given, on.since = self._monotonic(), self._now()
        self._memory.remember(on.choice.play, on.given, counted=on.choice.is_capped)
        if self._judge and on.airing is self._airing:
            self._judge.started()
        if self._next is None:
            await self._queue_next()

    async def _ended(self, event: Ended) -> None:
        on = self._on
        if self._next and event.clip is self._next.clip:
            self._promote(event.clip)
            on = self._on
        if on is None or event.clip is not on.choice.clip:
            return
        if event.how == "error":
            self._blame(on, event.reason)
        else:
            on.airing.played_well(event.clip)
        if self._next:
            self._promote(self._next.clip)
            await self._queue_next()
        else:
            self._on = None
            await self._show_next()

    async def _died(self, event: Died) -> None:
        """The engine starts again by itself; a clip that kills it twice is not tried a third time."""
        self._blind = event.reason if event.blind else ""
        self._next = None
        on = self._on
        if self._judge:
            self._judge.died(event.reason, blind=event.blind)
        if on is None:
            return
        on.given, on.since = self._monotonic(), None
        if event.blind:
            return
        on.crashes += 1
        if on.crashes < _CRASHES:
            await self._engine.show(on.choice.clip)
            return
        self._blame(on, f"{on.choice.clip.video} stops the engine: {event.reason}")
        self._on = None
        await self._show_next()

    def _promote(self, clip: Clip) -> None:
        """The queued clip's turn has come."""
        if self._next and self._next.clip is clip and self._airing:
            self._on = _Showing(self._next, self._airing, self._monotonic())
            self._next = None

    def _blame(self, on: _Showing, reason: str) -> None:
        """A clip could not be shown: set it aside for a while, since the fault may have been the moment's."""
        clip, airing = on.choice.clip, self._airing
        _LOGGER.warning("skipped: %s", reason)
        self._in_background(self._diagnose(clip, reason))
        if airing is None or not airing.holds(clip.video, clip.sha256):
            return
        airing.refuse(clip, self._now(), parole_from=self._monotonic())
        if self._judge and on.airing is airing:
            self._judge.failed(clip, reason)
            if airing.choose(self._memory.history, self._now()) is None:
                self._judge.nothing_plays(reason)

    async def _diagnose(self, clip: Clip, reason: str) -> None:
        """Find out whether a clip that failed on screen is still what was released."""
        fault = await self._check.fault(clip, afresh=True) or Fault(FaultKind.UNDECODABLE, reason)
        self._tell(clip, fault)

    def _refuse(self, airing: Airing, clip: Clip, fault: Fault) -> None:
        """A clip was found off screen not to play: set it aside until its file is replaced."""
        airing.refuse(clip, self._now())
        _LOGGER.warning("skipped: %s", fault.reason)
        self._tell(clip, fault)

    def _tell(self, clip: Clip, fault: Fault) -> None:
        if self._on_fault:
            self._on_fault(clip, fault)
