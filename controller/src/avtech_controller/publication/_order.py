"""The order in which commits may be released: only forward, along the history."""

from collections.abc import Callable
from pathlib import Path

from avtech_controller.desired import SourceError, history
from avtech_controller.publication._released import Released
from avtech_schema.errors import SupersededError
from avtech_schema.identifiers import CommitId

Descends = Callable[[CommitId, CommitId], bool]
"""Whether the second commit descends from the first."""


def check_order(released: Released | None, commit: CommitId, descends: Descends) -> None:
    """Refuse a commit that does not descend from the released head.

    Raises:
        SupersededError: it is older, or of another history.
    """
    if released is None or released.commit == commit or descends(released.commit, commit):
        return
    if descends(commit, released.commit):
        raise SupersededError(
            f"{commit[:12]} is older than {released.commit[:12]}, which release {released.sequence} brought",
            hint="to go back, commit a revert (git revert) and publish that",
        )
    raise SupersededError(
        f"{commit[:12]} does not descend from the released {released.commit[:12]}",
        hint="merge or rebase onto it, then publish",
    )


def descent(repo: Path) -> Descends:
    """Ask the history of a repository; a clone that cannot tell stops the publication (SupersededError)."""

    def descends(older: CommitId, newer: CommitId) -> bool:
        try:
            return history.is_ancestor(repo, older, newer)
        except SourceError as error:
            raise SupersededError(
                f"this clone cannot tell whether {newer[:12]} descends from {older[:12]}: {error}",
                hint=error.hint or "get the whole history: git fetch --unshallow",
            ) from error

    return descends
