"""The secret of a cache's seal: a CI's variable, its publish key, or a file of its own in the user's configuration."""

import os
import secrets
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from avtech_controller import durable
from avtech_schema.errors import ConfigurationError

CACHE_KEY_VARIABLE = "AVTECH_CACHE_KEY"
MIN_SECRET = 32
"""A given secret has at least so many characters: entries can be tried against guesses without end."""
_FILE = "cache.key"
_BYTES = 32


def given_secret(environment: Mapping[str, str]) -> bytes | None:
    """The secret of AVTECH_CACHE_KEY, if it is set.

    Raises:
        ConfigurationError: it is so short that it could be guessed.
    """
    text = environment.get(CACHE_KEY_VARIABLE, "").strip()
    if text and len(text) < MIN_SECRET:
        raise ConfigurationError(
            f"{CACHE_KEY_VARIABLE} is too short: it has fewer than {MIN_SECRET} characters",
            hint="make one with `openssl rand -hex 32`",
        )
    return text.encode() or None


def configuration_directory(environment: Mapping[str, str]) -> Path | None:
    """Where the user's own settings are: AVTECH_CONFIG_DIR, else avtech/ in XDG_CONFIG_HOME or ~/.config."""
    if chosen := environment.get("AVTECH_CONFIG_DIR"):
        return Path(chosen)
    base = environment.get("XDG_CONFIG_HOME", "")
    if base.startswith("/"):
        return Path(base, "avtech")
    try:
        return Path.home() / ".config" / "avtech"
    except RuntimeError:
        return None


def own_secret(directory: Path) -> bytes:
    """The secret kept in a directory for caches on this machine; made at random when there is none yet.

    Raises:
        OSError: it cannot be read or made, or others could have read it.
    """
    path = directory / _FILE
    try:
        return _read(path)
    except FileNotFoundError:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):  # another process was faster
        durable.create_file(path, [secrets.token_bytes(_BYTES)], mode=durable.SECRET_MODE)
    return _read(path)


def _read(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
            raise PermissionError(1, "others may read or write it", str(path))
        found = stream.read(_BYTES + 1)
    if len(found) != _BYTES:
        raise OSError(22, f"it does not hold {_BYTES} bytes", str(path))
    return found
