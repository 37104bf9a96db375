"""What stops a plan: the fleet's limits and freezes, and the consent that overrides them. Pure."""

from dataclasses import dataclass
from datetime import datetime

from avtech_controller.publication._plan import ChangeKind, Plan
from avtech_schema.airtime import local_instant
from avtech_schema.errors import UnsafePlanError
from avtech_schema.resources import Fleet, Freeze, Limits


@dataclass(frozen=True, slots=True)
class Consent:
    """What somebody agreed to: the exact numbers of changed and removed screens, and publishing in a freeze."""

    changes: int | None = None
    removals: int | None = None
    override_freeze: bool = False


def check_safety(plan: Plan, fleet: Fleet, consent: Consent, now: datetime) -> None:
    """Stop a plan that is beyond the fleet's limits or falls into a freeze.

    Raises:
        UnsafePlanError: it does, and nobody consented to exactly its numbers.
    """
    if problems := limit_problems(plan, fleet.spec.limits, consent):
        options = " ".join(option for _, option in problems)
        raise UnsafePlanError("; ".join(problem for problem, _ in problems), hint=f"if that is meant, say so: {options}")
    freeze = active_freeze(fleet, now)
    if freeze and plan.changes and not (consent.override_freeze or plan.emergency_only):
        raise UnsafePlanError(
            f"publication is frozen from {freeze.from_} until {freeze.until}: {freeze.reason}",
            hint="wait, or publish all the same with --override-freeze; emergencies are not stopped",
        )


def limit_problems(plan: Plan, limits: Limits, consent: Consent) -> list[tuple[str, str]]:
    """What is beyond a limit, each with the option that consents to it."""
    changed, removed, released = plan.count(ChangeKind.CHANGED), plan.count(ChangeKind.REMOVED), plan.released_screens
    checks = (
        ("change", changed, limits.changed_percent, limits.changed_screens, consent.changes, "--accept-changes"),
        ("be removed", removed, limits.removed_percent, limits.removed_screens, consent.removals, "--accept-removals"),
    )
    problems: list[tuple[str, str]] = []
    for verb, count, percent, most, accepted, option in checks:
        reasons: list[str] = []
        if released >= limits.minimum_screens and count * 100 > percent * released:
            reasons.append(f"{percent} %")
        if most is not None and count > most:
            reasons.append(f"{most} screens")
        if reasons and accepted != count:
            at_most = " and ".join(reasons)
            problems.append((f"{count} of {released} released screens would {verb} (at most {at_most})", f"{option} {count}"))
    return problems


def active_freeze(fleet: Fleet, now: datetime) -> Freeze | None:
    """The freeze that an instant falls into, in the fleet's time zone."""
    zone = fleet.spec.defaults.time_zone
    for freeze in fleet.spec.freezes:
        if local_instant(freeze.from_, zone) <= now < local_instant(freeze.until, zone, end=True):
            return freeze
    return None
