"""Publishes: the one place that changes what is released. Nothing is visible before the swap of the timestamp."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from importlib.metadata import version
from typing import Literal

from securesystemslib.signer import Signer

from avtech_controller.compiler import COMPILER, CompiledScreen
from avtech_controller.planning import Plan, Sketcher, make_outline, make_plan, replaced_screens
from avtech_controller.provenance import Builder, write_provenance
from avtech_controller.publication._content import (
    Earlier,
    check_content,
    check_manifests,
    clips_of,
    keys_of,
    read_old_manifests,
    read_sketches,
)
from avtech_controller.publication._manifests import write_manifests
from avtech_controller.publication._order import Descends, check_order
from avtech_controller.publication._records import read_record, write_record
from avtech_controller.publication._released import Released, released_from, spell_roster
from avtech_controller.publication._steps import (
    Head,
    Stage,
    Staging,
    Step,
    Wanted,
    at_once,
    next_screens,
    plan_changes,
)
from avtech_controller.publication._writer import MetadataWriter, Prepared, Progress
from avtech_controller.retention import Guard
from avtech_controller.roster import Roster
from avtech_controller.stores import ObjectStore, PreconditionFailedError, StoreError
from avtech_controller.trust import Anchor, Known, ReleasePointer, Remembered, has_history, read_released, rfc3339
from avtech_schema.errors import ConfigurationError, RolloutHaltedError, TrustError
from avtech_schema.identifiers import ByteSize, CommitId, ScreenId, Sha256
from avtech_schema.layout import TIMESTAMP_KEY, manifest_key
from avtech_schema.release import ReleaseKind, ReleaseRecord
from avtech_schema.rollout import RolloutNote

MAX_ATTEMPTS = 50
"""How often a lost swap is replayed: more publishers than that at once are a fault."""


@dataclass(frozen=True, slots=True)
class Publication:
    """How a publication ended: published, or, of a commit that was released already, signatures renewed, or nothing due."""

    outcome: Literal["published", "renewed", "unchanged"]
    sequence: int
    commit: CommitId
    digest: Sha256
    plan: Plan
    bytes_written: ByteSize
    attempts: int
    rollout: RolloutNote | None = None
    """The rollout that it began."""
    rewound: CommitId | None = None
    """The commit that was released before, if its history was left."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """One try at a publication: which it is, and the released commit whose history it leaves; `held` are clips on air."""

    attempt: int
    rewound: CommitId | None
    held: frozenset[str]


@dataclass(frozen=True, slots=True)
class Amendment:
    """How a step ended: what is released now and its record, and what was done (None: nothing was to be done)."""

    released: Released
    record: ReleaseRecord
    step: Step | None
    bytes_written: ByteSize
    attempts: int


def read_head(store: ObjectStore, anchor: Anchor, remembered: Remembered | None = None) -> Head | None:
    """The released head, verified as far as its record; None when nothing was ever released.

    Bins that are `remembered` of its very snapshot are not read again: whether the store still holds them is not seen.

    Raises:
        TrustError: something does not verify.
        StoreError, StoreConfigurationError: the store failed, or lost its timestamp.
    """
    metadata = read_released(store, anchor, remembered)
    if metadata is None:
        if has_history(store):
            raise StoreError(
                f"{store.url} holds release records but no {TIMESTAMP_KEY}: the store is damaged, or was restored in part",
                hint="players keep what they have; `avtech publish --repair` mends it: see docs/runbooks/store-damaged.md",
            )
        return None
    pointer = metadata.pointer
    record = read_record(store, pointer.sequence, pointer.digest, anchor.publishers)
    if record.commit != pointer.commit:
        raise TrustError("the snapshot and its release record name different commits")
    released = released_from(metadata)
    if remembered and metadata.remembered_screens is None:
        known = Known(metadata.bins, spell_roster(Roster.of(released.screens)))
        remembered.keep(store.url, anchor, metadata.targets_version, metadata.snapshot_data, known)
    return Head(metadata, released, record)


def plan_publication(
    store: ObjectStore,
    head: Head | None,
    commit: CommitId | None,
    screens: Mapping[ScreenId, CompiledScreen],
    *,
    now: datetime,
    moved: Mapping[ScreenId, ScreenId] | None = None,
    earlier: Earlier | None = None,
) -> Plan:
    """What releasing these screens would change (see `make_plan`); reads the released manifests that would be replaced.

    Raises:
        StoreError, StoreConfigurationError: the store failed.
    """
    released = head.released if head else None
    manifests = read_old_manifests(store, replaced_screens(released, screens), earlier)
    return make_plan(commit, released, screens, manifests, now=now, moved=moved)


@dataclass(frozen=True, slots=True)
class Publisher:
    """Publishes on top of whatever is released, as often as it takes.

    `descends(older, newer)` asks the history; `approve` stops an unsafe plan by raising; `clock` gives the time, in UTC;
    `stage` says which screens wait; `shown` whether people look at plans, or an outline is enough, and `emergencies` whether
    anybody asks which changes are emergencies alone; `remembered` spares it reading bins that it read or wrote in an
    earlier run.
    """

    store: ObjectStore
    anchor: Anchor
    signer: Signer
    descends: Descends
    approve: Callable[[Plan], None]
    clock: Callable[[], datetime]
    progress: Progress
    stage: Stage = at_once
    shown: bool = True
    emergencies: bool = True
    remembered: Remembered | None = None
    earlier: Earlier | None = None
    """Spares it reading manifests that are known."""

    def publish(self, wanted: Wanted) -> Publication:
        """Release what is wanted, or find that it is released already.

        Raises:
            SupersededError: the released head is newer, or unrelated.
            UnsafePlanError: a limit or a freeze stops it.
            ContentMissingError: clips are not in the store.
            TrustError, StoreError, StoreConfigurationError: nothing was released.
        """
        for attempt in range(1, MAX_ATTEMPTS + 1):
            head = read_head(self.store, self.anchor, self.remembered)
            released, accepted = head.released if head else None, wanted.accept_rewind
            rewound = check_order(released, wanted.commit, self.descends, accepted=accepted)
            plan, held = self._plan(head, wanted)
            try:
                if head and not plan.changes and plan.base_commit == wanted.commit:
                    return self._renew(head, plan, attempt)
                staging = self._staging(head, plan, wanted, attempt)
                if head and staging is None:
                    return self._renew(head, plan, attempt)
                self.approve(plan)
                return self._release(head, plan, wanted, staging or Staging(), _Turn(attempt, rewound, held))
            except PreconditionFailedError:
                continue
        raise StoreError(f"other publishers were faster {MAX_ATTEMPTS} times")

    def _staging(self, head: Head | None, plan: Plan, wanted: Wanted, attempt: int) -> Staging | None:
        """Which screens wait; of the released commit, signatures are renewed although it was halted."""
        try:
            return self.stage(head, plan, wanted, self.clock())
        except RolloutHaltedError:
            if head and plan.base_commit == wanted.commit:
                self._renew(head, plan, attempt)
            raise

    def _plan(self, head: Head | None, wanted: Wanted) -> tuple[Plan, frozenset[str]]:
        """What would change, and the clips that the screens which change have now."""
        released = head.released if head else None
        replaced, commit, now = replaced_screens(released, wanted.screens), wanted.commit, self.clock()
        if self.shown:
            old = read_old_manifests(self.store, replaced, self.earlier)
            plan = make_plan(commit, released, wanted.screens, old, now=now, moved=wanted.moved)
            return plan, frozenset(clip.key for found in old.values() for clip in found.manifest.assets.values())
        sketcher = Sketcher(now.replace(microsecond=0), self.emergencies)
        sketches = read_sketches(self.store, replaced, sketcher, self.earlier)
        plan = make_outline(commit, released, wanted.screens, sketches, sketcher, moved=wanted.moved)
        return plan, frozenset(clip for sketch in sketches.values() for clip in sketch.clips)

    def amend(self, decide: Callable[[Head], Step | None], *, publisher: str, builder: Builder) -> Amendment:
        """Put one step on top of what is released, without another commit, as `decide` says of each head that is read.

        Raises:
            ConfigurationError: nothing is released.
            TrustError, StoreError, StoreConfigurationError: nothing was released.
        """
        for attempt in range(1, MAX_ATTEMPTS + 1):
            if (head := read_head(self.store, self.anchor)) is None:
                raise ConfigurationError(f"nothing is released in {self.store.url}", hint="`avtech publish` comes before")
            if (step := decide(head)) is None:
                return Amendment(head.released, head.record, None, ByteSize(0), attempt)
            try:
                return self._amend(head, step, publisher, builder, attempt)
            except PreconditionFailedError:
                continue
        raise StoreError(f"other publishers were faster {MAX_ATTEMPTS} times")

    def _amend(self, head: Head, step: Step, publisher: str, builder: Builder, attempt: int) -> Amendment:
        released = head.released
        hold = self._guard_step(released, step)
        now = self.clock()
        record = replace(
            head.record,
            kind=step.kind,
            sequence=released.sequence + 1,
            publisher=publisher,
            time=rfc3339(now),
            previous=released.digest,
            changes=tuple(step.changes(released)),
            rollout=step.note,
            halted=step.halted,
            rewound=None,
        )
        writer = self._writer(head, now, before_swap=hold)
        prepared = writer.prepare(Roster.of(released.screens), step.apply(released, record.sequence))
        pointer, written = self._write(writer, prepared, record, builder)
        after = Released(pointer.sequence, pointer.commit, pointer.digest, prepared.screens)
        return Amendment(after, record, step, ByteSize(written), attempt)

    def _guard_step(self, released: Released, step: Step) -> Callable[[], None]:
        """Keep what screens get from being collected, and make sure that it is there; returns what is due before the swap."""
        wanted = [replace(released.screens[name], digest=version.digest) for name, version in sorted(step.screens.items())]
        if not wanted:
            return lambda: None
        manifests = {manifest_key(screen.client, screen.screen, screen.digest) for screen in wanted}
        Guard(self.store, manifests, self.clock).begin()
        clips = check_manifests(self.store, wanted, self.progress)
        guard = Guard(self.store, manifests | {clip.key for clip in clips}, self.clock)
        guard.begin()
        return partial(self._hold, guard, partial(check_manifests, self.store, wanted, self.progress))

    def _renew(self, head: Head, plan: Plan, attempt: int) -> Publication:
        """The commit is released already; only signatures past half of their life are made anew."""
        released, pointer = head.released, head.metadata.pointer
        writer = MetadataWriter(self.store, self.anchor, self.signer, head.metadata, self.clock(), remembered=self.remembered)
        written = ByteSize(writer.renew(Roster.of(released.screens), pointer, self.progress))
        outcome: Literal["renewed", "unchanged"] = "renewed" if written else "unchanged"
        return Publication(outcome, released.sequence, released.commit, released.digest, plan, written, attempt)

    def _release(self, head: Head | None, plan: Plan, wanted: Wanted, staging: Staging, turn: _Turn) -> Publication:
        changed = [wanted.screens[change.screen] for change in plan.changes if change.new is not None]
        clips = clips_of(changed)
        guard = Guard(self.store, keys_of(changed, clips), self.clock)
        guard.begin()
        check_content(self.store, [clip for clip in clips if clip.key not in turn.held], self.progress)
        released, now = head.released if head else None, self.clock()
        sequence = released.sequence + 1 if released else 1
        changes = next_screens(released, wanted, sequence, staging)
        writer = self._writer(head, now, before_swap=partial(self._hold, guard, partial(self._look_again, changed)))
        with ThreadPoolExecutor(1) as aside:
            preparing = aside.submit(writer.prepare, Roster.of(released.screens if released else {}), changes)
            wrote = write_manifests(self.store, changed, self.progress)
            prepared = preparing.result()
        writer.resumes = bool(wrote.met) or not wrote.new  # bins come after all manifests
        record = ReleaseRecord(
            kind=ReleaseKind.PUBLISH,
            sequence=sequence,
            commit=wanted.commit,
            compiler=COMPILER,
            tzdata=version("tzdata"),
            publisher=wanted.publisher,
            time=rfc3339(now),
            previous=released.digest if released else None,
            changes=tuple(plan_changes(plan, wanted, staging)),
            rollout=staging.note,
            halted=staging.halted,
            rewound=turn.rewound,
        )
        pointer, size = self._write(writer, prepared, record, wanted.builder)
        return Publication(
            outcome="published",
            sequence=pointer.sequence,
            commit=pointer.commit,
            digest=pointer.digest,
            plan=plan,
            bytes_written=ByteSize(size + wrote.size),
            attempts=turn.attempt,
            rollout=staging.note,
            rewound=turn.rewound,
        )

    def _writer(self, head: Head | None, now: datetime, *, before_swap: Callable[[], None]) -> MetadataWriter:
        base = head.metadata if head else None
        return MetadataWriter(self.store, self.anchor, self.signer, base, now, before_swap, self.remembered)

    def _write(
        self, writer: MetadataWriter, prepared: Prepared, record: ReleaseRecord, builder: Builder
    ) -> tuple[ReleasePointer, int]:
        """Write a record and the metadata that releases it; returns where it is, and the bytes written."""
        pointer, size = write_record(self.store, record, self.signer)
        size += write_provenance(self.store, record, pointer.digest, builder, self.signer)
        return pointer, size + writer.write(prepared, pointer, self.progress)

    def _hold(self, guard: Guard, look_again: Callable[[], object]) -> None:
        """Make sure, right before the swap, that no collection took what this release stands on, or takes it any more."""
        for _ in range(MAX_ATTEMPTS):
            if guard.hold():
                return
            look_again()
        raise StoreError(f"what is to be collected from {self.store.url} changed {MAX_ATTEMPTS} times meanwhile")

    def _look_again(self, changed: list[CompiledScreen]) -> None:
        check_content(self.store, clips_of(changed), self.progress)
        write_manifests(self.store, changed, self.progress)
