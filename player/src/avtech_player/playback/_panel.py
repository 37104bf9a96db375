"""The panel: switched on and off at its power hours by the operator's commands, and known to be dark only once they worked."""

import asyncio
import logging
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import datetime
from random import Random

from avtech_player.clock import Reading
from avtech_player.config import PowerCommand
from avtech_player.playback._command import run_command
from avtech_schema.airtime import Panel, Segment, panel
from avtech_schema.manifest import Manifest

COMMAND_S = 30.0
"""A command that takes longer has failed."""
_BASE_S = 2.0
_CAP_S = 300.0
_LOGGER = logging.getLogger("avtech.player.panel")


def panel_hours(manifest: Manifest, segment: Segment, emergencies: Collection[str], reading: Reading) -> Panel:
    """Whether the panel is to be on, and until when: in its hours, in an emergency, and while nobody knows the time."""
    if manifest.display.power is None or not reading.trusted:
        return Panel(on=True, until=None)
    hours = panel(manifest, reading.now)
    if hours.on or not any(share.rule in emergencies for share in segment.shares):
        return hours
    return Panel(on=True, until=_earlier(segment.until, hours.until))


class PanelSwitch:
    """Brings a panel to what is wanted of it, by commands; without commands it is always lit, as far as anybody knows.

    `changed` is called when a command worked or failed. One that worked is not repeated; one that failed is tried again after
    2 s, 4 s … 5 min; and one that runs is given up at once when the opposite is wanted.
    """

    def __init__(self, command: PowerCommand | None, changed: Callable[[], None], *, rng: Random | None = None) -> None:
        self._command = command
        self._changed = changed
        self._rng = rng or Random()  # noqa: S311  spreads retries, keeps no secret
        self._wanted: bool | None = None
        self._done: bool | None = None
        self._news = asyncio.Event()
        self.lit = True
        """False from when the command that turns it off worked until the one that turns it on did."""
        self.fault = ""
        """Why the last command failed; empty once it worked."""

    def want(self, *, on: bool) -> None:
        """Have the panel on, or off, from now on; returns at once."""
        if self._wanted is not on:
            self._wanted = on
            self._news.set()

    async def run(self) -> None:
        """Keep the panel as it is wanted until cancelled."""
        failures, tried = 0, None
        while self._command is not None:
            wanted = self._wanted
            self._news.clear()
            if wanted is None or wanted is self._done:
                await self._news.wait()
                continue
            self._done = None
            fault = await self._order(self._command.on if wanted else self._command.off)
            if fault is None:
                continue
            failures = failures + 1 if tried is wanted else 1
            tried = wanted if fault else None
            self._note(wanted, fault)
            if fault:
                await self._rest(retry_delay(failures, self._rng))

    async def _order(self, command: tuple[str, ...]) -> str | None:
        """Run a command; why it failed, nothing if it did not, and None when it was given up for something else."""
        running = asyncio.create_task(run_command(command, within=COMMAND_S))
        waiting = asyncio.create_task(self._news.wait())
        try:
            await asyncio.wait((running, waiting), return_when=asyncio.FIRST_COMPLETED)
            return running.result() if running.done() else None
        finally:
            running.cancel()
            waiting.cancel()
            await asyncio.gather(running, waiting, return_exceptions=True)

    def _note(self, wanted: bool, fault: str) -> None:  # noqa: FBT001  what was wanted is the state itself
        verb = "on" if wanted else "off"
        if fault:
            fault = f"the panel is not turned {verb}: {fault}"
            if fault != self.fault:
                _LOGGER.warning("%s", fault)
        else:
            self._done = self.lit = wanted
            _LOGGER.info("the panel was turned %s", verb)
        self.fault = fault
        self._changed()

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()


def retry_delay(failures: int, rng: Random) -> float:
    """Seconds to wait after so many failures in a row: doubling from 2 s, up to 5 minutes, give or take a quarter."""
    doubled = _BASE_S * float(2 ** min(failures - 1, 16))
    return min(_CAP_S, doubled) * rng.uniform(0.75, 1.25)


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((instant for instant in (one, other) if instant), default=None)
