"""What the repository's history says: which commit a revision is, and which commit descends from which."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from avtech_controller.desired._source import SourceError
from avtech_schema.identifiers import CommitId, commit_id

if TYPE_CHECKING:
    from git import Repo

NO_GIT_HINT = (
    "`git init` and a commit make it one; commands that take the work tree read the files as they are without --commit"
)
_MOST_COMMITS = 10_000
_SECONDS = 60
"""No question to Git takes longer than this."""


class UnknownCommitError(SourceError):
    """A clone with the whole history of what it fetched does not have a commit: it is stale, or history was rewritten."""


@dataclass(frozen=True, slots=True)
class CommitFacts:
    """What a commit says about itself."""

    commit: CommitId
    author: str
    """Name and address."""
    committed: datetime
    """In UTC."""
    subject: str


def resolve_commit(path: Path, revision: str) -> CommitId:
    """The full id of the commit that a revision (a hash, branch, tag, `HEAD~1`) names.

    Raises:
        SourceError: there is no repository, it has no commit yet, or it knows no such revision.
    """
    repository = _open(path)
    if not revision.strip() or "\0" in revision:
        raise SourceError("an empty revision names no commit", hint="give a hash, a branch or a tag, for example HEAD")
    answer = _ask(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}")
    if answer:
        return commit_id(answer)
    if not _ask(repository, "rev-parse", "--verify", "--quiet", "HEAD"):
        raise SourceError(
            "the repository has no commit yet",
            hint="commit first: git add --all && git commit; without --commit the files are read as they are",
        )
    shallow = _ask(repository, "rev-parse", "--is-shallow-repository") == "true"
    raise SourceError(
        f"{revision[:100]!r} is not a commit of this repository",
        hint="the clone is shallow: `git fetch --unshallow` gets the whole history"
        if shallow
        else "`git log --oneline` lists them",
    )


def is_ancestor(path: Path, older: CommitId, newer: CommitId) -> bool:
    """Whether `newer` descends from `older`, or is it.

    Raises:
        UnknownCommitError: this clone, which is not shallow, does not know a commit.
        SourceError: the clone is shallow and its history too short to tell.
    """
    repository = _open(path)
    if _ask(repository, "merge-base", "--is-ancestor", commit_id(older), commit_id(newer)) is not None:
        return True  # which is sure however short the history is
    shallow = _ask(repository, "rev-parse", "--is-shallow-repository") == "true"
    for commit in (older, newer):
        if not _ask(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}"):
            kind = SourceError if shallow else UnknownCommitError
            raise kind(
                f"the repository does not know the commit {commit[:12]}",
                hint="a shallow or stale clone? `git fetch --unshallow` (or `git fetch`) gets the whole history",
            )
    if shallow:
        raise SourceError(
            f"the clone is shallow: whether {newer[:12]} descends from {older[:12]} cannot be told",
            hint="`git fetch --unshallow` gets the whole history",
        )
    return False


def folder_at(path: Path, commit: CommitId, folder: str, *, limit: int) -> dict[str, bytes] | None:
    """The files directly in a folder as a commit has them, by name; None if it has no such folder.

    Raises:
        SourceError: the commit is unknown, or the folder or a file is a symbolic link, too large or damaged.
    """
    from avtech_controller.desired._commit import open_commit

    return open_commit(path, commit).folder(folder, limit=limit)


def commit_facts(path: Path, commit: CommitId) -> CommitFacts:
    """Who made a commit, when, and its subject line.

    Raises:
        SourceError: the repository does not know it.
    """
    answer = _ask(
        _open(path), "show", "--no-patch", "--no-show-signature", "--format=%an <%ae>%x00%ct%x00%s", commit_id(commit)
    )
    if answer is None:
        raise SourceError(f"the repository does not know the commit {commit[:12]}")
    author, seconds, subject = answer.split("\0", 2)
    return CommitFacts(commit, author, datetime.fromtimestamp(int(seconds), UTC), subject)


def trailers(path: Path, older: CommitId, newer: str, key: str) -> list[str]:
    """The values of a trailer (`Key: value` at a message's end) in the commits that `newer` has and `older` has not.

    Raises:
        SourceError: a commit is unknown.
    """
    form = f"--format=%(trailers:key={key},valueonly,unfold)"
    answer = _ask(_open(path), "log", f"--max-count={_MOST_COMMITS}", form, "--end-of-options", f"{commit_id(older)}..{newer}")
    if answer is None:
        raise SourceError(
            f"the repository does not know the commits from {older[:12]} to {newer[:12]}",
            hint="a shallow or stale clone? `git fetch --unshallow` (or `git fetch`) gets the whole history",
        )
    return [line.strip() for line in answer.splitlines() if line.strip()]


def has_changes(path: Path) -> bool:
    """Whether fleet/, content-index/ or trust/ of the work tree differ from its last commit.

    Raises:
        SourceError: there is no repository.
    """
    repository = _open(path)
    folders = [str(path.resolve() / name) for name in ("fleet", "content-index", "trust")]
    answer = _ask(repository, "status", "--porcelain", "--", *folders)
    if answer is None:
        raise SourceError(f"git cannot tell the state of {path}")
    return bool(answer)


def require_git() -> None:
    """Make sure that git can be run.

    Raises:
        SourceError: it is not installed.
    """
    if shutil.which("git") is None:
        raise SourceError("git is not installed, or not in PATH", hint="install it, for example: apt install git")


def _open(path: Path) -> "Repo":
    require_git()
    from git import GitCommandError, Repo
    from git.exc import InvalidGitRepositoryError, NoSuchPathError

    try:
        repository = Repo(path, search_parent_directories=True)
        repository.git.rev_parse("--git-dir", kill_after_timeout=_SECONDS)
    except NoSuchPathError as error:
        raise SourceError(f"{path} is not there", hint="name the desired-state repository") from error
    except InvalidGitRepositoryError as error:
        raise SourceError(f"{path} is not in a Git repository", hint=NO_GIT_HINT) from error
    except GitCommandError as error:
        raise SourceError(f"git refuses the repository at {path}: {_one_line(error.stderr)}") from error
    return repository


def _ask(repository: "Repo", *arguments: str) -> str | None:
    """Git's answer in one line or more; None when it says no.

    Raises:
        SourceError: it failed in another way.
    """
    from git import GitCommandError

    try:
        answer = repository.git.execute(["git", *arguments], kill_after_timeout=_SECONDS)
    except GitCommandError as error:
        if error.status in (1, 128):
            return None
        raise SourceError(f"git {arguments[0]} failed: {_one_line(error.stderr)}") from error
    return str(answer)


def _one_line(text: str) -> str:
    return " ".join(text.replace("stderr:", "").split()).strip("'")[:300]
