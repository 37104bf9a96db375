"""One player at work: playback first, then looking for releases, reporting, and what else goes on beside it."""

import asyncio
import logging
import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from avtech_player._light import trim
from avtech_player._retry_after import asked_pause
from avtech_player.api_token import ensure_token
from avtech_player.assembly import Player, assemble
from avtech_player.config import Address, Config
from avtech_player.engine import Fault
from avtech_player.logs import screen_log
from avtech_player.outcome import Outcome, OutcomeKind, UnseenError
from avtech_player.plays import Journal
from avtech_player.polling import first_look, next_look
from avtech_player.ports import Clip
from avtech_player.pulse import Pulse, Signs, answers, describe, take_pulse
from avtech_player.store import Store
from avtech_schema.errors import AvtechError

SETTLED_SECONDS = 60.0
"""A start that lasted this long was none to count, whether or not there was anything to show."""
_SLATE_SECONDS = 20.0
_PICTURE_SECONDS = 0.1
_HEALTH_SECONDS = 5.0
_REPORTS_APART_SECONDS = 0.3
_FIRST_UPLOAD_SECONDS = 300.0
_SIGHT_SECONDS = 0.5
_API_RETRY_SECONDS = 60.0
_UPLOAD_RETRY_SECONDS = 60.0
_TRIM_SECONDS = 3600.0


class Running:
    """One player's loops."""

    def __init__(self, config: Config, environment: Mapping[str, str], wake: asyncio.Event) -> None:
        self._player: Player = assemble(config, environment, self._on_fault)
        self._log = screen_log("daemon", config.screen)
        self._environment = environment
        self._wake = wake
        self._refetching: set[asyncio.Task[None]] = set()
        self._answered = asyncio.get_running_loop().time()
        self._started = False
        self._looked = asyncio.Event()

    async def run(self) -> None:
        """Play, look, report, until cancelled."""
        updater, config = self._player.updater, self._player.config
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._player.playback.run())
                await updater.start()
                self._started = True
                group.create_task(self._look())
                group.create_task(self._report())
                group.create_task(self._settle())
                group.create_task(self._player.upkeep.run())
                self._keep_journal(group)
                if config.api is not None:
                    group.create_task(self._offer_api(config.api))
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from failures
        except asyncio.CancelledError:
            await updater.stopped()
            raise
        finally:
            updater.stop()
            for task in self._refetching:
                task.cancel()
            await self._close_journal()

    def pulse(self) -> Pulse:
        """How this player is now."""
        player, now = self._player, asyncio.get_running_loop().time()
        engine, blindness = player.playback.health(), player.playback.blindness()
        if not self._started or answers(engine, blindness):
            self._answered = now
        updater = player.updater
        text = describe(updater.state, updater.sync_state, player.playback.now(), engine, updater.last_error)
        pulse = take_pulse(Signs(player.playback.beat, engine, blindness, self._answered), now, text)
        return pulse if self._started else replace(pulse, shown=False)

    async def _look(self) -> None:
        failures, plays = 0, self._player.updater.state.good is not None
        await _wait(self._wake, first_look(self._player.config.poll_seconds, plays=plays, chance=random.random()))  # noqa: S311
        while True:
            outcome = await self._step()
            self._looked.set()
            failures = failures + 1 if outcome.kind is OutcomeKind.FAILED else 0
            pause = await self._pause(self._player.store) if failures else 0.0
            delay = next_look(self._player.config.poll_seconds, failures=failures, chance=random.random(), pause=pause)  # noqa: S311
            await self._wait_for_look(delay, unseen=isinstance(outcome.error, UnseenError))
            self._wake.clear()

    async def _wait_for_look(self, delay: float, *, unseen: bool) -> None:
        """Wait until it is time to look again, or until a release that could not be shown can be."""
        deadline = asyncio.get_running_loop().time() + delay
        while (left := deadline - asyncio.get_running_loop().time()) > 0:
            if await _wait(self._wake, min(left, _SIGHT_SECONDS) if unseen else left):
                return
            if unseen and self._player.playback.health().state in ("playing", "slate"):
                return

    async def _step(self) -> Outcome:
        try:
            return await self._player.updater.step()
        except Exception as error:  # noqa: BLE001  a bug in updating must not stop playback
            self._log.error("looking for a release failed: %s: %s", type(error).__name__, error)
            self._log.debug("the failure was", exc_info=error)
            return Outcome(OutcomeKind.FAILED)

    async def _report(self) -> None:
        """Report at every change, and every so often without one; what the store did not take is said again."""
        player, failures = self._player, 0
        while True:
            player.updater.changed.clear()
            health = player.playback.health()
            if player.chronicle is not None:
                player.chronicle.look()
            try:
                await player.reporter.report(player.updater, player.playback)
                failures = 0
            except AvtechError as error:
                failures += 1
                self._log.log(logging.WARNING if failures == 1 else logging.DEBUG, "the report was not taken: %s", error)
            base = player.config.report_seconds if failures == 0 else min(30.0, player.config.report_seconds)
            await asyncio.sleep(_REPORTS_APART_SECONDS)  # Changes that come together are told together.
            pause = await self._pause(player.reporter.store) if failures else 0.0
            left = next_look(base, failures=failures, chance=random.random(), pause=pause)  # noqa: S311
            if pause > 0:
                await asyncio.sleep(left)
                continue
            while left > 0 and player.playback.health() == health:
                if await _wait(player.updater.changed, min(left, _HEALTH_SECONDS)):
                    break
                left -= _HEALTH_SECONDS

    def _keep_journal(self, group: asyncio.TaskGroup) -> None:
        journal, chronicle = self._player.journal, self._player.chronicle
        if journal is None or chronicle is None:
            return
        chronicle.started()
        self._player.updater.listen(chronicle.look)
        group.create_task(journal.run())
        group.create_task(self._upload(journal))

    async def _close_journal(self) -> None:
        if self._player.journal is not None and self._player.chronicle is not None:
            self._player.chronicle.stopped()
            await self._player.journal.close()

    async def _upload(self, journal: Journal) -> None:
        """Bring proof of play to the store, soon after the start and then every so often."""
        base, failures = self._player.config.plays_upload_seconds, 0
        await asyncio.sleep(min(base, _FIRST_UPLOAD_SECONDS) * random.random())  # noqa: S311
        while True:
            try:
                await journal.upload()
                failures = 0
            except AvtechError as error:
                failures += 1
                self._log.log(logging.WARNING if failures == 1 else logging.DEBUG, "proof of play is not uploaded: %s", error)
            pause = await self._pause(self._player.reporter.store) if failures else 0.0
            retry = min(base, _UPLOAD_RETRY_SECONDS) if failures else base
            await asyncio.sleep(next_look(retry, failures=failures, chance=random.random(), pause=pause))  # noqa: S311

    async def _pause(self, store: Store) -> float:
        """For how many seconds a store that just failed for having too much to do asks to be left alone."""
        return await asked_pause(store.tally.busy_at, self._environment) if store.tally.busy_at else 0.0

    async def _offer_api(self, address: Address) -> None:
        """Serve the local API; what keeps it from listening is told once, and tried again."""
        from avtech_player.api import Api, Surface

        told = False
        while True:
            try:
                token = await asyncio.to_thread(ensure_token, self._player.config.state_dir)
                api = Api(Surface(self._player, self._wake.set, datetime.now(UTC)), token)
                await api.start(address.host, address.port)
                break
            except (OSError, AvtechError) as error:
                self._log.log(logging.DEBUG if told else logging.WARNING, "the local API is not there: %s", error)
                told = True
                await asyncio.sleep(_API_RETRY_SECONDS)
        try:
            await asyncio.Event().wait()
        finally:
            await api.stop()

    async def _settle(self) -> None:
        """See that what the start showed first comes on screen; until then a crash speaks against it.

        A slate that shows out of doubt is there for the store to be asked: it goes as soon as that is done.
        """
        updater, loop = self._player.updater, asyncio.get_running_loop()
        doubted = True
        while doubted:
            until = loop.time() + (_SLATE_SECONDS if updater.shows_slate else SETTLED_SECONDS)
            while self._player.playback.now() is None and loop.time() < until:
                if updater.shows_slate and self._looked.is_set():
                    break
                await asyncio.sleep(_PICTURE_SECONDS)
            doubted = await updater.settle()
        await asyncio.sleep(SETTLED_SECONDS)
        while True:
            trim()
            await asyncio.sleep(_TRIM_SECONDS)

    def _on_fault(self, clip: Clip, fault: Fault) -> None:
        """Playback skipped a clip: say so, and see whether the disk is to blame."""
        self._player.updater.note_fault(fault.reason)
        task = asyncio.get_running_loop().create_task(self._player.updater.refetch(clip.video))
        self._refetching.add(task)
        task.add_done_callback(self._refetching.discard)


async def _wait(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event for at most so long; whether it came."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
