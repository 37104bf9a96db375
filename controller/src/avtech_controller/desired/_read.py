"""Reads files into resources: quickly where nothing is wrong, with care and places where something is."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from avtech_controller.checks.codes import CODES
from avtech_controller.desired import _models
from avtech_controller.desired._quick import read_quickly
from avtech_controller.desired._secrets import secret_findings
from avtech_controller.desired._source import MAX_FILE_BYTES, SourceFile
from avtech_controller.desired._spots import Problem, Spot, place_of
from avtech_controller.desired._state import Key, Origin, SlugKey
from avtech_controller.desired._text import Range, Segment, SyntaxProblem, decode, split
from avtech_controller.findings import Finding, Place
from avtech_schema.identifiers import CLIENT_PATTERN, ClientId, Slug
from avtech_schema.resources import KINDS, Resource, ScreenSelector

if TYPE_CHECKING:
    from avtech_controller.desired._careful import Tree

MAX_FINDINGS = 100
"""Findings shown for one file; one more is kept, to tell that there are more."""

_NAME = re.compile(r"""\bname["']?:[ ]*["']?([A-Za-z0-9-]{1,64})""")
_CLIENT = re.compile(CLIENT_PATTERN)
_SLUG_KINDS = ("Group", "Playlist", "Schedule", "AirCheck")


@dataclass(slots=True)
class FileContent:
    """What one file holds: its resources, what is wrong with it, and which names it seems to declare all the same."""

    resources: list[tuple[Resource, Origin]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    broken: dict[Origin, tuple[str, Key]] = field(default_factory=dict)
    """Kinds and names of the documents that are not resources, where they can be told."""
    owners: dict[Origin, str] = field(default_factory=dict)
    """The clients that documents which are not resources name."""
    broken_selectors: dict[SlugKey, ScreenSelector] = field(default_factory=dict)
    broken_fleets: list[Origin] = field(default_factory=list)
    broken_names: set[str] = field(default_factory=set)
    """Names in documents that could not be read, or are of no known kind."""
    ghosts: dict[Origin, dict[str, str]] = field(default_factory=dict)
    """The labels of screens that are not resources, as far as they can be told."""
    unread: dict[Finding, Origin] = field(default_factory=dict)
    """The documents that findings about what is not YAML speak of."""

    def origins(self) -> set[Origin]:
        """The documents that are not resources."""
        return {problem.spot.origin for problem in self.problems} | self.broken.keys() | self.owners.keys()


def read_file(file: SourceFile) -> FileContent:
    """Read one file; nothing that it holds can raise."""
    content = FileContent()
    if file.defect:
        content.findings.append(_defect(file))
        return content
    try:
        text = decode(file.data)
        content.findings.extend(secret_findings(file.path, text))
        segments = split(text)
    except SyntaxProblem as problem:
        content.findings.append(_finding(problem, file.path))
        content.broken_names.update(_names(file.data.decode("utf-8", "replace")))
        return content
    empty = True
    for number, segment in enumerate(segments):
        empty &= not _read_document(segment, Origin(file.path, number), content)
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
        content.broken_names.update(_names(segment.text))
        from avtech_controller.desired._salvage import salvaged

        _note(salvaged(segment, problem), origin, content)
        return True
    if tree is None or tree.value is None:
        return False
    _validate(tree, origin, content)
    return True


def _validate(tree: "Tree", origin: Origin, content: FileContent) -> None:
    document = tree.value
    if not isinstance(document, dict):
        found = "a list" if isinstance(document, list) else "a single value"
        place = place_of(origin.file, Range(tree.where.line, tree.where.column, tree.where.line, tree.where.column + 1))
        content.findings.append(
            _simple("AVT110", f"the document is {found}, expected a resource", place, "begin with `kind: …`")
        )
    elif resource := _models.validate(document):
        content.resources.append((resource, origin))
    else:
        content.problems.extend(islice(_models.problems(document, Spot(origin)), MAX_FINDINGS + 1))
        if not _is_known(document.get("kind")):
            content.broken_names.add(_name_in(document) or "")
        _note(document, origin, content)


def _note(document: dict[str, Any], origin: Origin, content: FileContent) -> None:
    """Keep what can be told of a document that is not a resource."""
    if owner := _owner(document):
        content.owners[origin] = owner
    if document.get("kind") == "Fleet":
        content.broken_fleets.append(origin)
    identity = _identity(document) if _is_known(document.get("kind")) else None
    if identity is None:
        return
    content.broken[origin] = identity
    if identity[0] == "Schedule" and isinstance(identity[1], SlugKey) and (selector := _selector(document)):
        content.broken_selectors[identity[1]] = selector
    if identity[0] == "Screen":
        labels = document["metadata"].get("labels")
        content.ghosts[origin] = {str(key): str(value) for key, value in labels.items()} if isinstance(labels, dict) else {}


def _identity(document: dict[str, Any]) -> tuple[str, Key] | None:
    """Which resource a faulty document means to be."""
    kind, spec, name = document.get("kind"), document.get("spec"), _name_in(document)
    if not isinstance(kind, str) or name is None:
        return None
    if kind not in _SLUG_KINDS:
        return kind, name
    client = spec.get("client") if isinstance(spec, dict) else None
    return (kind, SlugKey(ClientId(client), Slug(name))) if isinstance(client, str) else None


def _owner(document: dict[str, Any]) -> str | None:
    """The client that a faulty document names."""
    spec = document.get("spec")
    owner = _name_in(document) if document.get("kind") == "Client" else spec.get("client") if isinstance(spec, dict) else None
    return owner if isinstance(owner, str) and _CLIENT.fullmatch(owner) else None


def _is_known(kind: object) -> bool:
    return isinstance(kind, str) and kind in KINDS


def _name_in(document: dict[str, Any]) -> str | None:
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) else None


def _selector(document: dict[str, Any]) -> ScreenSelector | None:
    """What a faulty schedule selects all the same."""
    try:
        return ScreenSelector.model_validate(document["spec"].get("screens"))
    except ValidationError:
        return None


def _names(text: str) -> Iterator[str]:
    return (found.group(1) for found in _NAME.finditer(text[:MAX_FILE_BYTES]))


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


def _simple(code: str, message: str, place: Place, hint: str = "") -> Finding:
    return Finding(code, CODES[code].severity, message, place, help=hint)


def _finding(problem: SyntaxProblem, file: str) -> Finding:
    severity = CODES[problem.code].severity
    return Finding(problem.code, severity, problem.message, place_of(file, problem.where), problem.label, help=problem.hint)
