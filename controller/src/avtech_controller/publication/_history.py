"""Asks Git whether one commit descends from another, for the order in which commits may be published."""

from collections.abc import Callable
from pathlib import Path

from avtech_controller.desired import SourceError, history
from avtech_schema.errors import SupersededError
from avtech_schema.identifiers import CommitId


def descent(repo: Path) -> Callable[[CommitId, CommitId], bool]:
    """A function that says whether its second commit descends from its first, by the history of a repository."""

    def descends(older: CommitId, newer: CommitId) -> bool:
        try:
            return history.is_ancestor(repo, older, newer)
        except SourceError as error:
            raise SupersededError(
                f"this clone cannot tell whether {newer[:12]} descends from {older[:12]}: {error}",
                hint=error.hint or "get the whole history: git fetch --unshallow",
            ) from error

    return descends
