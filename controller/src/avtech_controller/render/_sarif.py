"""Findings as a SARIF 2.1.0 log, for code scanning and other tools that gather results."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from avtech_controller.checks.codes import CODES, Code
from avtech_controller.findings import Edit, Finding, Place, Severity
from avtech_controller.render._clean import clean

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MAX_RESULTS = 25_000
"""Code scanning refuses a run that holds more; errors come first."""
_BASE = "SRCROOT"


def render_sarif(findings: Sequence[Finding], *, folder: str = "") -> dict[str, Any]:
    """A SARIF log with one run; `folder` is where the desired state lies below the repository's root."""
    from importlib.metadata import version  # what is slow to load waits until it is wanted

    kept = sorted(findings, key=lambda finding: (finding.severity is not Severity.ERROR, finding.place))[:MAX_RESULTS]
    used = sorted({finding.code for finding in kept})
    indices = {code: number for number, code in enumerate(used)}
    seen: Counter[str] = Counter()
    run: dict[str, Any] = {
        "tool": {
            "driver": {"name": "avtech", "version": version("avtech-controller"), "rules": [_rule(code) for code in used]}
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_BASE: {"description": {"text": "The root of the repository."}}},
        "invocations": [_invocation(len(findings) - len(kept))],
        "results": [_result(finding, indices, folder, seen) for finding in kept],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(name: str) -> dict[str, Any]:
    code = CODES[name]
    return {
        "id": name,
        "name": _camel(code),
        "shortDescription": {"text": code.title},
        "fullDescription": {"text": code.explanation},
        "help": {"text": f"{code.explanation} `avtech explain {name}` tells more."},
        "defaultConfiguration": {"level": code.severity.value},
    }


def _camel(code: Code) -> str:
    words = "".join(letter if letter.isalnum() else " " for letter in code.title.replace("'", "")).split()
    return "".join(word[:1].upper() + word[1:] for word in words)


def _invocation(left_out: int) -> dict[str, Any]:
    told = [{"level": "warning", "message": {"text": f"{left_out:,} more findings are left out"}}] if left_out else []
    return {"executionSuccessful": True, "toolExecutionNotifications": told}


def _result(finding: Finding, indices: Mapping[str, int], folder: str, seen: Counter[str]) -> dict[str, Any]:
    told = [finding.message, finding.label, finding.help, finding.impact]
    identity = hashlib.sha256("\0".join((finding.code, finding.place.file, finding.message)).encode("utf-8", "replace"))
    print_ = identity.hexdigest()[:32]
    seen[print_] += 1
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": indices[finding.code],
        "level": finding.severity.value,
        "message": {"text": "\n".join(clean(text) for text in told if text)},
        "locations": [_location(finding.place, folder)],
        "partialFingerprints": {"avtechFinding/v1": f"{print_}:{seen[print_]}"},
    }
    if finding.related:
        result["relatedLocations"] = [
            {"id": number, **_location(place, folder), "message": {"text": clean(what)}}
            for number, (place, what) in enumerate(finding.related)
        ]
    if finding.fix:
        result["fixes"] = [_fix(finding.fix.title, finding.place.file, finding.fix.edits, folder)]
    return result


def _location(place: Place, folder: str) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": _artifact(place.file, folder)}
    if place.line:
        physical["region"] = _region(place)
    return {"physicalLocation": physical}


def _artifact(file: str, folder: str) -> dict[str, Any]:
    path = f"{folder}/{file}" if folder else file
    return {"uri": quote(path.encode("utf-8", "surrogateescape")), "uriBaseId": _BASE}


def _region(place: Place) -> dict[str, Any]:
    region = {"startLine": place.line, "startColumn": max(place.column, 1)}
    if place.end_line > place.line or (place.end_line == place.line and place.end_column >= region["startColumn"]):
        region["endLine"] = place.end_line
        if place.end_column:
            region["endColumn"] = place.end_column
    return region


def _fix(title: str, file: str, edits: Sequence[Edit], folder: str) -> dict[str, Any]:
    replacements = [
        {
            "deletedRegion": {
                "startLine": edit.line,
                "startColumn": edit.column,
                "endLine": edit.end_line,
                "endColumn": edit.end_column,
            },
            "insertedContent": {"text": edit.text},
        }
        for edit in edits
    ]
    return {
        "description": {"text": clean(title)},
        "artifactChanges": [{"artifactLocation": _artifact(file, folder), "replacements": replacements}],
    }
