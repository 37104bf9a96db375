"""A plan as one comment on a pull request, however large the change: what matters first, the rest folded, cut to fit."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from avtech_controller.findings import Finding, Severity
from avtech_controller.planning._groups import ChangeGroup, ClipRange, clip_totals, group_changes
from avtech_controller.planning._plan import ChangeKind, Plan
from avtech_controller.planning._safety import Verdict
from avtech_controller.planning._words import base_text, byte_text, commit_text, count_text, gain_text, range_text, unchanged
from avtech_controller.render import clean
from avtech_schema.identifiers import VideoId

MARKER = "<!-- avtech-plan -->"
"""The comment's first line, by which it is found again and updated in place."""
MAX_CHARACTERS = 60_000
"""The comment is never longer, be it counted in characters or in bytes; GitHub refuses more than 65,536."""
_TABLE_ROWS = 30
_TOTAL_ROWS = 20
_CELL_CLIPS = 3
_NAMED_SCREENS = 3
_LISTED_SCREENS = 50
_LISTED_DETAILS = 12
_LISTED_CLIPS = 12
_LISTED_CLOCKS = 3
_LISTED_FINDINGS = 20
_LONGEST = 120
_MARKUP = re.compile(r"[^\w ,;/%()='\"]", re.ASCII)
"""Characters that may mean something to Markdown, HTML or GitHub."""
_KINDS = {ChangeKind.ADDED: "new", ChangeKind.CHANGED: "changed", ChangeKind.REMOVED: "removed", ChangeKind.MOVED: "renamed"}


def plan_markdown(
    plan: Plan, verdict: Verdict, *, findings: Sequence[Finding] = (), titles: Mapping[VideoId, str] | None = None
) -> str:
    """The comment. `titles` gives clips a name for people; text from files is shown as it is, whatever it holds."""
    page = _Page()
    groups = group_changes(plan)
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    warnings = [finding for finding in findings if finding.severity is Severity.WARNING]
    page.add([MARKER, f"### {_headline(plan)}", "", *_errors(errors), *_verdict(verdict), "", *_facts(plan, findings)])
    words = _Words(titles or {})
    if groups:
        page.table(["Screens", "What changes", "Air in 7 days, each", "To fetch, each"], words.rows(groups[:_TABLE_ROWS]))
        if len(groups) > _TABLE_ROWS:
            screens = sum(len(group.screens) for group in groups[_TABLE_ROWS:])
            left = count_text(len(groups) - _TABLE_ROWS, "more change")
            page.add(["", f"… and {left} on {count_text(screens, 'screen')}."])
        page.fold("Air gained and lost, all screens together", list(words.totals(plan)))
        page.fold("Every change in detail", (line for group in groups for line in words.detail(group)), of=len(groups))
    page.fold("Warnings", _finding_lines(warnings))
    return page.text()


def findings_markdown(findings: Sequence[Finding]) -> str:
    """The comment when the desired state has errors: there is no plan, and these are in the way."""
    page = _Page()
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    page.add([MARKER, "### No plan: the desired state has errors", ""])
    page.add([f"⛔ **{count_text(errors, 'error')}** must be mended first; `avtech validate` shows each at its place.", ""])
    page.add(list(_finding_lines(findings)))
    return page.text()


def escape(text: str, limit: int = _LONGEST) -> str:
    """Text of unknown content as Markdown that shows it: no markup, no HTML, no link, no mention, in one line."""
    shown = clean(" ".join(text.split()))
    shown = shown if len(shown) <= limit else shown[: limit - 1] + "…"
    quoted = _MARKUP.sub(lambda found: f"&#{ord(found[0])};" if found[0].isascii() else found[0], shown)
    quoted = quoted.replace("_", "&#95;")
    return re.sub(r"&#(35|64);", "&#\\1;\N{ZERO WIDTH SPACE}", quoted)


class _Page:
    """Lines within a budget; every fold keeps room for its end and for a word on what is left out."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._left = MAX_CHARACTERS - 200

    def add(self, lines: Sequence[str]) -> bool:
        """Add lines if all of them fit."""
        size = sum(len(line.encode()) + 1 for line in lines)
        if size > self._left:
            return False
        self._left -= size
        self._lines.extend(lines)
        return True

    def table(self, head: Sequence[str], rows: Iterator[Sequence[str]]) -> None:
        """Add a table, as many rows as fit."""
        self.add(["", f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"])
        for row in rows:
            if not self.add([f"| {' | '.join(row)} |"]):
                return

    def fold(self, title: str, lines: "Iterator[str] | Sequence[str]", *, of: int = 0) -> None:
        """Add a part that opens on a click; nothing if it is empty or nothing of it fits."""
        found = iter(lines)
        first = next(found, None)
        if first is None or not self.add(["", f"<details><summary>{title}</summary>", "", first]):
            return
        for line in found:
            if not self.add([line]):
                more = f" of {count_text(of, 'change')}" if of else ""
                self._lines.append(f"\n… and more{more}: too long for one comment; `avtech plan` shows all.")
                break
        self._lines.extend(["", "</details>"])
        self._left -= 200

    def text(self) -> str:
        """The whole page."""
        return "\n".join(self._lines) + "\n"


def _headline(plan: Plan) -> str:
    changes = len(plan.changes)
    if not changes:
        return "AVTech plan: no screen changes"
    counts = ", ".join(f"{count:,} {_KINDS[kind]}" for kind in ChangeKind if (count := plan.count(kind)))
    return f"AVTech plan: {count_text(changes, 'screen')} ({counts}), {unchanged(plan):,} unchanged"


def _errors(errors: Sequence[Finding]) -> Iterator[str]:
    """What this very change breaks, above the change itself."""
    if errors:
        yield f"⛔ **{count_text(len(errors), 'error')}** must be mended first; below is what would change with them."
        yield from ("", *_finding_lines(errors), "")


def _verdict(verdict: Verdict) -> Iterator[str]:
    if not verdict.stopped:
        yield "✅ **Within the safety limits.**" if not verdict.accepted else "✅ **Beyond a limit, and accepted by name:**"
        yield from (f"- {escape(str(excess), 300)}" for excess in verdict.accepted)
        return
    yield "⛔ **Publishing this would be stopped:**"
    yield from (f"- {escape(str(excess), 300)}" for excess in verdict.refused[:10])
    if len(verdict.refused) > 10:
        yield f"- … and {len(verdict.refused) - 10} more limits"
    if verdict.freeze:
        freeze = verdict.freeze
        yield f"- publication is frozen from {escape(freeze.from_)} until {escape(freeze.until)}: {escape(freeze.reason)}"
    if verdict.trailer:
        yield ""
        yield "If that is meant, name the numbers in the message of a commit of this change, as its last line:"
        yield ""
        yield f"    {verdict.trailer}"


def _facts(plan: Plan, findings: Sequence[Finding]) -> Iterator[str]:
    warnings = sum(finding.severity is Severity.WARNING for finding in findings)
    emergency = " It is an emergency alone: it skips freezes." if plan.changes and plan.emergency_only else ""
    yield (
        f"Plan for `{commit_text(plan)}`, {base_text(plan)}. {byte_text(plan.download)} for all players to fetch."
        f" {count_text(warnings, 'warning')}.{emergency}"
    )
    notes: list[str] = []
    if any(change.air for change in plan.changes):
        notes.append(f"Air is that of the 7 days from {plan.now:%Y-%m-%d %H:%M} UTC.")
    if any(change.air and change.air.approximate for change in plan.changes):
        notes.append("Minutes are approximate where rules have a cap.")
    if not plan.clocks:
        notes.append("So many screens differ that weeks of clock changes were not looked at.")
    if notes:
        yield ""
        yield " ".join(notes)


def _finding_lines(findings: Sequence[Finding]) -> Iterator[str]:
    ordered = sorted(findings, key=lambda finding: finding.severity is not Severity.ERROR)
    for finding in ordered[:_LISTED_FINDINGS]:
        place = f"{finding.place.file}:{finding.place.line}" if finding.place.line else finding.place.file
        yield f"- **{finding.code}** {escape(place)}: {escape(finding.message, 300)}"
    if len(ordered) > _LISTED_FINDINGS:
        yield f"- … and {len(ordered) - _LISTED_FINDINGS:,} more"


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of a comment, with clips by their titles."""

    titles: Mapping[VideoId, str]

    def rows(self, groups: Sequence[ChangeGroup]) -> Iterator[Sequence[str]]:
        for group in groups:
            first = group.first
            what = escape(first.details[0]) if first.details else _KINDS[first.kind]
            more = f" (+{len(first.details) - 1} more)" if len(first.details) > 1 else ""
            fetch = byte_text(first.download) if first.download else "-"
            yield (f"{_KINDS[first.kind]}: {self._screens(group, _NAMED_SCREENS)}", what + more, self._cell(group), fetch)

    def totals(self, plan: Plan) -> Iterator[str]:
        totals = clip_totals(plan)
        if not totals:
            return
        yield "| Clip | Air in 7 days | Screens |\n| --- | --- | --- |"
        for total in totals[:_TOTAL_ROWS]:
            yield f"| {self._clip(total.clip)} | {gain_text(total.gain)} | {total.screens:,} |"
        if len(totals) > _TOTAL_ROWS:
            yield f"\n… and {len(totals) - _TOTAL_ROWS:,} more clips."

    def detail(self, group: ChangeGroup) -> Iterator[str]:
        first = group.first
        each = ", each" if len(group.screens) > 1 else ""
        fetch = f", {byte_text(first.download)} to fetch{each}" if first.download else ""
        yield f"- **{_KINDS[first.kind]}** {first.client}: {self._screens(group, _LISTED_SCREENS)}{fetch}"
        if first.moved_from and len(group.screens) == 1:
            yield f"  - until now {first.moved_from}"
        yield from (f"  - {escape(detail)}" for detail in first.details[:_LISTED_DETAILS])
        if len(first.details) > _LISTED_DETAILS:
            yield f"  - … and {len(first.details) - _LISTED_DETAILS} more"
        screens = len(group.changes)
        if clips := group.air():
            yield f"  - next 7 days{each}: {self._clips(clips, screens, _LISTED_CLIPS)}"
        for (day, zone), clips in list(group.clock_air().items())[:_LISTED_CLOCKS]:
            yield f"  - week of the clock change on {day} ({escape(zone)}){each}: {self._clips(clips, screens, _LISTED_CLIPS)}"
        if first.emptied:
            yield "  - ⚠️ no scheduled airtime is left in the next 7 days"

    def _cell(self, group: ChangeGroup) -> str:
        if group.first.air is None:
            return "?"
        emptied = "⚠️ nothing scheduled is left; " if group.first.emptied else ""
        return emptied + (self._clips(group.air(), len(group.changes), _CELL_CLIPS) or "the same")

    def _clips(self, clips: Sequence[ClipRange], screens: int, most: int) -> str:
        told = [f"{range_text(found, screens)} {self._clip(found.clip)}" for found in clips[:most]]
        if len(clips) > most:
            told.append(f"{len(clips) - most} more")
        return ", ".join(told)

    def _clip(self, clip: VideoId) -> str:
        title = self.titles.get(clip)
        return f"{escape(title, 60)} (`{clip}`)" if title else f"`{clip}`"

    def _screens(self, group: ChangeGroup, most: int) -> str:
        names = ", ".join(f"`{name}`" for name in group.screens[:most])
        if len(group.screens) <= most:
            return names
        return f"{len(group.screens):,} screens, same change: {names} and {len(group.screens) - most:,} more"
