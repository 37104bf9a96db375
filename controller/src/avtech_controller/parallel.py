"""Many small requests at once: threads that stop at the first failure."""

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, CancelledError, ThreadPoolExecutor, wait
from threading import Event
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

THREADS = 16


def in_parallel(
    function: Callable[[T], R], items: Iterable[T], *, done: Callable[[], None] = lambda: None, threads: int = THREADS
) -> list[R]:
    """Apply a function to every item in threads, and return the results in the items' order.

    `done` is called after each item, from its thread. The first failure (or an interruption) is raised; what has not
    begun by then is not begun.
    """
    stopped = Event()
    failures: list[BaseException] = []

    def apply(item: T) -> R:
        if stopped.is_set():
            raise CancelledError
        try:
            result = function(item)
            done()
        except BaseException as error:
            failures.append(error)
            stopped.set()
            raise
        return result

    with ThreadPoolExecutor(threads) as pool:
        try:
            futures = [pool.submit(apply, item) for item in items]
            wait(futures, return_when=FIRST_EXCEPTION)
        except BaseException:
            stopped.set()
            raise
        if failures:
            raise failures[0]
        return [future.result() for future in futures]
