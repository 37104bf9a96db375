"""One part of a repository compiled by itself: a client whose files lie in its own folders, and nobody else's do."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from avtech_controller.desired import FileContent, _spelt, read_file
from avtech_controller.desired._index import REPOSITORY, Declared, FileFacts, Index, facts_of
from avtech_controller.desired._part import Part
from avtech_controller.desired._past import Past
from avtech_controller.desired._sections import Section
from avtech_controller.desired._source import SourceFile
from avtech_controller.desired._spots import Locator
from avtech_controller.desired._state import DesiredState
from avtech_controller.findings import Finding, Severity
from avtech_controller.incremental._ledger import PartRecord, labels_text
from avtech_controller.incremental._pack import Pack
from avtech_controller.normal import NormalForms
from avtech_controller.recipes import Cookbook, Recipe, airing_schedules
from avtech_schema.canonical import sha256_hex
from avtech_schema.identifiers import Sha256
from avtech_schema.resources import Fleet


@dataclass(frozen=True, slots=True)
class Common:
    """What every part depends on: the Fleet, in its file, and the identity of all files that are nobody's."""

    identity: str
    fleet: Fleet
    facts: Mapping[str, FileFacts]


@dataclass(frozen=True, slots=True)
class Made:
    """A part that was compiled now: its record and pack, and how many of its screens were not known already."""

    record: PartRecord
    pack: Pack
    data: bytes
    """The pack as bytes."""
    compiled: int
    findings: list[Finding]


Known = Mapping[str, tuple[Sha256, int]]
"""Digests and sizes of manifests by the keys of what they were made of."""


class Files:
    """The files of a section, parsed."""

    def __init__(self, section: Section) -> None:
        self.by_path: dict[str, SourceFile] = {file.path: file for file in sorted(section.read(), key=lambda one: one.path)}
        self.contents: dict[str, FileContent] = {path: read_file(file) for path, file in self.by_path.items()}
        self.facts = {path: facts_of(path, content) for path, content in self.contents.items()}

    @property
    def bytes(self) -> int:
        """How many bytes they hold."""
        return sum(len(file.data) for file in self.by_path.values())

    def are_of(self, home: str) -> bool:
        """Whether all of them are without fault and speak of one part alone."""
        return all(
            facts.homes == (home,) and not facts.unread and not facts.loose and not any(one.broken for one in facts.declared)
            for facts in self.facts.values()
        )

    def locator(self) -> Locator:
        """Looks places up in them."""
        return Locator(lambda path: self.by_path[path].data if path in self.by_path else b"")


def make_part(section: Section, key: str, common: Common, known: Known) -> Made | None:
    """Compile a client's part; None if it has errors, or cannot be looked at by itself."""
    files = Files(section)
    if not files.are_of(section.name) or any(one.fleets for one in files.facts.values()):
        return None
    index = Index.of({**common.facts, **files.facts})
    part = Part(section.name, list(files.contents.items()), index, common.fleet)
    findings = part.findings(files.locator(), None, Past())
    if any(finding.severity is Severity.ERROR for finding in findings):
        return None
    state = part.state()
    pack, compiled = make_pack(state, known)
    data = pack.written()
    record = record_of(section.name, key, state, pack, data)
    record = replace(record, files=len(files.by_path), bytes=files.bytes, findings=values_of(findings))
    return Made(record, pack, data, compiled, findings)


def make_pack(state: DesiredState, known: Known) -> tuple[Pack, int]:
    """The manifests of a state's screens, and how many of them were not among the known ones."""
    cookbook = Cookbook(state, NormalForms(state))
    recipes: list[Recipe] = []
    keys: list[str] = []
    digests: list[Sha256] = []
    sizes: list[int] = []
    compiled = 0
    for recipe in cookbook.recipes(airing_schedules(state), None):
        key = cookbook.key(recipe).hex()
        found = known.get(key)
        if found is None:
            data = cookbook.spellings.data(recipe)
            found = sha256_hex(data), len(data)
            compiled += 1
        recipes.append(recipe)
        keys.append(key)
        digests.append(found[0])
        sizes.append(found[1])
    return Pack(cookbook.spellings, recipes, keys, digests, sizes), compiled


def known_of(pack: Pack | None) -> Known:
    """The manifests of a pack by their keys."""
    if pack is None:
        return {}
    return {key: (digest, size) for key, digest, size in zip(pack.keys, pack.digests, pack.sizes, strict=True)}


def record_of(part: str, key: str, state: DesiredState, pack: Pack, data: bytes) -> PartRecord:
    """The record of a pack, whose bytes are `data`, of the screens of one client."""
    clients = [client.model_dump(mode="json", by_alias=True, exclude_unset=True) for client in state.clients.values()]
    titles = {name: video.spec.title or video.spec.original_name for name, video in sorted(state.videos.items())}
    return PartRecord(
        part=part,
        key=key,
        pack=hashlib.sha256(data).hexdigest(),
        pack_size=len(data),
        files=0,
        bytes=0,
        screens=" ".join(recipe.screen for recipe in pack.recipes),
        digests="".join(pack.digests),
        sizes=pack.sizes,
        labels=labels_text(state.screens[recipe.screen].metadata.labels for recipe in pack.recipes),
        titles=orjson.dumps(titles).decode(),
        clients=orjson.dumps(clients).decode(),
        findings=(),
    )


def values_of(findings: Sequence[Finding]) -> list[Any]:
    """Findings as JSON values."""
    return [_spelt.finding_value(finding) for finding in findings]


def findings_of(values: Sequence[Any]) -> list[Finding]:
    """Findings from their JSON values."""
    return [_spelt.finding(value) for value in values]


def common_findings(files: Files, fleet: Fleet, screens: Mapping[str, Sequence[str]]) -> list[Finding]:
    """What is wrong with what is nobody's, given the names of all screens by their clients."""
    others = {
        f"fleet/{client}/": FileFacts(
            tuple(Declared("Screen", name, client, number, broken=False) for number, name in enumerate(names)), (client,)
        )
        for client, names in screens.items()
    }
    part = Part(REPOSITORY, list(files.contents.items()), Index.of({**others, **files.facts}), fleet)
    return part.findings(files.locator(), None, Past())
