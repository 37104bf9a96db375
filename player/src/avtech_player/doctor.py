"""What is wrong with a player's device: looked at from outside, without the player, each check by itself."""

import os
import shutil
import socket
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from avtech_player.clock import TrustedClock, kernel_is_synchronised, spell
from avtech_player.config import Config
from avtech_player.device_key import load_device_key
from avtech_player.durable import read_bounded
from avtech_player.engine import MpvSettings, display_fault, parse_settings
from avtech_player.floor import load_floor
from avtech_player.state import StateCorruptError
from avtech_player.statefile import read_state
from avtech_player.store import Stored, open_store
from avtech_player.waking import try_broker
from avtech_schema.envelope import public_key_text
from avtech_schema.errors import AvtechError, ConfigurationError
from avtech_schema.layout import TIMESTAMP_KEY, plays_prefix, report_prefix

_LOST_KEY = "put back a copy; or remove it, run `avtech-player enroll`, and change the Screen resource"
_SLOW_SECONDS = 5.0
_BROKER_SECONDS = 10.0
_MAX_ROOT_BYTES = 512_000
_MAX_TIMESTAMP_BYTES = 16_384


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: `ok`, `warning` (works, but look at it) or `error` (does not work), and what to do."""

    check: str
    severity: str
    message: str
    help: str = ""


def diagnose(config: Config, environment: Mapping[str, str]) -> list[Finding]:
    """Every check, whatever the others found."""
    checks: list[tuple[str, Callable[[], Iterator[Finding]]]] = [
        ("key", lambda: _key(config)),
        ("root", lambda: _root(config)),
        ("state", lambda: _state(config)),
        ("disk", lambda: _disk(config)),
        ("clock", lambda: _clock(config)),
        ("store", lambda: _store(config, environment)),
        ("engine", lambda: _engine(config, environment)),
        ("panel", lambda: _panel(config)),
        ("wake", lambda: _wake(config, environment)),
        ("api", lambda: _api(config)),
    ]
    found: list[Finding] = []
    for name, check in checks:
        try:
            found += list(check())
        except AvtechError as error:
            found.append(Finding(name, "error", str(error), error.hint))
        except OSError as error:
            found.append(Finding(name, "error", f"{error.filename or name}: {error.strerror or error}"))
    return found


def _key(config: Config) -> Iterator[Finding]:
    try:
        key = load_device_key(config.device_key)
    except ConfigurationError as error:
        yield Finding("key", "error", f"{error}: it plays, but reports cannot be signed", error.hint or _LOST_KEY)
        return
    if stat.S_IMODE(config.device_key.stat().st_mode) & 0o077:
        yield Finding("key", "warning", f"others can read {config.device_key}", f"chmod 600 {config.device_key}")
    yield Finding("key", "ok", f"the device key is {public_key_text(key.public_key())}")


def _root(config: Config) -> Iterator[Finding]:
    from tuf.api.metadata import Metadata, Root

    data = read_bounded(config.root, limit=_MAX_ROOT_BYTES)
    if data is None:
        yield Finding(
            "root", "error", f"there is no trusted root at {config.root}", "copy trust/1.root.json from the fleet's repository"
        )
        return
    try:
        root: object = Metadata[Any].from_bytes(data).signed
        if not isinstance(root, Root):
            raise TypeError("it is other metadata")
    except Exception as error:  # noqa: BLE001  whatever a library makes of a damaged file
        yield Finding("root", "error", f"{config.root} is no trusted root ({' '.join(str(error).split())[:100]})")
        return
    yield Finding("root", "ok", f"version {root.version}, until {spell(root.expires.replace(tzinfo=UTC))}")


def _state(config: Config) -> Iterator[Finding]:
    if not config.state_dir.is_dir():
        yield Finding("state", "error", f"there is no directory {config.state_dir}", "`avtech-player enroll` makes it")
        return
    try:
        state = read_state(config.state_dir)
    except StateCorruptError as error:
        yield Finding("state", "warning", f"the state is damaged ({error}): the next start rebuilds it")
        return
    if state is None:
        yield Finding("state", "warning", "no player has run here yet", "avtech-player run")
        return
    yield Finding(
        "state", "ok", f"phase {state.phase}, {f'release {state.good.sequence} plays' if state.good else 'no release yet'}"
    )
    for entry in state.quarantine[-1:]:
        yield Finding(
            "state", "warning", f"release {entry.sequence} failed on this screen: {entry.reason}", "revert or mend it"
        )


def _disk(config: Config) -> Iterator[Finding]:
    if not config.state_dir.is_dir():
        return
    usage = shutil.disk_usage(config.state_dir)
    if not os.access(config.state_dir, os.W_OK) or os.statvfs(config.state_dir).f_flag & os.ST_RDONLY:
        yield Finding("disk", "error", f"{config.state_dir} cannot be written", "look at the mount and at the owner")
    if usage.free < config.min_free_bytes:
        yield Finding(
            "disk",
            "error",
            f"{usage.free} bytes are free, fewer than the {config.min_free_bytes} that must stay free (minFreeBytes)",
            "avtech-player cleanup --days-old 0",
        )
    else:
        yield Finding("disk", "ok", f"{usage.free} of {usage.total} bytes are free")


def _clock(config: Config) -> Iterator[Finding]:
    clock = TrustedClock()
    floor = load_floor(config.state_dir) if config.state_dir.is_dir() else None
    if floor is not None and floor.signed is not None:
        clock.signed(floor.signed, expiry=floor.expiry)
    reading = clock.read()
    if not kernel_is_synchronised():
        yield Finding("clock", "warning", "the clock is not synchronised", "timedatectl set-ntp true")
    if reading.trusted:
        yield Finding("clock", "ok", f"it is {spell(reading.now)}")
    else:
        text = (
            f"the clock says {spell(datetime.now(UTC))}, which is not to be believed; the player reckons {spell(reading.now)}"
        )
        yield Finding("clock", "warning", text, "until then only what has no dates plays by the clock")


def _store(config: Config, environment: Mapping[str, str]) -> Iterator[Finding]:
    store = open_store(config.store, environment)
    began = time.monotonic()
    found = store.read(TIMESTAMP_KEY, limit=_MAX_TIMESTAMP_BYTES)
    took = time.monotonic() - began
    if not isinstance(found, Stored):
        yield Finding(
            "store", "error", f"{store.url} holds no {TIMESTAMP_KEY}", "nothing was published there yet, or it is another place"
        )
    elif took > _SLOW_SECONDS:
        yield Finding("store", "warning", f"{store.url} took {took:.1f} s to answer")
    else:
        yield Finding("store", "ok", f"{store.url} answers in {took * 1000:.0f} ms")
    if config.report_store is None and config.store.startswith("http"):
        yield Finding("store", "error", f"{store.url} can only be read, and there is nowhere to report to", "set reportStore")
    else:
        reports = open_store(config.report_store, environment) if config.report_store else store
        prefixes = f"{report_prefix(config.client, config.screen)} and {plays_prefix(config.client, config.screen)}"
        yield Finding("store", "ok", f"reports go to {reports.url}, below {prefixes}")


def _engine(config: Config, environment: Mapping[str, str]) -> Iterator[Finding]:
    settings = parse_settings(config.engine)
    if not isinstance(settings, MpvSettings):
        yield Finding("engine", "ok", "the engine is simulated: nothing is drawn")
        return
    for program, why in ((settings.executable, "draws the clips"), ("ffmpeg", "judges clips before they are shown")):
        if (path := shutil.which(program)) is None:
            yield Finding("engine", "error", f"{program} is not there; it {why}", f"apt install {Path(program).name}")
        else:
            yield Finding("engine", "ok", f"{path} {why}")
    yield from _display(settings, environment)


def _display(settings: MpvSettings, environment: Mapping[str, str]) -> Iterator[Finding]:
    if fault := display_fault(settings, environment):
        yield Finding("display", "error", fault, "is the X server running? set engine.display, or DISPLAY")
    elif display := settings.display or environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"):
        yield Finding("display", "ok", f"the display is {display}")
    else:
        yield Finding("display", "ok", "there is no display server; mpv draws by DRM")


def _panel(config: Config) -> Iterator[Finding]:
    """The commands are looked for, not run: whoever looks at a screen would see that."""
    if config.power_command is None:
        yield Finding("panel", "ok", "no command turns the panel on and off (display.powerCommand)")
        return
    for verb, command in (("on", config.power_command.on), ("off", config.power_command.off)):
        if (path := shutil.which(command[0])) is None:
            why = "cannot be run" if Path(command[0]).exists() else "is not there"
            text = f"{command[0]} {why}; it turns the panel {verb}"
            yield Finding("panel", "error", text, "install it, or correct display.powerCommand: a program, then its arguments")
        else:
            yield Finding("panel", "ok", f"{path} turns the panel {verb}")


def _wake(config: Config, environment: Mapping[str, str]) -> Iterator[Finding]:
    """A broker is no condition of anything, and so one that fails is a warning."""
    wake = config.wake
    if wake is None:
        yield Finding("wake", "ok", f"no broker wakes the player; it looks every {config.poll_seconds:g} s")
        return
    where = f"{wake.host}:{wake.port}"
    began = time.monotonic()
    try:
        try_broker(wake, f"avtech-doctor-{config.screen}", environment, within=_BROKER_SECONDS)
    except AvtechError as error:
        yield Finding(
            "wake", "warning", f"no wake-up from {where}: {error}; it looks every {config.poll_seconds:g} s", error.hint
        )
        return
    took = (time.monotonic() - began) * 1000
    yield Finding("wake", "ok", f"{where} lets the player listen to {wake.topic}, after {took:.0f} ms")


def _api(config: Config) -> Iterator[Finding]:
    if config.api is None:
        yield Finding("api", "ok", "the local API is off")
        return
    where = f"{config.api.host}:{config.api.port}"
    try:
        with socket.create_connection(config.api, timeout=2):
            yield Finding("api", "ok", f"something answers on {where}")
    except OSError:
        yield Finding("api", "ok", f"nothing listens on {where}: the player does not run")
