"""`avtech validate`: every problem of the desired state, each at its place."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from avtech_controller.cli._findings import FORMS, show_findings
from avtech_controller.cli._options import commit_option, repo_option
from avtech_controller.desired import Loaded, check_source, load, load_change, open_source, overlooked, past_of
from avtech_controller.findings import Finding, Severity
from avtech_controller.render import clean_lines
from avtech_schema.errors import ConfigurationError

if TYPE_CHECKING:
    from avtech_controller.fixing import Fixes


@click.command()
@click.argument("path", type=click.Path(path_type=Path), required=False)
@repo_option
@commit_option
@click.option(
    "--changed-since",
    metavar="REV",
    envvar="AVTECH_VALIDATE_CHANGED_SINCE",
    show_envvar=True,
    help="Show only findings in files that differ from this commit's, and findings elsewhere that it does not have.",
)
@click.option(
    "--output",
    type=click.Choice(FORMS),
    default="full",
    envvar="AVTECH_VALIDATE_OUTPUT",
    show_default=True,
    show_envvar=True,
    help="How findings are written on stdout.",
)
@click.option("--no-cache", is_flag=True, help="Read and check every file, whatever is remembered of an earlier run.")
@click.option("--fix", is_flag=True, help="Mend what is surely a slip, quote times, order keys; then show what is left.")
@click.option("--diff", is_flag=True, help="Show what --fix would change, and change nothing. Also as --fix --dry-run.")
@click.option("--dry-run", is_flag=True, hidden=True)
def validate(
    *,
    path: Path | None,
    repo: Path,
    commit: str | None,
    changed_since: str | None,
    output: str,
    no_cache: bool,
    fix: bool,
    diff: bool,
    dry_run: bool,
) -> int:
    """Check the desired state, and show all that is wrong at once.

    PATH is the desired-state repository; the current directory if missing. Ends with 1 when there are errors, with 0
    when there are none or only warnings; with --diff, with 1 when something would change.
    `avtech explain CODE` tells more of a finding.

    \b
    Examples:
      avtech validate                             the files of the current directory
      avtech validate my-screens                  those of another
      avtech validate --commit origin/main        a commit, without touching the work tree
      avtech validate --changed-since origin/main only what a change brings about or touches
      avtech validate --diff                      what --fix would change
      avtech validate --fix                       mend slips, keeping comments and everything else
      avtech validate --output concise            one line a finding, for an editor
      avtech validate --output github             annotations and a summary, in a workflow of GitHub
      avtech validate --output sarif              for code scanning; junit for other CI; json for scripts
    """
    if path is not None and click.get_current_context().get_parameter_source("repo") is ParameterSource.COMMANDLINE:
        raise click.UsageError("PATH and --repo name the same thing: give the one or the other")
    root = path or repo
    today = datetime.now(UTC).date()
    source, left_out = open_source(root, commit), ""
    if fix or diff or dry_run:
        if commit is not None or changed_since is not None:
            raise ConfigurationError("only the whole work tree can be fixed", hint="leave --commit and --changed-since out")
        from avtech_controller.fixing import plan_fixes

        return _fix(root, plan_fixes(source, today=today), output, write=fix and not (diff or dry_run))
    if changed_since is None:
        past = past_of(root, source.commit)
        found = load(source, today=today, past=past) if no_cache else check_source(source, today=today, past=past)
        loaded = _with_overlooked(root, found, commit)
    else:
        change = load_change(source, open_source(root, changed_since), today=today)
        loaded = _with_overlooked(root, change.loaded, commit, changed_since)
        left_out = f"; {_count(len(change.files), 'file')} changed, {_count(change.earlier, 'earlier finding')} left out"
    show_findings(loaded.findings, loaded.texts, form=output, root=root, files=loaded.files)
    click.echo(summary(loaded) + left_out, err=True)
    return 1 if has_errors(loaded.findings) else 0


def _fix(root: Path, fixes: "Fixes", output: str, *, write: bool) -> int:
    """Write the fixes and show what is left, or show what would be written."""
    from avtech_controller.fixing import write_fixes

    loaded = _with_overlooked(root, fixes.loaded)
    tidy = sum(not file.mended for file in fixes.files)
    done = (
        f"{_count(fixes.mended, 'finding')} mended in {_count(len(fixes.files) - tidy, 'file')}, {_count(tidy, 'file')} tidied"
    )
    if not write:
        click.echo("".join(clean_lines(file.diff()) for file in fixes.files), nl=False)
        click.echo(f"would be: {done}; then {summary(loaded)}", err=True)
        return 1 if fixes.files or has_errors(loaded.findings) else 0
    write_fixes(root, fixes)
    show_findings(loaded.findings, loaded.texts, form=output, root=root, files=loaded.files)
    click.echo(f"{done}; {summary(loaded)}", err=True)
    return 1 if has_errors(loaded.findings) else 0


def _with_overlooked(root: Path, loaded: Loaded, commit: str | None = None, since: str | None = None) -> Loaded:
    """What was loaded, with the files of the work tree that were overlooked: of those, the ones that a base does not have."""
    found = overlooked(root) if commit is None else ()
    if found and since is not None:
        from avtech_controller.desired._commit import open_commit

        base = open_commit(root, since)
        found = tuple(finding for finding in found if not base.holds(finding.place.file))
    findings = sorted((*loaded.findings, *found), key=lambda one: (one.place, one.code, one.message))
    return replace(loaded, findings=tuple(findings)) if found else loaded


def has_errors(findings: Sequence[Finding]) -> bool:
    """Whether any finding stops a publication."""
    return any(finding.severity is Severity.ERROR for finding in findings)


def summary(loaded: Loaded) -> str:
    """The findings, files and screens in one line."""
    errors = sum(finding.severity is Severity.ERROR for finding in loaded.findings)
    warnings = len(loaded.findings) - errors
    found = f"{_count(errors, 'error')}, {_count(warnings, 'warning')}" if loaded.findings else "no findings"
    return f"{found} in {_count(loaded.files, 'file')}; {_count(loaded.screens, 'screen')}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
