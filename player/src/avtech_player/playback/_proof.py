"""What was on screen, from when to when, as the engine tells it and while the panel is lit: the beginning of proof of play."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from avtech_player.clock import Reading, spell
from avtech_player.ports import Clip, Died, Ended, EngineEvent, Started
from avtech_schema.identifiers import DurationMs
from avtech_schema.plays import MAX_REASON, Played, PlayResult

OnPlay = Callable[[Played], None]
_RESULTS = {"eof": PlayResult.COMPLETE, "cut": PlayResult.CUT, "error": PlayResult.FAILED}


@dataclass(frozen=True, slots=True)
class _Open:
    """A clip that is on screen; `partly` says that it began unseen."""

    clip: Clip
    start: datetime
    partly: bool = False


class Proof:
    """Turns what an engine tells into records of plays; a clip that never brought a frame is one only if it failed.

    While the panel is dark nobody sees anything: a play ends with the light, and begins with it.
    """

    def __init__(self, tell: OnPlay | None, read: Callable[[], Reading]) -> None:
        self._tell = tell
        self._read = read
        self._on: _Open | None = None
        self._lit = True
        self._unlit: Clip | None = None

    def light(self, *, lit: bool) -> None:
        """The panel is lit, or dark, from now on."""
        if lit is self._lit:
            return
        self._lit = lit
        if not lit:
            self._unlit = self._on.clip if self._on else None
            self._close(PlayResult.CUT, None, "the panel was turned off")
        elif self._unlit is not None:
            self._on, self._unlit = _Open(self._unlit, self._read().now, partly=True), None

    def hear(self, event: EngineEvent) -> None:
        """Take what the engine tells, in order."""
        match event:
            case Started(clip, ago):
                if self._on is not None and self._on.clip is not clip:
                    self._close(PlayResult.CUT, None, "")
                if not self._lit:
                    self._unlit = clip
                elif self._on is None:
                    self._on = _Open(clip, self._read().now - timedelta(milliseconds=ago))
            case Ended(clip, how, played, reason):
                result = _RESULTS.get(how, PlayResult.FAILED)
                if self._unlit is clip:
                    self._unlit = None
                if self._on is not None and self._on.clip is clip:
                    if self._on.partly and result is PlayResult.COMPLETE:
                        self._close(PlayResult.CUT, None, "the panel was turned on during it")
                    else:
                        self._close(result, None if self._on.partly else played, reason)
                elif result is PlayResult.FAILED:
                    self._record(_Open(clip, self._read().now), result, DurationMs(0), reason)
            case Died(reason):
                self.interrupted(reason)

    def interrupted(self, reason: str) -> None:
        """What is on screen ends, whatever it is."""
        self._unlit = None
        self._close(PlayResult.INTERRUPTED, None, reason)

    def _close(self, result: PlayResult, played: DurationMs | None, reason: str) -> None:
        on, self._on = self._on, None
        if on is not None:
            self._record(on, result, played, reason)

    def _record(self, on: _Open, result: PlayResult, played: DurationMs | None, reason: str) -> None:
        reading, clip = self._read(), on.clip
        if played is None:
            played = DurationMs(max(0, min(clip.duration, round((reading.now - on.start).total_seconds() * 1000))))
        if self._tell is None or clip.release is None:
            return
        self._tell(
            Played(
                clip=clip.video,
                sha256=clip.sha256,
                rule=clip.rule,
                release=clip.release,
                start=spell(on.start.astimezone(UTC)),
                end=spell(reading.now),
                played=played,
                result=result,
                reason=reason.encode(errors="replace").decode()[:MAX_REASON],
                clock_trusted=reading.trusted,
            )
        )
