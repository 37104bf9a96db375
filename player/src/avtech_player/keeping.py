"""The state in memory and on the disk: persisted before it is acted on, and told to whoever reports."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from avtech_player._writing import to_its_end
from avtech_player.durable import DiskError
from avtech_player.logs import ScreenLog
from avtech_player.outcome import Troubles
from avtech_player.state import PlayerState, Transition
from avtech_player.statefile import save_state
from avtech_schema.errors import AvtechError


class Keeping:
    """Holds one player's state, in `directory`. All methods belong to one event loop."""

    def __init__(self, directory: Path, log: ScreenLog) -> None:
        self._directory = directory
        self._log = log
        self._saving = asyncio.Lock()
        self._listeners: list[Callable[[], None]] = []
        self.state = PlayerState()
        """The state as it is persisted (or, where the disk refused, as it should be)."""
        self.troubles = Troubles()
        self.changed = asyncio.Event()

    async def commit(self, transition: Transition) -> None:
        """Persist a transition; only then is it the state, and only then may it be acted on.

        Raises:
            DiskError: the disk refused; the state is as it was.
        """
        async with self._saving:
            state = transition(self.state)
            if state == self.state:
                return
            await to_its_end(self._write(state))

    async def commit_anyway(self, transition: Transition) -> None:
        """Persist a transition that must hold even when the disk refuses: until the next start it does."""
        before = self.state
        try:
            await self.commit(transition)
        except DiskError as error:
            self.complain(error)
            if self.state is before:
                self._adopt(transition(before))

    def listen(self, told: Callable[[], None]) -> None:
        """Call `told` after every change that is worth a report."""
        self._listeners.append(told)

    def ring(self) -> None:
        """Something is worth a report."""
        self.changed.set()
        for told in self._listeners:
            told()

    def complain(self, error: AvtechError) -> None:
        """The disk refuses: say so, once."""
        if str(error) != self.troubles.disk:
            self.troubles.disk = str(error)
            self._log.error("%s", error)
            self.ring()

    async def _write(self, state: PlayerState) -> None:
        await asyncio.to_thread(save_state, self._directory, state)
        self.troubles.disk = None
        self._adopt(state)

    def _adopt(self, state: PlayerState) -> None:
        """A new state; one that is worth a report (counters alone are not) wakes whoever reports."""
        before, self.state = self.state, state
        if replace(state, report_sequence=before.report_sequence, starts=before.starts) != before:
            self.ring()
