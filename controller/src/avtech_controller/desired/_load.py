"""Loads a desired state: reads every file, validates every resource and holds them against each other, all findings at once."""

import gc
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

from avtech_controller.checks.codes import CODES
from avtech_controller.desired._content import FileContent
from avtech_controller.desired._index import REPOSITORY, Index, facts_of
from avtech_controller.desired._part import NO_FLEET, TABLES, Part
from avtech_controller.desired._past import Past
from avtech_controller.desired._read import MAX_FINDINGS, read_file
from avtech_controller.desired._secrets import masked, secrets_in, without_secrets
from avtech_controller.desired._source import Source, SourceFile
from avtech_controller.desired._spots import Locator
from avtech_controller.desired._state import DesiredState, Loaded
from avtech_controller.desired._text import SyntaxProblem, decode
from avtech_controller.findings import Finding, Place, Severity
from avtech_schema.resources import Fleet

PROMISES = frozenset({"AVT301", "AVT302", "AVT411", "AVT413"})
"""Errors that leave every resource whole: what would play can be computed, and shows what broke the promise."""


def load(
    source: Source,
    *,
    today: date | None = None,
    past: Past | None = None,
    read: Callable[[SourceFile], FileContent] = read_file,
) -> Loaded:
    """Read and check everything; what is wrong becomes a finding, never an exception.

    Without `today`, the findings depend on the files alone; with it, there are warnings of what is to come. `past` is asked
    what a name that leads nowhere was before.
    `read` reads one file: whoever loads again and again may remember what unchanged files hold.

    Raises:
        SourceError: the source cannot be read.
        FindingsError: the tree is larger than any that is read.
    """
    with without_collection():
        data = {file.path: file for file in sorted(source.files(), key=lambda file: file.path)}
        contents = {path: read(file) for path, file in data.items()}
        index = Index.of({path: facts_of(path, content) for path, content in contents.items()})
        fleet = fleet_of(index, contents)
        locator = Locator(lambda path: data[path].data if path in data else b"")
        homes = sorted({*index.parts, REPOSITORY})
        parts = [Part(home, [(path, contents[path]) for path in index.parts.get(home, ())], index, fleet) for home in homes]
        findings = limited([finding for part in parts for finding in part.findings(locator, today, past or Past())])
        errors = {finding.code for finding in findings if finding.severity is Severity.ERROR}
        drawable = _joined(parts, fleet) if errors <= PROMISES else None
        state = None if errors else drawable
    shown = {place.file for finding in findings for place in (finding.place, *(place for place, _ in finding.related))}
    texts = {path: text_of(data[path].data) for path in sorted(shown & data.keys())}
    findings, texts = covered(findings, texts)
    return Loaded(state=state, findings=tuple(findings), files=len(data), screens=index.screens, texts=texts, drawable=drawable)


def fleet_of(index: Index, contents: Mapping[str, FileContent]) -> Fleet | None:
    """The first Fleet without fault; the contents of its file must be there."""
    for origin in index.fleets:
        for resource, where in contents[origin.file].resources:
            if where == origin and isinstance(resource, Fleet):
                return resource
    return None


def _joined(parts: Sequence[Part], fleet: Fleet | None) -> DesiredState:
    """The whole state of parts without errors."""
    tables: dict[str, Any] = {}
    for kind, name in TABLES.items():
        tables[name] = {key: resource for part in parts for key, resource in part.tables[kind].items()}
    origins = {identity: origin for part in parts for identity, origin in part.origins.items()}
    return DesiredState(fleet=fleet or NO_FLEET, origins=origins, **tables)


def covered(findings: list[Finding], texts: dict[str, str]) -> tuple[list[Finding], dict[str, str]]:
    """Findings and texts that show no secret."""
    files = {finding.place.file for finding in findings if finding.code == "AVT502"}
    if not files:
        return findings, texts
    secrets = {file: secrets_in(texts[file]) for file in files}
    known = {file: {texts[file][one.start : one.end] for one in found} for file, found in secrets.items()}
    safe = [without_secrets(finding, sorted(known.get(finding.place.file, ()))) for finding in findings]
    return safe, {file: masked(text, secrets[file]) if file in files else text for file, text in texts.items()}


def limited(findings: list[Finding]) -> list[Finding]:
    """The findings in order of place, not more of one file than are shown."""
    return sorted(_limited(_once(findings)), key=lambda finding: (finding.place, finding.code, finding.message))


def _once(findings: list[Finding]) -> list[Finding]:
    """Without what two clients' parts tell of the same place: that a file says another client than its folder and its users."""
    told: dict[Place, Finding] = {}
    for finding in findings:
        if finding.code == "AVT210" and (finding.place not in told or finding.impact):
            told[finding.place] = finding
    about = ("AVT210", "AVT212")
    return [one for one in findings if one.code not in about or told.get(one.place, one) is one]


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


def text_of(data: bytes) -> str:
    """The text of a file, as far as it is one."""
    try:
        return decode(data)
    except SyntaxProblem:
        return data.decode("utf-8", "replace")


@contextmanager
def without_collection() -> Generator[None, None, None]:
    """Switch the garbage collector off: it costs more than half of the time where very many objects are made and kept."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.freeze()  # and back: what was made meanwhile is old at once, and not looked through now
            gc.unfreeze()
            gc.enable()
