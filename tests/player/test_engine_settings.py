"""The engine's settings, and how long it waits before it starts again."""

from random import Random
from typing import Any

import pytest

from avtech_player.engine import MpvEngine, MpvSettings, SimulatedEngine, SimulatedSettings, make_engine, parse_settings
from avtech_player.engine._backoff import restart_delay
from avtech_player.engine._launch import mpv_command
from avtech_schema.errors import ConfigurationError


def test_the_settings_name_the_engine() -> None:
    assert parse_settings({}) == MpvSettings()
    assert parse_settings({"kind": "simulated", "speed": 10}) == SimulatedSettings(10.0)
    assert parse_settings({"kind": "mpv", "vo": "x11", "volume": 40, "options": ["--drm-mode=2"]}) == MpvSettings(
        vo="x11", volume=40, options=("--drm-mode=2",)
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
        {"kind": "mpv", "options": "--x"},
        {"kind": "mpv", "options": ["evil.m3u"]},
        {"kind": "mpv", "options": [3]},
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
    command = mpv_command(MpvSettings(vo="drm", ao="alsa", volume=30, options=("--drm-mode=2",)), 7)
    for wanted in ("--vo=drm", "--ao=alsa", "--volume=30", "--drm-mode=2", "--input-ipc-client=fd://7", "--no-config"):
        assert wanted in command
    assert "--audio=no" in mpv_command(MpvSettings(), 7)


def test_the_first_restart_is_at_once_and_later_ones_wait_longer_but_never_for_ever() -> None:
    rng = Random(1)
    assert restart_delay(1, rng) == 0
    for deaths in (2, 3, 10, 1000, 10**9):
        delays = [restart_delay(deaths, rng) for _ in range(200)]
        assert min(delays) >= 0.05
        assert max(delays) <= 30
    assert max(restart_delay(2, rng) for _ in range(100)) <= 1
    assert max(restart_delay(20, rng) for _ in range(100)) > 20
