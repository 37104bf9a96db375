"""A publisher killed at any touch of the file system leaves a whole release, and a second run finishes its work."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def kill_everywhere(directory: Path, step: int) -> int:
    """How many points the publisher was killed at; fails if a release was not whole, or a second run did not finish."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.controller.killing", str(directory), str(step)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    kills: int = json.loads(ran.stdout)["kills"]
    return kills


def test_a_publisher_killed_at_some_points_leaves_whole_releases(tmp_path: Path) -> None:
    assert kill_everywhere(tmp_path, 41) >= 4


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_publisher_killed_at_every_point_leaves_whole_releases(tmp_path: Path) -> None:
    assert kill_everywhere(tmp_path, 1) >= 100
