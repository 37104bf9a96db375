"""What a preview compares with: the release in the store, a commit, or the place where a branch began; it says which."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pygit2

from avtech_controller.compiler import CompiledScreen, compile_state
from avtech_controller.desired import DesiredState, load, open_source, require_state
from avtech_controller.planning import CommitBase, OldManifest, Standing, same_manifest
from avtech_controller.publication import Released, read_head, read_old_manifests
from avtech_controller.stores import ObjectStore
from avtech_controller.trust import load_anchor
from avtech_schema.errors import AvtechError, ConfigurationError
from avtech_schema.identifiers import CommitId, ScreenId, Sha256

_DEFAULT_BRANCHES = (
    "refs/remotes/origin/HEAD",
    "refs/remotes/origin/main",
    "refs/remotes/origin/master",
    "refs/heads/main",
    "refs/heads/master",
)
_Wanted = Mapping[ScreenId, CompiledScreen]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The base (None: there is none), in words what it is, its state if it is a commit's, and what could not be used."""

    base: Standing | None
    label: str = ""
    state: DesiredState | None = None
    notes: tuple[str, ...] = ()


class Bases:
    """Finds the base of one preview after another, reading each commit and each released manifest once.

    The base is `revision` if there is one; else what is released, if that can be read; else where the branch began.
    """

    def __init__(
        self, repo: Path, *, revision: str | None, store: ObjectStore | None, only: Collection[ScreenId] | None = None
    ) -> None:
        self._repo = repo
        self._revision = revision
        self._store = store
        self._only = only
        self._commits: dict[str, tuple[CommitBase, Chosen]] = {}
        self._notes: tuple[str, ...] = ()
        self._asked = False
        self._released: Released | None = None
        self._manifests: dict[Sha256, OldManifest] = {}

    def find(self, commit: CommitId | None, wanted: _Wanted) -> Chosen:
        """The base for a commit (None: the work tree) with its compiled screens.

        Raises:
            SourceError: `revision` is not one of the repository.
            FindingsError: its desired state has errors.
        """
        if self._revision is not None:
            return self._at(self._revision, self._revision, wanted)
        if not self._asked:
            self._asked = True
            self._read_head()
        notes = list(self._notes)
        if self._released is not None:
            try:
                return self._release(self._released, wanted)
            except AvtechError as error:
                notes.append(f"what is released could not be read: {error}")
        try:
            if point := _branch_point(self._repo, commit):
                chosen = self._at(point, "where this branch left the default branch", wanted)
                return Chosen(chosen.base, chosen.label, chosen.state, tuple(notes))
        except AvtechError as error:
            notes.append(f"the commit at which this branch began could not be used: {error}")
        return Chosen(None, notes=tuple(notes))

    def forget_release(self) -> None:
        """Ask the store again for what is released the next time."""
        self._asked, self._notes, self._released = False, (), None

    def _at(self, revision: str, what: str, wanted: _Wanted) -> Chosen:
        if revision not in self._commits:
            source = open_source(self._repo, revision)
            if source.commit is None:
                raise ConfigurationError(f"{revision} names no commit")
            state = require_state(load(source))
            found = CommitBase(source.commit, compile_state(state, only=self._only))
            self._commits[revision] = found, Chosen(None, f"commit {source.commit[:12]} ({what})", state)
        base, chosen = self._commits[revision]
        return replace(chosen, base=Standing(base.screens, base.manifests(wanted)))

    def _read_head(self) -> None:
        """Ask the store once; a release that cannot be read or does not verify is said, never taken for none."""
        if self._store is None:
            return
        try:
            head = read_head(self._store, load_anchor(self._repo))
        except AvtechError as error:
            self._notes = (f"what is released could not be read: {error}",)
            return
        if head is None:
            self._notes = (f"nothing is released in {self._store.url} yet",)
        else:
            self._released = head.released

    def _release(self, released: Released, wanted: _Wanted) -> Chosen:
        asked = {name: old for name, old in released.screens.items() if self._only is None or name in self._only}
        changed = [old for name, old in asked.items() if (new := wanted.get(name)) and not same_manifest(old, new)]
        missing = [screen for screen in changed if screen.digest not in self._manifests]
        if missing and self._store is not None:
            self._manifests |= read_old_manifests(self._store, missing)
        label = f"release {released.sequence} (commit {released.commit[:12]})"
        return Chosen(Standing(asked, self._manifests), label)


def _branch_point(repo: Path, commit: CommitId | None) -> CommitId | None:
    """Where the history of a commit (None: HEAD) left the default branch; None if that is the commit itself, or is unknown."""
    try:
        found = pygit2.discover_repository(str(repo))
        if not found:
            return None
        repository = pygit2.Repository(found)
        here = pygit2.Oid(hex=commit) if commit else repository.head.target
        name = next((name for name in _DEFAULT_BRANCHES if name in repository.references), None)
        if name is None:
            return None
        point = repository.merge_base(here, repository.references[name].resolve().target)
    except (pygit2.GitError, KeyError, ValueError):
        return None
    return CommitId(str(point)) if point and str(point) != commit else None
