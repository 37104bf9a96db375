"""A virtual display for tests: an Xvfb of one's own, and the colours that are really on it."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from Xlib import X
from Xlib.display import Display

Colour = tuple[int, int, int]

BLACK: Colour = (0, 0, 0)
RED: Colour = (255, 0, 0)
GREEN: Colour = (0, 128, 0)
BLUE: Colour = (0, 0, 255)
SLATE: Colour = (16, 35, 60)

WIDTH, HEIGHT = 320, 180


@contextmanager
def virtual_display(width: int = WIDTH, height: int = HEIGHT, *, number: str = "") -> Iterator[str]:
    """Run an X server, on a number that is free unless one is named, and give its name, like `:7`; ended by its process id."""
    reading, writing = os.pipe()
    command = [
        "Xvfb",
        *([number] if number else []),
        "-displayfd",
        str(writing),
        "-screen",
        "0",
        f"{width}x{height}x24",
        "-nolisten",
        "tcp",
        "-noreset",
    ]
    server = subprocess.Popen(command, pass_fds=(writing,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(writing)
    try:
        with os.fdopen(reading) as pipe:
            number = pipe.readline().strip()  # comes when it accepts clients; empty if it died
        assert number, "Xvfb did not start"
        yield f":{number}"
    finally:
        server.terminate()
        server.wait(10)


def unused_display() -> str:
    """A display that no server has, nor gets unless it is asked to."""
    return f":{1000 + os.getpid() % 50_000}"


def like(seen: Colour, wanted: Colour, tolerance: int = 40) -> bool:
    """Whether two colours are the same but for coding losses."""
    return all(abs(a - b) <= tolerance for a, b in zip(seen, wanted, strict=True))


class Eyes:
    """Looks at the pixels of a display. One thread at a time."""

    def __init__(self, name: str) -> None:
        self._display: Any = Display(name)
        self._root: Any = self._display.screen().root

    def colour(self, x: int = WIDTH // 4, y: int = HEIGHT // 4) -> Colour:
        """The colour of one pixel."""
        blue, green, red, *_ = self._root.get_image(x, y, 1, 1, X.ZPixmap, 0xFFFFFFFF).data
        return red, green, blue

    def wait_for(self, wanted: Colour, within: float = 15.0, x: int = WIDTH // 4, y: int = HEIGHT // 4) -> float:
        """Wait until a pixel has a colour; how long that took."""
        begun = time.monotonic()
        while not like(seen := self.colour(x, y), wanted):
            assert time.monotonic() - begun < within, f"the screen shows {seen}, not {wanted}"
            time.sleep(0.002)
        return time.monotonic() - begun

    def forget(self) -> None:
        """Have what lies behind all windows be black again: a player leaves its last picture there."""
        self._root.change_attributes(background_pixel=0)
        self._root.clear_area(0, 0, 0, 0)
        self._display.sync()

    def close(self) -> None:
        """Leave the display."""
        self._display.close()


@dataclass
class Watch:
    """What a pixel showed from second to second: each change of colour with its monotonic time."""

    changes: list[tuple[float, Colour]] = field(default_factory=list)
    samples: int = 0

    def colours(self) -> list[Colour]:
        """The colours in order."""
        return [colour for _, colour in self.changes]

    def saw(self, colour: Colour) -> bool:
        """Whether a colour was there."""
        return any(like(seen, colour) for seen in self.colours())

    def went_black(self) -> bool:
        """Whether it was black after it had shown something other than the slate's colour."""
        shown = False
        for seen in self.colours():
            dark = max(seen) < 12
            if dark and shown:
                return True
            shown = shown or not (dark or like(seen, SLATE))
        return False


@contextmanager
def watching(name: str) -> Iterator[Watch]:
    """Sample a pixel as fast as a thread can, at some 500 Hz and more, while the block runs."""
    watch, done = Watch(), threading.Event()

    def look() -> None:
        eyes = Eyes(name)
        last = False
        while not last:
            last = done.wait(0.0015)
            seen = eyes.colour()
            watch.samples += 1
            if not watch.changes or not like(watch.changes[-1][1], seen, 12):
                watch.changes.append((time.monotonic(), seen))
        eyes.close()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield watch
    finally:
        done.set()
        thread.join()
