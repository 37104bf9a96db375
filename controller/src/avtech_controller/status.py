"""What every screen says of itself, verified and held against what is released. Judging is pure; reading is parallel."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from avtech_controller.publication import Released, ReleasedScreen
from avtech_controller.stores import ObjectStore, Stored, StoreError
from avtech_schema.envelope import open_sealed, public_key
from avtech_schema.errors import TrustError
from avtech_schema.identifiers import ClientId, CommitId, ScreenId
from avtech_schema.layout import report_key
from avtech_schema.report import MAX_REPORT_BYTES, PAYLOAD_TYPE, Report, SyncState, parse_report

STALE_SECONDS = 900
"""Players report every five minutes; three reports missing in a row are worth a look."""


class ScreenState(StrEnum):
    """What is known of a screen, worst first."""

    FAILED = "failed"
    """The released manifest was tried, rolled back and quarantined."""
    REJECTED = "rejected"
    """Its report cannot be believed: the signature, the form or the screen is wrong."""
    ERROR = "error"
    """The last attempt to learn or fetch the release failed; it will be tried again."""
    STALE = "stale"
    """It has not reported for a while."""
    UNSEEN = "unseen"
    """It never reported."""
    PENDING = "pending"
    """It is on its way to the released manifest."""
    SYNCED = "synced"
    """It shows the released manifest."""


@dataclass(frozen=True, slots=True)
class ScreenStatus:
    """One screen: its state, the commit it should show, and what it reported. `age_s` is the report's age in seconds."""

    screen: ScreenId
    client: ClientId
    state: ScreenState
    desired: CommitId
    applied: CommitId | None = None
    age_s: int | None = None
    stale: bool = False
    playing: str | None = None
    reason: str = ""
    report: Report | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A report that is there and cannot be believed or read, and why."""

    reason: str


def read_reports(
    store: ObjectStore, released: Released, keys: Mapping[ScreenId, str]
) -> dict[ScreenId, Report | Unreadable | None]:
    """The latest report of every released screen, verified by the device key of its Screen resource; None if there is none.

    Raises:
        StoreConfigurationError: the store is not there, or denies access.
        StoreError: it failed for every screen.
    """
    screens = list(released.screens.values())
    failures: list[StoreError] = []

    def take(key: str, found: Stored | StoreError | None) -> bytes | Unreadable | None:
        del key
        if isinstance(found, StoreError):
            failures.append(found)
            return Unreadable(str(found))
        return found.data if found else None

    report_keys = [report_key(screen.client, screen.screen) for screen in screens]
    found = store.get_all(report_keys, limit=MAX_REPORT_BYTES, take=take)
    if screens and len(failures) == len(screens):
        raise failures[0]
    return {
        screen.screen: _report(data, screen, keys.get(screen.screen)) if isinstance(data, bytes) else data
        for screen, data in zip(screens, found, strict=True)
    }


def judge(screen: ReleasedScreen, report: Report | Unreadable | None, now: datetime) -> ScreenStatus:
    """What a screen's report means now, against what is released for it."""
    match report:
        case None:
            return ScreenStatus(screen.screen, screen.client, ScreenState.UNSEEN, screen.commit, reason="it never reported")
        case Unreadable(reason):
            return ScreenStatus(screen.screen, screen.client, ScreenState.REJECTED, screen.commit, reason=reason)
        case Report():
            pass
    age = max(0, int((now - _instant(report.time)).total_seconds()))
    stale = age > STALE_SECONDS
    state, reason = _state(screen, report)
    if stale and state in {ScreenState.SYNCED, ScreenState.PENDING}:
        state, reason = ScreenState.STALE, f"no report since {report.time}"
    return ScreenStatus(
        screen=screen.screen,
        client=screen.client,
        state=state,
        desired=screen.commit,
        applied=report.applied.commit if report.applied else None,
        age_s=age,
        stale=stale,
        playing=report.now_playing.clip if report.now_playing else None,
        reason=reason,
        report=report,
    )


def worst_first(statuses: list[ScreenStatus]) -> list[ScreenStatus]:
    """In order of state, then client and screen."""
    order = list(ScreenState)
    return sorted(statuses, key=lambda status: (order.index(status.state), status.client, status.screen))


def _state(screen: ReleasedScreen, report: Report) -> tuple[ScreenState, str]:
    """A report speaks of the release its player knew; what is released now may be another."""
    quarantined = next((entry for entry in report.quarantine if entry.digest == screen.digest), None)
    if quarantined and quarantined.sequence >= screen.release:
        return ScreenState.FAILED, f"{quarantined.commit[:12]} is quarantined: {quarantined.reason}"
    if report.applied and report.applied.digest == screen.digest:
        if report.state is SyncState.ERROR:
            return ScreenState.ERROR, report.last_error or "unknown"
        return ScreenState.SYNCED, report.last_error or ""
    if report.state is SyncState.ERROR:
        return ScreenState.ERROR, report.last_error or "unknown"
    return ScreenState.PENDING, report.last_error or report.phase


def _report(data: bytes, screen: ReleasedScreen, key: str | None) -> Report | Unreadable:
    if key is None:
        return Unreadable("its Screen resource has no device key to verify the report by")
    try:
        report = parse_report(open_sealed(data, PAYLOAD_TYPE, [public_key(key)]))
        _instant(report.time)
    except (TrustError, ValueError) as error:
        return Unreadable(str(error))
    if report.screen != screen.screen:
        return Unreadable(f"the report is that of {report.screen}")
    return report


def _instant(text: str) -> datetime:
    """A report's time.

    Raises:
        ValueError: it is not RFC 3339.
    """
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
