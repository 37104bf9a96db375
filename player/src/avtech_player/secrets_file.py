"""The secrets file: variables of the environment, such as the store's credentials, for the daemon and the commands alike."""

import re
from collections.abc import Mapping
from pathlib import Path

from avtech_player.durable import DiskError, TooLargeError, read_bounded
from avtech_schema.errors import ConfigurationError

_MAX_BYTES = 64_000
_LINE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)")


def with_secrets(path: Path | None, environment: Mapping[str, str]) -> Mapping[str, str]:
    """The environment, and below it what a file of `NAME=value` lines says.

    Raises:
        ConfigurationError: the file cannot be read, or is something else. What it holds is never told.
    """
    if path is None:
        return environment
    try:
        data = read_bounded(path, limit=_MAX_BYTES)
    except (DiskError, TooLargeError) as error:
        raise ConfigurationError(f"the secrets cannot be read: {error}") from error
    if data is None:
        raise ConfigurationError(f"there are no secrets at {path}", hint="write the file, or remove `secrets`")
    return {**parse_secrets(data, str(path)), **environment}


def parse_secrets(data: bytes, where: str) -> dict[str, str]:
    """Read lines of `NAME=value`; empty ones and those that begin with # say nothing, quotes around a value are taken off.

    Raises:
        ConfigurationError: a line is none.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        match = _LINE.fullmatch(text)
        if match is None:
            raise ConfigurationError(f"{where}:{number}: expected NAME=value")
        value = match[2].strip()
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
        found[match[1]] = value[1:-1] if quoted else value
    return found
