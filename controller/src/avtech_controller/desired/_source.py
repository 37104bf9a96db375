"""Where the desired state is read from: the files of a work tree, or those of a commit without touching the work tree."""

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from avtech_schema.errors import ConfigurationError, FindingsError
from avtech_schema.identifiers import CommitId

FOLDERS = ("fleet", "content-index")
"""Only YAML below these is read."""
SUFFIXES = (".yaml", ".yml")
MAX_FILE_BYTES = 1 << 20
"""A larger file is a finding and is not read."""
MAX_TREE_BYTES = 1 << 30
MAX_FILES = 1_000_000
MAX_FOLDER_DEPTH = 32

Defect = Literal["link", "too-large", "not-a-file", "unreadable"]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file by its path from the root, with its bytes; or, with `defect`, one that was not read, and `detail` why."""

    path: str
    data: bytes = b""
    defect: Defect | None = None
    detail: str = ""


class Listed(NamedTuple):
    """One file that may be read, and what tells it from an earlier one without reading it: empty if nothing does."""

    path: str
    read: Callable[[], SourceFile]
    identity: str = ""
    changed_ns: int = 0
    """When it was last written or replaced, in nanoseconds since 1970; 0 if the identity is that of its content."""
    size: int = 0
    """Its bytes, where they are known before it is read."""


class ListedFolder(NamedTuple):
    """The files directly in one folder, and what tells them, taken together, from what they were before."""

    path: str
    stamp: str
    """The names and identities of all its files, as one; empty if one of them has no identity."""
    newest_ns: int
    """When one of them was last written or replaced; 0 if identities are those of contents."""
    files: Callable[[], list[Listed]]
    size: int
    """How many files there are."""


class Source(Protocol):
    """The files of a desired state, all of one moment."""

    root: Path
    commit: CommitId | None
    """The commit; None when they are the work tree's."""

    def files(self) -> Iterator[SourceFile]:
        """Every YAML file below `FOLDERS`, in no particular order.

        Raises:
            SourceError: the tree or the repository cannot be read.
            FindingsError: there are more files or bytes than the limits allow.
        """
        ...


class ListedSource(Source, Protocol):
    """A source whose files can be told from earlier ones before they are read."""

    def listing(self) -> Iterator[Listed]:
        """The same files, each read only when that is asked for.

        Raises:
            SourceError: the tree or the repository cannot be read.
            FindingsError: there are more files or bytes than the limits allow.
        """
        ...


class SourceError(ConfigurationError):
    """The place to read from is not there, or is not what the command needs."""


def open_source(path: Path, commit: str | None = None) -> ListedSource:
    """Open the desired state in a directory: its work tree or, with `commit`, a revision of the Git repository it is in.

    Raises:
        SourceError: there is no such directory, repository or revision.
    """
    if commit is not None:
        from avtech_controller.desired._commit import open_commit

        return open_commit(path, commit)
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}", hint="name the desired-state repository") from error
    if not stat.S_ISDIR(mode):
        raise SourceError(f"{path} is not a directory", hint="name the directory that holds fleet/ and content-index/")
    return WorkTree(path)


class Budget:
    """Counts what was read, and stops at the limits of a tree."""

    def __init__(self) -> None:
        self._files = 0
        self._bytes = 0

    def spend(self, size: int) -> None:
        """Count one file.

        Raises:
            FindingsError: that is more than a tree may hold.
        """
        self._files += 1
        self._bytes += size
        if self._files > MAX_FILES:
            raise FindingsError(f"more than {MAX_FILES} YAML files lie below fleet/ and content-index/")
        if self._bytes > MAX_TREE_BYTES:
            raise FindingsError(f"the YAML files below fleet/ and content-index/ hold more than {MAX_TREE_BYTES >> 20} MiB")


class WorkTree:
    """The files as they lie in a directory; symbolic links are not followed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.commit: CommitId | None = None

    def files(self) -> Iterator[SourceFile]:
        """Every YAML file below the folders, read as it is met.

        Raises:
            SourceError: a directory cannot be listed.
            FindingsError: there are more files or bytes than the limits allow.
        """
        budget = Budget()
        for listed in self._entries():
            found = listed.read()
            budget.spend(len(found.data))
            yield found

    def listing(self) -> Iterator[Listed]:
        """The same files, told apart by their times, sizes and places on the disk.

        Raises:
            SourceError: a directory cannot be listed.
            FindingsError: there are more files or bytes than the limits allow.
        """
        for folder in self.folders():
            yield from folder.files()

    def folders(self) -> Iterator[ListedFolder]:
        """The same files by the folder they lie in, at the cost of one look at each.

        Raises:
            SourceError: a directory cannot be listed.
            FindingsError: there are more files or bytes than the limits allow.
        """
        budget = Budget()
        for folder, plain, others in self._met():
            found: list[_Stated] = []
            for entry in plain:
                try:
                    stated = entry.stat(follow_symlinks=False)
                except OSError:  # it went this moment: whoever reads it is told
                    others.append(Listed(f"{folder}/{entry.name}", partial(_read, entry, f"{folder}/{entry.name}")))
                    continue
                budget.spend(stated.st_size)
                found.append((entry.name, entry, stated))
            if found or others:
                yield _folder_of(folder, found, others)

    def _entries(self) -> Iterator[Listed]:
        for folder, plain, others in self._met():
            for entry in plain:
                path = f"{folder}/{entry.name}"
                yield Listed(path, partial(_read, entry, path))
            yield from others

    def _met(self) -> Iterator[tuple[str, list[os.DirEntry[str]], list[Listed]]]:
        """Every folder with its plain YAML files, and with what stands in the place of some but is none."""
        links = [start for start in FOLDERS if (self.root / start).is_symlink()]
        if links:
            yield "", [], [_defective(start, "link") for start in links]
        pending = [start for start in FOLDERS if start not in links and (self.root / start).is_dir()]
        while pending:
            here = pending.pop()
            plain, others, below = self._folder(here)
            if below and here.count("/") >= MAX_FOLDER_DEPTH:
                raise FindingsError(f"folders are nested deeper than {MAX_FOLDER_DEPTH} at {here[:200]}")
            pending += below
            yield here, plain, others

    def _folder(self, here: str) -> tuple[list[os.DirEntry[str]], list[Listed], list[str]]:
        plain: list[os.DirEntry[str]] = []
        others: list[Listed] = []
        below: list[str] = []
        try:
            with os.scandir(self.root / here) as entries:
                for entry in entries:
                    is_yaml = entry.name.endswith(SUFFIXES)
                    if is_yaml and entry.is_file(follow_symlinks=False):
                        plain.append(entry)
                    elif entry.is_dir(follow_symlinks=False):
                        below.append(f"{here}/{entry.name}")
                    elif entry.is_symlink() and (is_yaml or entry.is_dir()):
                        others.append(_defective(f"{here}/{entry.name}", "link"))
                    elif is_yaml:
                        others.append(Listed(f"{here}/{entry.name}", partial(_read, entry, f"{here}/{entry.name}")))
        except OSError as error:
            raise SourceError(f"cannot list {here}: {error.strerror}") from error
        return plain, others, below


_Stated = tuple[str, os.DirEntry[str], os.stat_result]


def _folder_of(folder: str, found: list[_Stated], others: list[Listed]) -> ListedFolder:
    found.sort(key=itemgetter(0))
    stamp = "" if others else "\n".join([f"{name} {_identity(stated)}" for name, _, stated in found])
    newest = max((max(stated.st_mtime_ns, stated.st_ctime_ns) for _, _, stated in found), default=0)
    return ListedFolder(folder, stamp, newest, partial(_files_of, folder, found, others), len(found) + len(others))


def _files_of(folder: str, found: list[_Stated], others: list[Listed]) -> list[Listed]:
    files = [_listed(f"{folder}/{name}", entry, stated) for name, entry, stated in found]
    return sorted([*files, *others], key=itemgetter(0))


def _defective(path: str, defect: Defect) -> Listed:
    return Listed(path, partial(SourceFile, path, defect=defect))


def _identity(stated: os.stat_result) -> str:
    """What changes when a file is written: `ctime` cannot be set back."""
    return f"{stated.st_size} {stated.st_mtime_ns} {stated.st_ctime_ns} {stated.st_ino}"


def _listed(path: str, entry: os.DirEntry[str], stated: os.stat_result) -> Listed:
    changed = max(stated.st_mtime_ns, stated.st_ctime_ns)
    return Listed(path, partial(_read, entry, path), _identity(stated), changed, stated.st_size)


def _read(entry: os.DirEntry[str], path: str) -> SourceFile:
    try:
        handle = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return SourceFile(path, defect="unreadable", detail=error.strerror or str(error))
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            return SourceFile(path, defect="not-a-file")
        if status.st_size > MAX_FILE_BYTES:
            return SourceFile(path, defect="too-large", detail=str(status.st_size))
        return _bounded(handle, path)
    except OSError as error:
        return SourceFile(path, defect="unreadable", detail=error.strerror or str(error))
    finally:
        os.close(handle)


def _bounded(handle: int, path: str) -> SourceFile:
    """Read to the end, but never beyond the limit, whatever the file's size claims."""
    data = os.read(handle, MAX_FILE_BYTES + 1)
    while data and len(data) <= MAX_FILE_BYTES and (more := os.read(handle, MAX_FILE_BYTES + 1 - len(data))):
        data += more
    if len(data) > MAX_FILE_BYTES:
        return SourceFile(path, defect="too-large", detail=str(len(data)))
    return SourceFile(path, data)


class Held:
    """The files of a source, read once; some may be replaced, to see what would come of it."""

    def __init__(self, source: Source, replaced: Mapping[str, bytes] | None = None) -> None:
        self.root: Path = source.root
        self.commit: CommitId | None = source.commit
        self.by_path = {file.path: file for file in source.files()}
        for path, data in (replaced or {}).items():
            self.by_path[path] = SourceFile(path, data)

    def data(self, path: str) -> bytes:
        """The bytes of a file; none if it is not there."""
        return self.by_path[path].data if path in self.by_path else b""

    def files(self) -> Iterator[SourceFile]:
        """The files as they were read, or replaced."""
        return iter(self.by_path.values())

    def listing(self) -> Iterator[Listed]:
        """The same, told apart by nothing."""
        return (Listed(path, partial(self.by_path.__getitem__, path)) for path in self.by_path)
