"""The player's version, found without importlib.metadata, which would cost a player 2.7 MB of memory."""

import functools
import re
import sys
from pathlib import Path

_INSTALLED = re.compile(r"avtech_player-([0-9][0-9A-Za-z.+!_-]*)\.dist-info")


@functools.cache
def player_version() -> str:
    """The player's name and version; the version is `unknown` where it runs without being installed."""
    for place in sys.path:
        try:
            names = [path.name for path in Path(place or ".").glob("avtech_player-*.dist-info")]
        except OSError:
            continue
        for name in names:
            if found := _INSTALLED.fullmatch(name):
                return f"avtech-player {found[1]}"
    return "avtech-player unknown"
