"""A plan as JSON values, for machines."""

from collections.abc import Mapping
from typing import Any

from avtech_controller.planning._airtime import AirChange, ClipAir
from avtech_controller.planning._groups import change_digest
from avtech_controller.planning._plan import ChangeKind, Plan, ScreenChange
from avtech_controller.planning._safety import Verdict, count_losses

FORMAT_VERSION = 1


def plan_json(plan: Plan, verdict: Verdict | None = None) -> dict[str, Any]:
    """The plan as JSON values; `format_version` counts incompatible changes."""
    released = plan.base_sequence is not None
    return {
        "format_version": FORMAT_VERSION,
        "commit": plan.commit,
        "base": None
        if plan.base_commit is None
        else {"sequence": plan.base_sequence, "commit": plan.base_commit, "digest": plan.base_digest if released else None},
        "screens": {
            "released": plan.released_screens,
            "wanted": plan.wanted_screens,
            **{kind.value: plan.count(kind) for kind in ChangeKind},
        },
        "consent": {loss.value: count for loss, count in count_losses(plan.changes).items()},
        "safety": _verdict_json(verdict) if verdict else None,
        "emergency_only": bool(plan.changes) and plan.emergency_only,
        "download_bytes": plan.download,
        "airtime_from": plan.now.isoformat().replace("+00:00", "Z"),
        "changes": [_change_json(change) for change in plan.changes],
    }


def _change_json(change: ScreenChange) -> dict[str, Any]:
    return {
        "kind": change.kind.value,
        "screen": change.screen,
        "client": change.client,
        "old": change.old,
        "new": change.new,
        "moved_from": change.moved_from,
        "change": change_digest(change),
        "details": list(change.details),
        "download_bytes": change.download,
        "emergency_only": change.emergency_only,
        "airtime": _air_json(change.air) if change.air else None,
    }


def _air_json(air: AirChange) -> dict[str, Any]:
    return {
        "emptied": air.emptied,
        "approximate": air.approximate,
        "scheduled_minutes": {"before": _minutes(air.scheduled[0]), "after": _minutes(air.scheduled[1])},
        "next_7_days": [_clip_json(clip) for clip in air.clips],
        "clock_change": air.clock
        and {
            "day": air.clock.day.isoformat(),
            "time_zone": air.clock.time_zone,
            "as_usual": air.clock.as_usual,
            "week": [_clip_json(clip) for clip in air.clock.clips],
        },
    }


def _clip_json(clip: ClipAir) -> dict[str, Any]:
    return {"clip": clip.clip, "minutes_before": _minutes(clip.before), "minutes_after": _minutes(clip.after)}


def _minutes(seconds: int) -> float:
    return round(seconds / 60, 1)


def _verdict_json(verdict: Verdict) -> Mapping[str, Any]:
    return {
        "stopped": verdict.stopped,
        "problem": verdict.problem or None,
        "to_name": {loss.value: count for loss, count in verdict.to_name.items()},
        "trailer": verdict.trailer or None,
        "limits": [
            {
                "accepted": excess in verdict.accepted,
                "counts": excess.loss.value,
                "client": excess.client,
                "screens": excess.count,
                "released": excess.released,
                "most": excess.most,
            }
            for excess in (*verdict.refused, *verdict.accepted)
        ],
    }
