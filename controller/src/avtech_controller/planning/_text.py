"""A plan for people at a terminal, grouped so that the same change on many screens is read once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import click

from avtech_controller.planning._groups import ChangeGroup, ClipRange, clip_totals, group_changes
from avtech_controller.planning._plan import ChangeKind, Plan
from avtech_controller.planning._safety import Verdict
from avtech_controller.planning._words import base_text, byte_text, commit_text, count_text, gain_text, range_text, unchanged
from avtech_controller.render import clean
from avtech_schema.identifiers import VideoId

SIGNS = {ChangeKind.ADDED: "+", ChangeKind.CHANGED: "~", ChangeKind.REMOVED: "-", ChangeKind.MOVED: ">"}
_COLOURS = {"+": "green", "~": "yellow", "-": "red", ">": "cyan", "!": "red"}
_SHOWN_GROUPS = 40
_NAMED_SCREENS = 4
_SHOWN_DETAILS = 12
_SHOWN_CLIPS = 6
_SHOWN_CLOCKS = 3
_SHOWN_TOTALS = 5


def plan_text(
    plan: Plan, verdict: Verdict | None = None, *, titles: Mapping[VideoId, str] | None = None, colour: bool = False
) -> str:
    """The plan in lines: what it stands on, every group of screens with the same change, the totals, and what stops it.

    `titles` gives clips a name for people.
    """
    writer = _Writer(titles or {}, colour=colour)
    return "\n".join([f"plan for {commit_text(plan)}, {base_text(plan)}", *writer.groups(plan), *writer.totals(plan, verdict)])


@dataclass(frozen=True, slots=True)
class _Writer:
    titles: Mapping[VideoId, str]
    colour: bool = field(kw_only=True)

    def groups(self, plan: Plan) -> Iterator[str]:
        client = None
        groups = group_changes(plan)
        changed: dict[str, int] = {}
        for group in groups:
            changed[group.first.client] = changed.get(group.first.client, 0) + len(group.screens)
        for group in groups[:_SHOWN_GROUPS]:
            if client != group.first.client:
                client = group.first.client
                yield ""
                yield self._bold(f"  {client}: {count_text(changed[client], 'screen')}")
            yield from self._group(group)
        if len(groups) > _SHOWN_GROUPS:
            screens = sum(len(group.screens) for group in groups[_SHOWN_GROUPS:])
            left = count_text(len(groups) - _SHOWN_GROUPS, "more change")
            yield f"\n  and {left} on {count_text(screens, 'screen')} (--output json shows all)"

    def totals(self, plan: Plan, verdict: Verdict | None) -> Iterator[str]:
        yield ""
        if len(plan.changes) > 1 and (totals := clip_totals(plan)):
            told = [f"{gain_text(total.gain)} {total.clip}" for total in totals[:_SHOWN_TOTALS]]
            more = f" and {len(totals) - _SHOWN_TOTALS:,} more clips" if len(totals) > _SHOWN_TOTALS else ""
            yield f"air of the next 7 days, all screens: {', '.join(told)}{more}"
        if any(change.air and change.air.approximate for change in plan.changes):
            yield "minutes are approximate where rules have a cap (maxPlaysPerHour)"
        if not plan.clocks:
            yield "so many screens differ that weeks of clock changes were not looked at"
        counts = ", ".join(
            f"{count:,} {kind.value}" for kind in ChangeKind if (count := plan.count(kind)) or kind is not ChangeKind.MOVED
        )
        emergency = "; an emergency alone" if plan.changes and plan.emergency_only else ""
        yield f"{counts}, {unchanged(plan):,} unchanged; {byte_text(plan.download)} for all players to fetch{emergency}"
        if verdict and verdict.stopped:
            yield self._paint("!", f"publishing this would be stopped: {verdict.problem}")
            yield f"  help: {verdict.hint}"
        elif verdict and verdict.accepted:
            yield f"accepted by name: {'; '.join(str(excess) for excess in verdict.accepted)}"

    def _group(self, group: ChangeGroup) -> Iterator[str]:
        first = group.first
        names = ", ".join(group.screens[:_NAMED_SCREENS])
        more = f" and {len(group.screens) - _NAMED_SCREENS:,} more" if len(group.screens) > _NAMED_SCREENS else ""
        same = f"{len(group.screens):,} screens, same change: " if more else ""
        origin = f", until now {first.moved_from}" if first.moved_from and len(group.screens) == 1 else ""
        each = " each" if len(group.screens) > 1 else ""
        download = f"  ({byte_text(first.download)} to fetch{each})" if first.download else ""
        sign = SIGNS[first.kind]
        yield self._paint(sign, f"    {sign} {same}{names}{more}{origin}{download}")
        for detail in first.details[:_SHOWN_DETAILS]:
            yield self._paint(detail[:1], f"        {clean(detail)}")
        if len(first.details) > _SHOWN_DETAILS:
            yield f"        and {len(first.details) - _SHOWN_DETAILS} more (--output json shows all)"
        yield from self._clips(group.air(), len(group.changes), "next 7 days")
        for (day, zone), clips in list(group.clock_air().items())[:_SHOWN_CLOCKS]:
            yield from self._clips(clips, len(group.changes), f"week of the clock change on {day} ({zone})")
        if first.emptied:
            yield self._paint("!", "        ! no scheduled airtime is left in the next 7 days")

    def _clips(self, clips: Sequence[ClipRange], screens: int, when: str) -> Iterator[str]:
        if not clips:
            return
        yield f"        {when}{', each' if screens > 1 else ''}:"
        for found in clips[:_SHOWN_CLIPS]:
            title = f"  {clean(self.titles[found.clip])}" if found.clip in self.titles else ""
            line = f"          {range_text(found, screens):>11} {found.clip}{title}"
            yield self._paint("+" if found.total > 0 else "-", line)
        if len(clips) > _SHOWN_CLIPS:
            yield f"          and {count_text(len(clips) - _SHOWN_CLIPS, 'more clip')}"

    def _paint(self, sign: str, text: str) -> str:
        return click.style(text, fg=_COLOURS[sign]) if self.colour and sign in _COLOURS else text

    def _bold(self, text: str) -> str:
        return click.style(text, bold=True) if self.colour else text
