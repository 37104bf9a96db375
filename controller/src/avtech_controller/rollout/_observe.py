"""What a screen's report says about the release that is rolled out to it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from avtech_controller.publication import ReleasedScreen
from avtech_controller.status import Unreadable
from avtech_schema.identifiers import ScreenId
from avtech_schema.report import Report

Reports = Mapping[ScreenId, Report | Unreadable | None]
"""The latest report of each screen; None: it never reported."""
_OFF = "off"
_WELL = ("playing", _OFF)
"""States of an engine that say that the release plays; `off`: it was seen to, and the panel is off by its hours."""


class Outcome(StrEnum):
    """What is known of a screen that got the release, worst first."""

    FAILED = "failed"
    """It tried the release, rolled back and quarantined it."""
    LOST = "lost"
    """It reported before it got the release, or since, and has fallen silent."""
    REJECTED = "rejected"
    """Its report cannot be believed."""
    SILENT = "silent"
    """It was silent already when it got the release."""
    WAITING = "waiting"
    """It reports, and does not speak of the release yet."""
    DARK = "dark"
    """It reports, and has the release on its disk; its panel is off by its hours, and it tries the release when it is on."""
    RETURNED = "returned"
    """The rollout ended, and it is back on what was good; nothing was wrong on it."""
    UNSEEN = "unseen"
    """It never reported; it is listed, not counted."""
    HEALTHY = "healthy"
    """It plays the release."""


_ON_ITS_WAY = (Outcome.HEALTHY, Outcome.WAITING, Outcome.DARK)


@dataclass(frozen=True, slots=True)
class Observed:
    """One screen's outcome, and why."""

    screen: ScreenId
    wave: int
    outcome: Outcome
    reason: str = ""


def observe(
    screen: ReleasedScreen, report: Report | Unreadable | None, *, since: datetime, now: datetime, lost_after: timedelta
) -> tuple[Outcome, str]:
    """Judge a screen by its report, and say why. Success and failure need a report of this very release's manifest.

    `since` is when the screen got it. A report of the same manifest from an earlier release does not count.
    """
    match report:
        case None:
            return Outcome.UNSEEN, "it never reported"
        case Unreadable(reason):
            return Outcome.REJECTED, reason
        case Report():
            pass
    for entry in report.quarantine:
        if entry.digest == screen.digest and entry.sequence >= screen.release:
            return Outcome.FAILED, entry.reason
    told = report_time(report)
    if now - max(told, since) > lost_after:
        if told >= since - lost_after:
            return Outcome.LOST, f"no report since {report.time}"
        return Outcome.SILENT, f"no report since {report.time}, before it got the release"
    applied = report.applied
    if applied and applied.digest == screen.digest and applied.sequence >= screen.release:
        if report.engine.state in _WELL:
            return Outcome.HEALTHY, ""
        return Outcome.WAITING, f"it has the release, but its engine is {report.engine.state}"
    if _waits_for_light(screen, report):
        return Outcome.DARK, "its panel is off by its hours; it tries the release when it is on"
    return Outcome.WAITING, report.last_error or report.phase


def observe_returned(
    screen: ReleasedScreen,
    taken: ReleasedScreen,
    report: Report | Unreadable | None,
    *,
    since: datetime,
    now: datetime,
    lost_after: timedelta,
) -> tuple[Outcome, str]:
    """Judge a screen whose release was taken back: what went wrong with `taken`, and whether it has gone back."""
    outcome, reason = observe(taken, report, since=since, now=now, lost_after=lost_after)
    if outcome not in _ON_ITS_WAY or not isinstance(report, Report):
        return outcome, reason
    if report.applied and report.applied.digest == screen.digest:
        return Outcome.RETURNED, ""
    return Outcome.WAITING, "it has not gone back yet"


def _waits_for_light(screen: ReleasedScreen, report: Report) -> bool:
    """Whether nothing but a panel that is off keeps a screen from trying the release."""
    desired = report.desired
    here = desired is not None and desired.digest == screen.digest and desired.sequence >= screen.release
    return here and report.phase == "staged" and report.engine.state == _OFF


def report_time(report: Report) -> datetime:
    """When a report was made, as its player says."""
    found = datetime.fromisoformat(report.time)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def fell_silent(report: Report | Unreadable | None, *, since: datetime, now: datetime, lost_after: timedelta) -> bool | None:
    """Whether a screen without the release fell silent in the same time; None if it was not there to be counted."""
    if not isinstance(report, Report) or report_time(report) < since - lost_after:
        return None
    return now - max(report_time(report), since) > lost_after
