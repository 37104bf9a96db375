"""The player's report: gathered from its parts, signed with the device key, kept for `status`, written to the store."""

import asyncio
import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner

from avtech_player.clock import TrustedClock, spell
from avtech_player.durable import DiskError
from avtech_player.generations import Library
from avtech_player.last_report import keep_report
from avtech_player.plays import Journal
from avtech_player.ports import Stage
from avtech_player.store import Store
from avtech_player.sync import Updater
from avtech_player.system import SystemProbe
from avtech_schema.envelope import seal
from avtech_schema.errors import AvtechError, ConfigurationError
from avtech_schema.identifiers import ByteSize, ClientId, ScreenId
from avtech_schema.layout import report_key
from avtech_schema.report import PAYLOAD_TYPE, Report, Spooled, Storage

_log = logging.getLogger("avtech.player.reports")
_MAX_ERROR = 1000
_QUARANTINE_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Reporter:
    """Says what the player does. `directory` is the state directory, `store` the one that reports go to.

    While there is no `key` (it raises ConfigurationError), reports are kept for `status` alone.
    """

    directory: Path
    client: ClientId
    screen: ScreenId
    key: Callable[[], Ed25519PrivateKey]
    store: Store
    library: Library
    clock: TrustedClock
    version: str
    journal: Journal | None = None
    probe: SystemProbe = field(default_factory=SystemProbe)

    async def report(self, updater: Updater, stage: Stage) -> Report:
        """Make a report, keep it for `status`, and write it to the store.

        Raises:
            StoreError: the store did not take it; the next report says it all again.
        """
        key = await asyncio.to_thread(self._find_key, updater)
        report = await self._gather(updater, stage)
        await asyncio.to_thread(self._send, report, key)
        return report

    def _find_key(self, updater: Updater) -> Ed25519PrivateKey | None:
        """The key; that there is none is told once."""
        before, troubles = updater.troubles.signing, updater.troubles
        try:
            key = self.key()
        except ConfigurationError as error:
            troubles.signing = f"reports cannot be signed: {error}"
            if troubles.signing != before:
                _log.error("%s", troubles.signing)
            return None
        troubles.signing = None
        return key

    async def _gather(self, updater: Updater, stage: Stage) -> Report:
        sequence = await updater.next_report()
        state = updater.state
        reading = self.clock.read()
        error = updater.last_error or (self.journal.trouble if self.journal else None)
        spooled = self.journal.stats if self.journal else None
        return Report(
            screen=self.screen,
            sequence=sequence,
            time=spell(reading.now),
            player=self.version,
            state=updater.sync_state,
            phase=state.phase.value,
            desired=state.desired,
            applied=state.good,
            last_error=error[:_MAX_ERROR] if error else None,
            quarantine=state.quarantine[-_QUARANTINE_SHOWN:],
            counters=state.counters,
            storage=await asyncio.to_thread(self._storage),
            system=self.probe.read(),
            engine=stage.health(),
            now_playing=stage.now(),
            clock_trusted=reading.trusted,
            plays=Spooled(spooled.waiting_segments, spooled.dropped) if spooled else None,
        )

    def _send(self, report: Report, key: Ed25519PrivateKey | None) -> None:
        payload = report.payload()
        try:
            keep_report(self.directory, payload)
        except DiskError as error:
            _log.warning("the report is not kept here: %s", error)
        if key is not None:
            self.store.write(report_key(self.client, self.screen), seal(payload, PAYLOAD_TYPE, CryptoSigner(key)))

    def _storage(self) -> Storage:
        try:
            usage = shutil.disk_usage(self.directory)
            return Storage(ByteSize(usage.total), ByteSize(usage.free), ByteSize(self.library.content_bytes()))
        except (OSError, AvtechError):
            return Storage(ByteSize(0), ByteSize(0), ByteSize(0))
