"""Log lines that say which screen they are about, since several simulated players may share a process."""

import logging
from collections.abc import MutableMapping
from typing import Any

from avtech_schema.identifiers import ScreenId


class ScreenLog(logging.LoggerAdapter[logging.Logger]):
    """A logger whose messages begin with the screen's name."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Put the name before the message."""
        return f"{self.extra['screen'] if self.extra else '?'}: {msg}", kwargs


def screen_log(name: str, screen: ScreenId) -> ScreenLog:
    """The log of a part of one player; `name` is the part's, as in `sync`."""
    return ScreenLog(logging.getLogger(f"avtech.player.{name}"), {"screen": screen})
