"""`avtech dev`: validates and draws the work tree at every change, in the terminal and in a browser."""

import os
import secrets
import signal
import sys
import threading
import webbrowser
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import click

from avtech_controller.cli._options import repo_option, store_option
from avtech_controller.cli.validate import summary
from avtech_controller.render import render_full
from avtech_schema.errors import ConfigurationError

if TYPE_CHECKING:
    from avtech_controller.preview.live import Board, Desk, Sight

_QUICK = 0.5
"""Seconds of drawing for which nobody wants to see the findings first."""


@click.command()
@click.argument("path", type=click.Path(path_type=Path), required=False)
@repo_option
@click.option(
    "--base", metavar="REV", help="Compare with this commit. Default: what is released, else where this branch began."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    metavar="N",
    help="Port of the page; 0 takes any free one.",
)
@click.option("--open/--no-open", "browse", default=True, show_default=True, help="Open the page in the browser.")
@store_option
def dev(*, path: Path | None, repo: Path, base: str | None, port: int, browse: bool, store: str | None) -> int:
    """Show findings and preview while you edit.

    Watches the work tree: its findings appear here, and its preview in a browser that follows every change.

    PATH is the desired-state repository; the current directory if missing. Errors never stop it: the page keeps the last
    preview and shows what is wrong. The page is served to this machine alone. Ctrl-C ends it.

    \b
    Examples:
      avtech dev                          in the repository's directory
      avtech dev my-screens --no-open     prints the page's address only
      avtech dev --base origin/main       marks what differs from the main branch
    """
    from avtech_controller.preview.live import Board, Desk, changes, serving, watching_release

    where = path or repo
    if not where.is_dir():
        raise ConfigurationError(f"{where} is not a directory", hint="name the directory that holds fleet/ and content-index/")
    stop = threading.Event()
    desk, board = Desk(where, store=store, base=base), Board(secrets.token_hex(4))
    with serving(board, port) as address, _stopped_by_signals(stop):
        known = _look(desk, board, quick=True)
        click.echo(f"the preview is at {address}  (Ctrl-C ends)", err=True)
        if browse and _has_browser():
            webbrowser.open(address)
        with watching_release(desk.store) as release:
            for _ in changes(where, stop, release.is_changed if release else lambda: False):
                if release and release.take():
                    desk.forget_release()
                known = _look(desk, board, quick=known)
    click.echo("ended", err=True)
    return 0


@contextmanager
def _stopped_by_signals(stop: threading.Event) -> Generator[None]:
    """Have Ctrl-C and SIGTERM end the watch, also where a shell started us with Ctrl-C ignored."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        stop.set()
        for number, handler in before.items():
            signal.signal(number, handler)


def _look(desk: "Desk", board: "Board", *, quick: bool) -> bool:
    """Look once; where drawing takes long, show the findings first. Returns whether it was drawn quickly."""
    now = datetime.now(UTC)
    sight = desk.check(now)
    if not quick:
        _show(sight, board, now)
    start = perf_counter()
    drawn = desk.draw(sight, now)
    seconds = perf_counter() - start
    if quick or drawn is not sight:
        _show(drawn, board, now, told=not quick)
    return seconds < _QUICK


def _show(sight: "Sight", board: "Board", now: datetime, *, told: bool = False) -> None:
    """Put a look on the page and, unless that is `told` already, its findings on the terminal."""
    from avtech_controller.preview.live import render_sight

    board.post(render_sight(sight, script=board.next_script(), now=now).encode())
    if not told:
        _tell(sight, now)
    elif sight.trouble:
        click.echo(f"error: {sight.trouble}", err=True)
    elif sight.preview and sight.preview.before:
        click.echo(f"          drawn: {_changed(sight)}", err=True)


def _changed(sight: "Sight") -> str:
    preview = sight.preview
    return f"{preview.changed:,} of {preview.screens:,} screens change" if preview and preview.before else ""


def _tell(sight: "Sight", now: datetime) -> None:
    loaded = sight.loaded
    if loaded is not None and loaded.findings:
        click.echo(render_full(loaded.findings, loaded.texts, colour=sys.stdout.isatty()), nl=False)
    if sight.trouble:
        click.echo(f"error: {sight.trouble}", err=True)
    elif loaded is not None:
        changed = f"; {_changed(sight)}" if sight.current and _changed(sight) else ""
        clock = now.astimezone().strftime("%H:%M:%S")
        click.echo(f"{clock}  {summary(loaded)}{changed}  ({sight.seconds * 1000:.0f} ms)", err=True)


def _has_browser() -> bool:
    """Whether there is a screen to open a browser on; a text browser would take over the terminal."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
