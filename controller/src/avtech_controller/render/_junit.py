"""Findings as JUnit XML: a suite for each file that has any, a failure for each error, a line of output for each warning."""

from collections.abc import Sequence
from itertools import groupby
from xml.etree import ElementTree as ET

from avtech_controller.findings import Finding, Severity
from avtech_controller.render._clean import clean
from avtech_controller.render._full import where


def render_junit(findings: Sequence[Finding], *, files: int = 0) -> str:
    """An XML document; when nothing is wrong, one test that passed, because many readers refuse a report without any."""
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    root = ET.Element("testsuites", name="avtech validate", tests=str(len(findings) or 1), failures=str(errors), errors="0")
    for file, group in groupby(sorted(findings, key=lambda finding: finding.place), lambda finding: finding.place.file):
        _suite(root, clean(file), list(group))
    if not findings:
        suite = ET.SubElement(root, "testsuite", name="desired state", tests="1", failures="0", errors="0", time="0")
        ET.SubElement(suite, "testcase", classname="desired state", name=f"{files} files have no finding", time="0")
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(root: ET.Element, file: str, findings: Sequence[Finding]) -> None:
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    suite = ET.SubElement(
        root, "testsuite", name=file, tests=str(len(findings)), failures=str(errors), errors="0", skipped="0", time="0"
    )
    for finding in findings:
        name = f"{finding.code} {where(finding.place)}"
        case = ET.SubElement(suite, "testcase", classname=file, name=name, time="0")
        if finding.severity is Severity.ERROR:
            failure = ET.SubElement(case, "failure", message=clean(finding.message), type=finding.code)
            failure.text = _text(finding)
        else:
            ET.SubElement(case, "system-out").text = f"warning: {_text(finding)}"


def _text(finding: Finding) -> str:
    parts = [finding.message, finding.label, finding.help, finding.impact]
    related = [f"{where(place)}: {what}" for place, what in finding.related]
    return "\n".join(clean(part) for part in (f"{where(finding.place)}: {parts[0]}", *parts[1:], *related) if part)
