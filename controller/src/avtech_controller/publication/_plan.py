"""A plan: what one publication would change, whole before the first write. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from avtech_controller.compiler import CompiledScreen
from avtech_controller.publication._difference import describe, download_size, is_emergency_only
from avtech_controller.publication._released import Released, ReleasedScreen
from avtech_schema.identifiers import ByteSize, ClientId, CommitId, ScreenId, Sha256
from avtech_schema.manifest import Manifest


class ChangeKind(StrEnum):
    """What happens to a screen."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class ScreenChange:
    """One screen's step. `details` are lines such as `+ rule lobby/3`; `download` the bytes of clips its player lacks."""

    kind: ChangeKind
    screen: ScreenId
    client: ClientId
    old: Sha256 | None
    new: Sha256 | None
    details: tuple[str, ...]
    download: ByteSize = ByteSize(0)
    emergency_only: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What publishing `commit` would change on top of what is released (None: nothing is).

    The commit is None when the plan is of a work tree; such a plan cannot be published.
    """

    commit: CommitId | None
    base_sequence: int | None
    base_commit: CommitId | None
    changes: tuple[ScreenChange, ...]
    released_screens: int
    wanted_screens: int

    def count(self, kind: ChangeKind) -> int:
        """How many screens are added, changed or removed."""
        return sum(change.kind is kind for change in self.changes)

    @property
    def emergency_only(self) -> bool:
        """Whether every change only adds, alters or ends emergencies."""
        return all(change.emergency_only for change in self.changes)

    @property
    def download(self) -> ByteSize:
        """The bytes of clips that all players together lack."""
        return ByteSize(sum(change.download for change in self.changes))


def changed_screens(released: Released | None, wanted: Mapping[ScreenId, CompiledScreen]) -> list[ReleasedScreen]:
    """The released screens whose manifest would change: their old manifests are what a plan compares with."""
    screens = released.screens if released else {}
    return [old for name, old in screens.items() if (new := wanted.get(name)) is not None and not _same(old, new)]


def make_plan(
    commit: CommitId | None,
    released: Released | None,
    wanted: Mapping[ScreenId, CompiledScreen],
    manifests: Mapping[Sha256, Manifest],
) -> Plan:
    """Compare what is released with what is wanted.

    `manifests` holds the released manifests of `changed_screens` by digest; one that is missing cannot be compared with.
    """
    screens = released.screens if released else {}
    changes = [
        _change(screens.get(name), wanted.get(name), manifests)
        for name in sorted(screens.keys() | wanted.keys())
        if name not in screens or name not in wanted or not _same(screens[name], wanted[name])
    ]
    return Plan(
        commit=commit,
        base_sequence=released.sequence if released else None,
        base_commit=released.commit if released else None,
        changes=tuple(changes),
        released_screens=len(screens),
        wanted_screens=len(wanted),
    )


def _same(old: ReleasedScreen, new: CompiledScreen) -> bool:
    return old.digest == new.digest and old.client == new.client


def _change(old: ReleasedScreen | None, new: CompiledScreen | None, manifests: Mapping[Sha256, Manifest]) -> ScreenChange:
    if new is None:
        if old is None:
            raise ValueError("a change has an old or a new side")
        return ScreenChange(ChangeKind.REMOVED, old.screen, old.client, old.digest, None, ())
    before = manifests.get(old.digest) if old else None
    details = describe(before, new.manifest)
    if old and before is None:
        details = ("the released manifest is not readable; what changes cannot be shown",)
    return ScreenChange(
        kind=ChangeKind.CHANGED if old else ChangeKind.ADDED,
        screen=new.screen,
        client=new.client,
        old=old.digest if old else None,
        new=new.digest,
        details=details,
        download=download_size(before, new.manifest),
        emergency_only=is_emergency_only(before, new.manifest),
    )
