"""A plan: what one publication would change, whole before the first write. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from avtech_controller.compiler import CompiledScreen
from avtech_controller.planning._airtime import AirChange, ScreenAir, compare_air, measure
from avtech_controller.planning._base import Base, OldManifest, same_manifest
from avtech_controller.planning._difference import describe, download_size
from avtech_controller.planning._identity import calm_of, content_of
from avtech_controller.planning._sketch import Sketch, Sketcher
from avtech_controller.roster import ManifestRef, Roster, differing
from avtech_schema.identifiers import ByteSize, ClientId, CommitId, ScreenId, Sha256
from avtech_schema.manifest import Manifest

MAX_CLOCK_WEEKS = 5_000
"""The weeks of clock changes are measured if as many different manifests take part; beyond, it would take too long."""
UNREADABLE = "the released manifest is not readable; what changes cannot be shown"


class ChangeKind(StrEnum):
    """What happens to a screen."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    MOVED = "moved"
    """It has another name: `moved_from` was its old one."""


@dataclass(frozen=True, slots=True)
class ScreenChange:
    """One screen's step. `details` are lines such as `+ rule lobby/3`; `download` the bytes of clips its player lacks.

    `alters`: a released screen shows or is something else than before; a name alone is not. `emptied`: it loses all its
    scheduled air of the coming week. `air` is None when the released manifest is unreadable, or in an outline.
    """

    kind: ChangeKind
    screen: ScreenId
    client: ClientId
    old: Sha256 | None
    new: Sha256 | None
    details: tuple[str, ...]
    download: ByteSize = ByteSize(0)
    alters: bool = False
    emptied: bool = False
    emergency_only: bool = False
    air: AirChange | None = None
    moved_from: ScreenId | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What publishing `commit` would change on top of the base (None: nothing is released).

    The commit is None when the plan is of a work tree; such a plan cannot be published. `base_sequence` is None when the
    base is a commit and not a release. Airtime is that of the week from `now` on; `clocks` says whether the weeks of
    clock changes were measured. `released` counts the base's screens by client.
    """

    commit: CommitId | None
    base_sequence: int | None
    base_commit: CommitId | None
    base_digest: Sha256 | None
    changes: tuple[ScreenChange, ...]
    released: Mapping[ClientId, int]
    wanted_screens: int
    now: datetime
    clocks: bool = True

    @property
    def released_screens(self) -> int:
        """How many screens the base has."""
        return sum(self.released.values())

    def count(self, kind: ChangeKind) -> int:
        """How many screens are added, changed, removed or moved."""
        return sum(change.kind is kind for change in self.changes)

    @property
    def emergency_only(self) -> bool:
        """Whether every change only adds, alters or ends emergencies."""
        return all(change.emergency_only for change in self.changes)

    @property
    def download(self) -> ByteSize:
        """The bytes of clips that all players together lack."""
        return ByteSize(sum(change.download for change in self.changes))


def make_plan(
    commit: CommitId | None,
    base: Base | None,
    wanted: Mapping[ScreenId, CompiledScreen],
    manifests: Mapping[Sha256, OldManifest],
    *,
    now: datetime,
    moved: Mapping[ScreenId, ScreenId] | None = None,
) -> Plan:
    """Compare what is released, or another commit, with what is wanted.

    `manifests` holds the base's manifests of `replaced_screens` by digest; one that is missing cannot be compared with.
    `moved` gives the new name of a screen by its old one; it holds where the old one is in the base alone, and the new
    one is wanted alone.
    """
    now = now.replace(microsecond=0)
    steps = _steps(base, wanted, moved)
    comparer = _Comparer(now, manifests)
    clocks = comparer.contents(steps) <= MAX_CLOCK_WEEKS
    changes = tuple(_change(old, new, comparer.compare(old, new, clocks=clocks)) for old, new in steps)
    return _plan(commit, base, len(wanted), changes, now, clocks=clocks)


def make_outline(
    commit: CommitId | None,
    base: Base | None,
    wanted: Mapping[ScreenId, CompiledScreen],
    sketches: Mapping[Sha256, Sketch],
    sketcher: Sketcher,
    *,
    moved: Mapping[ScreenId, ScreenId] | None = None,
) -> Plan:
    """A plan that nobody is shown: it holds what limits and waves look at, and is made much sooner than `make_plan`'s.

    `sketches` are what `sketcher` made of the base's manifests of `replaced_screens`, by digest; one may be missing.
    """

    def compare(old: ManifestRef | None, new: CompiledScreen | None) -> _Comparison:
        before = sketches.get(old.digest) if old else None
        after = sketcher.sketch(new.data, new.screen) if before and new else None
        if before is None or after is None:
            return _UNTOLD
        emptied, calm = after.empties(before), before.calm is not None and before.calm == after.calm
        return _Comparison((), ByteSize(0), differs=before is not after, emptied=emptied, emergency_only=calm, air=None)

    changes = tuple(_change(old, new, compare(old, new)) for old, new in _steps(base, wanted, moved))
    return _plan(commit, base, len(wanted), changes, sketcher.now, clocks=False)


def _plan(
    commit: CommitId | None, base: Base | None, wanted: int, changes: tuple[ScreenChange, ...], now: datetime, *, clocks: bool
) -> Plan:
    return Plan(
        commit=commit,
        base_sequence=base.sequence if base else None,
        base_commit=base.commit if base else None,
        base_digest=base.digest if base else None,
        changes=changes,
        released=Roster.of(base.screens).counts if base else {},
        wanted_screens=wanted,
        now=now,
        clocks=clocks,
    )


_Step = tuple[ManifestRef | None, CompiledScreen | None]


def _steps(
    base: Base | None, wanted: Mapping[ScreenId, CompiledScreen], moved: Mapping[ScreenId, ScreenId] | None
) -> list[_Step]:
    """The old and new side of every screen that changes, in order of names."""
    olds, news = differing(base.screens if base else {}, wanted)
    origins: dict[ScreenId, ScreenId] = {}
    for old_name, new_name in (moved or {}).items():
        if old_name in olds and old_name not in news and new_name in news and new_name not in olds:
            origins.setdefault(new_name, old_name)
    gone = set(origins.values())
    steps: list[_Step] = []
    for name in sorted(olds.keys() | news.keys()):
        old, new = olds.get(origins.get(name, name)), news.get(name)
        if name not in gone and (old is None or new is None or not same_manifest(old, new)):
            steps.append((old, new))
    return steps


@dataclass(frozen=True, slots=True)
class _Comparison:
    """What differs between two manifests but for the screens' names."""

    details: tuple[str, ...]
    download: ByteSize
    differs: bool
    emptied: bool
    emergency_only: bool
    air: AirChange | None


_UNTOLD = _Comparison((), ByteSize(0), differs=True, emptied=False, emergency_only=False, air=None)


def _change(old: ManifestRef | None, new: CompiledScreen | None, found: _Comparison) -> ScreenChange:
    """One screen's step."""
    place = new or old
    if place is None:
        raise ValueError("a change has an old or a new side")
    kind, moved_from = _kind(old, new), old.screen if old and new and old.screen != new.screen else None
    return ScreenChange(
        kind=kind,
        screen=place.screen,
        client=place.client,
        old=old.digest if old else None,
        new=new.digest if new else None,
        details=found.details,
        download=found.download,
        alters=kind is ChangeKind.CHANGED or (kind is ChangeKind.MOVED and found.differs),
        emptied=found.emptied,
        emergency_only=found.emergency_only and moved_from is None,
        air=found.air,
        moved_from=moved_from,
    )


@dataclass(slots=True)
class _Comparer:
    """Compares manifests, each pair of equal content once: screens that differ in name alone share the answer."""

    now: datetime
    manifests: Mapping[Sha256, OldManifest]
    _contents: dict[Sha256, str] = field(default_factory=dict)
    _airs: dict[str, ScreenAir] = field(default_factory=dict)
    _known: dict[tuple[str, str], _Comparison] = field(default_factory=dict)

    def contents(self, steps: list[_Step]) -> int:
        """How many different contents some steps have."""
        olds = {self._old_content(old) for old, _ in steps if old}
        return len(olds | {self._content(new) for _, new in steps if new})

    def compare(self, old: ManifestRef | None, new: CompiledScreen | None, *, clocks: bool) -> _Comparison:
        """What differs between the two sides of a screen."""
        key = (self._old_content(old) if old else "", self._content(new) if new else "")
        if key not in self._known:
            before = self.manifests.get(old.digest) if old else None
            unreadable = old is not None and before is None
            self._known[key] = self._compare(before, new, key, unreadable=unreadable, clocks=clocks)
        return self._known[key]

    def _compare(
        self, before: OldManifest | None, wanted: CompiledScreen | None, key: tuple[str, str], *, unreadable: bool, clocks: bool
    ) -> _Comparison:
        old, new = before.manifest if before else None, wanted.manifest if wanted else None
        if unreadable:
            return replace(_UNTOLD, details=(UNREADABLE,) if new else (), download=download_size(None, new))
        air = compare_air(self._air(key[0], old, clocks=clocks), self._air(key[1], new, clocks=clocks))
        calm = before is not None and wanted is not None and before.calm == calm_of(wanted.data)
        details = describe(old, new)
        return _Comparison(details, download_size(old, new), bool(details), air.emptied, calm, air)

    def _air(self, content: str, manifest: Manifest | None, *, clocks: bool) -> ScreenAir | None:
        if manifest is None:
            return None
        if content not in self._airs:
            self._airs[content] = measure(manifest, self.now, clock=clocks)
        return self._airs[content]

    def _old_content(self, old: ManifestRef) -> str:
        known = self.manifests.get(old.digest)
        return known.content if known else f"unreadable {old.client}"

    def _content(self, new: CompiledScreen) -> str:
        if new.digest not in self._contents:
            self._contents[new.digest] = content_of(new.data, new.screen)
        return self._contents[new.digest]


def _kind(old: ManifestRef | None, new: ManifestRef | None) -> ChangeKind:
    if old is None or new is None:
        return ChangeKind.REMOVED if new is None else ChangeKind.ADDED
    return ChangeKind.CHANGED if old.screen == new.screen else ChangeKind.MOVED
