"""Many requests at once in one event loop: each is tried again with jittered exponential back-off if that may help."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from avtech_controller.stores._bulk import MAX_FAILURES, Outcome

T = TypeVar("T")
R = TypeVar("R")

CONCURRENCY = 64
"""Requests at once: on a small server nearby 16 to 128 are alike; where an answer takes 20 ms, 32 take a quarter longer."""
ATTEMPTS = 5
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0


class AgainError(Exception):
    """A request failed in a way that may pass: no connection, no answer, or a server that is overloaded."""


class RefusedError(Exception):
    """A request failed in a way that no repetition mends."""


def pause_before(attempt: int, dice: float) -> float:
    """Seconds to wait before another attempt; `attempt` counts from 0, `dice` is drawn from 0 to 1."""
    longest: float = min(LONGEST_PAUSE, FIRST_PAUSE * 2**attempt)
    return longest * (0.1 + 0.9 * dice)


async def attempt_all(
    act: Callable[[T], Awaitable[R]], items: Sequence[T], *, done: Callable[[], None], concurrency: int = CONCURRENCY
) -> Outcome[R]:
    """Do the same with every item, so many at a time, in order; stops early after many failures or one refusal."""
    outcome: Outcome[R] = Outcome()
    turns = iter(range(len(items)))

    async def work() -> None:
        for turn in turns:
            if outcome.stopped:
                return
            try:
                outcome.results[turn] = await _insist(act, items[turn])
            except (AgainError, RefusedError) as error:
                outcome.failed[turn] = error
                outcome.stopped |= isinstance(error, RefusedError) or len(outcome.failed) >= MAX_FAILURES
            else:
                done()

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(concurrency, len(items))):
                group.create_task(work())
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return outcome


async def _insist(act: Callable[[T], Awaitable[R]], item: T) -> R:
    for attempt in range(ATTEMPTS - 1):
        try:
            return await act(item)
        except AgainError:
            await asyncio.sleep(pause_before(attempt, random.random()))  # noqa: S311
    return await act(item)
