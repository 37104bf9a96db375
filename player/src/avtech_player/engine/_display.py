"""Where mpv may draw: outputs that people can see, and whether the display that they need is there."""

import errno
import os
import socket
from collections.abc import Mapping
from pathlib import Path

from avtech_player.engine._settings import MpvSettings

_DRM = Path("/dev/dri")
X_SOCKETS = "/tmp/.X11-unix/X"  # noqa: S108
"""Where the X servers of this machine are found, by their numbers."""


def outputs(settings: MpvSettings, environment: Mapping[str, str]) -> str:
    """mpv's `--vo`: what is set, or what fits the display. Left to mpv, it may be one that nobody sees."""
    if settings.vo:
        return settings.vo
    x, wayland = _x_display(settings, environment), environment.get("WAYLAND_DISPLAY")
    return ",".join(["gpu", *(["wlshm"] if wayland else []), *(["xv", "x11"] if x else []), *([] if x or wayland else ["drm"])])


def display_fault(settings: MpvSettings, environment: Mapping[str, str]) -> str:
    """Why there is nothing to draw on; empty when there is, or when only trying can tell."""
    x, wayland = _x_display(settings, environment), environment.get("WAYLAND_DISPLAY")
    if settings.vo == "drm" or not (x or wayland):
        if any(_DRM.glob("card*")):
            return ""
        return "the display is missing: neither DISPLAY nor WAYLAND_DISPLAY is set, and there is no graphics card in /dev/dri"
    faults = [_x_fault(x)] if x else []
    if wayland:
        faults.append(_wayland_fault(wayland, environment.get("XDG_RUNTIME_DIR")))
    return "" if "" in faults else f"the display is missing: {' and '.join(faults)}"


def has_windows(settings: MpvSettings, environment: Mapping[str, str]) -> bool:
    """Whether two mpv can draw at once, each in a window of its own; a graphics card driven directly has one master."""
    return settings.vo != "drm" and bool(_x_display(settings, environment) or environment.get("WAYLAND_DISPLAY"))


def local_display(settings: MpvSettings, environment: Mapping[str, str]) -> str:
    """The number of the X display that is drawn on, if a server of this machine has it; else nothing."""
    return _number(_x_display(settings, environment) or "")


def _number(display: str) -> str:
    """A display's number, when it is of this machine."""
    local, number = display.removeprefix("unix"), display.removeprefix("unix").removeprefix(":").partition(".")[0]
    return number if local.startswith(":") and number.isascii() and number.isdigit() else ""


def _x_display(settings: MpvSettings, environment: Mapping[str, str]) -> str | None:
    return settings.display or environment.get("DISPLAY")


def _x_fault(display: str) -> str:
    """Only a server on this machine is looked for."""
    number = _number(display)
    if not number:
        return ""
    path = f"{X_SOCKETS}{number}"
    return "" if _answers(f"\0{path}") or _answers(path) else f"no X server answers on {display}"


def _wayland_fault(display: str, folder: str | None) -> str:
    path = os.path.join(folder or "", display)  # noqa: PTH118  an absolute display stands for itself
    return "" if _answers(path) else f"no Wayland compositor answers on {display}"


def _answers(address: str) -> bool:
    """Whether something listens on a Unix socket; one that is too busy to take us at once does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)  # noqa: FBT003  its only form
        try:
            return probe.connect_ex(address) in (0, errno.EAGAIN, errno.EINPROGRESS)
        except OSError:  # longer than an address may be
            return False
