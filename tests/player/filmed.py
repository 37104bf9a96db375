"""What a real player shows on a virtual display, filmed: a loop of marked clips, switches of releases, scheduled changes."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from avtech_player.engine import ClipCheck
from avtech_player.playback import Playback
from avtech_player.ports import Clip, Generation
from avtech_schema.manifest import Cut
from avtech_schema.plays import Played
from tests.capture import PALETTE, Footage, filming, marked_clip
from tests.player.material import make_clip, make_generation, rule
from tests.player.stagehand import mpv_on

Size = tuple[int, int]
SMALL: Size = (320, 180)


@dataclass(frozen=True, slots=True)
class Change:
    """A change of what is on the air: when it was due (monotonic), and to which clips, of those that were."""

    due: float
    clips: frozenset[int]
    before: frozenset[int]
    cut: Cut

    def error(self, footage: Footage) -> float:
        """How long after it was due a picture of the new clips came on screen, in seconds."""
        return next(one.at for one in footage.seen if one.clip in self.clips and one.at > self.due - 1) - self.due

    def clips_late(self, footage: Footage) -> int:
        """How many clips that were no longer on the air began more than a tenth of a second after it was due."""
        begun = [boundary.at for boundary in footage.boundaries() if boundary.after in self.before]
        return sum(self.due + 0.1 < at < self.due + self.error(footage) for at in begun)


@cache
def _marked(number: int, seconds: float, size: Size) -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return marked_clip(Path(folder, "clip.mp4"), number, seconds=seconds, size=size).read_bytes()


def marked(folder: Path, *numbers: int, seconds: float = 1.0, size: Size = SMALL) -> list[Clip]:
    """Clips of the palette, by their numbers."""
    return [make_clip(folder, f"n{number}", _marked(number, seconds, size), ms=round(seconds * 1000)) for number in numbers]


def loop_of(clips: list[Clip], *, sequence: int = 1) -> Generation:
    """A release that plays clips in turn, all day."""
    return make_generation({"loop": clips}, [rule("day", "loop")], sequence=sequence)


@asynccontextmanager
async def playing(display: str, told: list[Played] | None = None) -> AsyncIterator[Playback]:
    """Playback by mpv on a display, with what it proves of its plays."""
    proofs = [] if told is None else told
    playback = Playback(mpv_on(display), now=lambda: datetime.now(UTC), on_play=proofs.append, check=ClipCheck())
    running = asyncio.create_task(playback.run())
    try:
        yield playback
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def first_picture(playback: Playback, within: float = 30.0) -> None:
    """Wait until a clip is on screen."""
    async with asyncio.timeout(within):
        while playback.now() is None:
            await asyncio.sleep(0.02)


def film_loop(display: str, clips: list[Clip], boundaries: int) -> tuple[Footage, list[Played]]:
    """Film a playlist over so many boundaries; the plays that ended, too."""
    told: list[Played] = []

    async def scenario() -> Footage:
        async with playing(display, told) as playback:
            await playback.play(loop_of(clips))
            await first_picture(playback)
            with filming(display) as footage:
                until = len(told) + boundaries + 1
                async with asyncio.timeout(10 + 3 * boundaries):
                    while len(told) < until:
                        await asyncio.sleep(0.05)
        return footage

    return asyncio.run(scenario()), told


def film_releases(display: str, releases: Sequence[list[Clip]], switches: int, *, every: float = 2.0) -> Footage:
    """Film switches from release to release, each tried and then played, as the player does."""

    async def scenario() -> Footage:
        async with playing(display) as playback:
            await playback.play(loop_of(releases[0]))
            await first_picture(playback)
            with filming(display) as footage:
                for number in range(1, switches + 1):
                    await asyncio.sleep(every)
                    generation = loop_of(releases[number % len(releases)], sequence=number + 1)
                    result = await playback.trial(generation)
                    assert result.good, result
                    await playback.play(generation)
        return footage

    return asyncio.run(scenario())


def film_schedule(
    display: str, playlists: Sequence[list[Clip]], number_of: Callable[[Clip], int], cuts: Sequence[Cut], *, every: float = 3.0
) -> tuple[Footage, list[Change]]:
    """Film changes by the schedule from one playlist to the next, one every so many seconds, each with its own cut."""
    numbers = [frozenset(number_of(clip) for clip in clips) for clips in playlists]
    begin = datetime.now(UTC).replace(microsecond=0, tzinfo=None) + timedelta(seconds=2)
    starts = [begin + timedelta(seconds=every * place) for place in range(len(cuts))]
    rules = [rule("before", "list0", priority=1)]
    changes: list[Change] = []
    shift = time.monotonic() - time.time()
    for place, (start, cut) in enumerate(zip(starts, cuts, strict=True)):
        which, before = (place + 1) % len(playlists), place % len(playlists)
        rules.append(rule(f"change{place}", f"list{which}", valid_from=start.isoformat(), priority=2 + place, cut=cut))
        due = start.replace(tzinfo=UTC).timestamp() + shift
        changes.append(Change(due, numbers[which], numbers[before], cut))
    generation = make_generation({f"list{place}": clips for place, clips in enumerate(playlists)}, rules)

    async def scenario() -> Footage:
        async with playing(display) as playback:
            await playback.play(generation)
            await first_picture(playback)
            with filming(display) as footage:
                await asyncio.sleep(max(0.0, changes[-1].due - time.monotonic()) + 1.5)
        return footage

    return asyncio.run(scenario()), changes


def number_of(clip: Clip) -> int:
    """The number of a marked clip."""
    number = int(clip.video.removeprefix("VID-N"))
    assert number < len(PALETTE)
    return number
