"""`avtech validate`: every problem of the desired state, each at its place."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import click
import orjson

from avtech_controller.cli._options import commit_option, repo_option
from avtech_controller.desired import Loaded, load, open_source
from avtech_controller.findings import Severity
from avtech_controller.render import findings_json, render_concise, render_full


@click.command()
@click.argument("path", type=click.Path(path_type=Path), required=False)
@repo_option
@commit_option
@click.option(
    "--output",
    type=click.Choice(["full", "concise", "json"]),
    default="full",
    envvar="AVTECH_VALIDATE_OUTPUT",
    show_default=True,
    show_envvar=True,
    help="How findings are written on stdout.",
)
def validate(*, path: Path | None, repo: Path, commit: str | None, output: str) -> int:
    """Check the desired state, and show all that is wrong at once.

    PATH is the desired-state repository; the current directory if missing. Ends with 1 when there are errors, with 0
    when there are none or only warnings. docs/reference/findings.md explains every code.

    \b
    Examples:
      avtech validate                          the files of the current directory
      avtech validate my-screens               those of another
      avtech validate --commit origin/main     a commit, without touching the work tree
      avtech validate --output concise         one line a finding, for an editor
      avtech validate --output json            for scripts
    """
    loaded = load(open_source(path or repo, commit), today=datetime.now(UTC).date())
    match output:
        case "json":
            click.echo(orjson.dumps(findings_json(loaded.findings), option=orjson.OPT_INDENT_2).decode())
        case "concise":
            click.echo(render_concise(loaded.findings), nl=False)
        case _:
            click.echo(render_full(loaded.findings, loaded.texts, colour=sys.stdout.isatty()), nl=False)
    click.echo(summary(loaded), err=True)
    return 0 if loaded.state is not None else 1


def summary(loaded: Loaded) -> str:
    """The findings, files and screens in one line."""
    errors = sum(finding.severity is Severity.ERROR for finding in loaded.findings)
    warnings = len(loaded.findings) - errors
    found = f"{_count(errors, 'error')}, {_count(warnings, 'warning')}" if loaded.findings else "no findings"
    return f"{found} in {_count(loaded.files, 'file')}; {_count(loaded.screens, 'screen')}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
