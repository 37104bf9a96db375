"""`publish --wait`: stays until a release has reached the fleet, moving its rollout on, like `kubectl rollout status`."""

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from avtech_controller.cli._options import report_store_option

if TYPE_CHECKING:
    from avtech_controller.cli._rollout import Desk
    from avtech_controller.rollout import Ticked
    from avtech_controller.status import ScreenStatus

Say = Callable[[int, int, str], None]
"""Told of how many of how many screens are well, and of what happens."""
HALTED = 7
SUPERSEDED = 5


def wait_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Passes `wait: bool`, `timeout: int` (minutes), `poll: int` (seconds), `report_store: str | None`."""
    for option in (
        report_store_option("With --wait: where players report, when that is another store."),
        click.option(
            "--poll",
            type=click.IntRange(1, 3600),
            default=15,
            show_default=True,
            metavar="SECONDS",
            help="With --wait: how often to look.",
        ),
        click.option(
            "--timeout",
            type=click.IntRange(0, 100_000),
            default=120,
            show_default=True,
            metavar="MINUTES",
            help="With --wait: how long at most (then exit 3; the rollout itself goes on).",
        ),
        click.option("--wait", is_flag=True, help="Stay, and move the rollout on, until every screen has it (exit 7: halted)."),
    ):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class Waiting:
    """How to wait: for how many seconds at most, looking how often."""

    seconds: float
    poll: float


def wait_for_release(desk: "Desk", keys_dir: Path | None, waiting: Waiting) -> tuple[int, dict[str, Any]]:
    """Wait until what is released now has reached every screen that reports; returns the exit code, and how it ended.

    Raises:
        RolloutTimeoutError: it took too long.
        AvtechError: as for a tick.
    """
    head = desk.head()
    with _told() as say:
        if head.record.rollout is None:
            return _wait_for_screens(desk, waiting, say)
        return _wait_for_rollout(desk, keys_dir, waiting, say)


def _wait_for_rollout(desk: "Desk", keys_dir: Path | None, waiting: Waiting, say: Say) -> tuple[int, dict[str, Any]]:
    from avtech_controller.cli.rollout import run_tick, ticked_json, ticked_text
    from avtech_schema.rollout import RolloutState

    publisher, head = desk.publisher(keys_dir), desk.head()
    watch = desk.watch(head.released.commit)
    begun = desk.standing(head).begun
    until = time.monotonic() + waiting.seconds
    while True:
        done, patch = run_tick(desk, publisher, watch, None)
        standing = done.standing
        if standing is None or standing.begun != begun:
            click.echo(f"note: another release superseded rollout {begun.sequence}", err=True)
            return SUPERSEDED, ticked_json(done, patch)
        say(_well(done), len(standing.plan.screens), ticked_text(done, patch))
        match standing.note.state:
            case RolloutState.COMPLETE:
                return 0, ticked_json(done, patch)
            case RolloutState.HALTED | RolloutState.REVERTED:
                return HALTED, ticked_json(done, patch)
            case RolloutState.RUNNING | RolloutState.PAUSED:
                _sleep(waiting, until, f"rollout {begun.sequence} is not done: wave {standing.wave} of {standing.waves}")


def _wait_for_screens(desk: "Desk", waiting: Waiting, say: Say) -> tuple[int, dict[str, Any]]:
    """Without waves: until every screen that reports shows what is released; 7 if one rolled back."""
    from avtech_controller.status import ScreenState

    head = desk.head()
    until = time.monotonic() + waiting.seconds
    watch = desk.watch(head.released.commit)
    while True:
        found = _statuses(desk, watch.keys, head)
        failed = [status for status in found if status.state is ScreenState.FAILED]
        synced = sum(status.state is ScreenState.SYNCED for status in found)
        away = sum(status.state in (ScreenState.UNSEEN, ScreenState.STALE) for status in found)
        text = f"release {head.released.sequence}: {synced} of {len(found) - away} screens that report show it"
        text += f"; {away} do not report" if away else ""
        value = {"release": head.released.sequence, "synced": synced, "away": away, "failed": [one.screen for one in failed]}
        if failed:
            say(synced, len(found), f"{text}; it failed on {failed[0].screen}: {failed[0].reason[:200]}")
            return HALTED, value
        say(synced, len(found), text)
        if synced and synced == len(found) - away:
            return 0, value
        _sleep(waiting, until, text, "the release is out; `avtech status` says what each screen does with it")


def _statuses(desk: "Desk", keys: Any, head: Any) -> "list[ScreenStatus]":
    from avtech_controller.cli._rollout import now
    from avtech_controller.status import judge, read_reports

    reports = read_reports(desk.reports, head.released, keys)
    return [judge(screen, reports[name], now()) for name, screen in head.released.screens.items()]


def _sleep(waiting: Waiting, until: float, text: str, hint: str = "") -> None:
    from avtech_controller.cli._rollout import RolloutTimeoutError

    left = until - time.monotonic()
    if left <= 0:
        raise RolloutTimeoutError(f"waited long enough: {text}", hint=hint)
    time.sleep(min(waiting.poll, left))


def _well(done: "Ticked") -> int:
    from avtech_controller.rollout import Outcome

    return done.look.decision.count(Outcome.HEALTHY) if done.look else 0


@contextmanager
def _told() -> Generator[Say, None, None]:
    """A bar on a terminal, and on stderr a line whenever something changes."""
    last: list[str] = []

    def line(text: str) -> None:
        if last[-1:] != [text]:
            last.append(text)
            click.echo(text, err=True)

    if not sys.stderr.isatty():
        yield lambda well, screens, text: line(f"{well} of {screens} screens are well; {text}")
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("screens", total=None)

        def say(well: int, screens: int, text: str) -> None:
            bars.update(task, completed=well, total=screens)
            if last[-1:] != [text]:
                last.append(text)
                bars.console.print(text, markup=False, highlight=False)

        yield say
