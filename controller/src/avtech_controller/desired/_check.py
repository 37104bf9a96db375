"""Checks a desired state without keeping it: parts that did not change since the last look are not read again."""

import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from operator import attrgetter

from avtech_controller.desired._cache import RACY_NS, Findings, Memory, Noted, part_key, recall, remember
from avtech_controller.desired._index import REPOSITORY, Index, facts_of
from avtech_controller.desired._load import covered, fleet_of, limited, load, text_of, without_collection
from avtech_controller.desired._part import Part
from avtech_controller.desired._read import FileContent, read_file
from avtech_controller.desired._source import Listed, ListedSource, SourceFile
from avtech_controller.desired._spots import Locator
from avtech_controller.desired._state import Loaded
from avtech_controller.findings import Finding

_ASKED_ELSEWHERE = frozenset({"AVT201", "AVT202", "AVT203", "AVT204", "AVT205", "AVT206", "AVT210", "AVT212", "AVT502"})
"""Findings that depend on other parts' names, or tell of secrets: a part that has any is looked at each time."""


def check_source(source: ListedSource, *, today: date | None = None) -> Loaded:
    """Find everything that `load` finds, but keep no state; what an unchanged part had last time is remembered.

    Raises:
        SourceError: the source cannot be read.
        FindingsError: the tree is larger than any that is read.
    """
    with without_collection():
        began = time.time_ns()
        listed = {one.path: one for one in sorted(source.listing(), key=attrgetter("path"))}
        if not _are_text(listed):
            return replace(load(source, today=today), state=None)  # names that cannot be written down
        kind = "tree" if source.commit is None else "commit"
        before = recall(source.root, kind)
        look = _Look(listed, before)
        index = look.index()
        common = part_key(*_common(look.files, index, today))
        found, parts = _findings(look, index, before, common, today)
        if look.files != before.files or parts.keys() != before.parts.keys() or _keys(parts) != _keys(before.parts):
            remember(source.root, kind, Memory(began, look.files, common, parts, index))
        findings = limited(found)
    shown = {place.file for finding in findings for place in (finding.place, *(place for place, _ in finding.related))}
    texts = {path: text_of(look.file(path).data) for path in sorted(shown & look.files.keys())}
    findings, texts = covered(findings, texts)
    return Loaded(None, tuple(findings), files=len(look.files), screens=index.screens, texts=texts)


def _are_text(paths: Iterable[str]) -> bool:
    try:
        "\n".join(paths).encode()
    except UnicodeEncodeError:
        return False
    return True


def _keys(parts: Findings) -> dict[str, str]:
    return {home: key for home, (key, _) in parts.items()}


class _Look:
    """The files as they are now; each is read only when it changed, or when its part must be checked."""

    def __init__(self, listed: Mapping[str, Listed], before: Memory) -> None:
        self._before = before
        self._listed = listed
        self._read: dict[str, SourceFile] = {}
        self._contents: dict[str, FileContent] = {}
        self.files = {path: self._noted(one) for path, one in listed.items()}
        self.changed = {path for path, noted in self.files.items() if not _same(noted, before.files.get(path))}

    def index(self) -> Index:
        """The index of all names: the one before, unless a file came, went, or means something else to the others."""
        known, before = self._before.files, self._before.index
        changed = {path: facts_of(path, self.content(path)) for path in self.changed}
        if before is None:
            return Index.of(changed)
        if self.files.keys() == known.keys() and all(before.facts.get(path) == facts for path, facts in changed.items()):
            return before
        return Index.of({path: changed.get(path) or before.facts[path] for path in self.files})

    def file(self, path: str) -> SourceFile:
        if path not in self._read:
            self._read[path] = self._listed[path].read()
        return self._read[path]

    def data(self, path: str) -> bytes:
        return self.file(path).data if path in self._listed else b""

    def content(self, path: str) -> FileContent:
        if path not in self._contents:
            self._contents[path] = read_file(self.file(path))
        return self._contents[path]

    def _noted(self, listed: Listed) -> Noted:
        known = self._before.files.get(listed.path)
        if known and listed.identity and known[0] == listed.identity and listed.changed_ns + RACY_NS < self._before.noted:
            return known
        file = self.file(listed.path)
        digest = hashlib.sha256(file.data).hexdigest() if file.defect is None else f"{file.defect} {file.detail}"
        return [listed.identity, digest]


def _same(noted: Noted, known: Noted | None) -> bool:
    return known is not None and noted[1] == known[1]


def _findings(look: _Look, index: Index, before: Memory, common: str, today: date | None) -> tuple[list[Finding], Findings]:
    """All findings, and those of each part that may be remembered, by what they depend on."""
    locator = Locator(look.data)
    kept: Findings = {}
    found: list[Finding] = []
    contents: Mapping[str, FileContent] | None = None
    untouched = index is before.index and common == before.common
    for home in sorted({*index.parts, REPOSITORY}):
        paths = index.parts.get(home, ())
        known = before.parts.get(home)
        if known and untouched and look.changed.isdisjoint(paths):
            key = known[0]
        else:
            key = part_key(common, home, [[path, look.files[path][1]] for path in paths], _others(home, index, paths))
        if known and known[0] == key:
            kept[home] = known
            found += known[1]
            continue
        if contents is None:
            contents = {origin.file: look.content(origin.file) for origin in index.fleets}
        part = Part(home, [(path, look.content(path)) for path in paths], index, fleet_of(index, contents))
        here = part.findings(locator, today)
        found += here
        if not any(finding.code in _ASKED_ELSEWHERE for finding in here):
            kept[home] = key, here
    return found, kept


def _common(files: Mapping[str, Noted], index: Index, today: date | None) -> list[object]:
    """What the findings of all parts depend on: the day, the Fleets, the clients' names, names that may be anybody's."""
    fleets = [[origin.file, origin.document, files[origin.file][1]] for origin in index.fleets]
    return [today.isoformat() if today else None, fleets, index.clients, sorted(index.loose)]


def _others(home: str, index: Index, paths: Sequence[str]) -> list[object]:
    """What the findings of a part depend on beyond its files: names that others have, too, and for the Fleet's, all screens."""
    here = set(paths) if index.twins else set()
    twins = [
        [origin.file, origin.document, first.file, first.document]
        for origin, first in index.twins.items()
        if origin.file in here or first.file in here
    ]
    return [twins, index.unread, index.screen_names] if home == REPOSITORY else [twins]
