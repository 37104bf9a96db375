"""Many small requests at once: threads that stop at the first failure."""

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

THREADS = 16


def in_parallel(function: Callable[[T], R], items: Iterable[T], *, done: Callable[[], None] = lambda: None) -> list[R]:
    """Apply a function to every item in threads, and return the results in the items' order.

    `done` is called after each item, from its thread. The first failure (or an interruption) is raised; what has not
    begun by then is not begun.
    """

    def apply(item: T) -> R:
        result = function(item)
        done()
        return result

    with ThreadPoolExecutor(THREADS) as pool:
        try:
            futures = [pool.submit(apply, item) for item in items]
            finished, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in finished:
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return [future.result() for future in futures]
