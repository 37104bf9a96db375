"""Spots in the desired state: a path into a document, which becomes a place in its file when a finding needs one."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from avtech_controller.checks.codes import CODES
from avtech_controller.desired._state import Key, Origin
from avtech_controller.desired._text import Range, SyntaxProblem, decode, split
from avtech_controller.findings import Edit, Finding, Fix, Place

if TYPE_CHECKING:
    from avtech_controller.desired._careful import Tree

Path = tuple[str | int, ...]

_TIME = re.compile(r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?")
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+/:-]*")


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
class Mend:
    """How the word at a spot may safely be mended: another word, the same in quotes, or the same without."""

    kind: Literal["word", "quote", "unquote"]
    word: str = ""


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
    mend: Mend | None = None
    """What `--fix` may do about it."""


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
            fix=self._fix(problem) if problem.mend else None,
        )

    def _fix(self, problem: Problem) -> Fix | None:
        """The edit that mends a problem, if its spot is one word on one line, written as it is meant."""
        where = self._word(problem.spot)
        if where is None or problem.mend is None:
            return None
        lines = decode(self._data_of(problem.spot.origin.file)).split("\n")
        written = lines[where.line - 1][where.column - 1 : where.end_column - 1]
        spelt = mended(written, problem.mend)
        if spelt is None:
            return None
        edit = Edit(where.line, where.column, where.end_line, where.end_column, spelt)
        return Fix(f"write {spelt} instead of {written}", (edit,))

    def _word(self, spot: Spot) -> Range | None:
        """The range of a scalar, or of a key, if it is there itself and on one line."""
        documents = self._documents(spot.origin.file)
        tree = documents[spot.origin.document][0] if spot.origin.document < len(documents) else None
        if tree is None or not spot.path:
            return None
        from avtech_controller.desired._careful import walk

        trees = list(walk(tree, spot.path[:-1] if spot.on_key else spot.path))
        if len(trees) != len(spot.path) + (not spot.on_key):
            return None
        last, step = trees[-1], spot.path[-1]
        if spot.on_key:
            where = last.keys.get(step) if isinstance(step, str) else None
        else:
            where = None if isinstance(last.value, dict | list) else last.where
        return where if where and where.line == where.end_line else None

    def _documents(self, file: str) -> list[tuple["Tree | None", int]]:
        if file not in self._trees:
            self._trees[file] = list(_read(self._data_of(file)))
        return self._trees[file]


def mended(written: str, mend: Mend) -> str | None:
    """How a word is to be written; None where the way it is written leaves a doubt."""
    quote = written[:1] if written[:1] in ("'", '"') and written[-1:] == written[:1] and len(written) > 1 else ""
    bare = written[1:-1] if quote else written
    if not bare.isprintable() or any(mark in bare for mark in "\"'\\&*!|>#"):
        return None
    match mend.kind:
        case "quote":
            return None if quote else f'"{bare}"'
        case "unquote":
            return bare if quote and bare.isdigit() else None
        case _:
            needs = quote or ('"' if _TIME.fullmatch(mend.word) else "")
            return f"{needs}{mend.word}{needs}" if _PLAIN.fullmatch(mend.word) else None


def _read(data: bytes) -> list[tuple["Tree | None", int]]:
    from avtech_controller.desired._careful import read_carefully  # loads PyYAML, which most runs do without

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


def _range(tree: "Tree", spot: Spot) -> Range:
    """The range of the spot; of the nearest part above it that has a key, when it is not there itself."""
    from avtech_controller.desired._careful import walk

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


def _key_range(trees: "list[Tree]", path: Path, reached: int) -> Range:
    """The key of a part, or for an element of a list, its beginning."""
    step = path[reached - 1]
    if isinstance(step, str):
        return trees[reached - 1].keys.get(step, trees[reached].where)
    return _first_key(trees[reached])


def _first_key(tree: "Tree") -> Range:
    return next(iter(tree.keys.values()), tree.where)


def place_of(file: str, where: Range) -> Place:
    """A range in a file as a place; one over several lines is cut at the end of its first."""
    if where.end_line > where.line:
        return Place(file, where.line, where.column, where.line, 0)
    return Place(file, where.line, where.column, where.end_line, where.end_column)
