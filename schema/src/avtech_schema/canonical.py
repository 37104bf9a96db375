"""Canonical bytes: one JSON value, one spelling (RFC 8785 for data without floats), so that a digest names a meaning."""

import hashlib
from collections.abc import Iterable
from typing import Any

import orjson

from avtech_schema.identifiers import Sha256

_MAX_DEPTH = 100
_LARGEST = 2**53
_PLAIN = frozenset({str, bool, type(None)})


def canonical_bytes(value: Any) -> bytes:
    """Spell a JSON value canonically: sorted keys, no spaces, UTF-8.

    For values of str (keys ASCII), int within ±2^53, bool, None, list, tuple and dict, orjson's sorted output is RFC 8785's.

    Raises:
        ValueError: the value holds a float, a key that is not ASCII text, an integer beyond ±2^53, half a surrogate pair
            or another type, or is nested more than 100 deep.
    """
    _check(value, 0)
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as error:
        raise ValueError(f"no canonical spelling: {error}") from error


def sha256_hex(data: bytes) -> Sha256:
    """The SHA-256 of some bytes, as 64 lower-case hexadecimal digits."""
    return Sha256(hashlib.sha256(data).hexdigest())


def _check(value: Any, depth: int) -> None:
    """Refuse what has no one spelling. Most values are the plainest ones: these are passed over without a call."""
    if depth > _MAX_DEPTH:
        raise ValueError(f"nested more than {_MAX_DEPTH} deep")
    match value:
        case None | bool() | str():
            return
        case int():
            if abs(value) > _LARGEST:
                raise ValueError(f"{value} is beyond what JSON keeps exactly (2^53)")
            return
        case list() | tuple():
            elements: Iterable[Any] = value
        case dict():
            _check_keys(value)
            elements = value.values()
        case _:
            raise ValueError(f"{value!r} ({type(value).__name__}) has no canonical spelling")
    for element in elements:
        kind = type(element)
        if kind in _PLAIN or (kind is int and -_LARGEST <= element <= _LARGEST):
            continue
        _check(element, depth + 1)


def _check_keys(value: dict[Any, Any]) -> None:
    try:
        plain = "".join(value).isascii()
    except TypeError:
        plain = False
    if not plain:
        key = next(key for key in value if not isinstance(key, str) or not key.isascii())
        raise ValueError(f"the key {key!r} is not ASCII text")
