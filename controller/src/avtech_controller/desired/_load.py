"""Loads a desired state: reads every file, validates every resource and holds them against each other, all findings at once."""

import gc
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from avtech_controller.checks.codes import CODES
from avtech_controller.desired._read import MAX_FINDINGS, FileContent, read_file
from avtech_controller.desired._secrets import masked, secrets_in, without_secrets
from avtech_controller.desired._source import Source, SourceFile
from avtech_controller.desired._spots import Locator, Problem
from avtech_controller.desired._state import DesiredState, Key, Loaded, Origin, key_of
from avtech_controller.desired._text import SyntaxProblem, decode
from avtech_controller.findings import Finding, Place, Severity
from avtech_schema.resources import Fleet, Resource

_TABLES = {
    "Client": "clients",
    "Screen": "screens",
    "Group": "groups",
    "Playlist": "playlists",
    "Schedule": "schedules",
    "Video": "videos",
    "AirCheck": "checks",
}
_NO_FLEET = Fleet.model_validate({"apiVersion": "avtech/v1", "kind": "Fleet", "metadata": {"name": "none"}, "spec": {}})


def load(source: Source, *, today: date | None = None, read: Callable[[SourceFile], FileContent] = read_file) -> Loaded:
    """Read and check everything; what is wrong becomes a finding, never an exception.

    Without `today`, the findings depend on the files alone; with it, there are warnings of what is to come.
    `read` reads one file: whoever loads again and again may remember what unchanged files hold.

    Raises:
        SourceError: the source cannot be read.
        FindingsError: the tree is larger than any that is read.
    """
    with _no_collection():
        data = {file.path: file for file in sorted(source.files(), key=lambda file: file.path)}
        draft = _Draft()
        for file in data.values():
            draft.add(read(file))
        findings = draft.findings(Locator(lambda path: data[path].data if path in data else b""), today)
    broken = any(finding.severity is Severity.ERROR for finding in findings)
    shown = {place.file for finding in findings for place in (finding.place, *(place for place, _ in finding.related))}
    texts = {path: _text(data[path].data) for path in sorted(shown & data.keys())}
    findings, texts = _covered(findings, texts)
    return Loaded(
        state=None if broken else draft.state,
        findings=tuple(findings),
        files=len(data),
        screens=len(draft.state.screens),
        texts=texts,
    )


def _covered(findings: list[Finding], texts: dict[str, str]) -> tuple[list[Finding], dict[str, str]]:
    """Findings and texts that show no secret."""
    files = {finding.place.file for finding in findings if finding.code == "AVT502"}
    if not files:
        return findings, texts
    secrets = {file: secrets_in(texts[file]) for file in files}
    known = {file: {texts[file][one.start : one.end] for one in found} for file, found in secrets.items()}
    safe = [without_secrets(finding, sorted(known.get(finding.place.file, ()))) for finding in findings]
    return safe, {file: masked(text, secrets[file]) if file in files else text for file, text in texts.items()}


class _Draft:
    """A state in the making, and everything that could not become part of it."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[Any, Any]] = {kind: {} for kind in _TABLES}
        self._fleet: Fleet | None = None
        self._fleets: list[Origin] = []
        self._origins: dict[tuple[str, Key], Origin] = {}
        self._twins: list[tuple[Resource, Origin]] = []
        self._files: list[FileContent] = []
        self._state: DesiredState | None = None

    def add(self, content: FileContent) -> None:
        for resource, origin in content.resources:
            if isinstance(resource, Fleet):
                self._fleets.append(origin)
            identity = resource.kind, key_of(resource)
            if identity in self._origins:
                self._twins.append((resource, origin))
                continue
            self._origins[identity] = origin
            if not isinstance(resource, Fleet):
                self._tables[resource.kind][key_of(resource)] = resource
            elif self._fleet is None:
                self._fleet = resource
        self._fleets.extend(content.broken_fleets)
        if content.findings or content.problems:
            self._files.append(content)

    @property
    def state(self) -> DesiredState:
        if self._state is None:
            tables: dict[str, Any] = {_TABLES[kind]: table for kind, table in self._tables.items()}
            self._state = DesiredState(fleet=self._fleet or _NO_FLEET, origins=self._origins, **tables)
        return self._state

    def findings(self, locator: Locator, today: date | None) -> list[Finding]:
        """Everything that is wrong, in order of place."""
        from avtech_controller.checks.all import check, check_complete  # the checks stand on this package
        from avtech_controller.checks.reach import Reach
        from avtech_controller.checks.view import view_of

        broken = {origin: identity for content in self._files for origin, identity in content.broken.items()}
        names = {name for content in self._files for name in content.broken_names}
        view = view_of(
            self.state,
            fleets=self._fleets,
            twins=self._twins,
            broken=broken.values(),
            broken_names=names,
            broken_selectors={key: chosen for content in self._files for key, chosen in content.broken_selectors.items()},
        )
        reach = Reach(view)
        documents = broken | {origin: identity for identity, origin in self._origins.items()}

        def place(problems: Iterator[Problem]) -> Iterator[Finding]:
            for problem in problems:
                identity = documents.get(problem.spot.origin)
                touched = problem.touches or ((identity,) if identity else ())
                yield locator.finding(problem, reach.impact(CODES[problem.code].severity, touched))

        found = [finding for content in self._files for finding in content.findings]
        found += place(problem for content in self._files for problem in content.problems)
        found += place(check(view, today))
        if not any(finding.severity is Severity.ERROR for finding in found):
            found += place(check_complete(view, today))
        return sorted(_limited(found), key=lambda finding: (finding.place, finding.code, finding.message))


def _limited(findings: list[Finding]) -> Iterator[Finding]:
    """Keep one hopeless file from burying the findings of all others; its errors come before its warnings."""
    shown: dict[str, int] = {}
    for finding in sorted(findings, key=lambda finding: (finding.severity is Severity.WARNING, finding.place)):
        file = finding.place.file
        shown[file] = shown.get(file, 0) + 1
        if shown[file] <= MAX_FINDINGS:
            yield finding
        elif shown[file] == MAX_FINDINGS + 1:
            more = f"the file has more findings than the {MAX_FINDINGS} shown"
            yield Finding("AVT129", CODES["AVT129"].severity, more, Place(file), help="correct the others first")


def _text(data: bytes) -> str:
    try:
        return decode(data)
    except SyntaxProblem:
        return data.decode("utf-8", "replace")


@contextmanager
def _no_collection() -> Generator[None, None, None]:
    """Switch the garbage collector off: it costs more than half of the time where very many objects are made and kept."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
