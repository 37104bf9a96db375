"""Requests in threads keep their order and stop at the first failure."""

import threading

import pytest

from avtech_controller.parallel import THREADS, in_parallel


def test_results_come_in_the_order_of_the_items() -> None:
    assert in_parallel(lambda number: number * 2, range(500)) == [number * 2 for number in range(500)]
    assert in_parallel(str, []) == []


def test_requests_really_run_at_once() -> None:
    together = threading.Barrier(THREADS)
    in_parallel(lambda number: together.wait(10), range(THREADS))


def test_the_first_failure_is_raised_and_what_has_not_begun_is_not_begun() -> None:
    begun: list[int] = []
    failed = threading.Event()

    def act(number: int) -> None:
        begun.append(number)
        if number == 0:
            failed.set()
            raise ValueError("the first")
        failed.wait(10)

    with pytest.raises(ValueError, match="the first"):
        in_parallel(act, range(10_000))
    assert len(begun) < 10_000


def test_progress_is_told_once_for_each_item() -> None:
    told: list[None] = []
    in_parallel(str, range(100), done=lambda: told.append(None))
    assert len(told) == 100
