"""The engine's settings, and how long it waits before it starts again."""

from pathlib import Path
from random import Random
from typing import Any

import pytest

from avtech_player.engine import (
    MpvEngine,
    MpvSettings,
    SimulatedEngine,
    SimulatedSettings,
    make_engine,
    parse_settings,
    require_engine,
)
from avtech_player.engine._backoff import restart_delay
from avtech_player.engine._display import display_fault
from avtech_player.engine._launch import mpv_command
from avtech_schema.errors import ConfigurationError
from avtech_schema.identifiers import ByteSize


def test_the_settings_name_the_engine() -> None:
    assert parse_settings({}) == MpvSettings()
    assert parse_settings({"kind": "simulated", "speed": 10}) == SimulatedSettings(10.0)
    assert parse_settings({"kind": "mpv", "vo": "x11", "volume": 40, "options": ["--drm-mode=2"]}) == MpvSettings(
        vo="x11", volume=40, options=("--drm-mode=2",)
    )
    assert parse_settings({"scaling": "fill", "maxMemory": "400 MB"}) == MpvSettings(
        scaling="fill", memory_limit=ByteSize(400_000_000)
    )
    assert isinstance(make_engine({"kind": "mpv"}), MpvEngine)
    assert isinstance(make_engine({"kind": "simulated"}), SimulatedEngine)


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "vlc"},
        {"kind": None},
        {"kind": ["mpv"]},
        {"kind": "mpv", "speed": 2},
        {"kind": "mpv", "volume": "loud"},
        {"kind": "mpv", "volume": True},
        {"kind": "mpv", "volume": 101},
        {"kind": "mpv", "vo": 3},
        {"kind": "mpv", "vo": ""},
        {"kind": "mpv", "vo": "a\nb"},
        {"kind": "mpv", "vo": "null"},
        {"kind": "mpv", "vo": "x11,sdl"},
        {"kind": "mpv", "vo": "x11,"},
        {"kind": "mpv", "options": ["--vo=tct"]},
        {"kind": "mpv", "options": ["--vo-append=null"]},
        {"kind": "mpv", "options": "--x"},
        {"kind": "mpv", "options": ["evil.m3u"]},
        {"kind": "mpv", "options": [3]},
        {"kind": "mpv", "scaling": "zoom"},
        {"kind": "mpv", "scaling": ["fit"]},
        {"kind": "mpv", "maxMemory": "lots"},
        {"kind": "mpv", "maxMemory": "10 MB"},
        {"kind": "mpv", "memory_limit": 10**9},
        {"kind": "simulated", "speed": 0},
        {"kind": "simulated", "speed": float("nan")},
        {"kind": "simulated", "speed": "fast"},
        {"kind": "simulated", 3: 4},
    ],
)
def test_wrong_settings_are_refused_with_the_key(settings: dict[Any, Any]) -> None:
    with pytest.raises(ConfigurationError, match="engine"):
        make_engine(settings)


def test_mpv_is_given_what_the_settings_say_and_no_way_out_of_the_clip() -> None:
    command = mpv_command(MpvSettings(vo="drm", ao="alsa", volume=30, options=("--drm-mode=2",)), 7, {})
    for wanted in ("--vo=drm", "--ao=alsa", "--volume=30", "--drm-mode=2", "--input-ipc-client=fd://7", "--no-config"):
        assert wanted in command
    assert "--audio=no" in mpv_command(MpvSettings(), 7, {})
    assert "--panscan=1" in mpv_command(MpvSettings(scaling="fill"), 7, {})


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, "--vo=gpu,drm"),
        ({"DISPLAY": ":0"}, "--vo=gpu,xv,x11"),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "--vo=gpu,wlshm"),
        ({"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"}, "--vo=gpu,wlshm,xv,x11"),
    ],
)
def test_mpv_is_never_left_to_choose_an_output_that_nobody_sees(environment: dict[str, str], wanted: str) -> None:
    assert wanted in mpv_command(MpvSettings(), 7, environment)
    assert "--vo=gpu,xv,x11" in mpv_command(MpvSettings(display=":1"), 7, {})


@pytest.mark.parametrize(
    ("settings", "environment", "fault"),
    [
        (MpvSettings(display=":4711"), {}, "no X server answers on :4711"),
        (MpvSettings(), {"DISPLAY": ":4711.0"}, "no X server answers on :4711.0"),
        (MpvSettings(), {"WAYLAND_DISPLAY": "wayland-77"}, "no Wayland compositor answers on wayland-77"),
        (MpvSettings(), {"WAYLAND_DISPLAY": "w" * 200, "DISPLAY": ":4711"}, "no X server answers on :4711 and no Wayland"),
        (MpvSettings(display="far.example:0"), {}, ""),
        (MpvSettings(display=":what"), {}, ""),
    ],
)
def test_a_display_that_is_missing_is_named(settings: MpvSettings, environment: dict[str, str], fault: str) -> None:
    found = display_fault(settings, environment)
    assert (fault in found) if fault else (found == "")


@pytest.mark.skipif(any(Path("/dev/dri").glob("card*")), reason="there is a graphics card")
def test_without_display_and_graphics_card_nothing_can_be_drawn() -> None:
    for settings, environment in ((MpvSettings(), {}), (MpvSettings(vo="drm"), {"DISPLAY": "far.example:0"})):
        assert "no graphics card" in display_fault(settings, environment)


def test_an_mpv_that_is_not_installed_is_a_wrong_setting() -> None:
    require_engine({"kind": "simulated"})
    with pytest.raises(ConfigurationError, match="no-such-mpv is not installed"):
        require_engine({"kind": "mpv", "executable": "no-such-mpv"})


def test_the_first_restart_is_at_once_and_later_ones_wait_longer_but_never_for_ever() -> None:
    rng = Random(1)
    assert restart_delay(1, rng) == 0
    for deaths in (2, 3, 10, 1000, 10**9):
        delays = [restart_delay(deaths, rng) for _ in range(200)]
        assert min(delays) >= 0.05
        assert max(delays) <= 30
    assert max(restart_delay(2, rng) for _ in range(100)) <= 1
    assert max(restart_delay(20, rng) for _ in range(100)) > 20
    assert max(restart_delay(20, rng, blind=True) for _ in range(100)) <= 3
