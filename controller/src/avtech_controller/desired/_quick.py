"""The quick reader: yaml-rs for the documents on which it surely means the same as the careful reader, without places.

Whatever could be read in two ways, or could cost much, is left to the careful reader: the two never disagree.
"""

import re
from typing import Any

import yaml_rs

from avtech_controller.desired._text import Segment

_MAX_INDENTATION = 64
_MAX_BRACKETS = 32
_MAX_PARTS = 80_000

_UNSURE = re.compile(
    r"""
      (?:^|[\s\[{,:])(?:[&*]\S|!)      # anchors, aliases and tags
    | ^%                                # directives
    | <<                                # merge keys
    | (?:^|[\s\[{,])[-+.]?(?=[0-9.]*_)[0-9_.eE+-]+(?=[\s\]},:]|\Z)    # 1_000: a number for yaml-rs, text in YAML 1.2
    | (?:^|[\s\[{,])[-+]?0[xXoObB]      # bases: yaml-rs reads more of them than YAML 1.2
    | [0-9]{16}                         # numbers that JSON does not keep exactly
    | \.(?:inf|Inf|INF|nan|NaN|NAN)
    | ^[ ?-]{64}                        # nesting
    | \t                                # where tabs may stand is a matter of dispute
    """,
    re.VERBOSE | re.MULTILINE,
)


def read_quickly(segment: Segment) -> tuple[bool, Any]:
    """Read one document: whether it could be read with certainty, and its value (None when it is empty)."""
    text = segment.text
    if _UNSURE.search(text) or _brackets_or_parts(text):
        return False, None
    try:
        value = yaml_rs.loads(text, parse_datetime=False)
    except yaml_rs.YAMLDecodeError:
        return False, None
    return isinstance(value, dict), value


def _brackets_or_parts(text: str) -> bool:
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
