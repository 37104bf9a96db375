"""Canonical bytes: one JSON value, one spelling (RFC 8785 for data without floats), so that a digest names a meaning."""

import hashlib
from typing import Any

import orjson

from avtech_schema.identifiers import Sha256


def canonical_bytes(value: Any) -> bytes:
    """Spell a JSON value canonically: sorted keys, no spaces, UTF-8.

    For values of str (keys ASCII), int within ±2^53, bool, None, list, tuple and dict, orjson's sorted output is RFC 8785's.

    Raises:
        ValueError: the value holds a float, a key that is not ASCII text, an integer beyond ±2^53 or another type.
    """
    _check(value)
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def sha256_hex(data: bytes) -> Sha256:
    """The SHA-256 of some bytes, as 64 lower-case hexadecimal digits."""
    return Sha256(hashlib.sha256(data).hexdigest())


def _check(value: Any) -> None:
    match value:
        case None | bool() | str():
            pass
        case int():
            if abs(value) > 2**53:
                raise ValueError(f"{value} is beyond what JSON keeps exactly (2^53)")
        case list() | tuple():
            for element in value:
                _check(element)
        case dict():
            for key, element in value.items():
                if not isinstance(key, str) or not key.isascii():
                    raise ValueError(f"the key {key!r} is not ASCII text")
                _check(element)
        case _:
            raise ValueError(f"{value!r} ({type(value).__name__}) has no canonical spelling")
