"""What a name that leads nowhere was before: the resource that Git's last commits have under it, to tell what became of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from avtech_controller.desired._content import names_in
from avtech_controller.desired._read import read_file
from avtech_controller.desired._source import Source, SourceError, SourceFile
from avtech_controller.desired._state import Origin
from avtech_schema.errors import FindingsError
from avtech_schema.resources import Resource

_MOST_FILES = 40
"""So many files that hold a name are read in search of the resource."""


@dataclass(frozen=True, slots=True)
class Former:
    """A resource as it was, where, and in which of the earlier states."""

    resource: Resource
    origin: Origin
    state: int


class Past:
    """Earlier states, looked at only when a name is asked for; without any, nothing is known."""

    def __init__(self, sources: Sequence[Callable[[], Source]] = ()) -> None:
        self._sources = sources

    def find(self, kind: str, name: str) -> Former | None:
        """The resource of a kind that the latest state that has one has under a name."""
        return next((found for state in range(len(self._sources)) for found in self._all(kind, name, state)), None)

    def had(self, kind: str, name: str, state: int) -> bool:
        """Whether one of the earlier states had a resource of that kind and name."""
        return any(self._all(kind, name, state))

    def _all(self, kind: str, name: str, state: int) -> Iterator[Former]:
        for file in self._states[state].get(name, ())[:_MOST_FILES]:
            for resource, origin in read_file(file).resources:
                if resource.kind == kind and resource.metadata.name == name:
                    yield Former(resource, origin, state)

    @cached_property
    def _states(self) -> list[Mapping[str, list[SourceFile]]]:
        """The files of each state by the names that stand in them."""
        states: list[Mapping[str, list[SourceFile]]] = []
        for opened in self._sources:
            files: dict[str, list[SourceFile]] = {}
            with suppress(SourceError, FindingsError):
                for file in opened().files():
                    for name in names_in(file.data.decode("utf-8", "replace")):
                        files.setdefault(name, []).append(file)
            states.append(files)
        return states


def past_of(root: Path, commit: str | None) -> Past:
    """What stands in Git: for a work tree, its last commit and the one before; for a commit, the one before."""
    from avtech_controller.desired._source import open_source

    revisions = [f"{commit}^"] if commit else ["HEAD", "HEAD^"]

    def opened(revision: str) -> Callable[[], Source]:
        return lambda: open_source(root, revision)

    return Past([opened(revision) for revision in revisions])
