"""How people consent to a change beyond a limit: by options, and by a line of a commit message."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from avtech_controller.desired import SourceError, history
from avtech_controller.planning import TRAILER, Consent, Loss, parse_acceptance
from avtech_schema.identifiers import CommitId

_Command = Callable[..., Any]


def consent_options(command: _Command) -> _Command:
    """Passes `accept_changes`, `accept_removals` and `accept_emptied`: `int | None`."""
    number = click.IntRange(min=0)
    for name, what in (
        ("--accept-emptied", "screens that lose all their scheduled airtime"),
        ("--accept-removals", "removed screens"),
        ("--accept-changes", "changed screens"),
    ):
        command = click.option(name, type=number, metavar="N", help=f"Consent to exactly N {what}.")(command)
    return command


def consent_of(
    accept_changes: int | None, accept_removals: int | None, accept_emptied: int | None, *, override_freeze: bool = False
) -> Consent:
    """What the options say."""
    given = ((Loss.CHANGED, accept_changes), (Loss.REMOVED, accept_removals), (Loss.EMPTIED, accept_emptied))
    return Consent(frozenset((loss, number) for loss, number in given if number is not None), override_freeze)


def consent_in_commits(repo: Path, base: CommitId | None, commit: CommitId | None) -> Consent:
    """What the messages of the commits since the released one say; HEAD stands for a work tree.

    A line that cannot be read is said and does not count; nor does anything if the history is not there, which is said, too.
    """
    found = Consent()
    if base is None:
        return found
    try:
        values = history.trailers(repo, base, commit or "HEAD", TRAILER)
    except SourceError as error:
        click.echo(f"note: consent in commit messages is not looked for: {error}", err=True)
        return found
    for value in values:
        try:
            found = found.plus(parse_acceptance(value))
        except ValueError as error:
            click.echo(f"note: a line {TRAILER} in a commit message is not understood: {error}", err=True)
    return found
