"""Whether a player lives: playback looks at the clock, and what draws answers, or says why it cannot."""

from dataclasses import dataclass

from avtech_player.state import PlayerState
from avtech_schema.report import EngineHealth, NowPlaying, ReleaseRef, SyncState

STUCK_SECONDS = 20.0
"""Playback that has not looked at the clock for so long is stuck."""
SILENT_SECONDS = 120.0
"""An engine that neither draws nor says why for so long is not coming back by itself."""
_WELL = ("playing", "slate", "off")
"""States of an engine that does what it should; `off`: the panel is off by its hours, and so nothing is drawn for anybody."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """How a player is: whether it makes progress, whether what should be is on screen, and what it does in words."""

    alive: bool
    shown: bool
    text: str


@dataclass(frozen=True, slots=True)
class Signs:
    """What a player's pulse is taken from; times are monotonic seconds, `blindness` is why nothing can be drawn."""

    beat: float
    engine: EngineHealth
    blindness: str
    answered: float
    """When the engine last drew, or last said why it cannot."""


def answers(engine: EngineHealth, blindness: str) -> bool:
    """Whether an engine draws, need not, or says why it cannot."""
    return engine.state in _WELL or bool(blindness)


def take_pulse(signs: Signs, now: float, text: str) -> Pulse:
    """Judge the signs."""
    alive = now - signs.beat < STUCK_SECONDS and now - signs.answered < SILENT_SECONDS
    return Pulse(alive, signs.engine.state in _WELL, text)


def describe(state: PlayerState, sync: SyncState, playing: NowPlaying | None, engine: EngineHealth, error: str | None) -> str:
    """What a player does, in plain words."""
    if playing is not None:
        shows = f"shows {playing.clip}"
    elif engine.state == "slate":
        shows = "shows the slate"
    elif engine.state == "off":
        shows = "has its panel off"
    else:
        shows = "shows nothing yet" if engine.state in ("starting", "playing") else "shows nothing"
    words = [shows, _release(state.good), {SyncState.SYNCED: "in sync"}.get(sync, sync.value)]
    return ", ".join(words) + (f": {error}" if error else "")


def _release(good: ReleaseRef | None) -> str:
    return f"release {good.sequence}" if good else "no release yet"
