"""Compiles a repository part by part: what did not change since it was last compiled is known, and not even read."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from avtech_controller.compiler import COMPILER
from avtech_controller.desired._index import REPOSITORY
from avtech_controller.desired._load import limited, load, without_collection
from avtech_controller.desired._sections import LOOSE, Section, sections_of
from avtech_controller.desired._source import MAX_FILES, MAX_TREE_BYTES, Source
from avtech_controller.desired._state import DesiredState, require_state
from avtech_controller.findings import Finding, Severity
from avtech_controller.incremental._cache import Cache
from avtech_controller.incremental._compilation import Compilation, Packs, no_earlier
from avtech_controller.incremental._earlier import Earlier
from avtech_controller.incremental._ledger import PartRecord
from avtech_controller.incremental._pack import Pack
from avtech_controller.incremental._parts import (
    Common,
    Files,
    Made,
    common_findings,
    findings_of,
    known_of,
    make_pack,
    make_part,
    record_of,
    values_of,
)
from avtech_controller.incremental._program import program
from avtech_schema.errors import FindingsError
from avtech_schema.identifiers import CLIENT_PATTERN, ClientId
from avtech_schema.resources import Fleet

_CLIENT = re.compile(CLIENT_PATTERN)


class _TogetherError(Exception):
    """The parts cannot be told apart, or something is wrong: everything must be looked at together."""


def compile_source(source: Source, cache: Cache | None = None) -> Compilation:
    """Read, validate and compile a desired state; with a cache, only what is not known from an earlier time.

    What comes out is the same with any cache and without one.

    Raises:
        SourceError: the source cannot be read.
        FindingsError: the desired state has errors.
    """
    try:
        return _Run(source, cache).compilation()
    except _TogetherError:
        return _compile_together(source)


@dataclass(slots=True)
class _Outcome:
    """What came of all parts so far."""

    records: list[PartRecord] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    packs: dict[str, bytes] = field(default_factory=dict)
    """Packs made now, by part."""
    compiled: int = 0

    def add(self, record: PartRecord, findings: Sequence[Finding]) -> None:
        """Add a part that is known."""
        self.records.append(record)
        self.findings += findings

    def add_made(self, made: Made) -> None:
        """Add a part that was compiled now."""
        self.records.append(made.record)
        self.findings += made.findings
        self.packs[made.record.part] = made.data
        self.compiled += made.compiled


class _Run:
    """One look at a repository."""

    def __init__(self, source: Source, cache: Cache | None) -> None:
        self._source = source
        self._cache = cache
        self._earlier = Earlier(cache) if cache else None
        try:
            found = {section.name: section for section in sections_of(source)}
        except FindingsError as error:
            raise _TogetherError from error
        self._loose = found.pop(LOOSE, None)
        self._sections = found

    def compilation(self) -> Compilation:
        """Compile every part that is not known.

        Raises:
            _TogetherError: the parts cannot be told apart, or something is wrong.
        """
        loose, common = self._common()
        outcome = _Outcome()
        for section in self._sections.values():
            self._part(section, common, outcome)
        _check_whole(outcome.records, loose)
        named, told = self._common_findings(loose, common, outcome.records)
        findings = limited([*told, *outcome.findings])
        if self._cache:
            made = {record.pack: outcome.packs[record.part] for record in outcome.records if record.part in outcome.packs}
            self._cache.keep(outcome.records, made, named)
        ignored = self._cache.ignored if self._cache else 0
        packs = Packs({}, _Opener(self._sections, common, outcome, self._cache))
        earlier = self._earlier.data if self._earlier else no_earlier
        return Compilation(
            self._source.commit, common.fleet, outcome.records, packs, tuple(findings), outcome.compiled, ignored, earlier
        )

    def _common(self) -> tuple[Files, Common]:
        if self._loose is None:
            raise _TogetherError
        files = _read(self._loose)
        if not files.are_of(REPOSITORY):
            raise _TogetherError
        fleets = [one for content in files.contents.values() for one, _ in content.resources if isinstance(one, Fleet)]
        if len(fleets) != 1 or any(content.findings or content.problems for content in files.contents.values()):
            raise _TogetherError
        return files, Common(self._loose.identity, fleets[0], files.facts)

    def _part(self, section: Section, common: Common, outcome: _Outcome) -> None:
        if not _CLIENT.fullmatch(section.name):
            if _read(section).by_path:
                raise _TogetherError
            return
        key = part_key(section, common)
        record = self._cache.ledger.find(section.name, key) if self._cache else None
        if record:
            outcome.add(record, findings_of(record.findings))
            return
        latest = self._cache.ledger.latest(section.name) if self._cache else None
        known = known_of(self._earlier.pack(latest)) if self._earlier and latest else {}
        with without_collection():
            made = _make(section, key, common, known)
        outcome.add_made(made)

    def _common_findings(
        self, loose: Files, common: Common, records: Sequence[PartRecord]
    ) -> tuple[tuple[str, Sequence[Any]] | None, list[Finding]]:
        """The warnings of what is nobody's, and what to remember of them, if that may be done."""
        screens = {record.part: record.screens.split() for record in records if record.screens}
        key = _digest([program(), common.identity, screens])
        values = self._cache.ledger.common.get(key) if self._cache else None
        if values is not None:
            return None, findings_of(values)
        findings = common_findings(loose, common.fleet, screens)
        if any(finding.severity is Severity.ERROR for finding in findings):
            raise _TogetherError
        return (key, values_of(findings)), findings


@dataclass(frozen=True, slots=True)
class _Opener:
    """Finds the pack of a part: made now, kept in the cache, or lost from there and made again."""

    sections: Mapping[str, Section]
    common: Common
    outcome: _Outcome
    cache: Cache | None

    def __call__(self, part: str) -> Pack:
        if data := self.outcome.packs.get(part):
            return Pack.parse(data)
        record = next(record for record in self.outcome.records if record.part == part)
        if self.cache and (pack := self.cache.pack(record)):
            return pack
        made = _make(self.sections[part], record.key, self.common, {})
        if self.cache:
            self.cache.restore(record, made.data)
        return made.pack


def part_key(section: Section, common: Common) -> str:
    """What a part is compiled from, as one name: its files, those that are nobody's, and this program."""
    return _digest([program(), COMPILER, section.name, section.identity, common.identity])


def _digest(value: object) -> str:
    return hashlib.sha256(orjson.dumps(value)).hexdigest()


def _read(section: Section) -> Files:
    try:
        return Files(section)
    except FindingsError as error:
        raise _TogetherError from error


def _make(section: Section, key: str, common: Common, known: Mapping[str, Any]) -> Made:
    try:
        made = make_part(section, key, common, known)
    except FindingsError as error:
        raise _TogetherError from error
    if made is None:
        raise _TogetherError
    return made


def _check_whole(records: Sequence[PartRecord], loose: Files) -> None:
    """Make sure of what no part can know by itself: names that are used once, and how large the whole is."""
    for names in (
        [name for record in records for name in record.screens.split()],
        [name for record in records for name in orjson.loads(record.titles)],
    ):
        if len(set(names)) != len(names):
            raise _TogetherError
    files = sum(record.files for record in records) + len(loose.by_path)
    if files > MAX_FILES or sum(record.bytes for record in records) + loose.bytes > MAX_TREE_BYTES:
        raise _TogetherError


def _compile_together(source: Source) -> Compilation:
    """Compile a repository whose files are not divided by client, or say what is wrong with it."""
    loaded = load(source)
    state = require_state(loaded)
    with without_collection():
        whole, compiled = make_pack(state, {})
    packs: dict[str, Pack] = {client: _of_client(whole, client) for client in state.clients}
    records = [record_of(client, "", _only(state, client), packs[client], b"") for client in state.clients]
    return Compilation(source.commit, state.fleet, records, Packs({}, packs.__getitem__), loaded.findings, compiled)


def _of_client(whole: Pack, client: ClientId) -> Pack:
    rows = zip(whole.recipes, whole.keys, whole.digests, whole.sizes, strict=True)
    chosen = [row for row in rows if row[0].client == client]
    recipes, keys, digests, sizes = (list(column) for column in zip(*chosen, strict=True)) if chosen else ([], [], [], [])
    return Pack(whole.spellings, recipes, keys, digests, sizes)


def _only(state: DesiredState, client: ClientId) -> DesiredState:
    """The client itself and its clips; all screens."""
    videos = {name: video for name, video in state.videos.items() if video.spec.client == client}
    return replace(state, clients={client: state.clients[client]}, videos=videos)
