"""How long a plan takes: `python benchmarks/plan.py --screens 10000` prints one line a step.

Two changes are planned: an edit of one playlist, and of every playlist, so that screens change in thousands of ways.
"""

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from avtech_controller.compiler import compile_state
from avtech_controller.desired import DesiredState, load, open_source, require_state
from avtech_controller.planning import CommitBase, Consent, assess, group_changes, make_plan, plan_markdown, plan_text
from avtech_schema.identifiers import CommitId

sys.path.insert(0, str(Path(__file__).parent))
from fleets import Size, write_fleet

T = TypeVar("T")
_COMMIT = CommitId("0" * 40)


def main() -> None:
    """Write a fleet, compile it, and plan two changes of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--screens", type=int, default=10_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        write_fleet(root, Size.of(arguments.screens))
        state = timed("read and validate", lambda: require_state(load(open_source(root))))
        base = CommitBase(_COMMIT, timed("compile", lambda: compile_state(state)))
        playlists = sorted(root.glob("fleet/*/playlists/*.yaml"))
        for name, touched in (("one playlist", playlists[:1]), ("every playlist", playlists)):
            for path in touched:
                path.write_text(re.sub(r"weight: \d+", "weight: 9", path.read_text("utf-8"), count=1), "utf-8")
            changed = require_state(load(open_source(root)))
            plan_change(name, base, changed)


def plan_change(name: str, base: CommitBase, state: DesiredState) -> None:
    """Time the plan of a changed state and its forms."""
    wanted = compile_state(state)
    old = timed(f"what is replaced, {name}", lambda: base.manifests(wanted))
    now = datetime.now(UTC)
    plan = timed(f"plan, {name}", lambda: make_plan(None, base, wanted, old, now=now, moved={}))
    verdict = assess(plan, state.fleet, state.clients, Consent(), now)
    timed(f"text, {name}", lambda: plan_text(plan, verdict))
    comment = timed(f"markdown, {name}", lambda: plan_markdown(plan, verdict))
    print(f"    {len(plan.changes)} screens in {len(group_changes(plan))} groups; {len(comment.encode())} bytes of comment")


def timed(what: str, step: Callable[[], T]) -> T:
    """Do a step, and print its wall and processor seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    done = step()
    print(f"{time.perf_counter() - wall:7.2f} s  {time.process_time() - processor:7.2f} s of processor  {what}")
    return done


if __name__ == "__main__":
    main()
