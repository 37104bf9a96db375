"""Frames captured from a display: which marked clip and which of its frames each one is, and what was wrong in between.

A marked clip has a colour of its own and, in white blocks, the number of each frame, so that the order of clips, the moment
of each boundary, and a picture that stands still can be told from pixels alone. Whole frames are read by another process
(`python tests/capture.py :7`), so that the player under test and the camera do not wait for each other.
"""

import contextlib
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PALETTE = ((220, 40, 40), (40, 170, 60), (50, 80, 220), (220, 200, 40), (200, 50, 200), (40, 190, 200), (230, 120, 30))
"""The colours of clips 0 to 6."""
FPS = 25
SLATE, BLACK, OTHER = -1, -2, -3
_SLATE_COLOUR = (16, 35, 60)
_BITS = 5
_TOLERANCE = 40
_DARK = 12
_PAUSE_S = 0.002
_PRELOADED = 0.5


@dataclass(frozen=True, slots=True)
class Seen:
    """What came on screen at a monotonic instant: a clip's number (or `SLATE`, `BLACK`, `OTHER`), and which frame of it."""

    at: float
    clip: int
    frame: int = 0


@dataclass(frozen=True, slots=True)
class Boundary:
    """Where one clip followed another (or itself): `gap` is how long the last frame before it stood, in seconds."""

    at: float
    before: int
    after: int
    gap: float


@dataclass(slots=True)
class Footage:
    """Every change of the picture, in order; `blind` is the longest time, in seconds, in which the camera saw nothing."""

    seen: list[Seen] = field(default_factory=list)
    samples: int = 0
    blind: float = 0.0

    def after(self, clip: int) -> "Footage":
        """The footage from the first frame of a clip on."""
        first = next(place for place, one in enumerate(self.seen) if one.clip == clip)
        return Footage(self.seen[first:], self.samples, self.blind)

    def boundaries(self) -> list[Boundary]:
        """Where clips followed each other: another clip, or a frame with a lower number of the same."""
        return [
            Boundary(after.at, before.clip, after.clip, after.at - before.at)
            for before, after in itertools.pairwise(self.seen)
            if after.clip != before.clip or after.frame < before.frame
        ]

    def order(self) -> list[int]:
        """The clips in order."""
        return [one.clip for one in self.seen[:1]] + [boundary.after for boundary in self.boundaries()]

    def strangers(self) -> list[Seen]:
        """Frames that are of no clip: black, the slate, or anything else."""
        return [one for one in self.seen if one.clip < 0]

    def longest_still(self) -> float:
        """How long the picture that stood longest did, in seconds; the last one is not counted."""
        return max((after.at - before.at for before, after in itertools.pairwise(self.seen)), default=0.0)


def marked_clip(path: Path, number: int, *, seconds: float = 1.0, size: tuple[int, int] = (320, 180)) -> Path:
    """Render clip `number` of the palette, as published clips are (H.264, yuv420p), with the number of each frame in it."""
    width, height = size
    red, green, blue = PALETTE[number]
    source = f"color=0x{red:02x}{green:02x}{blue:02x}:s={width}x{height}:r={FPS}"
    boxes = [
        f"drawbox=x={round((0.41 + bit / 10) * width)}:y={round(0.4 * height)}:w={round(0.08 * width)}:h={round(0.2 * height)}"
        f":color=white:t=fill:enable='gte(mod(n,{2 << bit}),{1 << bit})'"
        for bit in range(_BITS)
    ]
    command = ["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", source, "-vf", ",".join(boxes), "-t", str(seconds)]
    codec = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-movflags", "+faststart", "-y"]
    subprocess.run([*command, *codec, str(path)], check=True, timeout=60)
    return path


def read_frame(data: bytes, width: int, height: int) -> tuple[int, int]:
    """Which clip and which frame of it a picture is; `data` are its pixels, blue first, four bytes each."""

    def pixel(x: float, y: float) -> tuple[int, int, int]:
        at = (int(y * height) * width + int(x * width)) * 4
        return data[at + 2], data[at + 1], data[at]

    places = [(x, y) for x in (0.02, 0.2, 0.5, 0.8, 0.98) for y in (0.02, 0.25, 0.75, 0.97)]
    colours = [pixel(x, y) for x, y in places]
    if any(max(colour) < _DARK for colour in colours):
        return BLACK, 0
    clip = next((number for number, wanted in enumerate(PALETTE) if all(_like(colour, wanted) for colour in colours)), OTHER)
    if clip == OTHER:
        return (SLATE if all(_like(colours[place], _SLATE_COLOUR) for place in (0, -1)) else OTHER), 0
    blocks = [pixel(0.45 + bit / 10, 0.5) for bit in range(_BITS)]
    return clip, sum((min(colour) > 200) << bit for bit, colour in enumerate(blocks))


@contextlib.contextmanager
def filming(display: str) -> Iterator[Footage]:
    """Capture a display while the block runs; the footage is there when it is left."""
    footage = Footage()
    camera = subprocess.Popen(
        [sys.executable, __file__, display], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    assert camera.stdin is not None
    assert camera.stdout is not None
    try:
        assert camera.stdout.readline() == b"rolling\n", "the camera saw nothing"
        yield footage
        found, _ = camera.communicate(timeout=60)
        told = json.loads(found)
        footage.seen = [Seen(*one) for one in told["seen"]]
        footage.samples, footage.blind = told["samples"], told["blind"]
    finally:
        camera.kill()
        camera.wait()


def _like(seen: tuple[int, int, int], wanted: tuple[int, int, int]) -> bool:
    return all(abs(a - b) <= _TOLERANCE for a, b in zip(seen, wanted, strict=True))


def _film(display: str) -> None:
    """Capture until standard input ends, then write what was seen."""
    import select

    from Xlib import X
    from Xlib.display import Display

    root = Display(display).screen().root
    geometry = root.get_geometry()
    width, height = geometry.width, geometry.height
    seen: list[Seen] = []
    samples, blind, before = 0, 0.0, time.monotonic()
    while not select.select([sys.stdin], [], [], _PAUSE_S)[0]:
        data = root.get_image(0, 0, width, height, X.ZPixmap, 0xFFFFFFFF).data
        now = time.monotonic()
        blind, before, samples = max(blind, now - before), now, samples + 1
        clip, frame = read_frame(data, width, height)
        if not seen or (seen[-1].clip, seen[-1].frame) != (clip, frame):
            seen.append(Seen(now, clip, frame))
        if samples == 1:
            sys.stdout.write("rolling\n")
            sys.stdout.flush()
    json.dump({"seen": [(one.at, one.clip, one.frame) for one in seen], "samples": samples, "blind": blind}, sys.stdout)


def _arguments(arguments: Sequence[str]) -> str:
    (display,) = arguments
    return display


if __name__ == "__main__":
    _film(_arguments(sys.argv[1:]))
