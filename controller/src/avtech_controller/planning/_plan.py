"""A plan: what one publication would change, whole before the first write. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from avtech_controller.compiler import CompiledScreen
from avtech_controller.planning._airtime import AirChange, ScreenAir, compare_air, measure
from avtech_controller.planning._base import Base, ManifestRef, OldManifest, content_of, same_manifest
from avtech_controller.planning._difference import describe, download_size, is_emergency_only
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

    `air` is None when the released manifest is unreadable.
    """

    kind: ChangeKind
    screen: ScreenId
    client: ClientId
    old: Sha256 | None
    new: Sha256 | None
    details: tuple[str, ...]
    download: ByteSize = ByteSize(0)
    emergency_only: bool = False
    air: AirChange | None = None
    moved_from: ScreenId | None = None

    @property
    def alters(self) -> bool:
        """Whether a released screen shows or is something else than before; a name alone is not."""
        return self.kind is ChangeKind.CHANGED or (self.kind is ChangeKind.MOVED and bool(self.details))

    @property
    def emptied(self) -> bool:
        """Whether a released screen loses all its scheduled air of the coming week."""
        return self.air is not None and self.air.emptied


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
    shown: bool = True,
) -> Plan:
    """Compare what is released, or another commit, with what is wanted.

    A plan that nobody is shown (`shown` is False) holds what limits and waves look at, and is made much sooner: it tells
    no airtime and no details of screens that come or go, and leaves the weeks of clock changes out.

    `manifests` holds the base's manifests of `replaced_screens` by digest; one that is missing cannot be compared with.
    `moved` gives the new name of a screen by its old one; it holds where the old one is in the base alone, and the new
    one is wanted alone.
    """
    screens: Mapping[ScreenId, ManifestRef] = base.screens if base else {}
    origins: dict[ScreenId, ScreenId] = {}
    for old, new in (moved or {}).items():
        if old in screens and old not in wanted and new in wanted and new not in screens:
            origins.setdefault(new, old)
    steps = list(_steps(screens, wanted, origins))
    comparer = _Comparer(now.replace(microsecond=0), manifests, shown=shown)
    clocks = shown and comparer.contents(steps) <= MAX_CLOCK_WEEKS
    return Plan(
        commit=commit,
        base_sequence=base.sequence if base else None,
        base_commit=base.commit if base else None,
        base_digest=base.digest if base else None,
        changes=tuple(comparer.change(old, new, clocks=clocks) for old, new in steps),
        released=dict(sorted(Counter(old.client for old in screens.values()).items())),
        wanted_screens=len(wanted),
        now=now.replace(microsecond=0),
        clocks=clocks,
    )


_Step = tuple[ManifestRef | None, CompiledScreen | None]


def _steps(
    screens: Mapping[ScreenId, ManifestRef], wanted: Mapping[ScreenId, CompiledScreen], origins: Mapping[ScreenId, ScreenId]
) -> Iterator[_Step]:
    """The old and new side of every screen that changes, in order of names."""
    gone = set(origins.values())
    for name in sorted(screens.keys() | wanted.keys()):
        old, new = screens.get(origins.get(name, name)), wanted.get(name)
        if name not in gone and (old is None or new is None or not same_manifest(old, new)):
            yield old, new


@dataclass(frozen=True, slots=True)
class _Comparison:
    """What differs between two manifests but for the screens' names."""

    details: tuple[str, ...]
    download: ByteSize
    emergency_only: bool
    air: AirChange | None


_UNTOLD = _Comparison((), ByteSize(0), emergency_only=False, air=None)


@dataclass(slots=True)
class _Comparer:
    """Compares manifests, each pair of equal content once: screens that differ in name alone share the answer."""

    now: datetime
    manifests: Mapping[Sha256, OldManifest]
    shown: bool
    _contents: dict[Sha256, str] = field(default_factory=dict)
    _airs: dict[str, ScreenAir] = field(default_factory=dict)
    _known: dict[tuple[str, str], _Comparison] = field(default_factory=dict)

    def contents(self, steps: list[_Step]) -> int:
        """How many different contents some steps have."""
        olds = {self._old_content(old) for old, _ in steps if old}
        return len(olds | {self._content(new) for _, new in steps if new})

    def change(self, old: ManifestRef | None, new: CompiledScreen | None, *, clocks: bool) -> ScreenChange:
        """One screen's step."""
        found = self._found(old, new, clocks=clocks) if self.shown or (old and new) else _UNTOLD
        place = new or old
        if place is None:
            raise ValueError("a change has an old or a new side")
        moved_from = old.screen if old and new and old.screen != new.screen else None
        return ScreenChange(
            kind=_kind(old, new),
            screen=place.screen,
            client=place.client,
            old=old.digest if old else None,
            new=new.digest if new else None,
            details=found.details,
            download=found.download,
            emergency_only=found.emergency_only and moved_from is None,
            air=found.air,
            moved_from=moved_from,
        )

    def _found(self, old: ManifestRef | None, new: CompiledScreen | None, *, clocks: bool) -> _Comparison:
        key = (self._old_content(old) if old else "", self._content(new) if new else "")
        if key not in self._known:
            before = self.manifests.get(old.digest) if old else None
            sides = (before.manifest if before else None, new.manifest if new else None)
            unreadable = old is not None and before is None
            self._known[key] = self._compare(sides, key, unreadable=unreadable, clocks=clocks)
        return self._known[key]

    def _compare(
        self, sides: tuple[Manifest | None, Manifest | None], key: tuple[str, str], *, unreadable: bool, clocks: bool
    ) -> _Comparison:
        old, new = sides
        if unreadable:
            return _Comparison((UNREADABLE,) if new else (), download_size(None, new), emergency_only=False, air=None)
        air = compare_air(self._air(key[0], old, clocks=clocks), self._air(key[1], new, clocks=clocks))
        return _Comparison(describe(old, new), download_size(old, new), is_emergency_only(old, new), air)

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
