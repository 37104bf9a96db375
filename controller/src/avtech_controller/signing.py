"""Whose signed commits may be published: an optional policy in trust/, by which the released commit judges what follows it.

`trust/allowed_signers` (the format of ssh-keygen) switches it on: every commit since the released one must be signed by
a key that the released commit lists. `trust/owners` says who may change which files, like CODEOWNERS: the last pattern that
matches counts. So nobody can admit themselves and publish at once.
"""

import fnmatch
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from avtech_controller.desired import SourceError
from avtech_controller.desired.history import require_git
from avtech_schema.errors import ConfigurationError, TrustError
from avtech_schema.identifiers import CommitId, commit_id

ALLOWED = "trust/allowed_signers"
OWNERS = "trust/owners"
REVOKED = "trust/revoked_signers"
_FOLDERS = ("fleet/", "content-index/", "trust/")
_MOST_COMMITS = 10_000
_MOST_TOLD = 5
_SECONDS = 120
_GOOD = "G"
_WORDS = {"N": "is not signed", "B": "has a bad signature", "R": "is signed by a revoked key", "X": "has an expired signature"}
_STRANGE = f"is signed by a key that {ALLOWED} of the released commit does not list"


@dataclass(frozen=True, slots=True)
class SignedCommit:
    """A commit, git's verdict on its signature (`%G?`), who signed, and which files it changed against all its parents."""

    commit: CommitId
    verdict: str
    signer: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Owners:
    """Who may change what: patterns and their owners, in order."""

    rules: tuple[tuple[str, tuple[str, ...]], ...]

    def may(self, signer: str, file: str) -> bool:
        """Whether somebody may change a file: the last pattern that matches says so; without one, any allowed signer may."""
        for pattern, names in reversed(self.rules):
            if _matches(pattern, file):
                return signer in names
        return True


def parse_owners(text: str) -> Owners:
    """Read `trust/owners`: a pattern and its owners on each line, `#` begins a remark.

    Raises:
        ConfigurationError: a line names nobody.
    """
    rules: list[tuple[str, tuple[str, ...]]] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if len(words) == 1:
            raise ConfigurationError(f"{OWNERS}, line {number}: {words[0][:80]!r} has no owner", hint="PATTERN WHO [WHO...]")
        rules.append((words[0].removeprefix("/"), tuple(words[1:])))
    return Owners(tuple(rules))


def faults(commits: Sequence[SignedCommit], owners: Owners, changed: Sequence[str]) -> Iterator[str]:
    """Why commits may not be published. Pure; `changed` is what differs in the end, which some commit must answer for."""
    answered: set[str] = set()
    refused: set[str] = set()  # what commits change that are named already: for these no merge is to blame
    for commit in commits:
        name = f"{commit.commit[:12]}"
        if commit.verdict != _GOOD:
            yield f"{name} {_WORDS.get(commit.verdict, _STRANGE)}"
            refused.update(commit.files)
            continue
        answered.update(commit.files)
        for file in commit.files:
            if file.startswith(_FOLDERS) and not owners.may(commit.signer, file):
                yield f"{name} by {commit.signer} changes {file}, which {OWNERS} gives to others"
    for file in changed:
        if file.startswith(_FOLDERS) and file not in answered | refused:
            yield f"{file} changes by a merge that takes an older state of it, which nobody signed for"


def check_commits(repo: Path, released: CommitId | None, commit: CommitId) -> None:
    """Judge what follows the released commit by its policy; before the first release, only whether a key that
    it lists itself signed the commit.

    Does nothing where there is no policy.

    Raises:
        TrustError: a commit is not signed by somebody who may.
        ConfigurationError: the policy cannot be read, or git or ssh-keygen are missing.
        SourceError: the history is not there.
    """
    if released == commit:
        return
    history = _History(repo)
    base = released or commit
    if not history.knows(base):
        raise SourceError(
            f"the released commit {base[:12]}, which says whose commits may follow it, is not in this clone",
            hint=f"git fetch origin {base}; if the server does not give it, push it from a clone that has it, under a tag",
        )
    allowed = history.file(base, ALLOWED)
    if allowed is None:
        return
    if shutil.which("ssh-keygen") is None:
        raise ConfigurationError("ssh-keygen is missing: signatures of commits cannot be verified", hint="install OpenSSH")
    owners = parse_owners(_text(history.file(base, OWNERS) or b"", OWNERS) if released else "")
    with tempfile.TemporaryDirectory() as folder:
        settings = {"gpg.ssh.allowedSignersFile": Path(folder) / "allowed"}
        settings["gpg.ssh.allowedSignersFile"].write_bytes(allowed)
        if (revoked := history.file(base, REVOKED)) is not None:
            settings["gpg.ssh.revocationFile"] = Path(folder) / "revoked"
            settings["gpg.ssh.revocationFile"].write_bytes(revoked)
        commits = history.signed(f"{released}..{commit}" if released else commit, settings, one=released is None)
    changed = history.changed(released, commit) if released else ()
    if found := list(faults(commits, owners, changed)):
        more = f", and {len(found) - _MOST_TOLD} more" if len(found) > _MOST_TOLD else ""
        raise TrustError(
            f"this may not be published: {'; '.join(found[:_MOST_TOLD])}{more}",
            hint="git rebase --exec 'git commit --amend --no-edit -S' signs anew; a new signer counts from the next release on",
        )


def _matches(pattern: str, file: str) -> bool:
    if pattern.endswith("/"):
        return file.startswith(pattern)
    return pattern == "*" or fnmatch.fnmatchcase(file, pattern)


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{name} is not text in UTF-8") from error


class _History:
    """What git says; paths are those below the desired state's folder."""

    def __init__(self, repo: Path) -> None:
        from git import Repo
        from git.exc import InvalidGitRepositoryError, NoSuchPathError

        require_git()
        try:
            self._git = Repo(repo, search_parent_directories=True).git
        except (InvalidGitRepositoryError, NoSuchPathError) as error:
            raise SourceError(f"{repo} is not in a Git repository") from error
        self._repo = repo
        self._prefix = self._ask("-C", str(repo.resolve()), "rev-parse", "--show-prefix").decode().strip()

    def knows(self, commit: CommitId) -> bool:
        """Whether the clone has a commit."""
        try:
            self._ask("cat-file", "-e", f"{commit}^{{commit}}")
        except SourceError:
            return False
        return True

    def file(self, commit: CommitId, name: str) -> bytes | None:
        """A file as a commit has it; None if it has none."""
        listed = self._ask("ls-tree", "-z", commit, "--", f":(top){self._prefix}{name}")
        if not listed:
            return None
        return self._ask("cat-file", "blob", listed.split(b"\t")[0].split()[-1].decode())

    def signed(self, revisions: str, settings: Mapping[str, Path], *, one: bool) -> list[SignedCommit]:
        """The commits of a range, newest first, verified by SSH keys alone."""
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        most = 1 if one else _MOST_COMMITS + 1
        answer = self._ask(
            *("-c", "gpg.program=/bin/false", "-c", "gpg.x509.program=/bin/false", "-c", "core.quotePath=false", *options),
            *("log", "-z", f"--max-count={most}", "--no-renames", "--no-show-signature", "--name-only", "--cc"),
            *("--format=%x01%H%x02%G?%x02%GS", "--end-of-options", revisions),
        )
        found = [self._signed(part) for part in answer.split(b"\x01")[1:]]
        if len(found) > _MOST_COMMITS:
            raise TrustError(f"more than {_MOST_COMMITS} commits follow the released one: publish in steps")
        return found

    def changed(self, older: CommitId, newer: CommitId) -> tuple[str, ...]:
        """The files that differ between two commits."""
        return self._names(self._ask("diff", "-z", "--no-renames", "--name-only", older, newer).split(b"\0"))

    def _signed(self, part: bytes) -> SignedCommit:
        head, *files = part.split(b"\0")
        commit, verdict, signer = head.decode(errors="replace").split("\x02")
        return SignedCommit(commit_id(commit), verdict, signer, self._names(file.lstrip(b"\n") for file in files))

    def _names(self, files: "Iterator[bytes] | list[bytes]") -> tuple[str, ...]:
        names = (file.decode(errors="replace") for file in files if file)
        return tuple(name.removeprefix(self._prefix) for name in names if name.startswith(self._prefix))

    def _ask(self, *arguments: str) -> bytes:
        from git import GitCommandError

        try:
            answer: bytes = self._git.execute(
                ["git", *arguments], kill_after_timeout=_SECONDS, stdout_as_string=False, strip_newline_in_stdout=False
            )
        except GitCommandError as error:
            reason = " ".join(str(error.stderr).split())[:200]
            raise SourceError(
                f"git cannot tell who signed: {reason}", hint="git fetch --unshallow gets the whole history"
            ) from error
        return answer
