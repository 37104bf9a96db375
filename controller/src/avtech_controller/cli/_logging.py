"""Logs on stderr: text for people, one JSON object a line for machines."""

import logging
import sys
from datetime import UTC, datetime

import orjson

LOG_FORMATS = ("text", "json")


class JsonFormatter(logging.Formatter):
    """One JSON object a line; the time is UTC, RFC 3339."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(entry).decode()


def configure_logging(log_format: str, *, verbose: bool) -> None:
    """Send the logs of `avtech` to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == "json" else logging.Formatter("%(levelname)s %(message)s"))
    logger = logging.getLogger("avtech")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.DEBUG if verbose else logging.INFO)
    logger.propagate = False


def logs_are_json() -> bool:
    """Whether logs are for machines, and with them whatever else is told on stderr."""
    return any(isinstance(handler.formatter, JsonFormatter) for handler in logging.getLogger("avtech").handlers)


def error_line(kind: str, message: str, hint: str) -> str:
    """Why a command ended, as one JSON object like those of the log."""
    time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    entry = {"time": time, "level": "error", "logger": "avtech", "kind": kind, "message": message, "help": hint}
    return orjson.dumps(entry).decode()
