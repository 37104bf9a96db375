"""From a release in the store to a release on the screen, one persisted step after another (DESIGN section 5)."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from functools import partial

from avtech_player import state as states
from avtech_player._writing import to_its_end
from avtech_player.clock import spell
from avtech_player.durable import DiskError
from avtech_player.fetching import Fetcher
from avtech_player.generations import IncompleteError
from avtech_player.logs import screen_log
from avtech_player.outcome import Outcome, OutcomeKind, Troubles, UnseenError
from avtech_player.parts import Parts
from avtech_player.ports import Generation, Stage
from avtech_player.recovery import recover_state
from avtech_player.space import Idle
from avtech_player.state import Opening, Phase, PlayerState, Transition
from avtech_player.statefile import save_state
from avtech_player.store import StoreError
from avtech_player.trial import TRIAL_SECONDS, judge
from avtech_schema.errors import AvtechError, ManifestRejectedError
from avtech_schema.identifiers import DurationMs, Sha256, VideoId
from avtech_schema.manifest import Asset
from avtech_schema.report import ReleaseRef, SyncState

__all__ = ["TRIAL_SECONDS", "Outcome", "OutcomeKind", "Parts", "Updater"]


class Updater:
    """Brings one screen to its desired release. All methods belong to one event loop; blocking work runs in threads."""

    def __init__(
        self,
        parts: Parts,
        stage: Stage,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        trial_seconds: float = TRIAL_SECONDS,
    ) -> None:
        self._parts = parts
        self._log = screen_log("sync", parts.screen)
        self._stage = stage
        self._monotonic = monotonic
        self._trial_seconds = trial_seconds
        self._stop = threading.Event()
        self._fetcher = Fetcher(parts.client, parts.screen, parts.store, parts.library, self._stop)
        self._state = PlayerState()
        self._verified_at = monotonic()
        self._damaged = self._unsettled = False
        self._busy = asyncio.Lock()
        self._saving = asyncio.Lock()
        self.troubles = Troubles()
        self._listeners: list[Callable[[], None]] = []
        self.changed = asyncio.Event()
        self.looked: datetime | None = None
        """When the store was last asked, and answered what holds."""
        self.faults = 0
        """How many clips did not play since the start."""

    @property
    def state(self) -> PlayerState:
        """The state as it is persisted (or, where the disk refused, as it should be)."""
        return self._state

    @property
    def last_error(self) -> str | None:
        """What failed last and has not succeeded since: reaching the release, writing it down, or showing a clip of it."""
        return self.troubles.last(self._stage.blindness())

    @property
    def sync_state(self) -> SyncState:
        """How what the screen shows relates to what it is meant to show."""
        return states.sync_state(self._state, self.troubles.hindering(self._stage.blindness()))

    async def load(self) -> None:
        """Read the state, without counting a start.

        Raises:
            DiskError: the disk cannot be read.
        """
        self._state = await asyncio.to_thread(recover_state, self._parts.directory, self._parts.library)

    async def start(self) -> None:
        """Read the state and play what it calls good: at once, from the disk, without the network."""
        try:
            await self.load()
        except DiskError as error:
            self._complain(error)
        self._unsettled = True
        await self._commit_anyway(partial(states.started, time=self._now()))
        try:
            await self._stage.play(await self._first())
        except DiskError as error:
            self._complain(error)
            await self._stage.play(None)

    @property
    def shows_slate(self) -> bool:
        """Whether the slate shows because nothing else did, start after start."""
        return states.opening(self._state) is Opening.SLATE and self._state.good is not None

    async def settle(self) -> bool:
        """Something is on screen, or the player lives on without: this start was none to count.

        After a slate that was shown out of doubt, something is played again, and whether that shows is asked anew: True.
        """
        doubted = self.shows_slate
        await self._commit_anyway(states.settled)
        self._unsettled = doubted
        if doubted:
            async with self._busy:
                await self._stage.play(await self._first())
        return doubted

    async def stopped(self) -> None:
        """The player ends because it was asked to."""
        if self._unsettled:
            await self._commit_anyway(states.stopped)

    def listen(self, told: Callable[[], None]) -> None:
        """Call `told` after every change that is worth a report."""
        self._listeners.append(told)

    def stop(self) -> None:
        """Have a fetch under way give up soon; what it got is kept."""
        self._stop.set()

    async def prepare(self) -> Outcome:
        """Look for a release and fetch it to the disk; its trial is left to `step`, telling what failed to the caller."""
        async with self._busy:
            return await self._guarded(partial(self._advance, trial=False))

    async def step(self) -> Outcome:
        """Look for a release, fetch it, try it, and keep it or roll it back."""
        async with self._busy:
            return self._told(await self._guarded(partial(self._advance, trial=True)))

    async def refetch(self, video: VideoId) -> None:
        """A clip of the good release would not play: read it anew; if the disk damaged it, it is fetched again."""
        await self._mend(partial(self._distrust, video))

    async def assets(self) -> tuple[Asset, ...]:
        """The clips that the good release and the one before it need, each once.

        Raises:
            DiskError: the disk cannot be read.
        """
        found: dict[Sha256, Asset] = {}
        for ref in filter(None, (self._state.good, self._state.previous)):
            manifest = await asyncio.to_thread(self._parts.library.manifest, ref.digest)
            for asset in manifest.assets.values() if manifest else ():
                found.setdefault(asset.sha256, asset)
        return tuple(found.values())

    async def repair(self, asset: Asset) -> None:
        """A clip was found damaged on the disk: read it once more; it is removed, and fetched again, if it is."""
        await self._mend(partial(self._repair, asset))

    async def remove_idle(self, *, unused_since: datetime, only_tell: bool) -> list[Idle]:
        """Remove clips that no kept release needs, nor any did since an instant; with `only_tell` they stay.

        Raises:
            DiskError: the disk refused.
        """
        async with self._busy:
            remove = partial(self._parts.library.remove_idle, self.kept(), unused_since=unused_since, only_tell=only_tell)
            return await asyncio.to_thread(remove)

    def note_fault(self, reason: str) -> None:
        """A clip of what plays would not play; it is remembered for the report until another release plays."""
        self.faults += 1
        if reason != self.troubles.clip:
            self.troubles.clip = reason
            self._ring()

    async def next_report(self) -> int:
        """The next report's sequence. It rises across restarts, and, by the clock, even when the state was lost."""
        await self._commit_anyway(partial(states.report_numbered, least=round(self._parts.clock.now().timestamp() * 1000)))
        return self._state.report_sequence

    async def _mend(self, work: Callable[[], Awaitable[Outcome]]) -> None:
        async with self._busy:
            outcome = await self._guarded(work)
            if outcome.error is not None:
                self._told(outcome)

    async def _guarded(self, work: Callable[[], Awaitable[Outcome]]) -> Outcome:
        try:
            return await work()
        except AvtechError as error:
            return Outcome(OutcomeKind.FAILED, self._state.candidate, error)

    async def _advance(self, *, trial: bool) -> Outcome:
        learned: AvtechError | None = None
        try:
            await self._learn()
        except AvtechError as error:
            learned = error
        if self._state.candidate is None:
            if learned is None and self._damaged:
                await self._heal()
            return Outcome(OutcomeKind.FAILED if learned else OutcomeKind.UNCHANGED, self._state.desired, learned)
        if learned is not None and not self._may_try_without(learned):
            await self._commit_anyway(states.attempt_failed)
            return Outcome(OutcomeKind.FAILED, self._state.candidate, learned)
        outcome = await self._bring(self._state.candidate, trial=trial)
        return replace(outcome, error=outcome.error or learned)

    def _may_try_without(self, learned: AvtechError) -> bool:
        """Whether the candidate may be tried although the store could not be asked: it lies here, and has not expired."""
        expiry = self._parts.trust.floor.expiry
        valid = expiry is not None and self._parts.clock.now() < expiry
        return valid and isinstance(learned, StoreError) and self._state.phase in (Phase.STAGED, Phase.TRIAL)

    async def _learn(self) -> None:
        """Ask the store what this screen is meant to show; a release that is new becomes the candidate."""
        checked = await asyncio.to_thread(self._parts.trust.check)
        self.looked = self._parts.clock.now()
        before = self._state.candidate
        await self._commit(partial(states.desires, ref=checked.ref))
        candidate = self._state.candidate
        if candidate is not None and (before is None or before.digest != candidate.digest):
            self._verified_at = self._monotonic()
            self._log.info("release %s is wanted: manifest %s", _name(candidate), candidate.digest[:12])

    async def _bring(self, ref: ReleaseRef, *, trial: bool) -> Outcome:
        """Fetch the candidate unless it is staged, and try it."""
        if (generation := await self._staged(ref)) is None:
            try:
                await self._commit(states.fetching)
                await asyncio.to_thread(self._fetcher.fetch, ref, keep=self._vital(), spare=self.kept())
                generation = await asyncio.to_thread(self._parts.library.generation, ref)
            except ManifestRejectedError as error:
                return await self._refuse(ref, f"the manifest is rejected: {error}")
            except AvtechError:
                await self._commit_anyway(states.attempt_failed)
                raise
            await self._commit(states.staged)
        return await self._try(generation) if trial else Outcome(OutcomeKind.STAGED, ref)

    async def _staged(self, ref: ReleaseRef) -> Generation | None:
        """The candidate, if it lies complete on the disk as its phase says."""
        if self._state.phase not in (Phase.STAGED, Phase.TRIAL):
            return None
        try:
            return await asyncio.to_thread(self._parts.library.generation, ref)
        except IncompleteError as error:
            self._log.warning("%s; it is fetched again", error)
            return None

    async def _try(self, generation: Generation) -> Outcome:
        """Put the candidate on the screen; keep it if it shows, go back if it does not."""
        ref = generation.ref
        await self._commit(states.trial_begins)
        try:
            result = await judge(self._stage, generation, self._log, within=self._trial_seconds)
        except asyncio.CancelledError:
            await asyncio.shield(self._commit_anyway(states.trial_interrupted))
            raise
        if result.unseen:
            await self._commit_anyway(states.trial_interrupted)
            await self._stage.play(await self._first())
            return Outcome(OutcomeKind.FAILED, ref, UnseenError(result.reason))
        if not result.good:
            outcome = await self._refuse(ref, result.reason or "the trial failed")
            await self._stage.play(await self._first())
            return outcome
        await asyncio.to_thread(self._parts.library.prove, ref)
        took = DurationMs(max(0, round((self._monotonic() - self._verified_at) * 1000)))
        await self._commit(partial(states.trial_passed, took=took))
        self._damaged, self.troubles.clip, self.troubles.doubt = False, None, None
        self._log.info("release %s plays", _name(ref))
        try:
            await asyncio.to_thread(self._parts.library.clean, self.kept(), now=self._parts.clock.now())
        except DiskError as error:
            self._log.warning("cleaning up: %s", error)
        return Outcome(OutcomeKind.APPLIED, ref)

    async def _refuse(self, ref: ReleaseRef, reason: str) -> Outcome:
        self._log.error("release %s is refused: %s", _name(ref), reason)
        await self._commit_anyway(partial(states.candidate_failed, reason=reason, time=self._now()))
        return Outcome(OutcomeKind.REFUSED, ref, ManifestRejectedError(reason))

    async def _first(self) -> Generation | None:
        """What to play without a release on trial: of the good release whatever is whole, else the previous one."""
        self.troubles.doubt = states.doubt(self._state)
        if self.troubles.doubt:
            self._log.error("%s", self.troubles.doubt)
        opening, previous = states.opening(self._state), self._state.previous
        if opening is Opening.SLATE:
            return None
        if opening is Opening.PREVIOUS and previous and (generation := await self._salvaged(previous)):
            return generation
        while (good := self._state.good) is not None:
            if (generation := await self._salvaged(good)) is not None:
                self._damaged = len(generation.files) < len(generation.manifest.assets)
                return generation
            self._log.error("nothing is left of the good release %d on the disk", good.sequence)
            await self._commit_anyway(states.good_lost)
        return None

    async def _salvaged(self, ref: ReleaseRef) -> Generation | None:
        return await asyncio.to_thread(self._parts.library.salvage, ref)

    async def _distrust(self, video: VideoId) -> Outcome:
        good = self._state.good
        manifest = await asyncio.to_thread(self._parts.library.manifest, good.digest) if good else None
        asset = manifest.assets.get(video) if manifest else None
        return await self._repair(asset) if asset else Outcome(OutcomeKind.UNCHANGED, good)

    async def _repair(self, asset: Asset) -> Outcome:
        if await asyncio.to_thread(self._parts.library.distrust, asset):
            self._log.warning("the clip %s is damaged on the disk: it is fetched again", asset.sha256[:12])
            self._damaged = True
            await self._heal()
            if (previous := self._state.previous) is not None:
                await asyncio.to_thread(self._fetcher.fetch, previous, keep=self.kept())
        return Outcome(OutcomeKind.UNCHANGED, self._state.good)

    async def _heal(self) -> None:
        """Fetch what is missing of the good release, and play it whole again."""
        if (good := self._state.good) is None:
            return
        await asyncio.to_thread(self._fetcher.fetch, good, keep=self._vital(), spare=self.kept())
        await self._stage.play(await asyncio.to_thread(self._parts.library.generation, good))
        self._damaged = False

    def kept(self) -> set[Sha256]:
        """The releases that clean-up must not touch."""
        refs = (self._state.good, self._state.previous, self._state.candidate)
        return {ref.digest for ref in refs if ref is not None}

    def _vital(self) -> set[Sha256]:
        """The releases whose clips are never removed: the good one and the one on its way."""
        return {ref.digest for ref in (self._state.good, self._state.candidate) if ref is not None}

    async def _commit(self, transition: Transition) -> None:
        """Persist a transition; only then is it the state, and only then may it be acted on."""
        async with self._saving:
            state = transition(self._state)
            if state == self._state:
                return
            await to_its_end(self._write(state))

    async def _write(self, state: PlayerState) -> None:
        await asyncio.to_thread(save_state, self._parts.directory, state)
        self.troubles.disk = None
        self._adopt(state)

    async def _commit_anyway(self, transition: Transition) -> None:
        """Persist a transition that must hold even when the disk refuses: until the next start it does."""
        before = self._state
        try:
            await self._commit(transition)
        except DiskError as error:
            self._complain(error)
            if self._state is before:
                self._adopt(transition(before))

    def _adopt(self, state: PlayerState) -> None:
        """A new state; one that is worth a report (counters alone are not) wakes whoever reports."""
        before, self._state = self._state, state
        if replace(state, report_sequence=before.report_sequence, starts=before.starts) != before:
            self._ring()

    def _ring(self) -> None:
        self.changed.set()
        for told in self._listeners:
            told()

    def _complain(self, error: AvtechError) -> None:
        """The disk refuses: say so, once."""
        if str(error) != self.troubles.disk:
            self.troubles.disk = str(error)
            self._log.error("%s", error)
            self._ring()

    def _told(self, outcome: Outcome) -> Outcome:
        """Log a failure, and remember it for the report until an attempt succeeds."""
        error = None if outcome.error is None or outcome.kind is OutcomeKind.REFUSED else str(outcome.error)
        if error != self.troubles.release:
            self.troubles.release = error
            self._ring()
            if error is not None:
                self._log.warning("%s", error)
        return outcome

    def _now(self) -> str:
        return spell(self._parts.clock.now())


def _name(ref: ReleaseRef) -> str:
    """A release as people know it."""
    return f"{ref.sequence} (commit {ref.commit[:12]})"
