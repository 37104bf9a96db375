"""The order in which commits may be released: only forward, along the history, unless its rewriting is accepted."""

import re
from collections.abc import Callable
from pathlib import Path

from avtech_controller.desired import SourceError, history
from avtech_controller.publication._released import Released
from avtech_schema.errors import SupersededError
from avtech_schema.identifiers import CommitId

Descends = Callable[[CommitId, CommitId], bool]
"""Whether the second commit descends from the first."""

_ABBREVIATED = re.compile(r"[0-9a-f]{12,40}")


class UnknownReleasedError(SupersededError):
    """The released commit is not in this clone, whose history is whole: the clone is stale, or history was rewritten."""


def check_order(released: Released | None, commit: CommitId, descends: Descends, *, accepted: str = "") -> CommitId | None:
    """Refuse a commit that does not descend from the released head.

    `accepted` names the released commit, by twelve digits or more, if its history may be left. Returns that commit if it is.

    Raises:
        SupersededError: it is older, or of another history.
    """
    if released is None or released.commit == commit or (refusal := _refusal(released, commit, descends)) is None:
        return None
    if not accepted:
        raise refusal
    if not _ABBREVIATED.fullmatch(accepted) or not released.commit.startswith(accepted):
        raise SupersededError(
            f"--accept-rewind names {accepted[:12]}, but {released.commit[:12]} is released",
            hint="`avtech status` and `git log` show what was released since; nobody agreed to leave that",
        ) from refusal
    return released.commit


def _refusal(released: Released, commit: CommitId, descends: Descends) -> SupersededError | None:
    """Why a commit may not follow the released one by itself.

    Raises:
        SupersededError: nobody can tell.
    """
    rewind = f"if history was rewritten on purpose: --accept-rewind {released.commit[:12]}"
    try:
        if descends(released.commit, commit):
            return None
    except UnknownReleasedError as error:
        error.hint = f"git fetch, if somebody released a newer commit; {rewind}"
        return error
    if descends(commit, released.commit):
        message = f"{commit[:12]} is older than {released.commit[:12]}, which release {released.sequence} brought"
        return SupersededError(message, hint="to go back, commit a revert (git revert) and publish that")
    message = f"{commit[:12]} does not descend from the released {released.commit[:12]}"
    return SupersededError(message, hint=f"merge or rebase onto it, then publish; {rewind}")


def descent(repo: Path) -> Descends:
    """Ask the history of a repository; a clone that cannot tell stops the publication (SupersededError)."""

    def descends(older: CommitId, newer: CommitId) -> bool:
        try:
            return history.is_ancestor(repo, older, newer)
        except SourceError as error:
            kind = UnknownReleasedError if isinstance(error, history.UnknownCommitError) else SupersededError
            raise kind(
                f"this clone cannot tell whether {newer[:12]} descends from {older[:12]}: {error}",
                hint=error.hint or "get the whole history: git fetch --unshallow",
            ) from error

    return descends
