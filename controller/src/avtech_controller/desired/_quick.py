"""The quick reader: yaml-rs for the documents on which it surely means the same as the careful reader, without places.

Whatever could be read in two ways, or could cost much, is left to the careful reader: the two never disagree.
"""

import re
from typing import Any

import yaml_rs

from avtech_controller.desired._text import Segment

_MAX_BRACKETS = 32
_MAX_PARTS = 80_000

_UNSURE: tuple[tuple[tuple[str, ...], str], ...] = (
    # A text that holds one of the marks is searched for the pattern: most texts hold none, and a search costs more.
    (("&", "*"), r"(?:^|[\s\[{,:])[&*]\S"),  # anchors and aliases
    (("!",), r"(?:^|[\s\[{,:])!"),  # tags
    (("%",), r"^%"),  # directives
    (("?",), r"(?:^|[\s\[{,])\?"),  # explicit keys, which libyaml sees in more places
    (("<<",), r"<<"),  # merge keys
    (("_",), r"(?:^|[\s\[{,])[-+.]?(?=[0-9.]*_)[0-9_.eE+-]+(?=[\s\]},:]|\Z)"),  # yaml-rs reads 1_000 as a number
    # and knows more bases than YAML 1.2; a SHA-256 that begins like a number is none
    (("0x", "0X"), r"(?:^|[\s\[{,])[-+]?0[xX]"),
    (("0o", "0O"), r"(?:^|[\s\[{,])[-+]?0[oO][0-7_]*(?=[\s\]},:]|\Z)"),
    (("0b", "0B"), r"(?:^|[\s\[{,])[-+]?0[bB][01_]*(?=[\s\]},:]|\Z)"),
    ((".i", ".I", ".n", ".N"), r"\.(?:inf|Inf|INF|nan|NaN|NAN)"),
    (("\t",), r"\t"),  # where tabs may stand is a matter of dispute
    (("\n" + " " * 64, "- - ", "? ? "), r"^[ ?-]{64}"),  # nesting
    (("",), r"(?:^|[\s\[{,:])[-+.]?[0-9][0-9.]{15}[0-9.eE+-]*(?=[\s\]},:]|\Z)"),  # numbers that JSON does not keep exactly
)
_PATTERNS = tuple((marks, re.compile(pattern, re.MULTILINE)) for marks, pattern in _UNSURE)


def read_quickly(segment: Segment) -> tuple[bool, Any]:
    """Read one document: whether it could be read with certainty, and its value (None when it is empty)."""
    text = segment.text
    if _is_unsure(text) or _is_large(text):
        return False, None
    try:
        value = yaml_rs.loads(text, parse_datetime=False)
    except yaml_rs.YAMLDecodeError:
        return False, None
    return isinstance(value, dict), value


def _is_unsure(text: str) -> bool:
    return any(any(mark in text for mark in marks) and pattern.search(text) for marks, pattern in _PATTERNS)


def _is_large(text: str) -> bool:
    """Whether a document could be nested deeply by brackets, or could have very many parts."""
    if text.count("[") + text.count("{") > _MAX_BRACKETS and _depth(text) > _MAX_BRACKETS:
        return True
    return len(text) > _MAX_PARTS and sum(text.count(mark) for mark in ("\n", ",", ":", "- ")) > _MAX_PARTS


def _depth(text: str) -> int:
    depth = deepest = 0
    for bracket in re.findall(r"[\[\]{}]", text):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest
