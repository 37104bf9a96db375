"""From bytes to text, before any YAML parser sees them: encoding, characters, and where the documents begin."""

import re
from dataclasses import dataclass
from itertools import pairwise

MAX_DOCUMENTS = 10_000

_MARKER = re.compile(r"^(?:---|\.\.\.)(?=[ \t\n]|\Z)", re.MULTILINE)
_LONE_MARKER = re.compile(r"---[ \t]*(?:#.*)?\n")
_CONTENT = re.compile(r"^(?![ \t]*(?:#|$)).", re.MULTILINE)
_TOP_KEY = re.compile(r"^[\"']?([A-Za-z]+)[\"']?[ ]*:(?=[ \n]|\Z)", re.MULTILINE)
_HEADS = frozenset({"apiVersion", "kind"})
_TOP_KEYS = _HEADS | {"metadata", "spec"}
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_SURROGATES = ("\ud800", "\udfff")


@dataclass(frozen=True, slots=True)
class Range:
    """A range of text: lines and columns count from 1, the end is exclusive."""

    line: int = 0
    column: int = 0
    end_line: int = 0
    end_column: int = 0


class SyntaxProblem(Exception):  # noqa: N818  carried to a finding, never shown as an error
    """Why a text cannot be read: the finding's code and words, and where."""

    def __init__(self, code: str, message: str, where: Range, *, label: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.where = where
        self.label = label
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Segment:
    """The text of one document; `line` is the number of lines before it in the file."""

    text: str
    line: int
    strays: tuple[int, ...] = ()
    """Lines of the file with a `---` that stands within the resource; in the text they are comments."""


def decode(data: bytes) -> str:
    """Decode UTF-8 with or without a byte order mark; line ends become `\\n`.

    Raises:
        SyntaxProblem: it is not UTF-8, or holds characters that text does not have.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        raise SyntaxProblem(
            "AVT103",
            f"the byte 0x{data[error.start]:02x} is not UTF-8",
            _at(before, len(before)),
            label="cannot be decoded",
            hint="save the file as UTF-8 (UTF-16 and Latin-1 are not read)",
        ) from error
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if found := _FORBIDDEN.search(text):
        raise SyntaxProblem(
            "AVT104",
            f"the character U+{ord(found.group()):04X} has no place in a text",
            _at(text, found.start()),
            label="here",
            hint="a file with NUL bytes is damaged or not a text at all: restore it, or save it as UTF-8"
            if found.group() == "\0"
            else "delete it: it cannot be seen, and was most likely pasted along",
        )
    return text


def split(text: str) -> list[Segment]:
    """Split a file's text at its document markers (`---`, `...`), which YAML allows nowhere else at the start of a line.

    What follows a `---` that slipped into the middle of a resource stays with what is above it.

    Raises:
        SyntaxProblem: there are too many documents.
    """
    if "---" not in text and "..." not in text:
        return [Segment(text, 0)]
    starts = [0, *(found.start() for found in _MARKER.finditer(text)), len(text)]
    if len(starts) > MAX_DOCUMENTS:
        raise SyntaxProblem(
            "AVT106", f"the file has more than {MAX_DOCUMENTS} documents", Range(), hint="spread them over files"
        )
    segments: list[Segment] = []
    line = 0
    for start, end in pairwise(starts):
        piece = text[start:end]
        if piece.startswith("..."):
            piece = "   " + piece[3:]
        if segments and _goes_on(segments[-1].text, piece):
            whole = segments.pop()
            segments.append(Segment(f"{whole.text}#{piece[1:]}", whole.line, (*whole.strays, line + 1)))
        elif piece:
            segments.append(Segment(piece, line))
        line += piece.count("\n")
    return segments


def _goes_on(above: str, piece: str) -> bool:
    """Whether what follows a marker is not a document of its own, but more of the resource above it."""
    marker = _LONE_MARKER.match(piece)
    first = _CONTENT.search(piece, marker.end()) if marker else None
    if first is None:
        return False
    before, here = set(_TOP_KEY.findall(above)), set(_TOP_KEY.findall(piece))
    if not before & _HEADS or before & here or not here <= _TOP_KEYS:
        return False
    return first.group() == " " or bool(here)


def _at(text: str, index: int) -> Range:
    line = text.count("\n", 0, index) + 1
    column = index - (text.rfind("\n", 0, index) + 1) + 1
    return Range(line, column, line, column + 1)
