"""How soon `avtech dev` answers a save: `python benchmarks/dev.py --screens 10000` prints one line a look.

A playlist of one client is edited again and again, as an editor's saves do; the checks are what the terminal shows, the
drawing is what the browser follows.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from avtech_controller.preview.live import Desk

sys.path.insert(0, str(Path(__file__).parent))
from fleets import Size, write_fleet

_GIT = ["git", "-c", "user.name=Bench", "-c", "user.email=bench@example.com", "-c", "commit.gpgsign=false"]


def main() -> None:
    """Write a fleet, and save one of its files some times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--screens", type=int, default=10_000)
    parser.add_argument("--saves", type=int, default=4)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        write_fleet(root, Size.of(arguments.screens))
        for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "fleet"]):
            subprocess.run([*_GIT, *command], cwd=root, check=True)
        desk = Desk(root, base="HEAD")
        look(desk, "first look")
        edited = root / "fleet/CLI-C000/playlists/list-7.yaml"
        for number in range(arguments.saves):
            edited.write_text(re.sub(r"weight: \d+", f"weight: {number + 5}", edited.read_text("utf-8"), count=1), "utf-8")
            look(desk, f"save {number + 1}")


def look(desk: Desk, what: str) -> None:
    """Look once, and print what checking and drawing took."""
    now = datetime.now(UTC)
    wall, processor = time.perf_counter(), time.process_time()
    checked = desk.check(now)
    between = time.perf_counter(), time.process_time()
    sight = desk.draw(checked, now)
    after = time.perf_counter(), time.process_time()
    changed = sight.preview.changed if sight.preview else 0
    print(
        f"{what:>10}: checked in {between[0] - wall:6.3f} s ({between[1] - processor:6.3f} s of processor), "
        f"drawn in {after[0] - between[0]:6.3f} s ({after[1] - between[1]:6.3f} s), {changed:,} screens change"
    )


if __name__ == "__main__":
    main()
