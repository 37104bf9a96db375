"""Where a player may be told to look at once: a topic of an MQTT broker, as its configuration says."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from avtech_player._values import is_loopback

TOPIC = "avtech/wake"
_PORTS = {"mqtt": 1883, "mqtts": 8883}
_KEYS = ("url", "topic", "username", "passwordFile", "caFile", "spreadSeconds")
_MAX_TOPIC_BYTES = 1024
_SPREAD_SECONDS = 0.3
_MAX_SPREAD_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Wake:
    """A broker and a topic whose every message says: look now.

    `tls` says that the connection is encrypted and the broker's name checked, by `ca_file` where that is given. A look
    follows a message within `spread` seconds, at a random moment, so that a fleet does not look at once.
    """

    host: str
    port: int
    tls: bool
    topic: str = TOPIC
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    spread: float = _SPREAD_SECONDS


def wake(value: object, base: Path) -> Wake | None:
    """Where to be woken: an address alone, or a mapping with more; None for `off`. Relative paths start at `base`.

    Raises:
        ValueError: it says something impossible.
    """
    if value in (False, "off"):
        return None
    given: Any = {"url": value} if isinstance(value, str) else value
    if not isinstance(given, dict) or "url" not in given:
        raise ValueError("expected an address like mqtts://broker.example, or {url: …}, or off")
    if unknown := sorted(str(key) for key in given.keys() - set(_KEYS)):
        raise ValueError(f"unknown key {unknown[0]!r:.80} (it has {', '.join(_KEYS)})")
    host, port, tls = _address(_text(given, "url") or "")
    username, password_file = _text(given, "username"), _path(given, "passwordFile", base)
    if not tls and (username or password_file) and not is_loopback(host):
        raise ValueError("a name and a password need mqtts://")
    return Wake(
        host,
        port,
        tls,
        _topic(_text(given, "topic") or TOPIC),
        username,
        password_file,
        _path(given, "caFile", base),
        _spread(given.get("spreadSeconds", _SPREAD_SECONDS)),
    )


def _address(url: str) -> tuple[str, int, bool]:
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(f"{url[:80]!r} is not mqtts://host or mqtt://host, with a port if need be")
    if parts.username or parts.password:
        raise ValueError("credentials do not belong in an address: set username and passwordFile")
    return parts.hostname, parts.port or _PORTS[parts.scheme], parts.scheme == "mqtts"


def _text(given: Mapping[str, Any], key: str) -> str | None:
    value = given.get(key)
    if value is not None and not (isinstance(value, str) and value and value.isprintable()):
        raise ValueError(f"{key}: expected a text, found {value!r:.80}")
    return value


def _path(given: Mapping[str, Any], key: str, base: Path) -> Path | None:
    text = _text(given, key)
    return base / text if text else None


def _topic(text: str) -> str:
    """One topic, not a pattern: a player subscribes to nothing but this."""
    if any(mark in text for mark in "+#") or len(text.encode()) > _MAX_TOPIC_BYTES:
        raise ValueError(f"topic: {text[:80]!r} is not one topic")
    return text


def _spread(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MAX_SPREAD_SECONDS:
        raise ValueError(f"spreadSeconds: expected 0 to {_MAX_SPREAD_SECONDS:.0f} seconds, found {value!r:.80}")
    return float(value)
