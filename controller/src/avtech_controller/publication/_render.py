"""A plan for people, grouped so that the same change on many screens is read once, and for machines."""

from collections.abc import Iterator, Sequence
from typing import Any

from avtech_controller.publication._plan import ChangeKind, Plan, ScreenChange

_SIGNS = {ChangeKind.ADDED: "+", ChangeKind.CHANGED: "~", ChangeKind.REMOVED: "-"}
_NAMED_SCREENS = 4
_SHOWN_DETAILS = 12


def plan_text(plan: Plan) -> str:
    """The plan in lines: what it stands on, every client's changes, and the totals."""
    return "\n".join([_headline(plan), *_clients(plan), _totals(plan)])


def plan_json(plan: Plan) -> dict[str, Any]:
    """The plan as JSON values; `format_version` counts incompatible changes."""
    return {
        "format_version": 1,
        "commit": plan.commit,
        "base": None if plan.base_sequence is None else {"sequence": plan.base_sequence, "commit": plan.base_commit},
        "screens": {
            "released": plan.released_screens,
            "wanted": plan.wanted_screens,
            **{kind.value: plan.count(kind) for kind in ChangeKind},
        },
        "emergency_only": bool(plan.changes) and plan.emergency_only,
        "download_bytes": plan.download,
        "changes": [
            {
                "kind": change.kind.value,
                "screen": change.screen,
                "client": change.client,
                "old": change.old,
                "new": change.new,
                "details": list(change.details),
                "download_bytes": change.download,
                "emergency_only": change.emergency_only,
            }
            for change in plan.changes
        ],
    }


def byte_text(size: int) -> str:
    """A number of bytes with a decimal unit."""
    if size < 1000:
        return f"{size} B"
    amount, unit = float(size), "B"
    for unit in ("kB", "MB", "GB", "TB"):  # noqa: B007  the last unit is what is printed
        amount /= 1000
        if amount < 1000:
            break
    return f"{amount:.1f} {unit}"


def _headline(plan: Plan) -> str:
    what = plan.commit[:12] if plan.commit else "the work tree"
    if plan.base_sequence is None or plan.base_commit is None:
        return f"plan for {what}: the first release"
    return f"plan for {what}, on top of release {plan.base_sequence} ({plan.base_commit[:12]})"


def _clients(plan: Plan) -> Iterator[str]:
    for client in sorted({change.client for change in plan.changes}):
        changes = [change for change in plan.changes if change.client == client]
        yield f"\n  {client}: {_screens(len(changes))}"
        groups: dict[tuple[Any, ...], list[ScreenChange]] = {}
        for change in changes:
            groups.setdefault((change.kind.value, change.details, change.download), []).append(change)
        for group in groups.values():
            yield from _group(group)


def _group(group: Sequence[ScreenChange]) -> Iterator[str]:
    first = group[0]
    names = ", ".join(change.screen for change in group[:_NAMED_SCREENS])
    more = f" and {len(group) - _NAMED_SCREENS} more" if len(group) > _NAMED_SCREENS else ""
    download = f"  ({byte_text(first.download)} to fetch{' each' if len(group) > 1 else ''})" if first.download else ""
    yield f"    {_SIGNS[first.kind]} {names}{more}{download}"
    yield from (f"        {detail}" for detail in first.details[:_SHOWN_DETAILS])
    if len(first.details) > _SHOWN_DETAILS:
        yield f"        and {len(first.details) - _SHOWN_DETAILS} more (--output json shows all)"


def _totals(plan: Plan) -> str:
    counts = ", ".join(f"{plan.count(kind)} {kind.value}" for kind in ChangeKind)
    unchanged = plan.wanted_screens - plan.count(ChangeKind.ADDED) - plan.count(ChangeKind.CHANGED)
    emergency = "; an emergency alone" if plan.changes and plan.emergency_only else ""
    return f"\n{counts}, {unchanged} unchanged; {byte_text(plan.download)} for all players to fetch{emergency}"


def _screens(count: int) -> str:
    return "1 screen" if count == 1 else f"{count} screens"
