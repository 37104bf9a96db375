"""An event loop whose time leaps over every wait, so that minutes on a device take milliseconds, and always alike."""

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar, TypeVarTuple, Unpack

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")


class Passing:
    """Monotonic seconds, of which a waiting loop makes as many pass as it would wait."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class _Leap(selectors.DefaultSelector):
    def __init__(self, passing: Passing) -> None:
        super().__init__()
        self._passing = passing

    def select(self, timeout: float | None = None) -> Any:
        assert timeout is not None, "nothing will ever happen"
        self._passing.seconds += max(0.0, timeout)
        return super().select(0)


class LeapingLoop(asyncio.SelectorEventLoop):
    """Threads' work is done at once, in the order in which it is asked for."""

    def __init__(self, passing: Passing) -> None:
        super().__init__(_Leap(passing))
        self._passing = passing

    def time(self) -> float:
        return self._passing()

    def run_in_executor(self, executor: Any, func: Callable[[Unpack[_Ts]], _T], *args: *_Ts) -> "asyncio.Future[_T]":
        future: asyncio.Future[_T] = self.create_future()
        try:
            future.set_result(func(*args))
        except BaseException as error:  # noqa: BLE001  told to whoever waits for it, whatever it is
            future.set_exception(error)
        return future


def submit_at_once(_: ThreadPoolExecutor, work: Callable[..., _T], *args: Any, **more: Any) -> "Future[_T]":
    """Takes the place of `ThreadPoolExecutor.submit`: no second thread, and so the same order every time."""
    future: Future[_T] = Future()
    try:
        future.set_result(work(*args, **more))
    except BaseException as error:  # noqa: BLE001  told to whoever waits for it, whatever it is
        future.set_exception(error)
    return future
