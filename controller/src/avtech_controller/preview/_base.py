"""What a preview compares with: the release in the store, a commit, or the place where a branch began; it says which."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import pygit2

from avtech_controller.compiler import CompiledScreen, compile_state
from avtech_controller.desired import DesiredState, load, open_source, require_state
from avtech_controller.preview._weeks import Base
from avtech_controller.publication import changed_screens, read_head, read_manifests
from avtech_controller.stores import ObjectStore
from avtech_controller.trust import load_anchor
from avtech_schema.errors import AvtechError
from avtech_schema.identifiers import CommitId, ScreenId
from avtech_schema.manifest import Manifest

_DEFAULT_BRANCHES = ("refs/remotes/origin/HEAD", "refs/heads/main", "refs/heads/master")


@dataclass(frozen=True, slots=True)
class Chosen:
    """The base (None: there is none), in words what it is, its state if it is a commit's, and what could not be used."""

    base: Base | None
    label: str = ""
    state: DesiredState | None = None
    notes: tuple[str, ...] = ()


def commit_base(repo: Path, revision: str, only: Collection[ScreenId] | None) -> Chosen:
    """The desired state of a revision.

    Raises:
        SourceError: there is no such revision.
        FindingsError: it has errors.
    """
    source = open_source(repo, revision)
    state = require_state(load(source))
    compiled = compile_state(state, only=only)
    manifests: dict[ScreenId, Manifest | None] = {name: screen.manifest for name, screen in compiled.items()}
    return Chosen(Base(manifests), f"commit {str(source.commit)[:12]} ({revision})", state)


def default_base(
    repo: Path,
    store: ObjectStore | None,
    commit: CommitId | None,
    wanted: Mapping[ScreenId, CompiledScreen],
    only: Collection[ScreenId] | None,
) -> Chosen:
    """What is released, if that can be read; else where this branch left the default branch; else nothing."""
    notes: list[str] = []
    if store is not None:
        try:
            if released := _released(repo, store, wanted, only):
                return released
            notes.append(f"nothing is released in {store.url} yet")
        except AvtechError as error:
            notes.append(f"what is released could not be read: {error}")
    try:
        if found := _branch_point(repo, commit):
            chosen = commit_base(repo, found, only)
            label = f"commit {found[:12]}, where this branch left the default branch"
            return Chosen(chosen.base, label, chosen.state, tuple(notes))
    except AvtechError as error:
        notes.append(f"the commit this branch began at could not be used: {error}")
    return Chosen(None, notes=tuple(notes))


def _released(
    repo: Path, store: ObjectStore, wanted: Mapping[ScreenId, CompiledScreen], only: Collection[ScreenId] | None
) -> Chosen | None:
    head = read_head(store, load_anchor(repo))
    if head is None:
        return None
    released = head.released
    asked = released.screens.keys() if only is None else released.screens.keys() & only
    changed = [screen for screen in changed_screens(released, wanted) if screen.screen in asked]
    read = read_manifests(store, changed)
    manifests: dict[ScreenId, Manifest | None] = {
        name: wanted[name].manifest for name in asked if name in wanted and wanted[name].digest == released.screens[name].digest
    }
    manifests |= {screen.screen: read.get(screen.digest) for screen in changed}
    manifests |= {name: None for name in asked if name not in wanted}
    return Chosen(Base(manifests), f"release {released.sequence} (commit {released.commit[:12]})")


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
