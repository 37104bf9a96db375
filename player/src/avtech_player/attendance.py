"""Telling the service manager how the players of this process are, from the very loop that they live in."""

import asyncio
from collections.abc import Callable, Sequence

from avtech_player.pulse import Pulse
from avtech_player.service import ServiceManager, status_line

_LOOK_SECONDS = 0.1
_PATIENT_SECONDS = 1.0
_IMPATIENCE_SECONDS = 30.0
_STEADY_SECONDS = 10.0
_EXTENSION_SECONDS = 60.0
"""How much time a start is given at a time: one that waits for a display may take for ever, one that is stuck may not."""


async def attend(manager: ServiceManager, pulses: Callable[[], Sequence[Pulse]]) -> None:
    """Tell the manager when something is on screen (READY), what the players do, and that they live; until cancelled."""
    loop = asyncio.get_running_loop()
    began, extended, ready, told = loop.time(), -_EXTENSION_SECONDS, False, ""
    interval = min(_STEADY_SECONDS, manager.watchdog / 3) if manager.watchdog else _STEADY_SECONDS
    while True:
        now, found = loop.time(), pulses()
        alive = all(pulse.alive for pulse in found)
        lines: list[str] = []
        if not ready and all(pulse.shown for pulse in found):
            ready = True
            lines.append("READY=1")
        if alive and not ready and now - extended > _EXTENSION_SECONDS / 3:
            extended = now
            lines.append(f"EXTEND_TIMEOUT_USEC={_EXTENSION_SECONDS * 1_000_000:.0f}")
        if alive and ready and manager.watchdog:
            lines.append("WATCHDOG=1")
        if (text := together(found)) != told:
            told = text
            lines.append(status_line(text))
        if lines:
            manager.tell(*lines)
        await asyncio.sleep(interval if ready else _LOOK_SECONDS if now - began < _IMPATIENCE_SECONDS else _PATIENT_SECONDS)


def together(pulses: Sequence[Pulse]) -> str:
    """What the players of a process do, in one line."""
    if len(pulses) == 1:
        return pulses[0].text
    shown, alive = sum(pulse.shown for pulse in pulses), sum(pulse.alive for pulse in pulses)
    return f"{len(pulses)} players, {alive} alive, {shown} showing something"
