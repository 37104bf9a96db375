"""Engines show clips: mpv under supervision, and a simulation that decodes for real but draws nothing."""

import shutil
from collections.abc import Mapping
from typing import Any

from avtech_player.engine._check import ClipCheck, Fault, FaultKind, file_stamp, shared_check
from avtech_player.engine._display import display_fault
from avtech_player.engine._mpv import MpvEngine
from avtech_player.engine._settings import EngineSettings, MpvSettings, SimulatedSettings, parse_settings
from avtech_player.engine._simulated import SimulatedEngine
from avtech_schema.errors import ConfigurationError

__all__ = [
    "ClipCheck",
    "EngineSettings",
    "Fault",
    "FaultKind",
    "MpvEngine",
    "MpvSettings",
    "SimulatedEngine",
    "SimulatedSettings",
    "display_fault",
    "file_stamp",
    "make_engine",
    "parse_settings",
    "require_engine",
    "shared_check",
]


def make_engine(settings: Mapping[str, Any]) -> MpvEngine | SimulatedEngine:
    """Make the engine that the `engine:` part of a configuration describes; nothing starts yet.

    Raises:
        ConfigurationError: a key is unknown or a value has the wrong type.
    """
    match parse_settings(settings):
        case MpvSettings() as mpv:
            return MpvEngine(mpv)
        case simulated:
            return SimulatedEngine(simulated)


def require_engine(settings: Mapping[str, Any]) -> None:
    """Make sure, before anything starts, that the programs of an engine are there.

    Raises:
        ConfigurationError: the settings are wrong, or mpv is not installed.
    """
    parsed = parse_settings(settings)
    if isinstance(parsed, MpvSettings) and shutil.which(parsed.executable) is None:
        raise ConfigurationError(
            f"{parsed.executable} is not installed: nothing would be shown", hint="install mpv, or set engine.executable"
        )
