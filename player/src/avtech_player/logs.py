"""Logs on stderr: text for people, one JSON object a line for machines, levels for the system's journal.

Lines say which screen they are about, since several simulated players may share a process.
"""

import logging
import os
import sys
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

import orjson

from avtech_schema.errors import AvtechError
from avtech_schema.identifiers import ScreenId

if TYPE_CHECKING:  # A player logs before it has seen to staying light.
    from avtech_schema.report import ReleaseRef

LOG_FORMATS = ("text", "json")
_TEXT = "%(levelname)s %(message)s"
_BUG_HINT = "this is a bug in avtech-player; run again with --verbose and report it"


class ScreenLog(logging.LoggerAdapter[logging.Logger]):
    """A logger whose messages begin with the screen's name."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Put the name before the message."""
        return f"{self.extra['screen'] if self.extra else '?'}: {msg}", kwargs


def screen_log(name: str, screen: ScreenId) -> ScreenLog:
    """The log of a part of one player; `name` is the part's, as in `sync`."""
    return ScreenLog(logging.getLogger(f"avtech.player.{name}"), {"screen": screen})


class JsonFormatter(logging.Formatter):
    """One JSON object a line; the time is UTC, RFC 3339."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        entry = {
            "time": _spelt(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(entry).decode()


class JournalFormatter(logging.Formatter):
    """The level as systemd's journal reads it, and the message; the time is the journal's own."""

    _LEVELS = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}

    def format(self, record: logging.LogRecord) -> str:
        """The lines, each with its level."""
        level = self._LEVELS.get(record.levelno, 6)
        return "\n".join(f"<{level}>{line}" for line in super().format(record).splitlines())


class DatedFormatter(logging.Formatter):
    """The time in UTC, the level and the message."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return f"{_spelt(datetime.fromtimestamp(record.created, UTC))} {super().format(record)}"


def configure_logging(log_format: str, *, verbose: bool, dated: bool = False) -> None:
    """Send the logs of the player to stderr; text is dated if asked, unless a journal does that."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(log_format, dated=dated))
    logger = logging.getLogger("avtech")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.DEBUG if verbose else logging.INFO)
    logger.propagate = False


def _formatter(log_format: str, *, dated: bool) -> logging.Formatter:
    if log_format == "json":
        return JsonFormatter()
    if goes_to_journal(sys.stderr, os.environ):
        return JournalFormatter("%(message)s")
    return DatedFormatter(_TEXT) if dated else logging.Formatter(_TEXT)


def goes_to_journal(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether systemd's journal reads a stream: `JOURNAL_STREAM` names its device and inode."""
    device, _, inode = environment.get("JOURNAL_STREAM", "").partition(":")
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return (device, inode) == (str(found.st_dev), str(found.st_ino))


def logs_are_json() -> bool:
    """Whether logs are for machines, and with them whatever else is told on stderr."""
    return any(isinstance(handler.formatter, JsonFormatter) for handler in logging.getLogger("avtech").handlers)


def release_name(ref: "ReleaseRef") -> str:
    """A release as people know it."""
    return f"{ref.sequence} (commit {ref.commit[:12]})"


def tell_failure(error: AvtechError) -> int:
    """Tell an expected failure on stderr, and return its exit code."""
    return tell(str(error), error.hint, error.exit_code)


def tell_bug(error: Exception) -> int:
    """Tell a fault of ours on stderr in one line, and return its exit code; its traceback is for the debug log."""
    logging.getLogger("avtech").debug("internal error", exc_info=error)
    told = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    return tell(told, _BUG_HINT, 3, kind="internal error")


def tell(message: str, hint: str, code: int, *, kind: str = "error") -> int:
    """Tell why a command ended, each problem on a line of its own, as the logs are told; returns the exit code."""
    for line in message.splitlines():
        print(_json_line(kind, line, hint) if logs_are_json() else f"{kind}: {line}", file=sys.stderr)  # noqa: T201
    if hint and not logs_are_json():
        print(f"  help: {hint}", file=sys.stderr)  # noqa: T201
    return code


def _json_line(kind: str, message: str, hint: str) -> str:
    time = _spelt(datetime.now(UTC))
    entry = {"time": time, "level": "error", "logger": "avtech.player", "kind": kind, "message": message, "help": hint}
    return orjson.dumps(entry).decode()


def _spelt(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
