"""Keeping a player small: what its libraries would load and it never uses is left out, and memory is kept in one piece.

docs/decisions/0013-a-light-player.md says what each costs. All of it is for the process of the player alone.
"""

import contextlib
import ctypes
import sys
import types

_UNUSED_DOWNLOADER = "tuf.ngclient.urllib3_fetcher"
_DUPLICATES = ("ssl", "_hashlib")
"""What would load another OpenSSL than the one that `cryptography` brings; Python goes without."""
_M_ARENA_MAX = -8


class Urllib3Fetcher:
    """Stands where python-tuf's own downloader would: the player gives it one that reads by its store."""


def trim() -> None:
    """Give memory that is not used any more back to the system."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def stay_light(*, openssl: bool = False) -> None:
    """Call before anything else is imported, and before any thread is started; with `openssl`, Python's own stays."""
    if _UNUSED_DOWNLOADER not in sys.modules:
        stand_in = types.ModuleType(_UNUSED_DOWNLOADER)
        stand_in.__dict__["Urllib3Fetcher"] = Urllib3Fetcher
        sys.modules[_UNUSED_DOWNLOADER] = stand_in
    for name in () if openssl else _DUPLICATES:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # None makes its import fail
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
