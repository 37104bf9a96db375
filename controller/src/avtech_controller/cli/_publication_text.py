"""How a publication ended, in words and as JSON."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from avtech_controller.planning import ChangeKind, byte_text

if TYPE_CHECKING:
    from avtech_controller.publication import Publication


def published_text(done: "Publication", seconds: float) -> str:
    """How a publication ended, for people."""
    if done.plan.changes and done.outcome != "published":
        count = len(done.plan.changes)
        waits = "1 screen waits for its wave" if count == 1 else f"{count} screens wait for their wave"
        return f"release {done.sequence} ({done.commit[:12]}) is on its way: {waits}"
    if done.outcome == "unchanged":
        return f"release {done.sequence} ({done.commit[:12]}) is already released; nothing was written"
    if done.outcome == "renewed":
        size = byte_text(done.bytes_written)
        return f"release {done.sequence} ({done.commit[:12]}) is already released; its signatures were renewed, {size} written"
    plan = done.plan
    what = f"{len(plan.changes)} of {plan.wanted_screens + plan.count(ChangeKind.REMOVED)} screens change"
    if not plan.changes:
        what = "no screen changes; the released commit moves on"
    again = f", after {done.attempts} attempts" if done.attempts > 1 else ""
    waves = ""
    if done.rollout and done.rollout.plan:
        from avtech_controller.cli._rollout_text import waves_text

        waves = f"\n{waves_text(done.rollout.plan)}"
    left = f"\nthe history of {done.rewound[:12]}, which was released before, was left as accepted" if done.rewound else ""
    return (
        f"published release {done.sequence} ({done.commit[:12]}): {what}, "
        f"{byte_text(done.bytes_written)} written in {seconds:.1f} s{again}{left}{waves}"
    )


def published_json(done: "Publication", seconds: float, parts: Mapping[str, float]) -> dict[str, Any]:
    """The same for machines; `parts` are the seconds that its steps took."""
    waves = None
    if done.rollout and done.rollout.plan:
        from avtech_controller.cli._rollout_text import plan_json

        waves = plan_json(done.rollout.plan)
    return {
        "format_version": 1,
        "outcome": done.outcome,
        "sequence": done.sequence,
        "commit": done.commit,
        "digest": done.digest,
        "screens": {kind.value: done.plan.count(kind) for kind in ChangeKind} | {"total": done.plan.wanted_screens},
        "bytes_written": done.bytes_written,
        "seconds": round(seconds, 3),
        "parts": {step: round(took, 3) for step, took in parts.items()},
        "attempts": done.attempts,
        "rewound": done.rewound,
        "rollout": waves,
    }
