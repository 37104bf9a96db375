"""The player's configuration: one small YAML file, each key of which the environment can override."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import yaml

from avtech_player.durable import DiskError, TooLargeError, read_bounded
from avtech_schema.errors import ConfigurationError
from avtech_schema.identifiers import ClientId, ScreenId, client_id, screen_id

T = TypeVar("T")
MAX_CONFIG_BYTES = 64_000
PREFIX = "AVTECH_PLAYER_"
KEYS = (
    "screen",
    "client",
    "store",
    "reportStore",
    "stateDir",
    "root",
    "deviceKey",
    "engine",
    "pollSeconds",
    "reportSeconds",
)
ENGINES = ("mpv", "simulated")


@dataclass(frozen=True, slots=True)
class Config:
    """One player. Paths are absolute; `report_store` is None when reports go to `store`; times are in seconds."""

    screen: ScreenId
    client: ClientId
    store: str
    state_dir: Path
    root: Path
    device_key: Path
    report_store: str | None = None
    engine: Mapping[str, Any] = field(default_factory=lambda: {"kind": "mpv"})
    poll_seconds: float = 30.0
    report_seconds: float = 300.0


def load_config(path: Path, environment: Mapping[str, str]) -> Config:
    """Read a configuration file; `AVTECH_PLAYER_<KEY>` (as in `AVTECH_PLAYER_STATE_DIR`) overrides a key.

    Raises:
        ConfigurationError: the file is missing, malformed, or says something impossible.
    """
    try:
        data = read_bounded(path, limit=MAX_CONFIG_BYTES)
    except (DiskError, TooLargeError) as error:
        raise ConfigurationError(f"cannot read the configuration: {error}") from error
    if data is None:
        raise ConfigurationError(f"there is no configuration at {path}", hint="`avtech-player enroll` writes one")
    return parse_config(data, where=str(path), base=path.absolute().parent, environment=environment)


def parse_config(data: bytes, *, where: str, base: Path, environment: Mapping[str, str]) -> Config:
    """Parse a configuration; relative paths start at `base`.

    Raises:
        ConfigurationError: it is malformed, or says something impossible.
    """
    values = _document(data, where)
    for key in KEYS:
        if (text := environment.get(variable(key))) is not None:
            values[key] = _scalar(text, variable(key))
    if unknown := sorted(values.keys() - set(KEYS)):
        raise ConfigurationError(f"{where}: unknown key {unknown[0]!r:.80}", hint=f"known keys: {', '.join(KEYS)}")
    state_dir = _path(values, "stateDir", where, base)
    return Config(
        screen=_parsed(values, "screen", where, screen_id),
        client=_parsed(values, "client", where, client_id),
        store=_parsed(values, "store", where, store_url),
        report_store=_parsed(values, "reportStore", where, store_url) if values.get("reportStore") is not None else None,
        state_dir=state_dir,
        root=_path(values, "root", where, base),
        device_key=_path(values, "deviceKey", where, base) if "deviceKey" in values else state_dir / "device.key",
        engine=_engine(values.get("engine", "mpv"), where),
        poll_seconds=_seconds(values.get("pollSeconds", 30), "pollSeconds", where),
        report_seconds=_seconds(values.get("reportSeconds", 300), "reportSeconds", where),
    )


def variable(key: str) -> str:
    """The environment variable that overrides a key: `stateDir` has `AVTECH_PLAYER_STATE_DIR`."""
    return PREFIX + re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).upper()


def store_url(text: str) -> str:
    """Check a store's address: `file://`, `s3://`, `https://`, or `http://` on this machine.

    Raises:
        ValueError: it is none of these.
    """
    parts = urlsplit(text)
    match parts.scheme:
        case "file" if parts.path.startswith("/") and not parts.netloc:
            return text
        case "s3" | "https" if parts.hostname:
            if parts.password or parts.username:
                raise ValueError("credentials do not belong in an address")
            return text
        case "http" if parts.hostname and _is_loopback(parts.hostname):
            return text
        case "http":
            raise ValueError("http:// is for this machine alone; use https://")
        case _:
            raise ValueError(f"{text[:80]!r} is not file:///dir, s3://bucket/prefix or https://host/path")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _CoreLoader(yaml.SafeLoader):
    """YAML 1.2's core scalars, and no key twice."""

    yaml_implicit_resolvers: dict[str, Any] = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if twice := sorted(name for name in set(names) if names.count(name) > 1):
            raise yaml.constructor.ConstructorError(None, None, f"the key {twice[0]!r:.80} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


for _tag, _pattern, _first in (
    ("bool", r"^(true|false)$", "tf"),
    ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("float", r"^[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$", "-+.0123456789"),
    ("null", r"^(null|~|)$", ["n", "~", ""]),
):
    _CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


def _document(data: bytes, where: str) -> dict[str, Any]:
    value = _scalar(data, where)
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise ConfigurationError(f"{where}: expected keys and values")
    return value


def _scalar(text: str | bytes, where: str) -> Any:
    try:
        return yaml.load(text, Loader=_CoreLoader)  # noqa: S506  a safe loader, made stricter
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"{where}: not YAML: {' '.join(str(error).split())[:300]}") from error


def _parsed(values: Mapping[str, Any], key: str, where: str, parse: Callable[[str], T]) -> T:
    value = values.get(key)
    if value is None:
        raise ConfigurationError(f"{where}: {key} is missing", hint=f"write it there or set {variable(key)}")
    try:
        if not isinstance(value, str):
            raise ValueError(f"expected a text, found {value!r:.80}")
        return parse(value)
    except ValueError as error:
        raise ConfigurationError(f"{where}: {key}: {error}") from error


def _path(values: Mapping[str, Any], key: str, where: str, base: Path) -> Path:
    return base / _parsed(values, key, where, _nonempty)


def _nonempty(text: str) -> str:
    if not text or "\0" in text:
        raise ValueError("expected a path")
    return text


def _engine(value: object, where: str) -> Mapping[str, Any]:
    settings: Any = {"kind": value} if isinstance(value, str) else value
    if not isinstance(settings, dict) or settings.get("kind") not in ENGINES:
        raise ConfigurationError(f"{where}: engine: its kind is one of {', '.join(ENGINES)}")
    return settings


def _seconds(value: object, key: str, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.05 <= value <= 86_400:
        raise ConfigurationError(f"{where}: {key} must be from 0.05 to 86400 seconds, found {value!r:.80}")
    return float(value)
