"""How the demo tells its story: chapters, commands and evidence on the terminal, and the same as events for the page."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

import click

from avtech_controller.demo.story import StoryEvent


@dataclass(slots=True)
class Telling:
    """Tells the story on stdout (or stderr) and keeps what it told."""

    events: list[StoryEvent] = field(default_factory=list)
    err: bool = False
    """Tell it on stderr, because stdout is for JSON."""
    _chapter: str = ""
    _began: float = field(default_factory=time.monotonic)

    def chapter(self, title: str) -> None:
        """Begin a chapter."""
        self._chapter = title
        click.secho(f"\n{title}", bold=True, err=self.err)

    def command(self, text: str) -> None:
        """Show a command that is run."""
        click.secho(f"  $ {text}", fg="cyan", err=self.err)

    def saw(self, text: str) -> None:
        """State a piece of evidence."""
        self.events.append(StoryEvent(datetime.now(UTC), self._chapter, text))
        click.echo(f"    {time.monotonic() - self._began:5.1f} s  {text}", err=self.err)
