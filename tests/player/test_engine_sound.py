"""A sound device that goes away while clips play, and comes back: a real sound server that is killed and started again."""

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from avtech_player.engine import MpvEngine, MpvSettings
from avtech_player.ports import Clip, Died
from tests.player.material import make_clip
from tests.player.stagehand import running

pytestmark = [
    pytest.mark.display,
    pytest.mark.media,
    pytest.mark.skipif(
        shutil.which("pulseaudio") is None or shutil.which("pactl") is None, reason="pulseaudio is not installed"
    ),
]


@dataclass
class SoundServer:
    """PulseAudio with a device that swallows what it is given."""

    folder: Path
    _process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    @property
    def socket(self) -> Path:
        return self.folder / "pulse.sock"

    def start(self) -> None:
        self.socket.unlink(missing_ok=True)
        modules = [f"module-native-protocol-unix auth-anonymous=1 socket={self.socket}", "module-null-sink"]
        loads = [part for module in modules for part in ("-L", module)]
        command = [
            "pulseaudio",
            "-n",
            "--daemonize=no",
            "--use-pid-file=no",
            "--exit-idle-time=-1",
            "--log-level=error",
            *loads,
        ]
        home = {"HOME": str(self.folder), "XDG_RUNTIME_DIR": str(self.folder), "PATH": os.environ["PATH"]}
        self._process = subprocess.Popen(command, env=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while not self.socket.exists():
            assert self._process.poll() is None, "pulseaudio ended"
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def await_listener(self) -> None:
        """Wait until something plays through it."""
        listing = ["pactl", "--server", f"unix:{self.socket}", "list", "short", "sink-inputs"]
        deadline = time.monotonic() + 20
        while not subprocess.run(listing, capture_output=True, check=True, timeout=20).stdout.strip():
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def kill(self) -> None:
        if self._process:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(20)


@pytest.fixture
def sound_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoundServer]:
    folder = tmp_path / "sound"
    folder.mkdir()
    server = SoundServer(folder)
    server.start()
    monkeypatch.setenv("PULSE_SERVER", f"unix:{server.socket}")
    yield server
    server.kill()


def test_clips_play_on_when_the_sound_device_goes_away_and_have_sound_when_it_is_back(
    tmp_path: Path, x_display: str, sound_server: SoundServer
) -> None:
    long, short = (_sounding(tmp_path, name, seconds) for name, seconds in (("long", 3), ("short", 1)))

    async def scenario() -> None:
        engine = MpvEngine(MpvSettings(vo="x11", ao="pulse", volume=50, hwdec="no", display=x_display))
        async with running(engine) as log:
            await engine.show(long)
            await log.started(long)
            await asyncio.to_thread(sound_server.await_listener)
            assert engine.trouble() == ""
            sound_server.kill()
            await engine.queue(short)
            ended = await log.ended(long)
            assert (ended.how, ended.reason) == ("eof", "")
            await log.started(short)
            ended = await log.ended(short)
            assert (ended.how, ended.reason) == ("eof", "")
            assert engine.trouble() == "there is no sound: mpv cannot open an audio device"
            sound_server.start()
            await engine.queue(long)
            await log.started(long)
            await asyncio.to_thread(sound_server.await_listener)
            assert engine.health().restarts == 0
            assert not any(isinstance(event, Died) for event in log.events)

    asyncio.run(scenario())


def _sounding(folder: Path, name: str, seconds: int) -> Clip:
    return make_clip(folder, name, _with_sound(folder, seconds), ms=seconds * 1000)


def _with_sound(folder: Path, seconds: int) -> bytes:
    path = folder / "clip.mp4"
    inputs = ["-f", "lavfi", "-i", "color=red:s=320x180:r=25", "-f", "lavfi", "-i", "sine=440", "-t", str(seconds)]
    codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", *inputs, *codecs, "-y", str(path)], check=True, timeout=60)
    return path.read_bytes()
