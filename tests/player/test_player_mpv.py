"""The whole player with real mpv on a virtual display: its picture by the API, and what it proves of its plays."""

import itertools
import json
import os
import struct
import subprocess
import time
from pathlib import Path

import pytest

from avtech_schema.plays import PlayResult
from tests.player.devices import COMMAND, QUICK, Device
from tests.player.material import video_bytes
from tests.player.repository import Repository, manifest_of
from tests.player.served import free_port
from tests.player.test_proof_of_play import plays

pytestmark = [pytest.mark.display, pytest.mark.media]


def test_a_screen_is_seen_by_its_api_and_its_plays_are_proved(tmp_path: Path, x_display: str) -> None:
    repository = Repository(tmp_path / "store")
    device = Device(tmp_path / "device", repository)
    manifest = manifest_of({f"VID-{name.upper()}": repository.put_clip(video_bytes(name)) for name in ("red", "blue")})
    ref = repository.publish(manifest)
    settings = {
        "AVTECH_PLAYER_ENGINE": json.dumps({"kind": "mpv", "vo": "x11", "ao": "null", "hwdec": "no", "display": x_display}),
        "AVTECH_PLAYER_API": f"127.0.0.1:{free_port()}",
        "AVTECH_PLAYER_PLAYS_UPLOAD_SECONDS": "0.3",
    }
    with (device.folder / "log").open("ab") as log:
        command = [*COMMAND, "run", "--config", str(device.config)]
        process = subprocess.Popen(command, stderr=log, env={**os.environ, **QUICK, **settings})
    try:
        device.reported(lambda report: report.applied == ref and report.now_playing is not None, within=40)
        picture = tmp_path / "screen.png"
        taken = device.command("screenshot", "--config", str(device.config), "--output", str(picture), environment=settings)
        assert taken.returncode == 0, taken.stderr
        data = picture.read_bytes()
        assert data.startswith(b"\x89PNG\r\n\x1a\n")
        assert struct.unpack(">II", data[16:24]) >= (320, 180)
        deadline = time.monotonic() + 40
        while len(plays(device)) < 6:
            assert time.monotonic() < deadline, (device.folder / "log").read_text()
            time.sleep(0.1)
    finally:
        process.terminate()
        process.wait(15)
    told = plays(device)
    assert {play.result for play in told[1:]} <= {PlayResult.COMPLETE, PlayResult.INTERRUPTED}
    for play, following in itertools.pairwise(told):
        assert play.end <= following.start
        assert play.clip != following.clip
    complete = [play for play in told if play.result is PlayResult.COMPLETE]
    assert len(complete) >= 4
    assert all(700 <= play.played <= 1500 for play in complete)
