"""Findings as annotations of GitHub's workflow commands; what is beyond GitHub's limits goes to the step's summary."""

from collections.abc import Iterator, Sequence

from avtech_controller.findings import Finding, Severity
from avtech_controller.render._clean import clean
from avtech_controller.render._full import where

PER_STEP = 10
"""GitHub shows as many errors, and as many warnings, of one step; the others are dropped without a word."""
SUMMARY_BYTES = 1 << 20
"""GitHub refuses a step's summary that is larger."""
_ROWS_NOTE = 200
"""Bytes kept free for the line that says how many findings are left out."""


def render_github(findings: Sequence[Finding], *, folder: str = "") -> str:
    """Workflow commands for the findings that GitHub shows, errors first, and one plain line for each of the others.

    `folder` is where the desired state lies below the repository's root: annotations need paths from there.
    """
    shown, others = _divided(findings)
    lines = [_command(finding, folder) for finding in shown]
    lines += [f"{where(f.place)}: {f.severity.value}[{f.code}] {clean(f.message)}" for f in others]
    return "".join(f"{line}\n" for line in lines)


def github_summary(findings: Sequence[Finding], *, room: int = SUMMARY_BYTES) -> str:
    """A Markdown table of all findings that fits into `room` bytes, and says how many did not; empty if nothing fits."""
    head = f"### AVTech: {_counted(findings)}\n\n"
    if not findings:
        return head if len(head) <= room else ""
    head += "| place | finding | what to do |\n|---|---|---|\n"
    rows: list[str] = []
    left = room - len(head.encode()) - _ROWS_NOTE
    for finding in findings:
        row = _row(finding)
        left -= len(row.encode())
        if left < 0:
            break
        rows.append(row)
    if not rows:
        return ""
    missing = len(findings) - len(rows)
    more = f"\n{missing:,} more are not shown: `avtech validate` shows all.\n" if missing else ""
    return head + "".join(rows) + more


def _divided(findings: Sequence[Finding]) -> tuple[list[Finding], list[Finding]]:
    """The findings that become annotations, errors first, and the others, each in order of place."""
    ordered = sorted(findings, key=lambda finding: (finding.severity is not Severity.ERROR, finding.place))
    left = dict.fromkeys(Severity, PER_STEP)
    shown: list[Finding] = []
    others: list[Finding] = []
    for finding in ordered:
        left[finding.severity] -= 1
        (others if left[finding.severity] < 0 else shown).append(finding)
    return shown, others


def _command(finding: Finding, folder: str) -> str:
    place = finding.place
    properties = [("file", f"{folder}/{place.file}" if folder else place.file)]
    if place.line:
        properties += [("line", str(place.line)), ("endLine", str(place.end_line or place.line))]
    if place.column:
        properties.append(("col", str(place.column)))
    if place.end_column > place.column and place.end_line == place.line:
        properties.append(("endColumn", str(place.end_column)))
    properties.append(("title", f"{finding.code} {finding.message}"[:200]))
    spelt = ",".join(f"{name}={_property(value)}" for name, value in properties)
    return f"::{finding.severity.value} {spelt}::{_data(_text(finding))}"


def _text(finding: Finding) -> str:
    return "\n".join(_lines(finding))


def _lines(finding: Finding) -> Iterator[str]:
    yield finding.message + (f": {finding.label}" if finding.label else "")
    for place, what in finding.related:
        yield f"{where(place)}: {what}"
    if finding.help:
        yield f"help: {finding.help}"
    if finding.impact:
        yield f"impact: {finding.impact}"


def _data(text: str) -> str:
    """Text as the message of a workflow command."""
    kept = "\n".join(clean(line) for line in text.split("\n"))
    return kept.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Text as a property of a workflow command."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _row(finding: Finding) -> str:
    told = f"{finding.severity.value} `{finding.code}` {_cell(finding.message)}"
    help_ = " ".join(part for part in (_cell(finding.help), _cell(finding.impact)) if part)
    return f"| {_cell(where(finding.place))} | {told} | {help_} |\n"


def _cell(text: str) -> str:
    """Text in a cell of a table: neither Markdown nor HTML in it is acted on."""
    text = clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for mark in "\\`*_[]|#@~":
        text = text.replace(mark, f"&#{ord(mark)};" if mark != "#" else mark)
    return text


def _counted(findings: Sequence[Finding]) -> str:
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    warnings = len(findings) - errors
    parts = f"{errors:,} error{'' if errors == 1 else 's'}, {warnings:,} warning{'' if warnings == 1 else 's'}"
    return parts if findings else "no findings"
