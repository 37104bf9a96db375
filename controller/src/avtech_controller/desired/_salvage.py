"""What can still be told of a document that is not YAML: which resource it is, and whom it concerns. Never what it says."""

import re
from collections.abc import Iterator
from typing import Any

from avtech_controller.desired._careful import read_carefully
from avtech_controller.desired._text import Segment, SyntaxProblem

_MAX_CHARACTERS = 100_000
"""Of longer documents nothing is told: it could cost much, and they are no editor's."""
_LINES = {
    "kind": re.compile(r"^kind: *([A-Za-z]+)", re.MULTILINE),
    "name": re.compile(r"^[ \t]+name: *[\"']?([A-Za-z0-9-]+)", re.MULTILINE),
    "client": re.compile(r"^[ \t]*client: *[\"']?([A-Za-z0-9-]+)", re.MULTILINE),
}


def salvaged(segment: Segment, problem: SyntaxProblem) -> dict[str, Any]:
    """The mapping that a document seems to be, read without what keeps it from being read; empty if it stays a riddle."""
    if len(segment.text) > _MAX_CHARACTERS:
        return {}
    for text in _trials(segment, problem):
        try:
            tree = read_carefully(Segment(text, segment.line), is_lenient=True)
        except SyntaxProblem:
            continue
        if tree is not None and isinstance(tree.value, dict) and isinstance(tree.value.get("kind"), str):
            return tree.value
    return _guessed(segment.text)


def _guessed(text: str) -> dict[str, Any]:
    """What the lines say where nothing can be read as a whole."""
    found = {key: match[1] for key, pattern in _LINES.items() if (match := pattern.search(text))}
    if "kind" not in found:
        return {}
    return {"kind": found["kind"], "metadata": {"name": found.get("name")}, "spec": {"client": found.get("client")}}


def _trials(segment: Segment, problem: SyntaxProblem) -> Iterator[str]:
    """The text as it is, without tabs, without the line that is wrong or the one before it, and what comes before these."""
    lines = segment.text.split("\n")
    wrong = min(max(problem.where.line - segment.line - 1, 0), len(lines) - 1)
    yield segment.text
    if "\t" in segment.text:
        yield segment.text.replace("\t", "  ")
    for number in (wrong, wrong - 1):
        if number > 0:
            yield "\n".join([*lines[:number], *lines[number + 1 :]])
    for number in (wrong, wrong - 1):
        if number > 0:
            yield "\n".join(lines[:number])
