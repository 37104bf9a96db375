"""What is on the screen, filmed: `python benchmarks/playback.py`. Boundaries, switches and scheduled changes.

The player plays one-second clips, each with a colour of its own and numbered frames, by mpv on a virtual display; another
process captures whole frames some hundred times a second. The same clips are then played by `mpv --loop-playlist=inf` (what
mpv itself can do: the floor) and by an mpv started anew for every clip (how players work that run a program per asset, as
Anthias does). All takes are cut into rounds that alternate, so that the load of the machine falls on all of them.
A frame should stand for 40 ms; `gap` is how long the last frame before a boundary stood.
"""

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.capture import BLACK, Footage, filming
from tests.display import Eyes, virtual_display
from tests.player.filmed import Change, film_loop, film_releases, film_schedule, marked, number_of

from avtech_player.ports import Clip
from avtech_schema.manifest import Cut

MPV = ["mpv", "--no-config", "--vo=x11", "--hwdec=no", "--audio=no", "--fullscreen", "--no-terminal", "--no-osc"]


@dataclass(slots=True)
class Takes:
    """All footage of one way to play."""

    name: str
    gaps: list[float] = field(default_factory=list)
    still: float = 0.0
    blind: float = 0.0
    black: int = 0
    strange: int = 0
    disorder: int = 0
    missing: int = 0
    lengths: list[float] = field(default_factory=list)

    def add(self, footage: Footage, clips: int) -> None:
        """Take in some footage of a loop of so many clips."""
        self._count(footage)
        boundaries = [boundary for boundary in footage.boundaries() if min(boundary.before, boundary.after) >= 0]
        self.disorder += sum(boundary.after != (boundary.before + 1) % clips for boundary in boundaries)
        self.lengths += [after.at - before.at for before, after in itertools.pairwise(boundaries)]

    def add_cuts(self, footage: Footage) -> None:
        """Take in some footage in which the clips are cut."""
        self._count(footage)

    def _count(self, footage: Footage) -> None:
        seen = footage.seen
        self.still, self.blind = max(self.still, footage.longest_still()), max(self.blind, footage.blind)
        self.black += sum(one.clip == BLACK for one in seen)
        self.strange += sum(one.clip < 0 and one.clip != BLACK for one in seen)
        self.missing += sum(
            max(0, after.frame - before.frame - 1) for before, after in itertools.pairwise(seen) if before.clip == after.clip
        )
        shown = [(before, after) for before, after in itertools.pairwise(seen) if before.clip >= 0]
        for before, after in shown:
            if after.clip < 0:  # something else came in between: the gap lasts until the next clip
                self.gaps.append(next((one.at for one in seen if one.at > after.at and one.clip >= 0), after.at) - before.at)
            elif after.clip != before.clip or after.frame < before.frame:
                self.gaps.append(after.at - before.at)

    def line(self) -> str:
        """A row of the table."""
        gaps = (statistics.median(self.gaps), _percentile(self.gaps, 95), max(self.gaps))
        length = _ms(statistics.median(self.lengths)) if self.lengths else ""
        counts = (self.black, self.strange, self.missing, self.disorder)
        cells = (len(self.gaps), *map(_ms, (*gaps, self.still)), *counts, length, _ms(self.blind))
        widths = [width for _, _, width in _COLUMNS]
        return f"{self.name:<{widths[0]}}" + "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths[1:], strict=True))


_COLUMNS = (
    ("", "", 34),
    ("bound-", "aries", 6),
    ("gap", "median", 9),
    ("gap", "95 %", 7),
    ("gap", "max", 7),
    ("longest", "still", 8),
    ("black", "frames", 7),
    ("strange", "frames", 8),
    ("missing", "frames", 8),
    ("out of", "order", 7),
    ("clip", "length", 9),
    ("camera", "blind", 8),
)


def main() -> int:
    """Film, count, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boundaries", type=int, default=100)
    parser.add_argument("--switches", type=int, default=20, help="half of them releases, half scheduled changes")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--size", default="1280x720", help="of the clips and of the display")
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    with tempfile.TemporaryDirectory() as scratch, virtual_display(width, height) as display:
        clips = marked(Path(scratch), 0, 1, 2, 3, size=(width, height))
        print(f"{options.size}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; times in ms")
        measured = _measure(display, clips, options.boundaries, options.switches, options.rounds)
    _tell(*measured)
    return 0


def _measure(
    display: str, clips: list[Clip], boundaries: int, switches: int, rounds: int
) -> tuple[list[Takes], list[tuple[Change, float, int]]]:
    each = -(-boundaries // rounds)
    ours, floor, relaunched = Takes("AVTech: loop"), Takes("mpv --loop-playlist=inf"), Takes("an mpv for every clip")
    releases, schedule = Takes("AVTech: switches of releases"), Takes("AVTech: scheduled changes")
    changes: list[tuple[Change, float, int]] = []
    paths = [str(clip.path) for clip in clips]
    for _ in range(rounds):
        ours.add(film_loop(display, clips, each)[0], len(clips))
        floor.add(_film(display, each, lambda stop: _loop(display, paths, stop)), len(clips))
        relaunched.add(_film(display, each, lambda stop: _relaunch(display, paths, stop)), len(clips))
        some = -(-switches // 2 // rounds)
        releases.add_cuts(film_releases(display, [clips[:2], clips[2:]], some))
        cuts = list(itertools.islice(itertools.cycle((Cut.CLIP, Cut.NOW)), 2 * some))
        footage, due = film_schedule(display, [clips[:2], clips[2:]], number_of, cuts)
        schedule.add_cuts(footage)
        changes += [(change, change.error(footage), change.clips_late(footage)) for change in due]
    return [ours, floor, relaunched, releases, schedule], changes


def _film(display: str, boundaries: int, play: Callable[[threading.Event], None]) -> Footage:
    """Film another player for as long as so many boundaries take, from its first picture on."""
    stop = threading.Event()
    player = threading.Thread(target=play, args=(stop,))
    player.start()
    try:
        eyes = Eyes(display)
        while max(eyes.colour()) < 20:
            stop.wait(0.01)
        eyes.close()
        with filming(display) as footage:
            stop.wait(1.03 * boundaries + 0.5)
    finally:
        stop.set()
        player.join()
    return footage


def _loop(display: str, paths: Sequence[str], stop: threading.Event) -> None:
    """One mpv that plays all clips again and again."""
    options = ["--loop-playlist=inf", "--prefetch-playlist=yes"]
    with subprocess.Popen([*MPV, *options, *paths], env={**os.environ, "DISPLAY": display}) as process:
        stop.wait()
        process.terminate()


def _relaunch(display: str, paths: Sequence[str], stop: threading.Event) -> None:
    """An mpv for each clip."""
    for path in itertools.cycle(paths):
        with subprocess.Popen([*MPV, path], env={**os.environ, "DISPLAY": display}) as process:
            while process.poll() is None and not stop.wait(0.005):
                pass
            process.terminate()
        if stop.is_set():
            return


def _tell(takes: Sequence[Takes], changes: Sequence[tuple[Change, float, int]]) -> None:
    for line in (0, 1):
        print("".join(f"{column[line]:>{column[2]}}" for column in _COLUMNS))
    for one in takes:
        print(one.line())
    print("\nscheduled changes: from when each was due to its first picture")
    for cut in Cut:
        errors = [error for change, error, _ in changes if change.cut is cut]
        late = sum(late for change, _, late in changes if change.cut is cut)
        if errors:
            spread = f"median {_ms(statistics.median(errors))}, least {_ms(min(errors))}, most {_ms(max(errors))}"
            print(f"  cut: {cut.value:<5} {len(errors):>3} changes: {spread}; clips begun too late: {late}")


def _percentile(values: Sequence[float], percent: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f}"


if __name__ == "__main__":
    sys.exit(main())
