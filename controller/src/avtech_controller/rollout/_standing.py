"""Where a rollout stands, rebuilt from two release records: the head's, and the one that began it and holds its plan."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from avtech_controller.publication import Head, Released, ReleasedScreen, read_record
from avtech_controller.stores import ObjectStore
from avtech_controller.trust import Anchor
from avtech_schema.errors import TrustError
from avtech_schema.identifiers import CommitId, ScreenId
from avtech_schema.release import ReleaseRecord
from avtech_schema.rollout import PlannedScreen, RecordRef, RolloutNote, RolloutPlan, RolloutState

OPEN = frozenset({RolloutState.RUNNING, RolloutState.PAUSED})
"""What is still on its way."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A rollout as records and what is released tell it. `note` is the head record's; `plan` never changes."""

    begun: RecordRef
    commit: CommitId
    note: RolloutNote
    plan: RolloutPlan
    released: Mapping[ScreenId, ReleasedScreen]
    halted: tuple[RecordRef, ...]

    @property
    def is_open(self) -> bool:
        """Whether it is still on its way, or paused on it."""
        return self.note.state in OPEN

    @property
    def wave(self) -> int:
        """The last wave that has begun, counted from 1."""
        return len(self.note.waves)

    @property
    def waves(self) -> int:
        """How many waves there are."""
        return len(self.plan.soaks)

    def began(self, wave: int) -> datetime:
        """When a wave that has begun did so."""
        return datetime.fromisoformat(self.note.waves[wave - 1])

    @property
    def soaked_at(self) -> datetime:
        """When the current wave has soaked."""
        return self.began(self.wave) + timedelta(minutes=self.plan.soaks[self.wave - 1])

    def in_wave(self, wave: int) -> tuple[PlannedScreen, ...]:
        """The screens of one wave."""
        return tuple(planned for planned in self.plan.screens if planned.wave == wave)

    @property
    def touched(self) -> tuple[PlannedScreen, ...]:
        """The screens that have what is rolled out."""
        return tuple(planned for planned in self.plan.screens if self._has_it(planned))

    @property
    def returned(self) -> tuple[PlannedScreen, ...]:
        """The screens that had what was rolled out until it was halted or ended, and are to go back to what was good."""
        if self.is_open or self.note.state is RolloutState.COMPLETE:
            return ()
        return tuple(planned for planned in self.plan.screens if self._went_back(planned))

    def _went_back(self, planned: PlannedScreen) -> bool:
        found = self.released.get(planned.screen)
        is_good = found is not None and found.digest == planned.good.digest != planned.new.digest
        return is_good and planned.wave <= self.wave

    def _has_it(self, planned: PlannedScreen) -> bool:
        found = self.released.get(planned.screen)
        return planned.wave <= self.wave and found is not None and found.digest == planned.new.digest

    @property
    def stakes(self) -> tuple[ReleasedScreen, ...]:
        """What it may still give to screens: what waits, and what a halt goes back to; nothing when it is complete."""
        if self.note.state is RolloutState.COMPLETE:
            return ()
        return tuple(
            ReleasedScreen(planned.screen, planned.client, version.digest, version.size, version.commit, self.begun.sequence)
            for planned in self.plan.screens
            for version in (planned.new, planned.good)
        )

    def noted(self, state: RolloutState, reason: str = "", waves: tuple[str, ...] | None = None) -> RolloutNote:
        """What the next record says of it."""
        return RolloutNote(self.begun, state, self.note.waves if waves is None else waves, reason)

    def after(self, released: Released, record: ReleaseRecord) -> "Standing":
        """The same rollout after a step of it.

        Raises:
            TrustError: the record is not part of it.
        """
        if record.rollout is None:
            raise TrustError(f"the release record {record.sequence} is not part of the rollout {self.begun.sequence}")
        return replace(self, note=record.rollout, released=released.screens, halted=record.halted)


def read_standing(store: ObjectStore, anchor: Anchor, head: Head) -> Standing | None:
    """The rollout that the released head is part of; None if it is part of none.

    Raises:
        TrustError: the record that began it is missing, or does not hold its plan.
        StoreError, StoreConfigurationError: the store failed.
    """
    record = head.record
    if (note := record.rollout) is None:
        return None
    begun = note.begun or RecordRef(head.released.sequence, head.released.digest)
    plan = note.plan or read_plan(store, anchor, begun)
    return Standing(begun, record.commit, note, plan, head.released.screens, record.halted)


def read_plan(store: ObjectStore, anchor: Anchor, begun: RecordRef) -> RolloutPlan:
    """The plan in the record that began a rollout.

    Raises:
        TrustError: the record is missing, or holds none.
        StoreError, StoreConfigurationError: the store failed.
    """
    note = read_record(store, begun.sequence, begun.digest, anchor.publishers).rollout
    if note is None or note.plan is None:
        raise TrustError(f"the release record {begun.sequence} does not begin a rollout, though a later one says so")
    return note.plan
