"""One line for each finding, and JSON."""

from collections.abc import Sequence
from typing import Any

from avtech_controller.findings import Finding, Fix, Place
from avtech_controller.render._clean import clean
from avtech_controller.render._full import where

FORMAT_VERSION = 1


def render_concise(findings: Sequence[Finding]) -> str:
    """`file:line:column: severity[CODE] message`, one finding a line; the words that are allowed belong to the message."""
    return "".join(f"{where(f.place)}: {f.severity.value}[{f.code}] {clean(_said(f))}\n" for f in findings)


def _said(finding: Finding) -> str:
    return f"{finding.message} ({finding.label})" if finding.code == "AVT125" and finding.label else finding.message


def findings_json(findings: Sequence[Finding]) -> dict[str, Any]:
    """All findings as a JSON value; lines and columns count from 1, 0 means the file as a whole."""
    return {"format_version": FORMAT_VERSION, "findings": [_finding(finding) for finding in findings]}


def _finding(finding: Finding) -> dict[str, Any]:
    place = finding.place
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "message": _utf8(finding.message),
        "file": _utf8(place.file),
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line,
        "end_column": place.end_column,
        "help": _utf8(finding.help),
        "impact": _utf8(finding.impact),
        "label": _utf8(finding.label),
        "related": [_related(second, what) for second, what in finding.related],
        "fix": _fix(finding.fix) if finding.fix else None,
    }


def _related(place: Place, what: str) -> dict[str, Any]:
    return {
        "file": _utf8(place.file),
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line,
        "end_column": place.end_column,
        "message": _utf8(what),
    }


def _fix(fix: Fix) -> dict[str, Any]:
    edits = [
        {"line": e.line, "column": e.column, "end_line": e.end_line, "end_column": e.end_column, "text": _utf8(e.text)}
        for e in fix.edits
    ]
    return {"title": _utf8(fix.title), "edits": edits}


def _utf8(text: str) -> str:
    """The text without the bytes of file names that are not UTF-8, which JSON cannot say."""
    return text.encode("utf-8", "replace").decode()
