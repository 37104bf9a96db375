"""The patch of the commit that would take a fleet back: made in Git's object store, without touching work tree or index."""

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from avtech_controller.desired import SourceError
from avtech_schema.identifiers import CommitId

FOLDERS = ("fleet", "content-index")
"""What a revert takes back; trust/, documents and everything else stay as they are."""
_SECONDS = 120
_WHO = {
    "GIT_AUTHOR_NAME": "AVTech rollout",
    "GIT_AUTHOR_EMAIL": "rollout@avtech.invalid",
    "GIT_COMMITTER_NAME": "AVTech rollout",
    "GIT_COMMITTER_EMAIL": "rollout@avtech.invalid",
}


def revert_patch(repo: Path, base: CommitId, commit: CommitId, message: str) -> bytes:
    """The patch for `git am` that takes the desired state of `commit` back to that of `base`, which it descends from.

    It is one commit that does what `git revert` of every commit in between would. Empty if there is nothing to take back.

    Raises:
        SourceError: Git does not know the commits, or failed.
    """
    prefix = _git(repo, "rev-parse", "--show-prefix").decode().strip()
    top = Path(_git(repo, "rev-parse", "--show-toplevel").decode().strip())
    with tempfile.TemporaryDirectory(prefix="avtech-revert-") as directory:
        index = {"GIT_INDEX_FILE": str(Path(directory) / "index"), **_WHO}
        _git(top, "read-tree", f"{commit}^{{tree}}", env=index)
        for folder in FOLDERS:
            place = f"{prefix}{folder}"
            _git(top, "rm", "--cached", "-r", "-q", "--ignore-unmatch", "--", place, env=index)
            if _git(top, "ls-tree", base, "--", place):
                _git(top, "read-tree", f"--prefix={place}/", f"{base}:{place}", env=index)
        tree = _git(top, "write-tree", env=index).decode().strip()
        if tree == _git(top, "rev-parse", f"{commit}^{{tree}}").decode().strip():
            return b""
        made = _git(top, "commit-tree", tree, "-p", commit, "-m", message, env=index).decode().strip()
    return _git(top, "format-patch", "--stdout", "--no-signature", "--full-index", "--binary", "-1", made)


def revert_message(base: CommitId, commit: CommitId, sequence: int, reason: str) -> str:
    """What the revert's commit says."""
    return (
        f"Revert to {base[:12]}, because rollout {sequence} was ended\n\n"
        f"This takes back the desired state from {commit[:12]} to that of {base[:12]}.\n{reason}\n"
    )


def _git(repo: Path, *arguments: str, env: Mapping[str, str] | None = None) -> bytes:
    command = ["git", "-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null", *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=repo,
            env={**os.environ, **(env or {})},
            capture_output=True,
            check=False,
            timeout=_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SourceError(f"git {arguments[0]} failed: {error}") from error
    if done.returncode:
        said = " ".join(done.stderr.decode(errors="replace").split())[:300]
        raise SourceError(
            f"git {arguments[0]} failed: {said}",
            hint="a shallow or stale clone? `git fetch --unshallow` (or `git fetch`) gets the whole history",
        )
    return done.stdout
