"""SIGKILL at every write, rename, link, removal and flush of taking a release, injected by strace into a real process.

A spread sample runs each time; `AVTECH_ALL_KILLS=1` runs them all (some two hundred, two to three minutes).
"""

import os
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.player.crashes import (
    Scene,
    a_first_release,
    a_third_release,
    check_survival,
    count_calls,
    kill_at,
    need_strace,
    quick_disk,
)

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
