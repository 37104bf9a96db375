"""Progress bars on stderr when it is a terminal; silence otherwise."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

from avtech_controller.publication import Progress


@contextmanager
def progress_bars() -> Generator[Progress, None, None]:
    """Bars for the steps of a publication."""
    if not sys.stderr.isatty():
        yield _silent
        return
    from rich.console import Console
    from rich.progress import Progress as Bars

    with Bars(console=Console(stderr=True), transient=True) as bars:

        def begin(step: str, parts: int) -> Callable[[], None]:
            task = bars.add_task(step, total=parts)
            return lambda: bars.advance(task)

        yield begin


def _silent(step: str, parts: int) -> Callable[[], None]:
    del step, parts
    return lambda: None
