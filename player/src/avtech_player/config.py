"""The player's configuration: one small YAML or TOML file, each key of which the environment can override."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from avtech_player import _values as values
from avtech_player._document import Document, Place
from avtech_player._values import API_ADDRESS, ENGINES, Address, PowerCommand, store_url
from avtech_player._wake_settings import Wake, wake
from avtech_player.durable import DiskError, TooLargeError, read_bounded
from avtech_schema.errors import ConfigurationError
from avtech_schema.identifiers import ByteSize, ClientId, ScreenId, client_id, screen_id

T = TypeVar("T")
MAX_CONFIG_BYTES = 64_000
PREFIX = "AVTECH_PLAYER_"
_MPV: Mapping[str, Any] = {"kind": "mpv"}
__all__ = [
    "API_ADDRESS",
    "ENGINES",
    "KEYS",
    "Address",
    "Config",
    "ConfigProblemsError",
    "PowerCommand",
    "Problem",
    "Settings",
    "Wake",
    "load_config",
    "load_settings",
    "make_config",
    "parse_config",
    "store_url",
    "variable",
]
KEYS = (
    "screen",
    "client",
    "store",
    "reportStore",
    "stateDir",
    "root",
    "deviceKey",
    "engine",
    "display",
    "pollSeconds",
    "reportSeconds",
    "minFreeBytes",
    "maxBytes",
    "retentionDays",
    "playsMaxBytes",
    "playsUploadSeconds",
    "api",
    "wake",
    "secrets",
)


@dataclass(frozen=True, slots=True)
class Config:
    """One player. Paths are absolute, times are in seconds, sizes in bytes.

    `report_store` is None when reports go to `store`, `max_bytes` when clips may take what the disk has, `api` and `wake`
    when there is none; `plays_max_bytes` is 0 when no proof of play is kept. `secrets` is a file that adds to the environment.
    `power_command` is None where nothing switches the panel.
    """

    screen: ScreenId
    client: ClientId
    store: str
    state_dir: Path
    root: Path
    device_key: Path
    report_store: str | None = None
    engine: Mapping[str, Any] = field(default_factory=lambda: {"kind": "mpv"})
    poll_seconds: float = 60.0
    report_seconds: float = 300.0
    min_free_bytes: ByteSize = ByteSize(16_000_000)
    max_bytes: ByteSize | None = None
    retention_days: float = 30.0
    plays_max_bytes: ByteSize = ByteSize(64_000_000)
    plays_upload_seconds: float = 3600.0
    api: Address | None = None
    wake: Wake | None = None
    secrets: Path | None = None
    power_command: PowerCommand | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a configuration: where, which key (empty for the file itself), what, what to do."""

    place: Place
    key: str
    message: str
    help: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" + (f" ({self.help})" if self.help else "")


class ConfigProblemsError(ConfigurationError):
    """A configuration says something impossible; its text has one line for each problem."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Settings:
    """What a file and the environment say together, not yet judged; relative paths start at `base`."""

    document: Document
    where: str
    base: Path
    problems: tuple[Problem, ...] = ()


def load_config(path: Path, environment: Mapping[str, str]) -> Config:
    """Read a configuration file; `AVTECH_PLAYER_<KEY>` (as in `AVTECH_PLAYER_STATE_DIR`) overrides a key.

    Raises:
        ConfigurationError: the file is missing, malformed, or says something impossible.
    """
    return make_config(load_settings(path, environment))


def load_settings(path: Path, environment: Mapping[str, str]) -> Settings:
    """Read what a configuration file and the environment say.

    Raises:
        ConfigurationError: the file is missing or malformed.
    """
    try:
        data = read_bounded(path, limit=MAX_CONFIG_BYTES)
    except (DiskError, TooLargeError) as error:
        raise ConfigurationError(f"cannot read the configuration: {error}") from error
    if data is None:
        raise ConfigurationError(f"there is no configuration at {path}", hint="`avtech-player enroll` writes one")
    return _parse(data, str(path), path.absolute().parent, environment)


def parse_config(data: bytes, *, where: str, base: Path, environment: Mapping[str, str]) -> Config:
    """Parse a configuration; relative paths start at `base`.

    Raises:
        ConfigurationError: it is malformed.
        ConfigProblemsError: it says something impossible; every problem is told at once.
    """
    return make_config(_parse(data, where, base, environment))


def make_config(settings: Settings) -> Config:
    """Judge settings.

    Raises:
        ConfigProblemsError: they say something impossible; every problem is told at once.
    """
    reading = _Reading(settings)
    config = _config(reading, settings.base)
    if config is None:
        raise ConfigProblemsError(tuple(sorted(reading.problems, key=lambda problem: (problem.place.line, problem.key))))
    return config


def _parse(data: bytes, where: str, base: Path, environment: Mapping[str, str]) -> Settings:
    from avtech_player._formats import read_document, read_scalar

    document = read_document(data, where)
    found, places = dict(document.values), dict(document.places)
    problems: list[Problem] = []
    for key in KEYS:
        if (text := environment.get(name := variable(key))) is None:
            continue
        places[key] = Place(name)
        try:
            found[key] = read_scalar(text, name)
        except ConfigurationError as error:
            problems.append(Problem(Place(name), key, str(error).partition(": ")[2]))
            found.pop(key, None)
    return Settings(Document(found, places), where, base, tuple(problems))


def _config(reading: "_Reading", base: Path) -> Config | None:
    reading.refuse_unknown()
    screen, client = reading.text("screen", screen_id), reading.text("client", client_id)
    store, report_store = reading.text("store", store_url), reading.optional("reportStore", store_url)
    state_dir, root = reading.text("stateDir", values.path), reading.text("root", values.path)
    device_key, secrets = reading.optional("deviceKey", values.path), reading.optional("secrets", values.path)
    engine = reading.value("engine", values.engine, _MPV)
    no_bound: ByteSize | None = None
    no_command: PowerCommand | None = None
    no_wake: Wake | None = None
    settings = Config(
        screen=screen or ScreenId(""),
        client=client or ClientId(""),
        store=store or "",
        report_store=report_store,
        state_dir=base / (state_dir or ""),
        root=base / (root or ""),
        device_key=base / (device_key or (state_dir or Path()) / "device.key"),
        engine=engine,
        power_command=reading.value("display", values.power_command, no_command),
        poll_seconds=reading.value("pollSeconds", values.seconds, 60.0),
        report_seconds=reading.value("reportSeconds", values.seconds, 300.0),
        min_free_bytes=reading.value("minFreeBytes", values.size, ByteSize(16_000_000)),
        max_bytes=reading.value("maxBytes", values.size, no_bound),
        retention_days=reading.value("retentionDays", values.days, 30.0),
        plays_max_bytes=reading.value("playsMaxBytes", values.size, ByteSize(64_000_000)),
        plays_upload_seconds=reading.value("playsUploadSeconds", values.seconds, 3600.0),
        api=reading.value("api", values.address, values.address(API_ADDRESS if engine.get("kind") == "mpv" else "off")),
        wake=reading.value("wake", lambda value: wake(value, base), no_wake),
        secrets=None if secrets is None else base / secrets,
    )
    return None if reading.problems else settings


class _Reading:
    """Takes the keys of a document one by one, and gathers what is wrong with them."""

    def __init__(self, settings: Settings) -> None:
        self._values = settings.document.values
        self._places = settings.document.places
        self._where = settings.where
        self.problems = list(settings.problems)

    def refuse_unknown(self) -> None:
        """Tell every key that a player does not know."""
        for key in self._values.keys() - set(KEYS):
            help_ = f"did you mean {nearest!r}?" if (nearest := _nearest(key)) else f"known keys: {', '.join(KEYS)}"
            self.problems.append(Problem(self._place(key), key, f"unknown key {key!r:.80}", help_))

    def text(self, key: str, parse: Callable[[str], T]) -> T | None:
        """Take a text that must be there; None once a problem is noted."""
        if self._values.get(key) is None:
            if not any(problem.key == key for problem in self.problems):
                self.problems.append(
                    Problem(Place(self._where), key, f"{key} is missing", f"write it there or set {variable(key)}")
                )
            return None
        return self.value(key, lambda value: parse(values.text(value)), None)

    def optional(self, key: str, parse: Callable[[str], T]) -> T | None:
        """Take a text that may be missing."""
        return self.value(key, lambda value: parse(values.text(value)), None)

    def value(self, key: str, parse: Callable[[object], T], default: T) -> T:
        """Take a value of any kind; the default, too, once a problem is noted."""
        value = self._values.get(key)
        if value is None:
            return default
        try:
            return parse(value)
        except ValueError as error:
            self.problems.append(Problem(self._place(key), key, f"{key}: {error}"))
            return default

    def _place(self, key: str) -> Place:
        return self._places.get(key, Place(self._where))


def variable(key: str) -> str:
    """The environment variable that overrides a key: `stateDir` has `AVTECH_PLAYER_STATE_DIR`."""
    return PREFIX + re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).upper()


def _nearest(key: str) -> str | None:
    import difflib

    lowered = {known.lower(): known for known in KEYS}
    plain = key.lower().replace("_", "").replace("-", "")
    return next((lowered[found] for found in difflib.get_close_matches(plain, lowered, 1, 0.7)), None)
