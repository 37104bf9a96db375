"""Starting mpv where a service manager forbids what it forbids: a filter of system calls, as the hardened unit has one."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from avtech_player.engine._launch import leash
from tests.player.material import make_clip, video_bytes

CAPSET = {"x86_64": 126, "aarch64": 91}.get(platform.machine())
FORBID = """
import ctypes, struct, sys
def forbid(number):
    # Load the call's number; is it this one? then "not permitted"; else allow.
    steps = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7FFF0000)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("<HxxxxxxQ", len(steps), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    assert libc.prctl(22, 2, program, 0, 0) == 0, ctypes.get_errno()
forbid(int(sys.argv[1]))
"""
PLAYER = """
import asyncio
from pathlib import Path
from avtech_player.engine import MpvEngine, MpvSettings
from avtech_player.engine._launch import leash
from avtech_player.ports import Clip
async def main():
    engine = MpvEngine(MpvSettings(vo="x11", ao="null", hwdec="no", display=sys.argv[2]))
    await engine.start()
    await engine.show(Clip("VID-RED", "0" * 64, Path(sys.argv[3]), 3000))
    async for event in engine.events():
        print(leash(), type(event).__name__, flush=True)
        break
    await engine.stop()
asyncio.run(main())
"""


def test_a_command_is_tied_to_the_player_where_that_is_allowed() -> None:
    assert leash()[1:] == ("--pdeathsig", "KILL", "--")
    assert subprocess.run([*leash(), "true"], check=False, timeout=20).returncode == 0


@pytest.mark.display
@pytest.mark.media
@pytest.mark.skipif(CAPSET is None, reason="the number of the system call is not known for this machine")
def test_mpv_starts_where_no_capabilities_may_be_set(tmp_path: Path, x_display: str) -> None:
    """setpriv sets those it has, which the filter @privileged of systemd forbids: every mpv would end at once."""
    red = make_clip(tmp_path, "red", video_bytes("red", 3), ms=3000)
    command = [sys.executable, "-c", FORBID + PLAYER, str(CAPSET), x_display, str(red.path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout == "() Started\n", done.stdout + done.stderr
