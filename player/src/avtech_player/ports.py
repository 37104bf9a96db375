"""What the parts of the player ask of each other: generations to play, an engine that shows clips, a stage that judges."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from avtech_schema.identifiers import DurationMs, Sha256, VideoId
from avtech_schema.manifest import Manifest
from avtech_schema.report import EngineHealth, NowPlaying, ReleaseRef


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip that lies on the disk, complete and verified.

    `rule` is the rule that put it on air, None for the fallback; `release` the one whose manifest did.
    """

    video: VideoId
    sha256: Sha256
    path: Path
    duration: DurationMs
    rule: str | None = None
    release: ReleaseRef | None = None


@dataclass(frozen=True, slots=True)
class Generation:
    """One whole release on this device: its manifest, and where each of its assets lies (complete, verified, flushed).

    After damage on the disk `files` may lack some until they are fetched again; a generation on trial lacks none.
    """

    ref: ReleaseRef
    manifest: Manifest
    files: dict[VideoId, Path]


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What a trial saw on the screen. `reason` is empty when the generation is good.

    `unseen` says that nothing could be shown, for want of a display: the generation is neither good nor bad.
    """

    good: bool
    reason: str = ""
    unseen: bool = False


class Stage(Protocol):
    """What the updater asks of playback."""

    async def trial(self, generation: Generation) -> TrialResult:
        """Switch to a generation and judge it by what the screen shows: its first clips decode, frames advance.

        Ends within a bounded time. On a bad result the caller plays the good generation again.
        """
        ...

    async def play(self, generation: Generation | None) -> None:
        """Play a generation known to be good; None shows the built-in slate."""
        ...

    def now(self) -> NowPlaying | None:
        """The clip on screen."""
        ...

    def health(self) -> EngineHealth:
        """How the engine is."""
        ...

    def blindness(self) -> str:
        """Why nothing can be shown on this device now, whatever plays; empty when pictures are shown or may come."""
        ...


@dataclass(frozen=True, slots=True)
class Started:
    """A clip's first frame came on screen `ago` milliseconds before this is told: frames were seen to advance since."""

    clip: Clip
    ago: DurationMs = DurationMs(0)


@dataclass(frozen=True, slots=True)
class Ended:
    """A clip left the screen: it played to its end (`eof`), was replaced (`cut`), or could not be shown (`error`).

    `played` is how long frames advanced, in milliseconds; `reason` says what an `error` was.
    """

    clip: Clip
    how: str
    played: DurationMs
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Died:
    """The engine crashed or hung; it restarts itself with back-off, with the clip that was last shown. What was queued is lost.

    `blind` says that it could not draw at all, for want of a display or of mpv: that is no clip's fault.
    """

    reason: str
    blind: bool = False


EngineEvent = Started | Ended | Died


class Engine(Protocol):
    """Shows clips one after another without a gap. There are two: mpv, and a simulation for fleets in a process."""

    async def start(self) -> None:
        """Get ready to show; supervision begins. Never raises for a failing display: that is a `Died`."""
        ...

    async def show(self, clip: Clip) -> None:
        """Cut to a clip at once, without a black frame; what was queued is dropped."""
        ...

    async def queue(self, clip: Clip) -> None:
        """Have a clip follow the one on screen, replacing what was queued before; on the slate this is `show`."""
        ...

    async def slate(self) -> None:
        """Cut to the built-in slate; what was queued is dropped. The slate also follows a clip that nothing else follows."""
        ...

    async def rotate(self, degrees: int) -> None:
        """Turn the picture clockwise by 0, 90, 180 or 270 degrees, from now on."""
        ...

    def events(self) -> AsyncIterator[EngineEvent]:
        """What happens on screen, in order; one reader. An event holds the very `Clip` object that was shown or queued."""
        ...

    def health(self) -> EngineHealth:
        """How it is."""
        ...

    def trouble(self) -> str:
        """What is wrong with it although it may play, in one line: a death not long ago, no sound; empty if nothing is."""
        ...

    async def screenshot(self, path: Path) -> None:
        """Write what is on screen as a PNG (the simulation writes none and raises EnvironmentFailedError)."""
        ...

    async def stop(self) -> None:
        """Leave the screen; idempotent."""
        ...
