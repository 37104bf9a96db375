"""Publishes again and again and is killed each time at another touch of the file system; run as a program.

`python -m tests.controller.killing DIRECTORY STEP` prints one JSON line: how many points it was killed at.
"""

import json
import os
import signal
import sys
from pathlib import Path

from avtech_controller.stores import open_store
from tests.controller.publishing import World, make_world, screens, verify_store

TOUCHES = {"open", "os.link", "os.rename", "os.remove", "os.mkdir", "fcntl.flock"}
FIRST, SECOND = screens(3), screens(4, time_zone="Asia/Tokyo")


def killed_at(world: World, number: int, touch: int) -> bool:
    """Publish in a child that kills itself at its n-th touch; whether it was killed."""
    child = os.fork()
    if child == 0:
        die_at(touch)
        world.publish(number, FIRST if number == 1 else SECOND)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0, status
    return False


def die_at(touch: int) -> None:
    """Let this process kill itself at its n-th touch of the file system."""
    left = [touch]

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event in TOUCHES:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


def main(directory: Path, step: int) -> None:
    kills = 0
    for number in (1, 2):
        touch = 1
        while True:
            here = directory / f"{number}-{touch}"
            (here / "store").mkdir(parents=True)
            world = make_world(here, open_store(f"file://{here}/store"), number=1)
            if number == 2:
                world.publish(1, FIRST)
            killed = killed_at(world, number, touch)
            if not killed:
                break
            kills += 1
            if number == 2:
                assert verify_store(world, here) in (digests(FIRST), digests(SECOND)), "a release is whole or not there"
            done = world.publish(number, FIRST if number == 1 else SECOND)
            assert done.sequence == number
            verify_store(world, here, FIRST if number == 1 else SECOND)
            touch += step
    print(json.dumps({"kills": kills}))


def digests(wanted: object) -> dict[str, str]:
    return {name: compiled.digest for name, compiled in wanted.items()}  # type: ignore[attr-defined]


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
