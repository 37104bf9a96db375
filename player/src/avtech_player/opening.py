"""What a start shows before the store was asked: of the good release whatever is whole, else what else passed a trial."""

import asyncio
from functools import partial

from avtech_player import state as states
from avtech_player.generations import Library
from avtech_player.keeping import Keeping
from avtech_player.logs import ScreenLog
from avtech_player.ports import Generation
from avtech_player.state import Opening
from avtech_schema.report import ReleaseRef


class Opener:
    """Chooses what to show without a release on trial."""

    def __init__(self, keeping: Keeping, library: Library, log: ScreenLog) -> None:
        self._keeping = keeping
        self._library = library
        self._log = log

    async def first(self) -> Generation | None:
        """What to play now; None says that nothing is left, or that it is the slate's turn.

        Raises:
            DiskError: the disk cannot be read.
        """
        self.note_doubt()
        opening, previous = states.opening(self._keeping.state), self._keeping.state.previous
        if opening is Opening.SLATE and self._keeping.state.good is not None:
            return None
        if opening is Opening.PREVIOUS and previous and (generation := await self._salvaged(previous)):
            return generation
        while (good := self._keeping.state.good) is not None:
            if (generation := await self._salvaged(good)) is not None:
                return generation
            self._log.error("nothing is left of the good release %d on the disk", good.sequence)
            await self._keeping.commit_anyway(states.good_lost)
        return await self._found_again()

    async def after_slate(self) -> Generation | None:
        """What follows a slate that shows out of doubt; found out before the store is asked, which may take its time."""
        state = self._keeping.state
        turn = states.opening(states.settled(state))
        for ref in (state.previous, state.good) if turn is Opening.PREVIOUS else (state.good, state.previous):
            if ref is not None and (generation := await self._salvaged(ref)) is not None:
                return generation
        return None

    def note_doubt(self) -> None:
        """Say that something else than the good release shows, and why."""
        self._keeping.troubles.doubt = states.doubt(self._keeping.state)
        if self._keeping.troubles.doubt:
            self._log.error("%s", self._keeping.troubles.doubt)

    async def _found_again(self) -> Generation | None:
        """Without a good release: what passed a trial on this device once and lies complete on the disk is good."""
        proven = await asyncio.to_thread(self._library.proven)
        refs = [ref for ref in proven if self._keeping.state.quarantined(ref) is None]
        if not refs:
            return None
        self._log.warning("release %d lies complete on the disk and plays", refs[0].sequence)
        previous = refs[1] if len(refs) > 1 else None
        await self._keeping.commit_anyway(partial(states.found_again, good=refs[0], previous=previous))
        return await self._salvaged(refs[0])

    async def _salvaged(self, ref: ReleaseRef) -> Generation | None:
        return await asyncio.to_thread(self._library.salvage, ref)
