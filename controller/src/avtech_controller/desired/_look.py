"""The files as they are now, beside what is remembered of them: each is read only when it changed, or its part is checked."""

import hashlib
from collections.abc import Iterator, Sequence

from avtech_controller.desired._cache import RACY_NS, Folder, Memory, Noted, joined
from avtech_controller.desired._content import FileContent
from avtech_controller.desired._index import FileFacts, Index, facts_of
from avtech_controller.desired._read import read_file
from avtech_controller.desired._source import Listed, ListedFolder, ListedSource, SourceFile, WorkTree


class Look:
    """One look at the files of a source."""

    def __init__(self, source: ListedSource, before: Memory) -> None:
        """List the files, and read those of which cannot be told whether they changed.

        Raises:
            UnicodeEncodeError: a name cannot be written down.
            SourceError: the source cannot be read.
            FindingsError: there are more files or bytes than the limits allow.
        """
        self._before = before
        self._listed = dict(sorted((folder.path, folder) for folder in _folders(source)))
        self._files: dict[str, dict[str, Listed]] = {}
        self._read: dict[str, SourceFile] = {}
        self._contents: dict[str, FileContent] = {}
        self.changed: dict[str, FileFacts] = {}
        """What the files that are not as they were mean to the others now."""
        self.is_stale = self._listed.keys() != before.folders.keys()
        """Whether what is remembered must be written down anew, although no finding may have changed."""
        self.folders = {path: self._folder(listed) for path, listed in self._listed.items()}

    def __len__(self) -> int:
        """How many files there are."""
        return sum(listed.size for listed in self._listed.values())

    def index(self) -> Index:
        """The index of all names: the one before, unless a file came, went, or means something else to the others."""
        before = self._before.index
        if before is not None and self._is_as_before():
            return before
        files = {folder: found.files.items() for folder, found in self.folders.items()}
        return Index.of({joined(folder, name): noted.facts for folder, found in files.items() for name, noted in found})

    def has(self, path: str) -> bool:
        """Whether a file is there."""
        folder, _, name = path.rpartition("/")
        return folder in self.folders and name in self.folders[folder].files

    def digest(self, path: str) -> str:
        """What a file holds, as one name."""
        folder, _, name = path.rpartition("/")
        return self.folders[folder].files[name].digest

    def data(self, path: str) -> bytes:
        """The bytes of a file; none if it is not there."""
        return self._file(path).data if self.has(path) else b""

    def content(self, path: str) -> FileContent:
        """What a file holds."""
        if path not in self._contents:
            self._contents[path] = read_file(self._file(path))
        return self._contents[path]

    def _is_as_before(self) -> bool:
        folders = self._before.folders
        if self.folders.keys() != folders.keys():
            return False
        if any(
            now is not folders[path] and now.files.keys() != folders[path].files.keys() for path, now in self.folders.items()
        ):
            return False
        return all((known := self._before.file(path)) and known.facts == facts for path, facts in self.changed.items())

    def _folder(self, listed: ListedFolder) -> Folder:
        known = self._before.folders.get(listed.path)
        stamp = hashlib.sha256(listed.stamp.encode()).hexdigest() if listed.stamp else ""
        settled = listed.newest_ns + RACY_NS < self._before.noted
        if known and stamp and stamp == known.stamp and settled:
            return known
        self.is_stale = True
        return Folder(stamp, files={one.path.rpartition("/")[2]: self._noted(one, known) for one in listed.files()})

    def _noted(self, listed: Listed, folder: Folder | None) -> Noted:
        known = folder.files.get(listed.path.rpartition("/")[2]) if folder else None
        if known and listed.identity and known.identity == listed.identity and self._is_settled(listed):
            return known
        listed.path.encode()
        file = self._read.setdefault(listed.path, listed.read())
        digest = hashlib.sha256(file.data).hexdigest() if file.defect is None else f"{file.defect} {file.detail}"
        if known and known.digest == digest:
            return Noted(listed.identity, digest, known.facts)
        self.changed[listed.path] = facts_of(listed.path, self.content(listed.path))
        return Noted(listed.identity, digest, self.changed[listed.path])

    def _is_settled(self, listed: Listed) -> bool:
        return listed.changed_ns + RACY_NS < self._before.noted

    def _file(self, path: str) -> SourceFile:
        if path not in self._read:
            folder = path.rpartition("/")[0]
            if folder not in self._files:
                self._files[folder] = {one.path: one for one in self._listed[folder].files()}
            self._read[path] = self._files[folder][path].read()
        return self._read[path]


def _folders(source: ListedSource) -> Iterator[ListedFolder]:
    if isinstance(source, WorkTree):
        return source.folders()
    grouped: dict[str, list[Listed]] = {}
    for one in source.listing():
        grouped.setdefault(one.path.rpartition("/")[0], []).append(one)
    return (_grouped(path, files) for path, files in grouped.items())


def _grouped(path: str, files: Sequence[Listed]) -> ListedFolder:
    ordered = sorted(files, key=lambda one: one.path)
    told = all(one.identity for one in ordered)
    stamp = "\n".join([f"{one.path} {one.identity}" for one in ordered]) if told else ""
    return ListedFolder(path, stamp, max(one.changed_ns for one in ordered), lambda: ordered, len(ordered))
