"""How a key of the store is spelt, so that none can leave the store's prefix."""

import re

from avtech_controller.stores._port import StoreError

MAX_KEY_LENGTH = 900

_SEGMENT = r"[A-Za-z0-9_=+@,-][A-Za-z0-9._=+@,-]*"
_KEY = re.compile(rf"{_SEGMENT}(/{_SEGMENT})*")


def check_key(key: str) -> str:
    """Refuse a key with `..`, an absolute path, a control character or a hidden segment.

    Raises:
        StoreError: it is not a key that this store writes.
    """
    if len(key) > MAX_KEY_LENGTH or not _KEY.fullmatch(key):
        raise StoreError(f"not a key of a store: {key[:120]!r}")
    return key


def check_prefix(prefix: str) -> str:
    """Refuse a prefix that does not end in `/` or is not made of key segments.

    Raises:
        StoreError: it is not one.
    """
    if not prefix.endswith("/"):
        raise StoreError(f"a prefix ends in '/': {prefix[:120]!r}")
    check_key(prefix[:-1])
    return prefix
