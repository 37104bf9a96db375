"""The token that opens the local API: a file in the state directory that its owner alone can read."""

import secrets
import stat
from pathlib import Path

from avtech_player.durable import PRIVATE, TooLargeError, read_bounded, replace_atomically

TOKEN_FILE = "api.token"  # noqa: S105  its name, not it
_MAX_BYTES = 256
_MIN_CHARACTERS = 32


def read_token(directory: Path) -> str | None:
    """The token in a state directory; None when there is none that could be one.

    Raises:
        DiskError: it cannot be read.
    """
    try:
        data = read_bounded(directory / TOKEN_FILE, limit=_MAX_BYTES)
    except TooLargeError:
        return None
    text = (data or b"").decode("ascii", "replace").strip()
    return text if len(text) >= _MIN_CHARACTERS and text.isascii() and text.isalnum() else None


def ensure_token(directory: Path) -> str:
    """Read the token, or make one; one that others could read is no secret any more, and another takes its place.

    Raises:
        DiskError: it can neither be read nor written.
    """
    if (token := read_token(directory)) is not None and _is_private(directory / TOKEN_FILE):
        return token
    token = secrets.token_hex(32)
    replace_atomically(directory / TOKEN_FILE, token.encode() + b"\n", mode=PRIVATE)
    return token


def _is_private(path: Path) -> bool:
    try:
        return stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    except OSError:
        return False
