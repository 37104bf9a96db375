"""Progress bars on stderr when it is a terminal; silence otherwise."""

import sys
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


def _silent(step: str, parts: int) -> Callable[[], None]:
    del step, parts
    return lambda: None
