"""Decides what becomes of a rollout: pure, and the same whether it is asked twice, late, or while the rollout is paused."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from avtech_controller.rollout._observe import Observed, Outcome, Reports, fell_silent, observe, observe_returned
from avtech_controller.rollout._standing import Standing
from avtech_schema.rollout import RolloutPolicy, RolloutState

CONTROLS = 300
"""So many screens without the release are looked at, to tell a fault of the release from an outage."""
_FEWEST_CONTROLS = 10
_SPEAKING = frozenset({Outcome.HEALTHY, Outcome.FAILED})


class Action(StrEnum):
    """What is to be done now."""

    NONE = "none"
    """It has ended."""
    HOLD = "hold"
    """Nothing yet."""
    ADVANCE = "advance"
    """The next wave begins."""
    COMPLETE = "complete"
    """Every wave has it and is well."""
    HALT = "halt"
    """It found a fault."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done, why, and what every screen says of the release that has it, or had it until it was taken back."""

    action: Action
    reason: str
    observed: tuple[Observed, ...]
    waits: tuple[str, ...] = ()
    """What it waits for, when it holds."""

    def count(self, outcome: Outcome, wave: int | None = None) -> int:
        """How many screens, of one wave or of all."""
        return sum(seen.outcome is outcome and wave in (None, seen.wave) for seen in self.observed)


def decide(
    standing: Standing, reports: Reports, policy: RolloutPolicy, now: datetime, *, freeze: str | None = None
) -> Decision:
    """Look at a rollout. `freeze` says why nothing may be published now.

    A fault halts it in every state that is open, also while it soaks, is paused or frozen. Whatever is not known holds it;
    screens whose panels are off hold it until these are on, and no deadline turns that into a halt.
    """
    seen = tuple(observe_all(standing, reports, policy, now))
    if not standing.is_open:
        return Decision(Action.NONE, standing.note.reason or f"the rollout is {standing.note.state}", seen)
    outage = ""
    for fault in _faults(seen, policy):
        if fault.outcome is Outcome.LOST and (outage := _outage(standing, reports, policy, now, seen)):
            continue
        return Decision(Action.HALT, fault.reason, seen)
    outages = [outage] if outage else []
    lacks = [*outages, *_lacks(standing, seen, policy)]
    missing = [*outages, *_lacks(standing, seen, policy, _SPEAKING | {Outcome.DARK})]
    paused = standing.note.state is RolloutState.PAUSED
    late = policy.deadline_minutes and now - standing.began(standing.wave) >= timedelta(minutes=policy.deadline_minutes)
    if late and missing and not paused:
        return Decision(Action.HALT, f"{policy.deadline_minutes} minutes after wave {standing.wave} began, {missing[0]}", seen)
    waits = ["it is paused" + (f": {standing.note.reason}" if standing.note.reason else "")] if paused else []
    waits += lacks
    if freeze:
        waits.append(freeze)
    if now < standing.soaked_at:
        waits.append(f"wave {standing.wave} soaks until {standing.soaked_at:%Y-%m-%d %H:%M} UTC")
    if waits:
        return Decision(Action.HOLD, "; ".join(waits), seen, tuple(waits))
    if standing.wave < standing.waves:
        return Decision(Action.ADVANCE, f"wave {standing.wave} is well", seen)
    return Decision(Action.COMPLETE, "every wave has it and is well", seen)


def observe_all(standing: Standing, reports: Reports, policy: RolloutPolicy, now: datetime) -> Iterator[Observed]:
    """What every screen that has the release says of it, and what those say that had it before it was taken back."""
    lost_after = timedelta(minutes=policy.lost_minutes)
    began = [standing.began(wave) for wave in range(1, standing.wave + 1)]
    for planned in standing.touched:
        outcome, reason = observe(
            standing.released[planned.screen],
            reports.get(planned.screen),
            since=began[planned.wave - 1],
            now=now,
            lost_after=lost_after,
        )
        yield Observed(planned.screen, planned.wave, outcome, reason)
    for planned in standing.returned:
        screen = standing.released[planned.screen]
        outcome, reason = observe_returned(
            screen,
            replace(screen, digest=planned.new.digest, release=standing.begun.sequence),
            reports.get(planned.screen),
            since=began[planned.wave - 1],
            now=now,
            lost_after=lost_after,
        )
        yield Observed(planned.screen, planned.wave, outcome, reason)


@dataclass(frozen=True, slots=True)
class _Fault:
    outcome: Outcome
    reason: str


def _faults(seen: Sequence[Observed], policy: RolloutPolicy) -> Iterator[_Fault]:
    counted = sum(entry.outcome is not Outcome.UNSEEN for entry in seen)
    for outcome, words, allowance in (
        (Outcome.FAILED, "failed on", policy.max_failed),
        (Outcome.LOST, "silenced", policy.max_lost),
    ):
        found = [entry for entry in seen if entry.outcome is outcome]
        if len(found) > allowance.of(counted):
            told = Counter(entry.reason for entry in found).most_common(1)[0][0]
            most = f"{allowance}, {allowance.of(counted)}" if allowance.is_percent else str(allowance)
            where = ", ".join(entry.screen for entry in found[:3]) + (", …" if len(found) > 3 else "")
            yield _Fault(outcome, f"it {words} {len(found)} of {counted} screens (at most {most}): {where}: {told}"[:900])


def _outage(standing: Standing, reports: Reports, policy: RolloutPolicy, now: datetime, seen: Sequence[Observed]) -> str:
    """Why silence may not be the release's doing: as many screens fell silent that it cannot have silenced now.

    Those are the screens without it; when too few are left of them, those that have had it since an earlier wave.
    """
    lost_after = timedelta(minutes=policy.lost_minutes)
    since = standing.began(standing.wave)
    waves = {entry.screen: entry.wave for entry in seen}
    without = {name: report for name, report in reports.items() if name not in waves}
    earlier = {name: reports.get(name) for name, wave in waves.items() if wave < standing.wave}
    present = [entry for entry in seen if entry.outcome not in (Outcome.UNSEEN, Outcome.SILENT, Outcome.REJECTED)]
    for controls, whose in ((without, "without the release"), (earlier, "that have had it since an earlier wave")):
        silent = [fell_silent(report, since=since, now=now, lost_after=lost_after) for report in controls.values()]
        known = [one for one in silent if one is not None]
        if len(known) < _FEWEST_CONTROLS:
            continue
        if controls is earlier:
            present = [entry for entry in present if entry.wave == standing.wave]
        lost = sum(entry.outcome is Outcome.LOST for entry in present)
        if sum(known) * len(present) < lost * len(known) or not any(known):
            return ""
        return f"{sum(known)} of {len(known)} screens {whose} fell silent too: an outage, not the release"
    return ""


def _lacks(
    standing: Standing, seen: Sequence[Observed], policy: RolloutPolicy, speaks: Collection[Outcome] = _SPEAKING
) -> Iterator[str]:
    """What is not known yet and must be, before the next wave; `speaks` are the outcomes that say something of the release."""
    counted = [entry for entry in seen if entry.outcome is not Outcome.UNSEEN]
    in_wave = [entry for entry in counted if entry.wave == standing.wave]
    samples = sum(entry.outcome in speaks for entry in in_wave)
    needed = min(policy.min_samples, len(in_wave))
    if not in_wave:
        yield f"no screen of wave {standing.wave} ever reported"
    elif samples < needed:
        most = f"{samples} of {len(in_wave)} screens of wave {standing.wave}"
        yield f"{most} speak of the release, and {needed} must{_in_the_dark(in_wave)}"
    speaking = sum(entry.outcome in speaks for entry in counted)
    if speaking * 100 < policy.min_reporting * len(counted):
        share = f"{policy.min_reporting} % must"
        yield f"{speaking} of {len(counted)} screens that have it speak of the release, and {share}{_in_the_dark(counted)}"


def _in_the_dark(seen: Sequence[Observed]) -> str:
    """How many of some screens cannot say anything before their panels are on."""
    dark = sum(entry.outcome is Outcome.DARK for entry in seen)
    return f" (the panels of {dark} are off)" if dark else ""
