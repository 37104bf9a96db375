"""Many objects at once: what came of each, and a failure that names those that failed and counts the others."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from avtech_controller.parallel import in_parallel
from avtech_controller.stores._port import PartlyDoneError, StoreError

T = TypeVar("T")
R = TypeVar("R")

MAX_FAILURES = 20
"""After so many failures nothing further is begun: it is the store that fails, not an object."""
_NAMED = 3


@dataclass(slots=True)
class Outcome(Generic[R]):
    """Results by position, the positions that failed, and whether everything else was tried."""

    results: dict[int, R] = field(default_factory=dict)
    failed: dict[int, Exception] = field(default_factory=dict)
    stopped: bool = False


def all_of(
    act: Callable[[T], R], items: Sequence[T], *, key: Callable[[T], str], what: str, done: Callable[[], None]
) -> list[R]:
    """Do the same with every item in threads, and name those that failed.

    Raises:
        PartlyDoneError: some failed.
        StoreConfigurationError: the store is not there, or denies access.
    """
    outcome: Outcome[R] = Outcome()

    def one(turn: int) -> None:
        if len(outcome.failed) >= MAX_FAILURES:
            return
        try:
            outcome.results[turn] = act(items[turn])
        except StoreError as error:
            outcome.failed[turn] = error
        else:
            done()

    in_parallel(one, range(len(items)))
    if outcome.failed:
        raise partly_done(outcome, items, key=key, what=what)
    return [outcome.results[turn] for turn in range(len(items))]


def partly_done(outcome: Outcome[R], items: Sequence[T], *, key: Callable[[T], str], what: str) -> PartlyDoneError:
    """The error that tells which items failed, why the first did, and how many were dealt with."""
    failed: Mapping[str, str] = {key(items[turn]): str(error) for turn, error in sorted(outcome.failed.items())}
    named = ", ".join(list(failed)[:_NAMED]) + (", …" if len(failed) > _NAMED else "")
    rest = len(items) - len(failed) - len(outcome.results)
    untried = f", {rest:,} were not tried" if rest else ""
    first = next(iter(failed.values()))
    return PartlyDoneError(
        f"{len(failed):,} of {len(items):,} objects could not be {what} ({named}): {first}; "
        f"{len(outcome.results):,} were{untried}",
        failed=failed,
        done=len(outcome.results),
        total=len(items),
    )


def settle(
    outcome: Outcome[R],
    items: Sequence[T],
    ask: Callable[[T], R],
    *,
    key: Callable[[T], str],
    what: str,
    done: Callable[[], None],
    excuse: Callable[[T, StoreError], R] | None = None,
) -> list[R]:
    """Ask a second client about what the first could not do, and let it do the rest if it can; it says what is wrong.

    `excuse` makes a result of a single object's failure.

    Raises:
        PartlyDoneError: some failed with both clients.
        StoreConfigurationError: the store is not there, or denies access.
    """
    failures, suspects = dict(outcome.failed), sorted(outcome.failed)
    outcome.failed.clear()

    def again(turn: int) -> None:
        try:
            outcome.results[turn] = ask(items[turn])
        except StoreError as error:
            outcome.failed[turn] = error
        else:
            done()

    in_parallel(again, suspects[:1] if outcome.stopped else suspects)  # of a store that fails, one failure tells all
    if outcome.stopped and outcome.failed:
        outcome.failed = failures | outcome.failed
    elif outcome.stopped:
        in_parallel(again, [turn for turn in range(len(items)) if turn not in outcome.results])
    for turn, error in list(outcome.failed.items()) if excuse and not outcome.stopped else []:
        if excuse and isinstance(error, StoreError):
            outcome.results[turn] = excuse(items[turn], error)
            del outcome.failed[turn]
    if outcome.failed:
        raise partly_done(outcome, items, key=key, what=what)
    return [outcome.results[turn] for turn in range(len(items))]
