"""Collects again and again and is killed each time at another touch of the file system; run as a program.

`python -m tests.controller.collecting_killed DIRECTORY STEP` prints one JSON line: how many points it was killed at.
"""

import json
import os
import sys
from pathlib import Path

from avtech_controller.stores import open_store
from tests.controller.collecting import Past, keys, make_past, showing
from tests.controller.killing import die_at
from tests.controller.publishing import asset, make_world, verify_store


def killed_at(past: Past, day: float, touch: int) -> bool:
    """Collect in a child that kills itself at its n-th touch; whether it was killed."""
    child = os.fork()
    if child == 0:
        die_at(touch)
        past.collect(day)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0, status
    return False


def main(directory: Path, step: int) -> None:
    kills = 0
    for day in (31, 33):
        touch = 1
        while True:
            here = directory / f"{day}-{touch}"
            (here / "store").mkdir(parents=True)
            past = make_past(make_world(here, open_store(f"file://{here}/store"), number=1))
            wanted = showing(past.world, b"new")
            if day == 33:
                past.collect(31)
            if not killed_at(past, day, touch):
                break
            kills += 1
            verify_store(past.world, here, wanted)
            past.collect(day + 0.1)
            past.collect(day + 2)
            past.collect(day + 4)
            assert asset(b"old").key not in keys(past.world), "what a dead run left, later ones finish"
            verify_store(past.world, here, wanted)
            touch += step
    print(json.dumps({"kills": kills}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
