"""SIGKILL at every write, rename, link, removal and flush of taking a release, injected by strace into a real process.

A spread sample runs each time; `AVTECH_ALL_KILLS=1` runs them all (some two hundred, two to three minutes).
"""

import os
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from avtech_player.floor import load_floor
from avtech_schema.canonical import sha256_hex
from avtech_schema.report import ReleaseRef
from tests.display import BLUE, RED, Eyes, like
from tests.player.crashes import (
    Scene,
    a_first_release,
    a_third_release,
    check_survival,
    count_calls,
    kill_at,
    life,
    need_strace,
    quick_disk,
)
from tests.player.devices import Device
from tests.player.material import video_bytes
from tests.player.repository import Repository, manifest_of

SAMPLE = 10


@pytest.fixture
def disk() -> Iterator[Path]:
    need_strace()
    with quick_disk() as folder:
        yield folder


@pytest.mark.parametrize("make", [a_first_release, a_third_release])
def test_a_kill_at_any_change_of_the_disk_leaves_the_old_or_the_new_release(disk: Path, make: Callable[[Path], Scene]) -> None:
    scene = make(disk / "scene")
    calls = count_calls(scene.copy(disk / "watched"))
    assert {"write", "rename", "unlink", "fsync", "mkdir"} <= {call.name for call in calls}
    assert len(calls) > 80
    if not os.environ.get("AVTECH_ALL_KILLS"):
        every = len(calls) // SAMPLE
        calls = calls[random.randrange(every) :: every]
    seen: Counter[str] = Counter()
    for number, call in enumerate(calls):
        run = scene.copy(disk / str(number))
        assert kill_at(run, call), f"{call} was not reached"
        try:
            seen[check_survival(run)] += 1
        except AssertionError as error:
            raise AssertionError(f"after a kill at {call.name} number {call.number}") from error
        shutil.rmtree(run.folder)
    assert seen["new"] > 0
    assert seen["slate" if scene.old is None else "old"] > 0


def a_real_device(folder: Path) -> tuple[Device, Scene]:
    """An enrolled device that plays red clips, as a scene; its store has a release of blue ones."""
    repository = Repository(folder / "store")
    device = Device(folder / "device", repository)
    (device.folder / "store").symlink_to(repository.path)
    (device.folder / "root.json").write_bytes(repository.root_bytes)

    def release(colour: str) -> ReleaseRef:
        return repository.publish(manifest_of({f"VID-{colour.upper()}": repository.put_clip(video_bytes(colour))}))

    first = release("red")
    scene = Scene(device.folder, None, first, load_floor(device.state_dir))
    finished = life(scene)
    assert finished.returncode == 0, finished.stderr
    return device, Scene(device.folder, first, release("blue"), load_floor(device.state_dir))


@pytest.mark.display
@pytest.mark.media
def test_after_a_kill_a_real_screen_shows_verified_content_within_seconds(disk: Path, x_display: str, eyes: Eyes) -> None:
    """The whole player with mpv starts on what the kill left, without the store: red or blue is on the display soon."""
    device, scene = a_real_device(disk)
    calls = count_calls(scene.copy(disk / "watched"))
    every = len(calls) // 3
    engine = f"{{kind: mpv, vo: x11, ao: 'null', hwdec: 'no', display: '{x_display}'}}"
    for number, call in enumerate(calls[random.randrange(every) :: every]):
        run = scene.copy(disk / str(number))
        assert kill_at(run, call), f"{call} was not reached"
        eyes.forget()
        settings = {"AVTECH_PLAYER_ENGINE": engine, "AVTECH_PLAYER_API": "off", "AVTECH_PLAYER_STATE_DIR": str(run.state)}
        began = time.monotonic()
        with device.running(environment={**settings, "AVTECH_PLAYER_STORE": "file:///nowhere"}):
            while not any(like(eyes.colour(), colour) for colour in (RED, BLUE)):
                assert time.monotonic() - began < 15, (device.folder / "log").read_text()
                time.sleep(0.01)
        print(f"on screen {time.monotonic() - began:.2f} s after the start that follows a kill at {call.name} {call.number}")
        floor = load_floor(run.state)
        assert all(floor.roles[name].version >= role.version for name, role in scene.floor.roles.items())
        assert all(sha256_hex(path.read_bytes()) == path.name for path in (run.state / "assets").iterdir())
