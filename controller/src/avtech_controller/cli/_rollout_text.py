"""A rollout for people and for machines: its waves, what each detects, what screens say, and what comes next."""

from collections.abc import Iterator, Sequence
from typing import Any

from avtech_controller.planning import count_text
from avtech_controller.render import clean
from avtech_controller.rollout import Action, Decision, Look, Outcome, Standing, WavePower, plan_power
from avtech_schema.rollout import RolloutPlan

_COUNTED = (Outcome.HEALTHY, Outcome.FAILED, Outcome.LOST, Outcome.WAITING, Outcome.DARK, Outcome.SILENT, Outcome.UNSEEN)
_SELDOM = (Outcome.REJECTED, Outcome.RETURNED)
"""These have a column where there are any."""
_FINE = (Outcome.HEALTHY, Outcome.RETURNED, Outcome.UNSEEN)
_SHOWN = 20


def look_text(look: Look) -> str:
    """Everything that `rollout status` shows."""
    standing, decision = look.standing, look.decision
    head = (
        f"rollout {standing.begun.sequence} of {standing.commit[:12]}: {standing.note.state}, "
        f"wave {standing.wave} of {standing.waves}, {len(standing.touched):,} of {len(standing.plan.screens):,} screens have it"
    )
    lines = [head, "", *_table(standing, decision)]
    if bad := [seen for seen in decision.observed if seen.outcome not in _FINE]:
        order = list(Outcome)
        bad.sort(key=lambda seen: (order.index(seen.outcome), seen.screen))
        lines += ["", *(f"  {seen.screen}  {seen.outcome}  {clean(seen.reason)[:160]}" for seen in bad[:_SHOWN])]
        if len(bad) > _SHOWN:
            lines.append(f"  and {len(bad) - _SHOWN:,} more (--output json shows all)")
    if unseen := [seen.screen for seen in decision.observed if seen.outcome is Outcome.UNSEEN]:
        more = f" and {len(unseen) - _SHOWN:,} more" if len(unseen) > _SHOWN else ""
        lines += ["", f"  never reported, and not counted: {', '.join(unseen[:_SHOWN])}{more}"]
    return "\n".join([*lines, "", next_text(standing, decision)])


def next_text(standing: Standing, decision: Decision) -> str:
    """What a tick would do now, in one line."""
    match decision.action:
        case Action.NONE:
            return f"it has ended: {clean(decision.reason)}"
        case Action.HOLD:
            return f"holds: {clean(decision.reason)}"
        case Action.ADVANCE:
            return f"next: wave {standing.wave + 1} begins, because {clean(decision.reason)}"
        case Action.COMPLETE:
            return f"next: it is complete, because {clean(decision.reason)}"
        case Action.HALT:
            return f"next: it halts, because {clean(decision.reason)}"


def waves_text(plan: RolloutPlan) -> str:
    """The waves of a rollout that is to begin, for plans and publications."""
    told = [f"  wave {power.wave}: {_size(power)}; {power_text(power)}" for power in plan_power(plan)]
    return "\n".join([f"rollout in {len(told)} {'wave' if len(told) == 1 else 'waves'}:", *told])


def power_text(power: WavePower) -> str:
    """What a wave detects, in words."""
    if power.share is None:
        return "finds no fault, however common: too few of its screens need to report for what may fail"
    return f"finds with 95 % probability a fault on {share_text(power)} of the screens ({power.faulty:,}) or more"


def share_text(power: WavePower) -> str:
    """The smallest share of faulty screens that a wave detects; a hyphen if there is none."""
    if power.share is None:
        return "-"
    return f"{power.share * 100:.1f} %" if power.share < 0.1 else f"{power.share * 100:.0f} %"


def _size(power: WavePower) -> str:
    share = f"{power.screens * 100 // power.population} %"
    return f"{count_text(power.added, 'screen')} ({share} in all), watched for {power.soak_minutes} min"


def _table(standing: Standing, decision: Decision) -> Iterator[str]:
    counted = (*_COUNTED, *(outcome for outcome in _SELDOM if decision.count(outcome)))
    rows: list[Sequence[str]] = [("WAVE", "SCREENS", "BEGAN", *(outcome.name for outcome in counted), "DETECTS")]
    for power in plan_power(standing.plan):
        began = f"{standing.began(power.wave):%m-%d %H:%M}" if power.wave <= standing.wave else "-"
        counts = [str(decision.count(outcome, power.wave)) if power.wave <= standing.wave else "-" for outcome in counted]
        rows.append((str(power.wave), f"{power.added:,}", began, *counts, share_text(power)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def look_json(look: Look) -> dict[str, Any]:
    """The same for machines."""
    standing, decision = look.standing, look.decision
    return {
        "rollout": standing.begun.sequence,
        "commit": standing.commit,
        "base": standing.plan.base,
        "state": standing.note.state.value,
        "reason": standing.note.reason,
        "wave": standing.wave,
        "waves": [_wave_json(standing, decision, power) for power in plan_power(standing.plan)],
        "decision": {"action": decision.action.value, "reason": decision.reason, "waits_for": list(decision.waits)},
        "screens": [
            {"screen": seen.screen, "wave": seen.wave, "outcome": seen.outcome.value, "reason": seen.reason}
            for seen in decision.observed
        ],
    }


def plan_json(plan: RolloutPlan) -> list[dict[str, Any]]:
    """The waves of a rollout that is to begin."""
    return [_power_json(power) for power in plan_power(plan)]


def _wave_json(standing: Standing, decision: Decision, power: WavePower) -> dict[str, Any]:
    begun = power.wave <= standing.wave
    return {
        **_power_json(power),
        "began": standing.note.waves[power.wave - 1] if begun else None,
        "outcomes": {outcome.value: decision.count(outcome, power.wave) for outcome in Outcome} if begun else {},
    }


def _power_json(power: WavePower) -> dict[str, Any]:
    return {
        "wave": power.wave,
        "screens": power.added,
        "soak_minutes": power.soak_minutes,
        "samples": power.samples,
        "tolerated": power.tolerated,
        "detects_screens": power.faulty,
        "detects_share": None if power.share is None else round(power.share, 6),
    }
