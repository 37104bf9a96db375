"""The desired state of one commit, read in bulk from Git's object database; the work tree is neither read nor touched."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pygit2

from avtech_controller.desired._sections import LOOSE, Section
from avtech_controller.desired._source import (
    FOLDERS,
    MAX_FILE_BYTES,
    MAX_FOLDER_DEPTH,
    SUFFIXES,
    Budget,
    Defect,
    Listed,
    SourceError,
    SourceFile,
)
from avtech_controller.desired.history import NO_GIT_HINT, resolve_commit
from avtech_schema.errors import FindingsError
from avtech_schema.identifiers import CommitId, commit_id

_WHOLE_ID = re.compile(r"[0-9a-f]{40}")
_DEFECTS = {"link": "is a symbolic link", "not-a-file": "is not what it should be", "too-large": "is too large"}


def open_commit(path: Path, revision: str) -> "CommitTree":
    """Open a revision of the repository that `path` is in; `path` may be a folder below the repository's root.

    Raises:
        SourceError: there is no such repository or revision.
    """
    try:
        found = pygit2.discover_repository(str(path))
        repository = pygit2.Repository(found) if found else None
    except (pygit2.GitError, KeyError, ValueError) as error:
        resolve_commit(path, revision)  # says more of what it refuses
        raise SourceError(f"cannot open the Git repository at {path}: {error}") from error
    commit = _plain_commit(repository, revision) if repository else None
    if commit is None:
        commit = resolve_commit(path, revision)
    if repository is None:
        raise SourceError(f"{path} is not in a Git repository", hint=NO_GIT_HINT)
    return CommitTree(path, commit, repository)


def _plain_commit(repository: pygit2.Repository, revision: str) -> CommitId | None:
    """The commit of HEAD or of a whole id, which mean one thing only; Git itself is asked about all else, and at more cost."""
    if revision != "HEAD" and not _WHOLE_ID.fullmatch(revision):
        return None
    try:
        return commit_id(str(repository.revparse_single(revision).peel(pygit2.Commit).id))
    except (pygit2.GitError, KeyError, ValueError):
        return None


class CommitTree:
    """The files of a commit's tree; symbolic links in it are reported, never followed."""

    def __init__(self, root: Path, commit: CommitId, repository: pygit2.Repository) -> None:
        self.root = root
        self.commit: CommitId | None = commit
        self._repository = repository

    def files(self) -> Iterator[SourceFile]:
        """Every YAML blob below the folders.

        Raises:
            SourceError: an object is missing or damaged.
            FindingsError: there are more files or bytes than the limits allow.
        """
        budget = Budget()
        for listed in self.listing():
            found = listed.read()
            budget.spend(len(found.data))
            yield found

    def listing(self) -> Iterator[Listed]:
        """The same blobs, told apart by their content.

        Raises:
            SourceError: an object is missing or damaged.
            FindingsError: there are more files than the limits allow.
        """
        try:
            yield from self._listing()
        except (pygit2.GitError, KeyError, ValueError) as error:
            raise self._unreadable(error) from error

    def sections(self) -> list[Section]:
        """The same blobs by the name below the folders; trees are told apart by their ids, and listed only when read.

        Raises:
            SourceError: an object is missing or damaged.
        """
        trees: dict[str, list[tuple[str, pygit2.Tree]]] = {}
        loose: list[Listed] = []
        try:
            for folder, entry in self._folders():
                if not isinstance(entry, pygit2.Tree):
                    loose.append(_defective(folder, entry))
                    continue
                for below in entry:
                    path = f"{folder}/{below.name}"
                    if isinstance(below, pygit2.Tree):
                        trees.setdefault(str(below.name), []).append((path, below))
                    elif path.endswith(SUFFIXES):
                        loose.append(Listed(path, partial(self._blob, below, path), f"{below.filemode} {below.id}"))
        except (pygit2.GitError, KeyError, ValueError) as error:
            raise self._unreadable(error) from error
        found = [_loose_section(loose)] if loose else []
        return [*found, *(self._section(name, trees[name]) for name in sorted(trees))]

    def _section(self, name: str, trees: list[tuple[str, pygit2.Tree]]) -> Section:
        identity = "trees " + " ".join(f"{path!r} {tree.id}" for path, tree in trees)
        return Section(name, identity, partial(self._read_trees, trees))

    def _read_trees(self, trees: list[tuple[str, pygit2.Tree]]) -> list[SourceFile]:
        budget = Budget()
        files: list[SourceFile] = []
        try:
            for path, tree in trees:
                files += (listed.read() for listed in self._tree(tree, path, budget))
        except (pygit2.GitError, KeyError, ValueError) as error:
            raise self._unreadable(error) from error
        return files

    def folder(self, name: str, *, limit: int) -> dict[str, bytes] | None:
        """The regular files that lie directly in a folder below the root, by name; None if there is no such folder.

        Raises:
            SourceError: the folder or a file in it is a symbolic link, a file is larger than `limit`, or one is damaged.
        """
        try:
            entry = _entry(self._repository[str(self.commit)].peel(pygit2.Tree), self._prefix() / name)
            if entry is None:
                return None
            found = {str(file.name): _read(self._repository, file, limit) for file in _files(entry)}
        except (pygit2.GitError, KeyError, ValueError) as error:
            raise self._unreadable(error) from error
        bad = next(((file, read.defect) for file, read in found.items() if read.defect), None)
        if bad or not isinstance(entry, pygit2.Tree):
            what, defect = (f"{name}/{bad[0]}", bad[1]) if bad else (name, "link" if _is_link(entry) else "not-a-file")
            raise SourceError(f"{what} of commit {str(self.commit)[:12]} {_DEFECTS.get(str(defect), 'cannot be read')}")
        return {file: read.data for file, read in found.items()}

    def holds(self, path: str) -> bool:
        """Whether the commit has something at a path below the root.

        Raises:
            SourceError: an object is missing or damaged.
        """
        try:
            return _entry(self._repository[str(self.commit)].peel(pygit2.Tree), self._prefix() / path) is not None
        except (pygit2.GitError, KeyError, ValueError) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> SourceError:
        return SourceError(
            f"commit {str(self.commit)[:12]} cannot be read whole: {error}",
            hint="an object is missing or damaged; a full clone (`git fetch --unshallow`, `git fsck`) may help",
        )

    def _listing(self) -> Iterator[Listed]:
        budget = Budget()
        for folder, entry in self._folders():
            if isinstance(entry, pygit2.Tree):
                yield from self._tree(entry, folder, budget)
            else:
                yield _defective(folder, entry)

    def _folders(self) -> Iterator[tuple[str, pygit2.Object]]:
        top = self._repository[str(self.commit)].peel(pygit2.Tree)
        for folder in FOLDERS:
            if (entry := _entry(top, self._prefix() / folder)) is not None:
                yield folder, entry

    def _prefix(self) -> Path:
        """Where the root lies below the repository's root."""
        if self._repository.is_bare:
            return Path()
        return self.root.resolve().relative_to(Path(self._repository.workdir).resolve())

    def _tree(self, start: pygit2.Tree, folder: str, budget: Budget) -> Iterator[Listed]:
        pending: list[tuple[pygit2.Tree, str]] = [(start, folder)]
        while pending:
            tree, here = pending.pop()
            for entry in tree:
                path = f"{here}/{entry.name}"
                if isinstance(entry, pygit2.Tree):
                    if path.count("/") > MAX_FOLDER_DEPTH:
                        raise FindingsError(f"folders are nested deeper than {MAX_FOLDER_DEPTH} at {here[:200]}")
                    pending.append((entry, path))
                elif path.endswith(SUFFIXES):
                    budget.spend(0)
                    yield Listed(path, partial(self._blob, entry, path), f"{entry.filemode} {entry.id}")

    def _blob(self, entry: pygit2.Object, path: str) -> SourceFile:
        try:
            return replace(_read(self._repository, entry, MAX_FILE_BYTES), path=path)
        except (pygit2.GitError, KeyError, ValueError) as error:
            raise self._unreadable(error) from error


def _defective(folder: str, entry: pygit2.Object) -> Listed:
    """Something else that stands in the place of a folder."""
    defect: Defect = "link" if _is_link(entry) else "not-a-file"
    return Listed(folder, partial(SourceFile, folder, defect=defect))


def _loose_section(files: list[Listed]) -> Section:
    identity = "loose " + " ".join(f"{one.path!r} {one.identity or 'defective'}" for one in files)
    return Section(LOOSE, identity, lambda: [one.read() for one in files])


def _entry(tree: pygit2.Tree, path: Path) -> pygit2.Object | None:
    entry: pygit2.Object = tree
    for part in path.parts:
        if not isinstance(entry, pygit2.Tree) or part not in entry:
            return None
        entry = entry[part]
    return entry


def _is_link(entry: pygit2.Object) -> bool:
    return entry.filemode == pygit2.enums.FileMode.LINK


def _files(entry: pygit2.Object) -> Iterator[pygit2.Object]:
    return (file for file in entry if not isinstance(file, pygit2.Tree)) if isinstance(entry, pygit2.Tree) else iter(())


def _read(repository: pygit2.Repository, entry: pygit2.Object, limit: int) -> SourceFile:
    name = str(entry.name)
    if _is_link(entry):
        return SourceFile(name, defect="link")
    if not isinstance(entry, pygit2.Blob):
        return SourceFile(name, defect="not-a-file")
    _, size = repository.odb.read_header(entry.id)
    if size > limit:
        return SourceFile(name, defect="too-large", detail=str(size))
    return SourceFile(name, entry.data)
