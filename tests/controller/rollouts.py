"""Rollouts for tests: a world to roll out in, reports as players would sign them, and fleets whose faults are known."""

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from avtech_controller.publication import ReleasedScreen
from avtech_controller.rollout import Standing
from avtech_controller.trust import rfc3339
from avtech_schema.canonical import sha256_hex
from avtech_schema.identifiers import ByteSize, CommitId, ScreenId, Sha256
from avtech_schema.report import (
    EngineHealth,
    Quarantined,
    ReleaseRef,
    Report,
    Storage,
    SyncCounters,
    SyncState,
    System,
)
from avtech_schema.rollout import (
    OnHalt,
    PlannedScreen,
    RecordRef,
    RolloutNote,
    RolloutPlan,
    RolloutPolicy,
    RolloutState,
    Version,
    parse_allowance,
)
from tests.controller.publishing import CLIENT, commit

START = datetime(2026, 11, 24, 12, tzinfo=UTC)
GOOD, BAD = commit(1), commit(2)
POLICY = RolloutPolicy(
    min_reporting=90,
    min_samples=1,
    max_failed=parse_allowance(0),
    max_lost=parse_allowance("5%"),
    lost_minutes=15,
    deadline_minutes=None,
    on_halt=OnHalt.REVERT,
)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def name_of(number: int) -> ScreenId:
    return ScreenId(f"SCR-ACME-{number:04}")


def digest_of(screen: ScreenId, what: str) -> Sha256:
    return sha256_hex(f"{screen} {what}".encode())


def version(screen: ScreenId, of: CommitId) -> Version:
    return Version(digest_of(screen, of), ByteSize(100), of)


def standing(
    sizes: Collection[int], *, began: int = 1, policy: RolloutPolicy = POLICY, others: int = 0, soak: int = 30
) -> Standing:
    """A rollout of screens SCR-ACME-0001… in waves of these sizes; `began` have begun, each when the one before had soaked.

    `others` more screens are released and take no part.
    """
    waves = [wave for wave, size in enumerate(sizes, 1) for _ in range(size)]
    planned = tuple(
        PlannedScreen(name_of(number), CLIENT, wave, version(name_of(number), BAD), version(name_of(number), GOOD))
        for number, wave in enumerate(waves, 1)
    )
    plan = RolloutPlan(GOOD, (soak,) * len(sizes), policy, planned)
    released = {
        step.screen: _released(step.screen, step.new if step.wave <= began else step.good, step.wave, step.wave <= began)
        for step in planned
    }
    for number in range(len(planned) + 1, len(planned) + 1 + others):
        released[name_of(number)] = _released(name_of(number), version(name_of(number), GOOD), 1, False)
    times = tuple(rfc3339(START + minutes(soak * wave)) for wave in range(began))
    begun = RecordRef(7, sha256_hex(b"record"))
    return Standing(begun, BAD, RolloutNote(begun, RolloutState.RUNNING, times), plan, released, ())


def _released(name: ScreenId, found: Version, wave: int, touched: bool) -> ReleasedScreen:
    return ReleasedScreen(name, CLIENT, found.digest, found.size, found.commit, 6 + wave if touched else 1)


def noted(found: Standing, state: RolloutState, reason: str = "") -> Standing:
    return replace(found, note=replace(found.note, state=state, reason=reason))


def report(screen: ReleasedScreen, time: datetime, **changes: Any) -> Report:
    """A healthy report of a screen that plays what is released for it."""
    ref = ReleaseRef(screen.release, screen.commit, screen.digest)
    made = Report(
        screen=screen.screen,
        sequence=int(time.timestamp() * 1000),
        time=rfc3339(time),
        player="0.1.0",
        state=SyncState.SYNCED,
        phase="good",
        desired=ref,
        applied=ref,
        last_error=None,
        quarantine=(),
        counters=SyncCounters(),
        storage=Storage(ByteSize(2), ByteSize(1), ByteSize(0)),
        system=System(1, 1, 1, None),
        engine=EngineHealth("simulated", "1", "playing", 0),
        now_playing=None,
        clock_trusted=True,
    )
    return replace(made, **changes) if changes else made


def old_report(screen: ReleasedScreen, time: datetime, **changes: Any) -> Report:
    """The report of a screen that plays what it had before."""
    had = replace(screen, digest=digest_of(screen.screen, GOOD), commit=GOOD, release=1)
    desired = ReleaseRef(screen.release, screen.commit, screen.digest)
    return report(had, time, **{"state": SyncState.PENDING, "desired": desired, **changes})


def failed_report(screen: ReleasedScreen, time: datetime, reason: str = "no clip of it plays") -> Report:
    """The report of a screen that rolled back."""
    entry = Quarantined(screen.digest, screen.release, screen.commit, reason, rfc3339(time))
    return old_report(screen, time, state=SyncState.FAILED, quarantine=(entry,))
