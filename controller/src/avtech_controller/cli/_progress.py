"""Progress bars on stderr when it is a terminal; silence otherwise."""

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from avtech_controller.publication import Progress


@contextmanager
def progress_bars() -> Generator[Progress, None, None]:
    """Bars for the steps of a publication; drawn from the first step on, so that a question before it stays readable."""
    if not sys.stderr.isatty():
        yield _silent
        return
    from rich.console import Console
    from rich.progress import Progress as Bars

    bars = Bars(console=Console(stderr=True), transient=True)

    def begin(step: str, parts: int) -> Callable[[], None]:
        bars.start()
        task = bars.add_task(step, total=parts)
        return lambda: bars.advance(task)

    try:
        yield begin
    finally:
        bars.stop()


class Stopwatch:
    """Passes progress on, and measures every step: a step lasts until the next begins, the first is what comes before all."""

    def __init__(self, progress: Progress, first: str = "plan") -> None:
        self._progress = progress
        self._begun: list[tuple[str, float]] = [(first, time.monotonic())]

    def __call__(self, step: str, parts: int) -> Callable[[], None]:
        """Begin a step."""
        self._begun.append((step, time.monotonic()))
        return self._progress(step, parts)

    def parts(self) -> dict[str, float]:
        """The seconds that each step took, until now."""
        ends = [begun for _, begun in self._begun[1:]] + [time.monotonic()]
        found: dict[str, float] = {}
        for (step, begun), end in zip(self._begun, ends, strict=True):
            found[step] = found.get(step, 0) + end - begun
        return found


def _silent(step: str, parts: int) -> Callable[[], None]:
    del step, parts
    return lambda: None
