"""What one record changes: the screens of a publication that come at once, and steps that move single screens. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from avtech_controller.compiler import CompiledScreen
from avtech_controller.planning import Plan, same_manifest
from avtech_controller.provenance import Builder
from avtech_controller.publication._released import Released, ReleasedScreen
from avtech_controller.roster import differing
from avtech_controller.trust import ReleasedMetadata
from avtech_schema.identifiers import CommitId, ScreenId
from avtech_schema.release import ReleaseKind, ReleaseRecord, ScreenChange
from avtech_schema.rollout import RecordRef, RolloutNote, Version


@dataclass(frozen=True, slots=True)
class Head:
    """The released head as it was read: its metadata, what it says, and its record."""

    metadata: ReleasedMetadata
    released: Released
    record: ReleaseRecord


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be released: a commit and its compiled screens, who says so, and screens' new names by their old ones."""

    commit: CommitId
    screens: Mapping[ScreenId, CompiledScreen]
    publisher: str
    moved: Mapping[ScreenId, ScreenId] = field(default_factory=dict)
    builder: Builder = Builder()
    """What makes the release, for its provenance."""
    accept_rewind: str = ""
    """The released commit whose history may be left (see `check_order`)."""


@dataclass(frozen=True, slots=True)
class Staging:
    """Which changing screens wait and keep what they have for now, and what the record says of the rollout."""

    waiting: frozenset[ScreenId] = frozenset()
    note: RolloutNote | None = None
    halted: tuple[RecordRef, ...] = ()


Stage = Callable[[Head | None, Plan, Wanted, datetime], Staging | None]
"""Divides a plan; None says that the commit is on its way already, and that there is nothing to release."""


def at_once(head: Head | None, plan: Plan, wanted: Wanted, now: datetime) -> Staging:
    """No screen waits."""
    del plan, wanted, now
    return Staging(halted=head.record.halted if head else ())


@dataclass(frozen=True, slots=True)
class Step:
    """One record on top of the head that releases no other commit: which screens get which manifest, and why.

    Every manifest was written by a publication before. A screen that gets the manifest it has is to try it again.
    """

    kind: ReleaseKind
    screens: Mapping[ScreenId, Version]
    note: RolloutNote | None
    halted: tuple[RecordRef, ...]

    def apply(self, released: Released, sequence: int) -> dict[ScreenId, ReleasedScreen]:
        """Its screens as they will be released."""
        return {
            name: ReleasedScreen(name, released.screens[name].client, version.digest, version.size, version.commit, sequence)
            for name, version in self.screens.items()
        }

    def changes(self, released: Released) -> Iterator[ScreenChange]:
        """The steps of the screens, as the record tells them."""
        for name, version in sorted(self.screens.items()):
            old = released.screens[name]
            yield ScreenChange(name, old.client, version.commit, old.digest, version.digest)


def next_screens(
    released: Released | None, wanted: Wanted, sequence: int, staging: Staging
) -> dict[ScreenId, ReleasedScreen | None]:
    """The screens that will be released otherwise (None: not any more): of an unchanged manifest, nothing changes."""
    olds, news = differing(released.screens if released else {}, wanted.screens)
    found: dict[ScreenId, ReleasedScreen | None] = {name: None for name in olds if name not in news}
    for name, new in news.items():
        before = olds.get(name)
        if before is None or not (name in staging.waiting or same_manifest(before, new)):
            found[name] = ReleasedScreen(name, new.client, new.digest, new.size, wanted.commit, sequence)
    return found


def plan_changes(plan: Plan, wanted: Wanted, staging: Staging) -> Iterator[ScreenChange]:
    """The steps of a plan's screens that do not wait; one that is moved goes under its old name and comes under its new one."""
    for change in plan.changes:
        if change.screen in staging.waiting:
            continue
        if change.moved_from is None:
            yield ScreenChange(change.screen, change.client, wanted.commit, change.old, change.new)
        else:
            yield ScreenChange(change.moved_from, change.client, wanted.commit, change.old, None)
            yield ScreenChange(change.screen, change.client, wanted.commit, None, change.new)
