"""Changes of the player's state, as records of the same journal as plays, so that an audit sees both in one order."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from avtech_player.clock import TrustedClock, spell
from avtech_player.ports import Stage
from avtech_player.sync import Updater
from avtech_schema.plays import MAX_REASON, Record, StateChanged


@dataclass(slots=True)
class Chronicle:
    """Notes what the player is whenever that is something else than before."""

    updater: Updater
    stage: Stage
    clock: TrustedClock
    tell: Callable[[Record], None]
    _last: StateChanged | None = None

    def started(self) -> None:
        """The player runs from now on."""
        self._note("started")

    def look(self) -> None:
        """Something may have changed."""
        found = self._now("changed")
        if self._last is None or replace(found, time="", event="") != replace(self._last, time="", event=""):
            self._last = found
            self.tell(found)

    def stopped(self) -> None:
        """The player runs no more: what the screen shows until the next start is not known."""
        self._note("stopped")

    def _note(self, event: str) -> None:
        self._last = self._now(event)
        self.tell(self._last)

    def _now(self, event: str) -> StateChanged:
        reading, state = self.clock.read(), self.updater.state
        reason = self.updater.last_error or ""
        return StateChanged(
            time=spell(reading.now),
            event=event,
            state=self.updater.sync_state,
            phase=state.phase.value,
            desired=state.desired,
            applied=state.good,
            engine=self.stage.health().state,
            reason=reason.encode(errors="replace").decode()[:MAX_REASON],
            clock_trusted=reading.trusted,
        )
