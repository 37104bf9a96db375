"""The full form: each finding with its source line, a caret under the place, and what to do."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence

import click

from avtech_controller.findings import Finding, Place, Severity
from avtech_controller.render._clean import clean

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow"}
_WIDTH = 120
_BEFORE = 60
"""Of a line longer than `_WIDTH`, characters shown before the place."""


def render_full(findings: Sequence[Finding], texts: Mapping[str, str], *, colour: bool = False) -> str:
    """All findings, a blank line between them; `texts` holds the files they speak of."""
    lines = {file: text.split("\n") for file, text in texts.items()}
    return "\n".join("\n".join(_finding(finding, lines, colour=colour)) + "\n" for finding in findings)


def _finding(finding: Finding, lines: Mapping[str, list[str]], *, colour: bool) -> Iterator[str]:
    def paint(text: str) -> str:
        return click.style(text, fg=_COLOURS[finding.severity], bold=True) if colour else text

    place = finding.place
    margin = " " * len(str(place.line or ""))
    yield f"{paint(f'{finding.severity.value}[{finding.code}]')}: {clean(finding.message)}"
    yield f"{margin} --> {where(place)}"
    source = _source(place, lines)
    if source is None:
        if finding.label:
            yield f"{margin}  = {clean(finding.label)}"
    else:
        text, before, carets = source
        yield f"{margin}  |"
        yield f" {place.line} | {text}".rstrip()
        yield f"{margin}  | {' ' * before}{paint('^' * carets)} {clean(finding.label)}".rstrip()
    for second, what in finding.related:
        yield f"{margin} ::: {where(second)}  {clean(what)}"
    if finding.help:
        yield f"{margin}  = help: {clean(finding.help)}"
    if finding.impact:
        yield f"{margin}  = impact: {clean(finding.impact)}"


def where(place: Place) -> str:
    """`file:line:column`, or the file alone."""
    file = clean(place.file)
    return f"{file}:{place.line}:{place.column or 1}" if place.line else file


def _source(place: Place, lines: Mapping[str, list[str]]) -> tuple[str, int, int] | None:
    """The source line, cut around the place if it is long, with the cells before the caret and the carets' number."""
    found = lines.get(place.file, [])
    if not 0 < place.line <= len(found):
        return None
    line = clean(found[place.line - 1])
    start = min(max(place.column - 1, 0), len(line))
    end = place.end_column - 1 if place.end_line == place.line else len(line.rstrip())
    lead = ""
    if len(line) > _WIDTH:
        first = max(0, min(start - _BEFORE, len(line) - _WIDTH))
        lead = "…" if first else ""
        line = line[first : first + _WIDTH]
        start, end = start - first, min(end - first, len(line))
        line += "…" if len(line) == _WIDTH else ""
    carets = _cells(line[start:end]) or 1
    return lead + line, _cells(lead + line[:start]), carets


def _cells(text: str) -> int:
    """How many cells of a terminal the text takes."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return len(text) + wide - sum(unicodedata.combining(letter) > 0 for letter in text)
