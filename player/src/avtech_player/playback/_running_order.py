"""The running order: the clip on screen, the one that follows it, and what passing time and the engine make of them."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from avtech_player.clock import Reading
from avtech_player.engine import Fault
from avtech_player.playback._airing import Airing, Choice, make_airing
from avtech_player.playback._faults import Faults
from avtech_player.playback._judge import Judge
from avtech_player.playback._memory import Memory
from avtech_player.playback._panel import PanelSwitch, panel_hours
from avtech_player.playback._reckoning import Reckoner, is_heavy
from avtech_player.playback._undated import Dates
from avtech_player.ports import Clip, Died, Ended, Engine, Generation, Started
from avtech_schema.airtime import Segment

T = TypeVar("T")
_LOST_S = 15.0
_CRASHES = 2


@dataclass(eq=False, slots=True)
class Showing:
    """The clip that was given to the screen; `since` is when its frames were seen to advance, `given` is monotonic."""

    choice: Choice
    airing: Airing
    given: float
    since: datetime | None = None
    crashes: int = 0


@dataclass(frozen=True, slots=True)
class Clocks:
    """`read` is the trusted clock with its judgement of itself, `monotonic` is in seconds.

    `refreshed` says whether the release was asked for since the start, which is clock enough for an emergency.
    """

    read: Callable[[], Reading]
    refreshed: Callable[[], bool] = lambda: True
    monotonic: Callable[[], float] = time.monotonic

    def now(self) -> datetime:
        """What time it is, UTC."""
        return self.read().now

    def dates(self) -> Dates:
        """What may be decided by dates."""
        trusted = self.read().trusted
        return Dates(trusted, trusted or self.refreshed())


class RunningOrder:
    """What the engine is told to show. One call at a time: whoever calls holds `lock`."""

    def __init__(
        self,
        engine: Engine,
        clocks: Clocks,
        *,
        memory: Memory,
        faults: Faults,
        panel: PanelSwitch,
        lock: asyncio.Lock,
        work: Reckoner,
    ) -> None:
        self._engine = engine
        self._clocks = clocks
        self._memory = memory
        self._faults = faults
        self._panel = panel
        self._lock = lock
        self.work = work
        self.airing: Airing | None = None
        self.segment: Segment | None = None
        self.on: Showing | None = None
        self.judge: Judge | None = None
        self.resting = False
        """The panel is off, and so nothing plays."""
        self.until: datetime | None = None
        """The next instant at which what is on the air, or the panel, changes."""
        self._next: Choice | None = None

    async def look(self) -> None:
        """Put right whatever the passing of time has made wrong."""
        airing, instant = self.airing, self._clocks.now()
        if airing is None:
            return
        due = self._clocks.dates(), instant, self._clocks.monotonic()
        if not airing.is_current(*due):
            await self._worked_out(airing, partial(airing.renew, *due))
            instant = self._clocks.now()
        segment, before = airing.segment(instant), self.segment
        self.segment = segment
        if await self._rests(airing, segment):
            return
        on = self.on
        lost = on is None or (on.since is None and self._clocks.monotonic() - on.given > _LOST_S)
        cut_in = before is not None and segment.key != before.key and segment.interrupts(before)
        if on is None or lost or cut_in:
            await self._show_next()
        elif on.since is not None and not self._next_stands(airing):
            await self._queue_next()

    async def _rests(self, airing: Airing, segment: Segment) -> bool:
        """Have the panel be as its hours say; while it is off nothing plays, but a release on trial."""
        hours = panel_hours(airing.generation.manifest, segment, airing.emergencies, self._clocks.read())
        self.until = min((instant for instant in (segment.until, hours.until) if instant), default=None)
        self._panel.want(on=hours.on)
        rests = not hours.on and not self._panel.lit and self.judge is None
        if rests and not self.resting:
            self.on = self._next = None
            await self._engine.slate()
        self.resting = rests
        return rests

    async def adopt(self, generation: Generation | None) -> None:
        """Play a generation; one that plays already goes on, and none at all is the slate."""
        now, dates = self._clocks.now(), self._clocks.dates()
        if generation and self.airing and self.airing.generation.ref.digest == generation.ref.digest:
            if self.airing.generation.files.keys() != generation.files.keys():  # Clips that were lost are back.
                make = partial(Airing, generation, now, before=self.airing, dates=dates)
                self.airing = await self.work.do(make, heavy=is_heavy(generation.manifest))
            self.airing.generation = generation
            return
        heavy = generation is not None and is_heavy(generation.manifest)
        airing = await self.work.do(partial(make_airing, generation, now, self.airing, dates), heavy=heavy)
        if airing:
            await self.switch(airing)
        else:
            self.airing = self.segment = self.on = self._next = self.until = None
            self.resting = False
            await self._engine.slate()

    async def switch(self, airing: Airing) -> None:
        """Go over to a generation: at once, but a clip on screen that is on the air in it too plays to its end."""
        before, self.airing = self.segment, airing
        segment = self.segment = airing.segment(self._clocks.now())
        await self._engine.rotate(airing.degrees)
        if await self._rests(airing, segment):
            return
        on = self.on
        stays = on is not None and on.since is not None and not segment.interrupts(before)
        on_air = await self._worked_out(airing, partial(airing.on_air, self._clocks.now()))
        if on is not None and stays and any(clip.sha256 == on.choice.clip.sha256 for clip in on_air):
            await self._queue_next()
        else:
            await self._show_next()

    def remaining(self) -> timedelta:
        """How long the clip on screen will still be there."""
        on = self.on
        if on is None:
            return timedelta(0)
        passed = 0.0 if on.since is None else self._clocks.monotonic() - on.given
        return timedelta(seconds=max(0.0, on.choice.clip.duration / 1000 - passed))

    async def refuse(self, airing: Airing, faults: Sequence[tuple[Clip, Fault]]) -> None:
        """Clips were found off screen not to play: set them aside until their files are replaced."""
        clips = [clip for clip, _ in faults]
        await self._worked_out(airing, partial(airing.refuse_all, clips, self._clocks.now()))
        for clip, fault in faults:
            self._faults.refused(clip, fault)

    async def started(self, event: Started) -> None:
        """A clip's frames are seen to advance."""
        clip = event.clip
        self._promote(clip)
        on = self.on
        if on is None or on.choice.clip is not clip:
            return
        on.given, on.since = self._clocks.monotonic(), self._clocks.now() - timedelta(milliseconds=event.ago)
        self._memory.remember(on.choice.play, on.given, counted=on.choice.is_capped)
        if self.judge and on.airing is self.airing:
            self.judge.started()
        if self._next is None:
            await self._queue_next()

    async def ended(self, event: Ended) -> None:
        """A clip left the screen; the one that was queued is on it."""
        on = self.on
        if self._next and event.clip is self._next.clip:
            self._promote(event.clip)
            on = self.on
        if on is None or event.clip is not on.choice.clip:
            return
        if event.how == "error":
            await self._blame(on, event.reason)
        else:
            on.airing.played_well(event.clip)
        if self._next:
            self._promote(self._next.clip)
            await self._queue_next()
        else:
            self.on = None
            await self._show_next()

    async def died(self, event: Died) -> None:
        """The engine starts again by itself; a clip that kills it twice is not tried a third time."""
        self._next = None
        on = self.on
        if self.judge:
            self.judge.died(event.reason, blind=event.blind)
        if on is None:
            return
        on.given, on.since = self._clocks.monotonic(), None
        if event.blind:
            return
        on.crashes += 1
        if on.crashes < _CRASHES:
            await self._engine.show(on.choice.clip)
            return
        await self._blame(on, f"{on.choice.clip.video} stops the engine: {event.reason}")
        self.on = None
        await self._show_next()

    async def _show_next(self) -> None:
        """Cut to the next clip, or to the slate when nothing can play."""
        airing = self.airing
        if airing is None:
            return
        choice = airing.choose(self._memory.history, self._clocks.now())
        if choice is None:
            await self._show_slate(airing)
            return
        self.on = Showing(choice, airing, self._clocks.monotonic())
        self._next = None
        await self._engine.show(choice.clip)
        await self._queue_next()

    async def _show_slate(self, airing: Airing) -> None:
        if self.on is not None or self._engine.health().state != "slate":
            self.on = self._next = None
            await self._engine.slate()
        if (judge := self.judge) is None:
            return
        if await self._worked_out(airing, partial(airing.on_air, self._clocks.now())):
            judge.nothing_plays("none of its clips on the air plays on this device")
        else:
            judge.nothing_on_air()

    async def _queue_next(self) -> None:
        """Choose what follows the clip on screen, for the instant at which it will follow."""
        airing, on = self.airing, self.on
        if airing is None or on is None:
            return
        history = self._memory.history if on.since else self._memory.history.after(on.choice.play)
        choice = self._next = airing.choose(history, self._clocks.now() + self.remaining())
        if choice is None:
            return
        await self._engine.queue(choice.clip)

        async def found(fault: Fault) -> None:
            async with self._lock:
                await self.refuse(airing, [(choice.clip, fault)])
                if self._next is choice:
                    await self._queue_next()

        self._faults.verify(choice.clip, found)

    def _next_stands(self, airing: Airing) -> bool:
        """Whether the queued clip is from what will be on the air when it starts."""
        starts = self._clocks.now() + self.remaining()
        return self._next is not None and airing.segment(starts).key == self._next.segment.key

    def _promote(self, clip: Clip) -> None:
        """The queued clip's turn has come."""
        if self._next and self._next.clip is clip and self.airing:
            self.on = Showing(self._next, self.airing, self._clocks.monotonic())
            self._next = None

    async def _worked_out(self, airing: Airing, work: Callable[[], T]) -> T:
        return await self.work.do(work, heavy=is_heavy(airing.generation.manifest))

    async def _blame(self, on: Showing, reason: str) -> None:
        """A clip could not be shown: set it aside for a while, since the fault may have been the moment's."""
        clip, airing = on.choice.clip, self.airing
        self._faults.diagnose(clip, reason)
        if airing is None or not airing.holds(clip.video, clip.sha256):
            return
        refuse = partial(airing.refuse, clip, self._clocks.now(), parole_from=self._clocks.monotonic())
        await self._worked_out(airing, refuse)
        if self.judge and on.airing is airing:
            self.judge.failed(clip, reason)
            if airing.choose(self._memory.history, self._clocks.now()) is None:
                self.judge.nothing_plays(reason)
