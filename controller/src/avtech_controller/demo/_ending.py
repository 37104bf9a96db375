"""The end of the demo: a table on the terminal, and one HTML page of the day, the pictures and the events."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as TerminalTable

from avtech_controller.compiler import compile_state
from avtech_controller.demo._telling import Telling
from avtech_controller.demo._workspace import Workspace
from avtech_controller.demo.days import screen_day
from avtech_controller.demo.page import render_page
from avtech_controller.demo.story import DemoStory, Fact, ScreenDay, Shot, Table
from avtech_controller.desired import DesiredState, load, open_source, require_state
from avtech_schema.airtime import time_zone
from avtech_schema.identifiers import VideoId
from avtech_schema.manifest import Manifest

COLUMNS = ("Screen", "State", "Shows", "Playing", "Reported")


@dataclass(frozen=True, slots=True)
class Told:
    """What came of the story: its page, the facts, and every screen as `avtech status` told it at the end."""

    page: Path
    facts: tuple[Fact, ...]
    screens: tuple[Mapping[str, Any], ...]


def finish(
    workspace: Workspace, telling: Telling, rows: Sequence[Mapping[str, Any]], *, facts: Sequence[Fact], shots: Sequence[Shot]
) -> Told:
    """Print the table and write the page."""
    cells = tuple(_cells(row) for row in rows)
    telling.chapter("6. The fleet at the end")
    table = TerminalTable(*COLUMNS, box=None, pad_edge=False)
    for row in cells:
        table.add_row(*row)
    stream = sys.stderr if telling.err else sys.stdout
    Console(file=stream, width=None if stream.isatty() else 120).print(table)
    now = datetime.now(UTC)
    story = DemoStory(
        title="AVTech: from a commit to the screen, and back",
        lead="A real run on one machine: real clips, a real store, real mpv on a virtual display, seven simulated players.",
        now=now,
        facts=tuple(facts),
        tables=(Table("The fleet at the end", COLUMNS, cells),),
        days=_days(workspace.repo, now),
        shots=tuple(shots),
        events=tuple(telling.events),
    )
    page = workspace.root / "story.html"
    page.write_text(render_page(story), encoding="utf-8")
    return Told(page, tuple(facts), tuple(rows))


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    age = row["age_seconds"]
    return (
        row["screen"],
        row["state"],
        (row["applied_commit"] or "-")[:12],
        row["playing"] or "-",
        "never" if age is None else f"{age:.0f} s ago",
    )


def _days(repo: Path, now: datetime) -> tuple[ScreenDay, ...]:
    state = require_state(load(open_source(repo, "HEAD")))
    titles = {VideoId(name): video.spec.title for name, video in state.videos.items() if video.spec.title}
    return tuple(_day(state, compiled.manifest, now, titles) for compiled in compile_state(state).values())


def _day(state: DesiredState, manifest: Manifest, now: datetime, titles: Mapping[VideoId, str]) -> ScreenDay:
    today = now.astimezone(time_zone(manifest.time_zone)).date()
    return screen_day(manifest, today, title=state.screens[manifest.screen].spec.title or "", titles=titles)
