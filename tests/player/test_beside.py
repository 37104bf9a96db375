"""One thing after another, in a thread beside its caller's."""

import threading
from collections.abc import Callable
from functools import partial

import pytest

from avtech_player.beside import Beside

WITHIN = 30.0


def test_what_is_to_be_done_goes_on_beside_the_caller_and_is_done_at_the_end() -> None:
    caller_went_on, seen = threading.Event(), list[str]()

    def work() -> None:
        assert caller_went_on.wait(WITHIN)
        seen.append(threading.current_thread().name)

    with Beside() as beside:
        beside.do(work)
        caller_went_on.set()
    assert len(seen) == 1
    assert seen[0] != threading.current_thread().name


def test_things_are_done_in_order_and_no_more_than_one_waits() -> None:
    seen = list[int]()
    with Beside() as beside:
        for number in range(20):
            assert len(seen) >= number - 1
            beside.do(partial(seen.append, number))
    assert seen == list(range(20))


def fail() -> None:
    raise OSError("no")


def all_beside(*works: Callable[[], None]) -> None:
    with Beside() as beside:
        for work in works:
            beside.do(work)


def test_a_failure_is_told_before_the_next_thing_begins() -> None:
    seen = list[int]()
    with pytest.raises(OSError, match="no"):
        all_beside(fail, lambda: seen.append(1))
    assert seen == []


def test_the_last_things_failure_is_told_at_the_end() -> None:
    with pytest.raises(OSError, match="no"):
        all_beside(fail)


def test_the_callers_own_failure_goes_before() -> None:
    beside = Beside()
    beside.do(fail)
    beside.__exit__(ValueError, ValueError("the caller's"), None)
