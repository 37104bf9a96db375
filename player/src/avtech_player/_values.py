"""The values that a player's settings may have, each read strictly; a `ValueError` says what was expected."""

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from avtech_schema.identifiers import ByteSize
from avtech_schema.store_address import check_bucket, check_endpoint, check_host, check_region

ENGINES = ("mpv", "simulated")
API_ADDRESS = "127.0.0.1:8081"
_UNITS = {"": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_SIZE = re.compile(r"([0-9]{1,15}) ?([kmg]i?b)?", re.IGNORECASE)


class Address(NamedTuple):
    """Where the local API listens: an address of this machine alone, and a port (0 takes any)."""

    host: str
    port: int


class PowerCommand(NamedTuple):
    """How the panel is turned on and off: a program and its arguments for each, run without a shell."""

    on: tuple[str, ...]
    off: tuple[str, ...]


def store_url(text: str) -> str:
    """Check a store's address: `file://`, `s3://`, `https://`, or `http://` on this machine.

    Raises:
        ValueError: it is none of these.
    """
    parts = urlsplit(text)
    match parts.scheme:
        case "file" if parts.path.startswith("/") and not parts.netloc:
            return text
        case "s3" if parts.netloc:
            check_s3(parts.netloc, dict(parse_qsl(parts.query)))
            return text
        case "https" if parts.hostname:
            if parts.password or parts.username:
                raise ValueError("credentials do not belong in an address")
            check_host(parts)
            return text
        case "http" if parts.hostname and is_loopback(parts.hostname):
            check_host(parts)
            return text
        case "http":
            raise ValueError("http:// is for this machine alone; use https://")
        case _:
            raise ValueError(f"{text[:80]!r} is not file:///dir, s3://bucket/prefix or https://host/path")


def check_s3(bucket: str, settings: Mapping[str, str]) -> None:
    """Check what an `s3://` address names: its bucket, and the endpoint and the region if it has them.

    Raises:
        ValueError: one of them cannot be.
    """
    check_bucket(bucket)
    if endpoint := settings.get("endpoint"):
        check_endpoint(endpoint)
    if region := settings.get("region"):
        check_region(region)


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def text(value: object) -> str:
    """A text."""
    if not isinstance(value, str):
        raise ValueError(f"expected a text, found {value!r:.80}")
    return value


def path(text: str) -> Path:
    """A path, not empty."""
    if not text or "\0" in text:
        raise ValueError("expected a path")
    return Path(text)


def engine(value: object) -> Mapping[str, Any]:
    """The settings of an engine: a mapping with its kind, or the kind alone."""
    settings: Any = {"kind": value} if isinstance(value, str) else value
    if not isinstance(settings, dict) or settings.get("kind") not in ENGINES:
        raise ValueError(f"its kind is one of {', '.join(ENGINES)}")
    return settings


def _number(value: object, low: float, high: float, unit: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"expected {low:g} to {high:.0f} {unit}, found {value!r:.80}")
    return float(value)


def seconds(value: object) -> float:
    """Seconds, from a twentieth to a day."""
    return _number(value, 0.05, 86_400, "seconds")


def days(value: object) -> float:
    """Days, up to ten years."""
    return _number(value, 0, 3650, "days")


def size(value: object) -> ByteSize:
    """Bytes, as a whole number or as a text like `500 MB` or `2GiB`."""
    found = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is not None:
        return ByteSize(int(found[1]) * _UNITS[(found[2] or "").lower()])
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 10**15:
        raise ValueError(f"expected a size like 500000000, 500 MB or 2 GiB, found {value!r:.80}")
    return ByteSize(value)


def address(value: object) -> Address | None:
    """An address of this machine with a port; None for `off`."""
    if value in (False, "off"):
        return None
    host, _, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise ValueError(f"expected an address like {API_ADDRESS}, or off, found {value!r:.80}")
    if not is_loopback(host):
        raise ValueError(f"{host[:80]} is not this machine's own; the API is for 127.0.0.1, ::1 or localhost alone")
    return Address(host, int(port))


def power_command(value: object) -> PowerCommand | None:
    """The `display:` setting, `{powerCommand: {on: [program, argument, …], off: [program, …]}}`."""
    if not isinstance(value, dict):
        raise ValueError(f"expected powerCommand below it, found {value!r:.80}; the X display is engine.display")
    if unknown := value.keys() - {"powerCommand"}:
        raise ValueError(f"unknown key {min(map(str, unknown))!r:.80} (known: powerCommand)")
    commands = value.get("powerCommand")
    if commands is None:
        return None
    if not isinstance(commands, dict) or commands.keys() != {"on", "off"}:
        raise ValueError("powerCommand: expected a command for `on` and one for `off`, and nothing else")
    return PowerCommand(*(_command(commands[key], f"powerCommand.{key}") for key in ("on", "off")))


def _command(value: object, where: str) -> tuple[str, ...]:
    parts = value if isinstance(value, list) else []
    if not parts or len(parts) > 32 or not all(isinstance(part, str) and part and "\0" not in part for part in parts):
        raise ValueError(
            f"{where}: expected a program and its arguments, like [vcgencmd, display_power, '0'], found {value!r:.80}"
        )
    return tuple(parts)
