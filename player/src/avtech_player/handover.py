"""From the command to the daemon: `run` reads the configurations, then becomes a process that holds nothing but the player.

What reads command lines, YAML and TOML would stay in memory for years (docs/decisions/0013-a-light-player.md).
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import orjson

from avtech_player._document import Document
from avtech_player.config import Settings
from avtech_schema.errors import ConfigurationError

_MAX_BYTES = 64_000_000


@dataclass(frozen=True, slots=True)
class Handover:
    """What the daemon is started with: settings that were found right, and how it logs."""

    settings: tuple[Settings, ...]
    log_format: str
    verbose: bool


def become_daemon(handover: Handover) -> NoReturn:
    """Replace this process by the daemon; its number, its environment and its open output stay.

    Raises:
        ConfigurationError: a setting is nothing that a player knows.
    """
    memory = os.memfd_create("avtech-player", 0)
    with open(memory, "wb", closefd=False) as file:
        file.write(spell(handover))
    os.lseek(memory, 0, os.SEEK_SET)
    sys.stdout.flush()
    sys.stderr.flush()
    names = [str(settings.document.values.get("screen")) for settings in handover.settings[:1]]
    os.execv(sys.executable, [sys.executable, "-P", "-m", "avtech_player.process", str(memory), *names])  # noqa: S606


def spell(handover: Handover) -> bytes:
    """A handover as JSON.

    Raises:
        ConfigurationError: a setting is nothing that a player knows.
    """
    players = [
        {"values": settings.document.values, "where": settings.where, "base": str(settings.base)}
        for settings in handover.settings
    ]
    try:
        return orjson.dumps({"players": players, "logFormat": handover.log_format, "verbose": handover.verbose})
    except TypeError as error:
        raise ConfigurationError(f"a setting is nothing that a player knows: {error}") from error


def receive(memory: int) -> Handover:
    """Read what `become_daemon` left in the open file with this number, and close it.

    Raises:
        ConfigurationError: nothing was left.
    """
    try:
        with open(memory, "rb") as file:
            value: Any = orjson.loads(file.read(_MAX_BYTES))
        settings = tuple(Settings(Document(one["values"]), one["where"], Path(one["base"])) for one in value["players"])
        return Handover(settings, value["logFormat"], value["verbose"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError("a player is started by `avtech-player run`") from error
