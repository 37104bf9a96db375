"""Many small requests at once: threads that stop at the first failure."""

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

THREADS = 16


def in_parallel(function: Callable[[T], R], items: Iterable[T], *, done: Callable[[], None] = lambda: None) -> list[R]:
    """Apply a function to every item in threads, and return the results in the items' order.

    `done` is called after each item, from its thread. The first failure is raised; what has not begun is not begun.
    """

    def apply(item: T) -> R:
        result = function(item)
        done()
        return result

    with ThreadPoolExecutor(THREADS) as pool:
        futures = [pool.submit(apply, item) for item in items]
        wait(futures, return_when=FIRST_EXCEPTION)
        failed = next((future for future in futures if future.done() and not future.cancelled() and future.exception()), None)
        if failed is not None:
            pool.shutdown(cancel_futures=True)
            failed.result()
        return [future.result() for future in futures]
