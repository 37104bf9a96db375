"""Edits by place in a file's own bytes: line ends, a byte order mark and all that is not named stay as they are."""

import re
from collections.abc import Iterable

from avtech_controller.findings import Edit

_BREAK = re.compile(r"\r\n|\r|\n")
_BOM = "\ufeff"


def apply_edits(data: bytes, edits: Iterable[Edit]) -> bytes:
    """The bytes of a UTF-8 file with some ranges replaced; of edits that overlap, the first counts.

    Raises:
        ValueError: it is not UTF-8, or has no such place.
    """
    text = data.decode("utf-8")
    starts = [text.startswith(_BOM), *(found.end() for found in _BREAK.finditer(text))]
    pieces: list[str] = []
    reached = 0
    for edit in sorted(edits):
        first, last = _offset(starts, text, edit.line, edit.column), _offset(starts, text, edit.end_line, edit.end_column)
        if last < first:
            raise ValueError(f"the range ends before it begins: {edit}")
        if first >= reached:
            pieces += (text[reached:first], edit.text)
            reached = last
    return "".join((*pieces, text[reached:])).encode()


def _offset(starts: list[int], text: str, line: int, column: int) -> int:
    if not 1 <= line <= len(starts) or column < 1:
        raise ValueError(f"there is no line {line}")
    offset = starts[line - 1] + column - 1
    if offset > (starts[line] if line < len(starts) else len(text)):
        raise ValueError(f"line {line} has no column {column}")
    return offset
