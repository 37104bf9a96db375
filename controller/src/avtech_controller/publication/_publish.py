"""Publishes: the one place that changes what is released. Nothing is visible before the swap of the timestamp."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from typing import Literal

from securesystemslib.signer import Signer

from avtech_controller.compiler import COMPILER, CompiledScreen
from avtech_controller.parallel import in_parallel
from avtech_controller.planning import Plan, make_plan, replaced_screens
from avtech_controller.provenance import Builder, write_provenance
from avtech_controller.publication._content import check_content, clips_of, read_manifests
from avtech_controller.publication._order import Descends, check_order
from avtech_controller.publication._records import has_history, make_record, read_record, write_record
from avtech_controller.publication._released import Released, ReleasedScreen, released_from
from avtech_controller.publication._writer import MetadataWriter, Progress
from avtech_controller.stores import ObjectStore, PreconditionFailedError, StoreError
from avtech_controller.trust import Anchor, ReleasedMetadata, read_released, rfc3339
from avtech_schema.errors import TrustError
from avtech_schema.identifiers import ByteSize, CommitId, ScreenId, Sha256
from avtech_schema.layout import manifest_key

MAX_ATTEMPTS = 50
"""How often a lost swap is replayed: more publishers than that at once are a fault."""


@dataclass(frozen=True, slots=True)
class Head:
    """The released head as it was read: its metadata, and what it says."""

    metadata: ReleasedMetadata
    released: Released


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be released: a commit and its compiled screens, who says so, and screens' new names by their old ones."""

    commit: CommitId
    screens: Mapping[ScreenId, CompiledScreen]
    publisher: str
    moved: Mapping[ScreenId, ScreenId] = field(default_factory=dict)
    builder: Builder = Builder()
    """What makes the release, for its provenance."""


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


def read_head(store: ObjectStore, anchor: Anchor) -> Head | None:
    """The released head, verified as far as its record; None when nothing was ever released.

    Raises:
        TrustError: something does not verify.
        StoreError, StoreConfigurationError: the store failed, or lost its timestamp.
    """
    metadata = read_released(store, anchor)
    if metadata is None:
        if has_history(store):
            raise StoreError(f"{store.url} holds release records but no metadata/timestamp.json: it is damaged")
        return None
    pointer = metadata.pointer
    if read_record(store, pointer.sequence, pointer.digest, anchor.publishers).commit != pointer.commit:
        raise TrustError("the snapshot and its release record name different commits")
    return Head(metadata, released_from(metadata))


def plan_publication(
    store: ObjectStore,
    head: Head | None,
    commit: CommitId | None,
    screens: Mapping[ScreenId, CompiledScreen],
    *,
    now: datetime,
    moved: Mapping[ScreenId, ScreenId] | None = None,
) -> Plan:
    """What releasing these screens would change (see `make_plan`); reads the released manifests that would be replaced.

    Raises:
        StoreError, StoreConfigurationError: the store failed.
    """
    released = head.released if head else None
    manifests = read_manifests(store, replaced_screens(released, screens))
    return make_plan(commit, released, screens, manifests, now=now, moved=moved)


@dataclass(frozen=True, slots=True)
class Publisher:
    """Publishes on top of whatever is released, as often as it takes.

    `descends(older, newer)` asks the history; `approve` stops an unsafe plan by raising; `clock` gives the time, in UTC.
    """

    store: ObjectStore
    anchor: Anchor
    signer: Signer
    descends: Descends
    approve: Callable[[Plan], None]
    clock: Callable[[], datetime]
    progress: Progress

    def publish(self, wanted: Wanted) -> Publication:
        """Release what is wanted, or find that it is released already.

        Raises:
            SupersededError: the released head is newer, or unrelated.
            UnsafePlanError: a limit or a freeze stops it.
            ContentMissingError: clips are not in the store.
            TrustError, StoreError, StoreConfigurationError: nothing was released.
        """
        for attempt in range(1, MAX_ATTEMPTS + 1):
            head = read_head(self.store, self.anchor)
            check_order(head.released if head else None, wanted.commit, self.descends)
            plan = plan_publication(self.store, head, wanted.commit, wanted.screens, now=self.clock(), moved=wanted.moved)
            try:
                if head and not plan.changes and plan.base_commit == wanted.commit:
                    return self._renew(head, plan, attempt)
                self.approve(plan)
                return self._release(head, plan, wanted, attempt)
            except PreconditionFailedError:
                continue
        raise StoreError(f"other publishers were faster {MAX_ATTEMPTS} times")

    def _renew(self, head: Head, plan: Plan, attempt: int) -> Publication:
        """The commit is released already; only signatures past half of their life are made anew."""
        released, pointer = head.released, head.metadata.pointer
        writer = MetadataWriter(self.store, self.anchor, self.signer, head.metadata, self.clock())
        written = ByteSize(writer.renew(released.screens, pointer, self.progress))
        outcome: Literal["renewed", "unchanged"] = "renewed" if written else "unchanged"
        return Publication(outcome, released.sequence, released.commit, released.digest, plan, written, attempt)

    def _release(self, head: Head | None, plan: Plan, wanted: Wanted, attempt: int) -> Publication:
        changed = [wanted.screens[change.screen] for change in plan.changes if change.new is not None]
        check_content(self.store, changed, done=self.progress("checking clips", len(clips_of(changed))))
        released = head.released if head else None
        written = sum(in_parallel(self._write_manifest, changed, done=self.progress("manifests", len(changed))))
        now = self.clock()
        record = make_record(
            plan,
            released,
            wanted.commit,
            compiler=COMPILER,
            tzdata=version("tzdata"),
            publisher=wanted.publisher,
            time=rfc3339(now),
        )
        pointer, size = write_record(self.store, record, self.signer)
        size += write_provenance(self.store, record, pointer.digest, wanted.builder, self.signer)
        writer = MetadataWriter(self.store, self.anchor, self.signer, head.metadata if head else None, now)
        screens = next_screens(released, wanted, record.sequence)
        written += size + writer.write(screens, pointer, self.progress)
        return Publication("published", pointer.sequence, pointer.commit, pointer.digest, plan, ByteSize(written), attempt)

    def _write_manifest(self, screen: CompiledScreen) -> int:
        """Create a manifest; one that is there already, under its digest, is the same. Returns the bytes written."""
        key = manifest_key(screen.client, screen.screen, screen.digest)
        try:
            self.store.create(key, screen.data)
        except PreconditionFailedError as error:
            if self.store.size(key) != len(screen.data):
                raise StoreError(f"{key} in {self.store.url} is damaged") from error
            return 0
        return len(screen.data)


def next_screens(released: Released | None, wanted: Wanted, sequence: int) -> dict[ScreenId, ReleasedScreen]:
    """Every screen as it will be released: an unchanged manifest keeps the commit and release that brought it."""
    old = released.screens if released else {}
    found: dict[ScreenId, ReleasedScreen] = {}
    for name, new in wanted.screens.items():
        before = old.get(name)
        if before and before.digest == new.digest and before.client == new.client:
            found[name] = before
        else:
            size = ByteSize(len(new.data))
            found[name] = ReleasedScreen(name, new.client, new.digest, size, wanted.commit, sequence)
    return found
