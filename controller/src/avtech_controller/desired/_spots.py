"""Spots in the desired state: a path into a document, which becomes a place in its file when a finding needs one."""

from collections.abc import Callable
from dataclasses import dataclass

from avtech_controller.checks.codes import CODES
from avtech_controller.desired._careful import Tree, read_carefully, walk
from avtech_controller.desired._state import Key, Origin
from avtech_controller.desired._text import Range, SyntaxProblem, decode, split
from avtech_controller.findings import Finding, Place

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Spot:
    """A part of a document: the value at a path, or the key that leads to it."""

    origin: Origin
    path: Path = ()
    on_key: bool = False

    def key(self, *steps: str | int) -> "Spot":
        """The key at a path below this one."""
        return Spot(self.origin, (*self.path, *steps), on_key=True)

    def value(self, *steps: str | int) -> "Spot":
        """The value at a path below this one."""
        return Spot(self.origin, (*self.path, *steps))


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding whose places are not looked up yet; see `Finding` for the fields."""

    code: str
    message: str
    spot: Spot
    label: str = ""
    related: tuple[tuple[Spot, str], ...] = ()
    help: str = ""
    touches: tuple[tuple[str, Key], ...] = ()
    """Kinds and names of the resources whose screens it touches; those of the document itself if empty."""


class Locator:
    """Looks places up, reading again, with care, only the files that have findings."""

    def __init__(self, data_of: Callable[[str], bytes]) -> None:
        self._data_of = data_of
        self._trees: dict[str, list[tuple[Tree | None, int]]] = {}

    def place(self, spot: Spot) -> Place:
        """Where a spot lies; as near as its document allows."""
        documents = self._documents(spot.origin.file)
        if spot.origin.document >= len(documents):
            return Place(spot.origin.file)
        tree, line = documents[spot.origin.document]
        if tree is None:
            return Place(spot.origin.file, line + 1, 1, line + 1, 1) if line else Place(spot.origin.file)
        return place_of(spot.origin.file, _range(tree, spot))

    def finding(self, problem: Problem, impact: str = "") -> Finding:
        """A problem with its places."""
        return Finding(
            code=problem.code,
            severity=CODES[problem.code].severity,
            message=problem.message,
            place=self.place(problem.spot),
            label=problem.label,
            related=tuple((self.place(spot), text) for spot, text in problem.related),
            help=problem.help,
            impact=impact,
        )

    def _documents(self, file: str) -> list[tuple[Tree | None, int]]:
        if file not in self._trees:
            self._trees[file] = list(_read(self._data_of(file)))
        return self._trees[file]


def _read(data: bytes) -> list[tuple[Tree | None, int]]:
    try:
        segments = split(decode(data))
    except SyntaxProblem:
        return []
    documents: list[tuple[Tree | None, int]] = []
    for segment in segments:
        try:
            documents.append((read_carefully(segment), segment.line))
        except SyntaxProblem:
            documents.append((None, segment.line))
    return documents


def _range(tree: Tree, spot: Spot) -> Range:
    """The range of the spot; of the nearest part above it that has a key, when it is not there itself."""
    trees = list(walk(tree, spot.path))
    reached = len(trees) - 1
    last = trees[-1]
    if reached == len(spot.path):
        if reached and (spot.on_key or isinstance(last.value, dict | list)):
            return _key_range(trees, spot.path, reached)
        return last.where if reached else _first_key(tree)
    step = spot.path[reached]
    if isinstance(step, str) and step in last.keys:
        return last.keys[step]
    return _key_range(trees, spot.path, reached) if reached else _first_key(tree)


def _key_range(trees: list[Tree], path: Path, reached: int) -> Range:
    """The key of a part, or for an element of a list, its beginning."""
    step = path[reached - 1]
    if isinstance(step, str):
        return trees[reached - 1].keys.get(step, trees[reached].where)
    return _first_key(trees[reached])


def _first_key(tree: Tree) -> Range:
    return next(iter(tree.keys.values()), tree.where)


def place_of(file: str, where: Range) -> Place:
    """A range in a file as a place; one over several lines is cut at the end of its first."""
    if where.end_line > where.line:
        return Place(file, where.line, where.column, where.line, 0)
    return Place(file, where.line, where.column, where.end_line, where.end_column)
