"""Checks a desired state without keeping it: parts that did not change since the last look are not read again."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from avtech_controller.desired._cache import Findings, Memory, part_key, recall, remember
from avtech_controller.desired._content import FileContent
from avtech_controller.desired._index import REPOSITORY, Index
from avtech_controller.desired._load import covered, fleet_of, limited, load, text_of, without_collection
from avtech_controller.desired._look import Look
from avtech_controller.desired._part import Part
from avtech_controller.desired._past import Past
from avtech_controller.desired._source import ListedSource
from avtech_controller.desired._spots import Locator
from avtech_controller.desired._state import Loaded
from avtech_controller.findings import Finding

_ASKED_ELSEWHERE = frozenset(
    {"AVT201", "AVT202", "AVT203", "AVT204", "AVT205", "AVT206", "AVT210", "AVT212", "AVT216", "AVT502"}
)
"""Findings that depend on other parts' names, or tell of secrets: a part that has any is looked at each time."""


def check_source(source: ListedSource, *, today: date | None = None, past: Past | None = None) -> Loaded:
    """Find everything that `load` finds, but keep no state; what an unchanged part had last time is remembered.

    Raises:
        SourceError: the source cannot be read.
        FindingsError: the tree is larger than any that is read.
    """
    with without_collection():
        began = time.time_ns()
        kind = "tree" if source.commit is None else "commit"
        before = recall(source.root, kind)
        try:
            look = Look(source, before)
        except UnicodeEncodeError:  # names that cannot be written down
            return replace(load(source, today=today, past=past), state=None)
        index = look.index()
        common = part_key(*_common(look, index, today))
        found, parts = _findings(look, index, before, common, today=today, past=past or Past())
        if look.is_stale or index is not before.index or _keys(parts) != _keys(before.parts):
            remember(source.root, kind, Memory(began, look.folders, common, parts, index))
        findings = limited(found)
    shown = {place.file for finding in findings for place in (finding.place, *(place for place, _ in finding.related))}
    texts = {path: text_of(look.data(path)) for path in sorted(shown) if look.has(path)}
    findings, texts = covered(findings, texts)
    return Loaded(None, tuple(findings), files=len(look), screens=index.screens, texts=texts)


def _keys(parts: Findings) -> dict[str, str]:
    return {home: key for home, (key, _) in parts.items()}


def _findings(
    look: Look, index: Index, before: Memory, common: str, *, today: date | None, past: Past
) -> tuple[list[Finding], Findings]:
    """All findings, and those of each part that may be remembered, by what they depend on."""
    locator = Locator(look.data)
    kept: Findings = {}
    found: list[Finding] = []
    contents: Mapping[str, FileContent] | None = None
    untouched = index is before.index and common == before.common
    touched = {index.homes.of(owner, path) for path, facts in look.changed.items() for owner in facts.homes}
    for home in sorted({*index.parts, REPOSITORY}):
        known = before.parts.get(home)
        if known and untouched and home not in touched:
            kept[home] = known
            found += known[1]
            continue
        paths = index.parts.get(home, ())
        key = part_key(common, home, [[path, look.digest(path)] for path in paths], _others(home, index, paths))
        if known and known[0] == key:
            kept[home] = known
            found += known[1]
            continue
        if contents is None:
            contents = {origin.file: look.content(origin.file) for origin in index.fleets}
        part = Part(home, [(path, look.content(path)) for path in paths], index, fleet_of(index, contents))
        here = part.findings(locator, today, past)
        found += here
        if not any(finding.code in _ASKED_ELSEWHERE for finding in here):
            kept[home] = key, here
    return found, kept


def _common(look: Look, index: Index, today: date | None) -> list[object]:
    """What the findings of all parts depend on: the day, the Fleets, the clients' names, names that may be anybody's."""
    fleets = [[origin.file, origin.document, look.digest(origin.file)] for origin in index.fleets]
    clients = [index.clients, sorted(index.claimed), dict(index.misnamed)]
    return [today.isoformat() if today else None, fleets, *clients, sorted(index.loose)]


def _others(home: str, index: Index, paths: Sequence[str]) -> list[object]:
    """What the findings of a part depend on beyond its files: names that others have, too, and for the Fleet's, all screens."""
    here = set(paths) if index.twins else set()
    twins = [
        [origin.file, origin.document, first.file, first.document]
        for origin, first in index.twins.items()
        if origin.file in here or first.file in here
    ]
    return [twins, index.unread, index.screen_names] if home == REPOSITORY else [twins, index.misfiled.get(home)]
