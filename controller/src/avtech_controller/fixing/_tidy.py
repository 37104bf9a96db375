"""Tidiness that changes no meaning: times in quotes, and the keys of a resource in their usual order.

`22:30` is text in YAML 1.2, but a number to many other programs. What comes out is read again and must mean the same.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from avtech_controller.desired._careful import Tree, read_carefully
from avtech_controller.desired._text import Segment, SyntaxProblem, decode, split
from avtech_controller.findings import Edit
from avtech_controller.fixing._edits import apply_edits

ORDER = ("apiVersion", "kind", "metadata", "spec")

_BOM = b"\xef\xbb\xbf"
_TIME = re.compile(r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?")
_MAYBE_TIME = re.compile(rb"[0-9]:[0-9][0-9]")
_TOP = re.compile(rb"^(?:---|\.\.\.|([A-Za-z_]+)[ ]*:)", re.MULTILINE)


def tidied(data: bytes) -> bytes:
    """A file with its times quoted and its keys in order; as it was where that cannot be done with certainty."""
    if not _MAYBE_TIME.search(data) and _is_ordered(data):
        return data
    for step in (_quoted, _ordered):
        try:
            changed = step(data)
        except (SyntaxProblem, ValueError):
            continue
        if changed != data and _means_the_same(data, changed):
            data = changed
    return data


def _is_ordered(data: bytes) -> bool:
    """Whether the keys of all documents surely are in order, judged without parsing."""
    reached = 0
    for found in _TOP.finditer(data.removeprefix(_BOM)):
        place = _place(found.group(1).decode()) if found.group(1) else 0  # a document begins anew
        if found.group(1) and place < reached:
            return False
        reached = place
    return True


def _place(name: str) -> int:
    return ORDER.index(name) if name in ORDER else len(ORDER)


def _quoted(data: bytes) -> bytes:
    edits: list[Edit] = []
    lines = decode(data).split("\n")
    for segment in split("\n".join(lines)):
        if tree := read_carefully(segment):
            edits.extend(_times(tree, lines))
    return apply_edits(data, edits)


def _times(tree: Tree, lines: list[str]) -> Iterator[Edit]:
    """An edit for each plain time, without recursion."""
    pending = [tree]
    while pending:
        here = pending.pop()
        pending.extend(here.children.values())
        where = here.where
        if isinstance(here.value, str) and where.line == where.end_line and _TIME.fullmatch(here.value):
            written = lines[where.line - 1][where.column - 1 : where.end_column - 1]
            if written == here.value:
                yield Edit(where.line, where.column, where.end_line, where.end_column, f'"{written}"')


def _ordered(data: bytes) -> bytes:
    """Move whole lines: a key goes with its lines and the comments right above it; what stands before all keys stays."""
    bom = _BOM if data.startswith(_BOM) else b""
    text = data.removeprefix(bom).decode("utf-8")
    lines = text.splitlines(keepends=True)
    endings = {line[len("".join(line.splitlines())) :] for line in lines} - {""}
    if not endings <= {"\n"} and endings != {"\r\n"}:
        return data  # line ends of several kinds, or such as only some programs see
    pieces: list[str] = []
    reached = 0
    for segment in split(decode(data)):
        first, last = segment.line, segment.line + segment.text.count("\n") + (not segment.text.endswith("\n"))
        pieces += lines[reached:first]
        pieces += _document(segment, lines[first:last])
        reached = last
    return bom + "".join((*pieces, *lines[reached:])).encode()


def _document(segment: Segment, lines: list[str]) -> list[str]:
    tree = read_carefully(segment)
    if tree is None or not isinstance(tree.value, dict) or not set(ORDER) & tree.keys.keys():
        return lines
    begins = {name: where.line - segment.line - 1 for name, where in tree.keys.items()}
    if any(where.column != 1 for where in tree.keys.values()) or lines[0].startswith("--- "):
        return lines
    names = sorted(begins, key=begins.__getitem__)
    wanted = sorted(names, key=_place)
    if names == wanted:
        return lines
    starts = [begins[names[0]], *(_with_comments(lines, begins[name]) for name in names[1:]), len(lines)]
    blocks = {name: lines[first:last] for name, (first, last) in zip(names, pairwise(starts), strict=True)}
    ending = "\r\n" if "\r\n" in lines[0] else "\n"
    if not lines[-1].endswith("\n"):
        blocks[names[-1]][-1] += ending
        moved = [line for name in wanted for line in blocks[name]]
        moved[-1] = moved[-1].removesuffix(ending)
        return [*lines[: starts[0]], *moved]
    return [*lines[: starts[0]], *(line for name in wanted for line in blocks[name])]


def _with_comments(lines: list[str], begin: int) -> int:
    """The first of the comment lines right above a key."""
    while begin > 0 and lines[begin - 1].startswith("#"):
        begin -= 1
    return begin


def _means_the_same(before: bytes, after: bytes) -> bool:
    try:
        return _values(before) == _values(after)
    except SyntaxProblem:
        return False


def _values(data: bytes) -> list[object]:
    return [tree.value for segment in split(decode(data)) if (tree := read_carefully(segment))]
