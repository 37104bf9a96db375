"""From a release in the store to a release on the screen, one persisted step after another (DESIGN section 5)."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from functools import partial

from avtech_player import state as states
from avtech_player.clock import spell
from avtech_player.durable import DiskError
from avtech_player.fetching import Fetcher
from avtech_player.generations import IncompleteError
from avtech_player.keeping import Keeping
from avtech_player.logs import release_name, screen_log
from avtech_player.opening import Opener
from avtech_player.outcome import Outcome, OutcomeKind, Troubles, UnseenError
from avtech_player.parts import Parts
from avtech_player.ports import Generation, Stage
from avtech_player.recovery import recover_state
from avtech_player.space import Idle
from avtech_player.state import Opening, Phase, PlayerState
from avtech_player.store import StoreError
from avtech_player.system import boot_id
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
        boot: str | None = None,
    ) -> None:
        self._parts = parts
        self._boot = boot_id() if boot is None else boot
        self._log = screen_log("sync", parts.screen)
        self._stage = stage
        self._monotonic = monotonic
        self._trial_seconds = trial_seconds
        self._stop = threading.Event()
        self._fetcher = Fetcher(parts.client, parts.screen, parts.store, parts.library, self._stop)
        self._keeping = Keeping(parts.directory, self._log)
        self._opener = Opener(self._keeping, parts.library, self._log)
        self._verified_at = monotonic()
        self._damaged = self._unsettled = self._dark = False
        self._busy = asyncio.Lock()
        self._on_stage = asyncio.Lock()
        self._reserve: Generation | None = None
        self.looked: datetime | None = None
        """When the store was last asked, and answered what holds."""
        self.faults = 0
        """How many clips did not play since the start."""

    @property
    def state(self) -> PlayerState:
        """The state as it is persisted (or, where the disk refused, as it should be)."""
        return self._keeping.state

    @property
    def troubles(self) -> Troubles:
        """What failed last and has not succeeded since."""
        return self._keeping.troubles

    @property
    def changed(self) -> asyncio.Event:
        """Set when something is worth a report."""
        return self._keeping.changed

    @property
    def last_error(self) -> str | None:
        """What failed last and has not succeeded since: reaching the release, writing it down, or showing a clip of it."""
        return self._keeping.troubles.last(self._stage.blindness())

    @property
    def sync_state(self) -> SyncState:
        """How what the screen shows relates to what it is meant to show."""
        return states.sync_state(self._keeping.state, self._keeping.troubles.hindering(self._stage.blindness()))

    async def load(self) -> None:
        """Read the state, without counting a start.

        Raises:
            DiskError: the disk cannot be read.
        """
        self._keeping.state = await asyncio.to_thread(recover_state, self._parts.directory, self._parts.library)

    async def start(self) -> None:
        """Read the state and play what it calls good: at once, from the disk, without the network."""
        try:
            await self.load()
        except DiskError as error:
            self._keeping.complain(error)
        self._unsettled = True
        await self._keeping.commit_anyway(partial(states.started, time=self._now(), boot=self._boot))
        try:
            generation = await self._first()
        except DiskError as error:
            self._keeping.complain(error)
            generation = None
        self._dark = generation is None and not self.shows_slate
        if self.shows_slate:
            self._reserve = await self._opener.after_slate()
        await self._stage.play(generation)

    @property
    def shows_slate(self) -> bool:
        """Whether the slate shows because nothing else did, start after start."""
        return states.opening(self._keeping.state) is Opening.SLATE and self._keeping.state.good is not None

    async def settle(self) -> bool:
        """Something is on screen, or the player lives on without: this start was none to count.

        After a slate that was shown out of doubt, something is played again, and whether that shows is asked anew: True.
        """
        doubted, good = self.shows_slate, self._keeping.state.good
        await self._keeping.commit_anyway(states.settled)
        self._unsettled = doubted
        if doubted:
            self._opener.note_doubt()
            async with self._on_stage:
                if self._keeping.state.good == good:
                    await self._stage.play(self._reserve)
        return doubted

    async def stopped(self) -> None:
        """The player ends because it was asked to."""
        if self._unsettled:
            await self._keeping.commit_anyway(states.stopped)

    def listen(self, told: Callable[[], None]) -> None:
        """Call `told` after every change that is worth a report."""
        self._keeping.listen(told)

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
        for ref in filter(None, (self._keeping.state.good, self._keeping.state.previous)):
            manifest = await asyncio.to_thread(self._parts.library.manifest, ref.digest)
            for asset in manifest.assets.values() if manifest else ():
                found.setdefault(asset.sha256, asset)
        return tuple(found.values())

    async def repair(self, asset: Asset) -> None:
        """A clip was found damaged on the disk: read it once more; it is removed, and fetched again, if it is."""
        await self._mend(partial(self._repair, asset))

    async def restore(self, ref: ReleaseRef) -> None:
        """A release's manifest was found damaged on the disk: it is fetched again, with what else of it is missing."""
        await self._mend(partial(self._restore, ref))

    async def remove_idle(self, *, unused_since: datetime, only_tell: bool) -> list[Idle]:
        """Remove clips that no kept release needs, nor any did since an instant; with `only_tell` they stay.

        Raises:
            DiskError: the disk refused.
        """
        async with self._busy:
            remove = partial(self._parts.library.remove_idle, self.kept(), unused_since=unused_since, only_tell=only_tell)
            return await asyncio.to_thread(remove)

    async def tidy(self) -> None:
        """Remove what no kept release needs, nor any did for as long as clips are retained.

        Raises:
            DiskError: the disk refused.
        """
        async with self._busy:
            await asyncio.to_thread(self._parts.library.clean, self.kept(), now=self._parts.clock.now())

    def note_fault(self, reason: str) -> None:
        """A clip of what plays would not play; it is remembered for the report until another release plays."""
        self.faults += 1
        if reason != self._keeping.troubles.clip:
            self._keeping.troubles.clip = reason
            self._keeping.ring()

    async def next_report(self) -> int:
        """The next report's sequence. It rises across restarts, and, by the clock, even when the state was lost."""
        await self._keeping.commit_anyway(
            partial(states.report_numbered, least=round(self._parts.clock.now().timestamp() * 1000))
        )
        return self._keeping.state.report_sequence

    async def _mend(self, work: Callable[[], Awaitable[Outcome]]) -> None:
        async with self._busy:
            outcome = await self._guarded(work)
            if outcome.error is not None:
                self._told(outcome)

    async def _guarded(self, work: Callable[[], Awaitable[Outcome]]) -> Outcome:
        """Do something, and once more if the disk refused and what is not needed could be given back."""
        outcome = await self._caught(work)
        if isinstance(outcome.error, DiskError) and await self._relieve():
            outcome = await self._caught(work)
        return outcome

    async def _caught(self, work: Callable[[], Awaitable[Outcome]]) -> Outcome:
        try:
            return await work()
        except AvtechError as error:
            return Outcome(OutcomeKind.FAILED, self._keeping.state.candidate, error)

    async def _relieve(self) -> bool:
        """Something filled the disk: give back what is not needed. Whether that may help."""
        try:
            return await asyncio.to_thread(self._parts.library.relieve, self.kept())
        except DiskError:
            return False

    async def _advance(self, *, trial: bool) -> Outcome:
        if self._dark and (generation := await self._first()) is not None:
            self._dark = False
            await self._stage.play(generation)
        learned: AvtechError | None = None
        try:
            await self._learn()
        except AvtechError as error:
            learned = error
        if self._keeping.state.candidate is None:
            if learned is None and self._damaged:
                await self._heal()
            return Outcome(OutcomeKind.FAILED if learned else OutcomeKind.UNCHANGED, self._keeping.state.desired, learned)
        if learned is not None and not self._may_try_without(learned):
            await self._keeping.commit_anyway(states.attempt_failed)
            return Outcome(OutcomeKind.FAILED, self._keeping.state.candidate, learned)
        outcome = await self._bring(self._keeping.state.candidate, trial=trial)
        return replace(outcome, error=outcome.error or learned)

    def _may_try_without(self, learned: AvtechError) -> bool:
        """Whether the candidate may be tried although the store could not be asked: it lies here, and has not expired."""
        expiry = self._parts.trust.floor.expiry
        valid = expiry is not None and self._parts.clock.now() < expiry
        return valid and isinstance(learned, StoreError) and self._keeping.state.phase in (Phase.STAGED, Phase.TRIAL)

    async def _learn(self) -> None:
        """Ask the store what this screen is meant to show; a release that is new becomes the candidate."""
        checked = await asyncio.to_thread(self._parts.trust.check)
        self.looked = self._parts.clock.now()
        before = self._keeping.state.candidate
        await self._keeping.commit(partial(states.desires, ref=checked.ref))
        candidate = self._keeping.state.candidate
        if candidate is not None and (before is None or before.digest != candidate.digest):
            self._verified_at = self._monotonic()
            self._log.info("release %s is wanted: manifest %s", release_name(candidate), candidate.digest[:12])

    async def _bring(self, ref: ReleaseRef, *, trial: bool) -> Outcome:
        """Fetch the candidate unless it is staged, and try it."""
        if (generation := await self._staged(ref)) is None:
            try:
                await self._keeping.commit(states.fetching)
                length = self._parts.trust.signed_length(ref.digest)
                await asyncio.to_thread(self._fetcher.fetch, ref, keep=self._vital(), spare=self.kept(), length=length)
                generation = await asyncio.to_thread(self._parts.library.generation, ref)
            except ManifestRejectedError as error:
                return await self._refuse(ref, f"the manifest is rejected: {error}")
            except AvtechError:
                await self._keeping.commit_anyway(states.attempt_failed)
                raise
            await self._keeping.commit(states.staged)
        if not trial:
            return Outcome(OutcomeKind.STAGED, ref)
        async with self._on_stage:
            return await self._try(generation)

    async def _staged(self, ref: ReleaseRef) -> Generation | None:
        """The candidate, if it lies complete on the disk as its phase says."""
        if self._keeping.state.phase not in (Phase.STAGED, Phase.TRIAL):
            return None
        try:
            return await asyncio.to_thread(self._parts.library.generation, ref)
        except IncompleteError as error:
            self._log.warning("%s; it is fetched again", error)
            return None

    async def _try(self, generation: Generation) -> Outcome:
        """Put the candidate on the screen; keep it if it shows, go back if it does not."""
        ref = generation.ref
        await self._keeping.commit(states.trial_begins)
        try:
            result = await judge(self._stage, generation, self._log, within=self._trial_seconds)
        except asyncio.CancelledError:
            await asyncio.shield(self._keeping.commit_anyway(states.trial_interrupted))
            raise
        if result.unseen:
            await self._keeping.commit_anyway(states.trial_interrupted)
            await self._stage.play(await self._first())
            return Outcome(OutcomeKind.FAILED, ref, UnseenError(result.reason))
        if not result.good:
            outcome = await self._refuse(ref, result.reason or "the trial failed")
            await self._stage.play(await self._first())
            return outcome
        await asyncio.to_thread(self._parts.library.prove, ref)
        took = DurationMs(max(0, round((self._monotonic() - self._verified_at) * 1000)))
        await self._keeping.commit(partial(states.trial_passed, took=took))
        self._damaged = self._dark = False
        self._keeping.troubles.clip = self._keeping.troubles.doubt = None
        self._log.info("release %s plays", release_name(ref))
        try:
            await asyncio.to_thread(self._parts.library.clean, self.kept(), now=self._parts.clock.now())
        except DiskError as error:
            self._log.warning("cleaning up: %s", error)
        return Outcome(OutcomeKind.APPLIED, ref)

    async def _refuse(self, ref: ReleaseRef, reason: str) -> Outcome:
        self._log.error("release %s is refused: %s", release_name(ref), reason)
        await self._keeping.commit_anyway(partial(states.candidate_failed, reason=reason, time=self._now()))
        return Outcome(OutcomeKind.REFUSED, ref, ManifestRejectedError(reason))

    async def _first(self) -> Generation | None:
        """What to play without a release on trial."""
        generation = await self._opener.first()
        if generation is not None and generation.ref == self._keeping.state.good:
            self._damaged = len(generation.files) < len(generation.manifest.assets)
        return generation

    async def _distrust(self, video: VideoId) -> Outcome:
        good = self._keeping.state.good
        manifest = await asyncio.to_thread(self._parts.library.manifest, good.digest) if good else None
        asset = manifest.assets.get(video) if manifest else None
        return await self._repair(asset) if asset else Outcome(OutcomeKind.UNCHANGED, good)

    async def _repair(self, asset: Asset) -> Outcome:
        if await asyncio.to_thread(self._parts.library.distrust, asset):
            self._log.warning("the clip %s is damaged on the disk: it is fetched again", asset.sha256[:12])
            self._damaged = True
            await self._heal()
            if (previous := self._keeping.state.previous) is not None:
                return await self._restore(previous)
        return Outcome(OutcomeKind.UNCHANGED, self._keeping.state.good)

    async def _restore(self, ref: ReleaseRef) -> Outcome:
        await asyncio.to_thread(self._fetcher.fetch, ref, keep=self.kept())
        return Outcome(OutcomeKind.UNCHANGED, self._keeping.state.good)

    async def _heal(self) -> None:
        """Fetch what is missing of the good release, and play it whole again."""
        if (good := self._keeping.state.good) is None:
            return
        await asyncio.to_thread(self._fetcher.fetch, good, keep=self._vital(), spare=self.kept())
        await self._stage.play(await asyncio.to_thread(self._parts.library.generation, good))
        self._damaged = False

    def kept(self) -> set[Sha256]:
        """The releases that clean-up must not touch."""
        refs = (self._keeping.state.good, self._keeping.state.previous, self._keeping.state.candidate)
        return {ref.digest for ref in refs if ref is not None}

    def _vital(self) -> set[Sha256]:
        """The releases whose clips are never removed: the good one and the one on its way."""
        return {ref.digest for ref in (self._keeping.state.good, self._keeping.state.candidate) if ref is not None}

    def _told(self, outcome: Outcome) -> Outcome:
        """Log a failure, and remember it for the report until an attempt succeeds."""
        error = None if outcome.error is None or outcome.kind is OutcomeKind.REFUSED else str(outcome.error)
        if error != self._keeping.troubles.release:
            self._keeping.troubles.release = error
            self._keeping.ring()
            if error is not None:
                self._log.warning("%s", error)
        return outcome

    def _now(self) -> str:
        return spell(self._parts.clock.now())
