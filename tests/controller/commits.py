"""Commits made straight into a bare repository from files by path: quick enough for random histories."""

from collections.abc import Mapping
from pathlib import Path

import pygit2

from avtech_controller.desired._commit import CommitTree
from avtech_schema.identifiers import commit_id


class Commits:
    """A bare repository to which each call adds a commit with exactly the files that are given."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._repository = pygit2.init_repository(str(path), bare=True)
        self._parents: list[pygit2.Oid] = []

    def add(self, files: Mapping[str, str | bytes]) -> CommitTree:
        """Commit some files; the commit as a source."""
        who = pygit2.Signature("Test", "test@example.com", 1_780_000_000, 0)
        made = self._repository.create_commit("HEAD", who, who, "change", self._tree(files), self._parents)
        self._parents = [made]
        return CommitTree(self.path, commit_id(str(made)), self._repository)

    def _tree(self, files: Mapping[str, str | bytes]) -> pygit2.Oid:
        builder = self._repository.TreeBuilder()
        below: dict[str, dict[str, str | bytes]] = {}
        for path, text in files.items():
            name, _, rest = path.partition("/")
            if rest:
                below.setdefault(name, {})[rest] = text
            else:
                data = text if isinstance(text, bytes) else text.encode()
                builder.insert(name, self._repository.create_blob(data), pygit2.enums.FileMode.BLOB)
        for name, held in below.items():
            builder.insert(name, self._tree(held), pygit2.enums.FileMode.TREE)
        return builder.write()
