"""The `engine:` part of a player's configuration, parsed once and refused with every reason it is wrong."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from avtech_player import _values as values
from avtech_schema.errors import ConfigurationError
from avtech_schema.identifiers import ByteSize

KINDS = ("mpv", "simulated")
SCREEN_OUTPUTS = ("gpu", "gpu-next", "x11", "xv", "vdpau", "vaapi", "wlshm", "dmabuf-wayland", "drm", "rpi")
"""mpv's outputs that bring pictures to a screen; its others (null, image, tct, sdl without a display, …) show nothing there."""

SCALING = {"fit": (), "fill": ("--panscan=1",), "stretch": ("--keepaspect=no",), "none": ("--video-unscaled=yes",)}
"""How a clip of another shape than the screen's fills it: whole with bars, cropped, distorted, or pixel by pixel."""
_LEAST_MEMORY = 64_000_000
_HALF = ByteSize(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2)


@dataclass(frozen=True, slots=True)
class MpvSettings:
    """How mpv draws. Without `vo` the output fits the display, without `ao` mpv chooses.

    `volume` is 0 to 100, and 0 opens no audio device at all.
    `display` is the X display (`:0`); without it the environment's holds. `options` are further options of mpv's own.
    `memory_limit` is how many bytes of memory it may take, `scaling` how a clip of another shape fills the screen.
    """

    executable: str = "mpv"
    vo: str | None = None
    ao: str | None = None
    volume: int = 0
    hwdec: str = "auto-safe"
    display: str | None = None
    options: tuple[str, ...] = ()
    memory_limit: ByteSize = _HALF
    scaling: str = "fit"


_MPV_KEYS = ("executable", "vo", "ao", "volume", "hwdec", "display", "options", "maxMemory", "scaling")


@dataclass(frozen=True, slots=True)
class SimulatedSettings:
    """How fast the simulated engine's time passes."""

    speed: float = 1.0


EngineSettings = MpvSettings | SimulatedSettings


def parse_settings(settings: Mapping[str, Any]) -> EngineSettings:
    """Read `{kind: mpv|simulated, …}`; `kind` defaults to mpv.

    Raises:
        ConfigurationError: a key is unknown or a value has the wrong type.
    """
    rest = dict(settings)
    kind = rest.pop("kind", "mpv")
    if kind not in KINDS:
        raise ConfigurationError(f"engine.kind: {kind!r} is not one of {', '.join(KINDS)}")
    return _mpv(rest) if kind == "mpv" else _simulated(rest)


def _simulated(rest: dict[str, Any]) -> SimulatedSettings:
    speed = rest.pop("speed", 1)
    if isinstance(speed, bool) or not isinstance(speed, int | float) or not 0.01 <= speed <= 1000:
        raise ConfigurationError(f"engine.speed: {speed!r} is not a number from 0.01 to 1000")
    _finish(rest, "simulated", ("kind", "speed"))
    return SimulatedSettings(float(speed))


def _mpv(rest: dict[str, Any]) -> MpvSettings:
    volume = rest.pop("volume", 0)
    if isinstance(volume, bool) or not isinstance(volume, int) or not 0 <= volume <= 100:
        raise ConfigurationError(f"engine.volume: {volume!r} is not a whole number from 0 to 100")
    options = rest.pop("options", [])
    if not isinstance(options, list | tuple) or not all(isinstance(option, str) for option in options):
        raise ConfigurationError("engine.options: a list of texts like --drm-connector=HDMI-A-1 is expected")
    if wrong := [option for option in options if not option.startswith("--")]:
        raise ConfigurationError(f"engine.options: {wrong[0]!r} does not start with --")
    if wrong := [option for option in options if option.startswith(("--vo=", "--vo-"))]:
        raise ConfigurationError(f"engine.options: {wrong[0]!r}: set engine.vo instead")
    known = MpvSettings(
        executable=_text(rest, "executable") or "mpv",
        vo=_outputs(_text(rest, "vo")),
        ao=_text(rest, "ao"),
        volume=volume,
        hwdec=_text(rest, "hwdec") or "auto-safe",
        display=_text(rest, "display"),
        options=tuple(options),
        memory_limit=_memory(rest.pop("maxMemory", None)),
        scaling=_scaling(rest.pop("scaling", "fit")),
    )
    _finish(rest, "mpv", ("kind", *_MPV_KEYS))
    return known


def _memory(value: object) -> ByteSize:
    try:
        limit = _HALF if value is None else values.size(value)
    except ValueError as error:
        raise ConfigurationError(f"engine.maxMemory: {error}") from error
    if limit < _LEAST_MEMORY:
        raise ConfigurationError(f"engine.maxMemory: mpv cannot play within {limit} bytes; give it {_LEAST_MEMORY} at least")
    return limit


def _scaling(value: object) -> str:
    if not isinstance(value, str) or value not in SCALING:
        raise ConfigurationError(f"engine.scaling: {value!r:.80} is not one of {', '.join(SCALING)}")
    return value


def _text(rest: dict[str, Any], key: str) -> str | None:
    value = rest.pop(key, None)
    if value is not None and not (isinstance(value, str) and value and value.isprintable()):
        raise ConfigurationError(f"engine.{key}: {value!r} is not a text")
    return value


def _outputs(value: str | None) -> str | None:
    """An output, or several to try in order: only such as people can see."""
    for name in (value or SCREEN_OUTPUTS[0]).split(","):
        if name.partition(":")[0] not in SCREEN_OUTPUTS:
            raise ConfigurationError(f"engine.vo: {name!r} shows nothing on a screen (known: {', '.join(SCREEN_OUTPUTS)})")
    return value


def _finish(rest: dict[str, Any], kind: str, known: tuple[str, ...]) -> None:
    if rest:
        unknown = ", ".join(sorted(map(str, rest)))
        raise ConfigurationError(f"engine: unknown for {kind}: {unknown} (known: {', '.join(known)})")
