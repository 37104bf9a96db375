"""Reads files into resources: quickly where nothing is wrong, with care and places where something is."""

from itertools import islice
from typing import TYPE_CHECKING

from avtech_controller.checks.codes import CODES
from avtech_controller.desired import _models
from avtech_controller.desired._content import ANY_NAME, FileContent, is_kind, name_in, names_in
from avtech_controller.desired._quick import read_quickly
from avtech_controller.desired._secrets import secret_findings
from avtech_controller.desired._source import MAX_FILE_BYTES, SourceFile
from avtech_controller.desired._spots import Spot, place_of
from avtech_controller.desired._state import Origin
from avtech_controller.desired._text import Range, Segment, SyntaxProblem, decode, split
from avtech_controller.findings import Finding, Place

if TYPE_CHECKING:
    from avtech_controller.desired._careful import Tree

MAX_FINDINGS = 100
"""Findings shown for one file; one more is kept, to tell that there are more."""


def read_file(file: SourceFile) -> FileContent:
    """Read one file; nothing that it holds can raise."""
    content = FileContent()
    if file.defect:
        content.findings.append(_defect(file))
        content.broken_names.add(ANY_NAME)
        return content
    try:
        text = decode(file.data)
        content.findings.extend(secret_findings(file.path, text))
        segments = split(text)
    except SyntaxProblem as problem:
        content.findings.append(_finding(problem, file.path))
        content.broken_names.update(names_in(_guessed(file.data)) or {ANY_NAME})
        return content
    empty = True
    for number, segment in enumerate(segments):
        origin = Origin(file.path, number)
        for line in segment.strays:
            finding = _stray(file.path, line)
            content.findings.append(finding)
            content.unread[finding] = origin
        empty &= not _read_document(segment, origin, content)
    if empty and not content.findings:
        content.findings.append(
            _simple("AVT102", "the file holds no resource", Place(file.path), "delete it if it is not needed")
        )
    del content.findings[MAX_FINDINGS + 1 :], content.problems[MAX_FINDINGS + 1 :]
    return content


def _read_document(segment: Segment, origin: Origin, content: FileContent) -> bool:
    """Read one document into `content`; whether there was anything in it."""
    certain, value = read_quickly(segment)
    if certain and (resource := _models.validate(value)):
        content.resources.append((resource, origin))
        return True
    from avtech_controller.desired._careful import read_carefully  # loads PyYAML, which most runs do without

    try:
        tree = read_carefully(segment)
    except SyntaxProblem as problem:
        finding = _finding(problem, origin.file)
        content.findings.append(finding)
        content.unread[finding] = origin
        content.broken_names.update(names_in(segment.text))
        from avtech_controller.desired._salvage import salvaged

        content.note(salvaged(segment, problem), origin)
        return True
    if tree is None or tree.value is None:
        return False
    if not isinstance(tree.value, dict):
        content.broken_names.update(names_in(segment.text))
    _validate(tree, origin, content)
    return True


def _validate(tree: "Tree", origin: Origin, content: FileContent) -> None:
    document = tree.value
    if not isinstance(document, dict):
        found = "a list" if isinstance(document, list) else "a single value"
        place = place_of(origin.file, Range(tree.where.line, tree.where.column, tree.where.line, tree.where.column + 1))
        content.findings.append(
            _simple(
                "AVT110",
                f"the document is {found}, expected a resource",
                place,
                "a resource begins with `apiVersion: avtech/v1` and `kind: …`",
            )
        )
    elif resource := _models.validate(document):
        content.resources.append((resource, origin))
    else:
        content.problems.extend(islice(_models.problems(document, Spot(origin)), MAX_FINDINGS + 1))
        if not is_kind(document.get("kind")):
            content.broken_names.add(name_in(document) or ANY_NAME)
        content.note(document, origin)


def _guessed(data: bytes) -> str:
    """The text of bytes that are not UTF-8, as far as it can be guessed, to look for names in it."""
    utf_16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    return data.decode("utf-16" if utf_16 else "utf-8", "replace")


def _defect(file: SourceFile) -> Finding:
    place = Place(file.path)
    match file.defect:
        case "link":
            return _simple("AVT111", "a symbolic link; links are not followed", place, "put the file itself here")
        case "too-large":
            size = f"the file has {file.detail} bytes, at most {MAX_FILE_BYTES} are read"
            return _simple("AVT105", size, place, "spread its resources over several files")
        case "not-a-file":
            return _simple("AVT112", "not a regular file", place)
        case _:
            return _simple("AVT112", f"the file cannot be read: {file.detail}", place)


def _stray(file: str, line: int) -> Finding:
    place = place_of(file, Range(line, 1, line, 4))
    message = "`---` stands in the middle of a resource"
    hint = "delete this line; `---` parts whole resources, each with `apiVersion` and `kind`"
    return Finding("AVT115", CODES["AVT115"].severity, message, place, "cuts it in two", help=hint)


def _simple(code: str, message: str, place: Place, hint: str = "") -> Finding:
    return Finding(code, CODES[code].severity, message, place, help=hint)


def _finding(problem: SyntaxProblem, file: str) -> Finding:
    severity = CODES[problem.code].severity
    return Finding(problem.code, severity, problem.message, place_of(file, problem.where), problem.label, help=problem.hint)
