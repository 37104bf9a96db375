"""Looks at a display as a passer-by would: which clip is on it, since when, and a picture of it."""

import subprocess
import threading
import time
from collections import deque
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from avtech_controller.demo._programs import DISPLAY_SIZE, program, stop
from avtech_schema.errors import EnvironmentFailedError

GRID = (32, 18)
"""Pictures are compared as 32x18 averages: enough to tell clips apart, cheap enough to look 20 times a second."""
FRAME_BYTES = GRID[0] * GRID[1] * 3
FRAMES_PER_SECOND = 20
SAME = 14
"""Largest mean difference of a channel (0 to 255) between a frame on the display and one of a clip's own frames."""
_SCALE = f"scale={GRID[0]}:{GRID[1]}:flags=area,format=rgb24"


def signature(clip: Path) -> tuple[bytes, ...]:
    """A clip as small frames, five a second.

    Raises:
        EnvironmentFailedError: ffmpeg cannot decode it.
    """
    ffmpeg = program("ffmpeg", package="sudo apt-get install ffmpeg")
    command = [ffmpeg, "-nostdin", "-v", "error", "-i", f"file:{clip}", "-vf", f"fps=5,{_SCALE}", "-f", "rawvideo", "pipe:1"]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    if done.returncode or not done.stdout:
        raise EnvironmentFailedError(f"ffmpeg cannot read {clip}: {done.stderr.decode(errors='replace').strip()[:200]}")
    return tuple(done.stdout[start : start + FRAME_BYTES] for start in range(0, len(done.stdout), FRAME_BYTES))


def difference(one: bytes, other: bytes) -> float:
    """The mean difference of two small frames, per channel."""
    return sum(abs(a - b) for a, b in zip(one, other, strict=True)) / len(one)


class Watcher:
    """Watches one display; `frames` are (monotonic time in seconds, small frame), newest last."""

    def __init__(self, display: str, process: subprocess.Popen[bytes]) -> None:
        self._display = display
        self._process = process
        self.frames: deque[tuple[float, bytes]] = deque(maxlen=FRAMES_PER_SECOND * 300)
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101  it is a pipe
        while len(frame := self._process.stdout.read(FRAME_BYTES)) == FRAME_BYTES:
            with self._changed:
                self.frames.append((time.monotonic(), frame))
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def wait_for(self, clips: Mapping[str, tuple[bytes, ...]], *, since: float, seconds: float) -> tuple[str, float]:
        """Wait until one of some clips is on the display; returns its name and when its first frame was seen.

        Only frames after `since` (monotonic) count.

        Raises:
            EnvironmentFailedError: none of them was seen in time, or the display went away.
        """
        deadline = time.monotonic() + seconds
        with self._changed:
            while True:
                for at, frame in list(self.frames):
                    if at > since and (name := recognise(frame, clips)):
                        return name, at
                    since = max(since, at)
                left = deadline - time.monotonic()
                if left <= 0 or not self._reader.is_alive():
                    raise EnvironmentFailedError(f"none of {', '.join(clips)} was seen on the display within {seconds:g} s")
                self._changed.wait(left)

    def black_frames(self, *, since: float) -> tuple[int, int]:
        """How many frames since then were black throughout, and how many there were."""
        frames = [frame for at, frame in list(self.frames) if at > since]
        return sum(max(frame) < 16 for frame in frames), len(frames)

    def picture(self, path: Path) -> None:
        """Write what is on the display as a PNG.

        Raises:
            EnvironmentFailedError: ffmpeg could not grab the display.
        """
        ffmpeg = program("ffmpeg", package="sudo apt-get install ffmpeg")
        command = [
            ffmpeg,
            "-nostdin",
            "-v",
            "error",
            "-y",
            *_grab(self._display, 5),
            "-frames:v",
            "1",
            "-f",
            "image2",
            str(path),
        ]
        done = subprocess.run(command, capture_output=True, check=False, timeout=30)
        if done.returncode or not path.exists():
            raise EnvironmentFailedError(f"cannot grab the display: {done.stderr.decode(errors='replace').strip()[:200]}")


def recognise(frame: bytes, clips: Mapping[str, tuple[bytes, ...]]) -> str | None:
    """Which of some clips a frame belongs to, if any."""
    best = min(((difference(frame, own), name) for name, frames in clips.items() for own in frames), default=(SAME, ""))
    return best[1] if best[0] < SAME else None


@contextmanager
def watching(display: str) -> Generator[Watcher]:
    """Watch a display until the end."""
    ffmpeg = program("ffmpeg", package="sudo apt-get install ffmpeg")
    command = [ffmpeg, "-nostdin", "-v", "error", *_grab(display, FRAMES_PER_SECOND), "-vf", _SCALE, "-f", "rawvideo", "pipe:1"]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield Watcher(display, process)
    finally:
        stop(process)


def _grab(display: str, rate: int) -> list[str]:
    width, height = DISPLAY_SIZE
    return ["-f", "x11grab", "-draw_mouse", "0", "-framerate", str(rate), "-video_size", f"{width}x{height}", "-i", display]
