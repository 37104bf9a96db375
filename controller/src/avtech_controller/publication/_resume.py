"""Finds what an interrupted run wrote already, without listing the store."""

from collections.abc import Sequence

from avtech_controller.stores import ObjectStore

_FIRST_LOOK = 16
"""Objects are written in this order, many at a time: where one was, one of so many first ones was."""
_LONGEST_LOOK = 4096


def written_before(store: ObjectStore, keys: Sequence[str]) -> dict[str, int]:
    """Those of some objects that an interrupted run wrote in this order, with their sizes.

    Looking ends at a stretch of which nothing is there, so it costs next to nothing when no run was interrupted.
    """
    found: dict[str, int] = {}
    start, step = 0, _FIRST_LOOK
    while start < len(keys):
        part = keys[start : start + step]
        sizes = {key: size for key, size in zip(part, store.sizes(part), strict=True) if size is not None}
        if not sizes:
            break
        found |= sizes
        start, step = start + step, min(2 * step, _LONGEST_LOOK)
    return found
