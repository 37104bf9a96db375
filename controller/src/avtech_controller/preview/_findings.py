"""The findings of a state on top of its page."""

from collections.abc import Mapping, Sequence
from html import escape

from avtech_controller.findings import Finding, Severity
from avtech_controller.render import render_full

MAX_SHOWN = 50
"""Findings on the page; the terminal has them all."""


BROKEN = "what is below is what would play; it is not published while there are errors"


def findings_banner(findings: Sequence[Finding], texts: Mapping[str, str], *, trouble: str = "", remark: str = "") -> str:
    """HTML that counts the findings and shows them; `trouble` stands in for the count, `remark` below it."""
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    warnings = len(findings) - errors
    mood = "errors" if errors or trouble else "warnings" if warnings else "clean"
    counts = [_count(number, what) for number, what in ((errors, "error"), (warnings, "warning")) if number]
    words = trouble or ", ".join(counts) or "No findings"
    said = f'<p class="soft">{escape(remark)}</p>' if remark else ""
    shown = escape(render_full(findings[:MAX_SHOWN], texts)) if findings else ""
    more = f"\n… and {len(findings) - MAX_SHOWN} more: see the terminal" if len(findings) > MAX_SHOWN else ""
    body = f'<pre tabindex="0">{shown}{more}</pre>' if shown else ""
    return f'<section id="findings" class="{mood}" role="status"><h2>{escape(words)}</h2>{said}{body}</section>'


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
