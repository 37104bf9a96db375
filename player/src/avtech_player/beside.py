"""Does one thing after another in a thread of its own, beside what its caller does meanwhile."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class Beside:
    """A thread for a block of code: at most one thing is under way there, so that no more waits than the next."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "beside")
        self._under_way: Future[None] | None = None

    def do(self, work: Callable[[], None]) -> None:
        """Have something done, once what was to be done before is.

        Raises:
            Exception: what was to be done before failed like that; this is not begun.
        """
        self._wait()
        self._under_way = self._thread.submit(work)

    def _wait(self) -> None:
        under_way, self._under_way = self._under_way, None
        if under_way is not None:
            under_way.result()

    def __enter__(self) -> "Beside":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._thread.shutdown()
        if kind is None:
            self._wait()
