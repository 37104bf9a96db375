"""The first place at which two manifests differ, as a JSON path with what was expected and what was found."""

import json
import re
from dataclasses import dataclass
from typing import Any

import orjson

_LONGEST = 120
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two documents differ first: a JSON path (`$.rules[0].from`), and both values in short."""

    path: str
    expected: str
    found: str


def compare(expected: bytes, found: bytes) -> Difference | None:
    """The first difference between canonical JSON and other bytes; None if they are the same bytes."""
    if expected == found:
        return None
    try:
        value = orjson.loads(found)
    except orjson.JSONDecodeError:
        return Difference("$", f"JSON of {len(expected):,} bytes", f"{len(found):,} bytes that are not JSON")
    if (different := _first("$", orjson.loads(expected), value)) is not None:
        return different
    place = next((n for n, pair in enumerate(zip(expected, found, strict=False)) if pair[0] != pair[1]), len(expected))
    return Difference("$", "the canonical spelling", f"the same values spelt otherwise from byte {place:,} on")


def _first(path: str, expected: Any, found: Any) -> Difference | None:
    """Walks both at once, so no deeper than `expected`, which is ours."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in sorted(expected.keys() | found.keys()):
            here = f"{path}.{key}" if _PLAIN.fullmatch(key) else f"{path}[{_short(key)}]"
            if key not in found:
                return Difference(here, _short(expected[key]), "nothing")
            if key not in expected:
                return Difference(here, "nothing", _short(found[key]))
            if (different := _first(here, expected[key], found[key])) is not None:
                return different
        return None
    if isinstance(expected, list) and isinstance(found, list):
        for place, pair in enumerate(zip(expected, found, strict=False)):
            if (different := _first(f"{path}[{place}]", *pair)) is not None:
                return different
        if len(expected) != len(found):
            return Difference(path, _short(expected), _short(found))
        return None
    same = type(expected) is type(found) and expected == found
    return None if same else Difference(path, _short(expected), _short(found))


def _short(value: Any) -> str:
    """A value for people: in ASCII, so that nothing hostile reaches a terminal; containers by their size."""
    match value:
        case dict():
            return f"an object of {len(value)} fields"
        case list():
            return f"a list of {len(value)}"
        case str() if len(value) > _LONGEST:
            return json.dumps(value[:_LONGEST]) + "…"
        case _:
            return json.dumps(value)
