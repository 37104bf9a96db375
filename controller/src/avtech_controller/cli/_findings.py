"""How findings leave `avtech validate`: the forms of output, and where the desired state lies in its repository."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import orjson

from avtech_controller.findings import Finding
from avtech_controller.render import (
    SUMMARY_BYTES,
    findings_json,
    github_summary,
    render_concise,
    render_full,
    render_github,
    render_junit,
    render_sarif,
)

FORMS = ("full", "concise", "json", "github", "sarif", "junit")


def show_findings(findings: Sequence[Finding], texts: Mapping[str, str], *, form: str, root: Path, files: int) -> None:
    """Write findings on stdout in one of `FORMS`; for GitHub, the step's summary is written, too."""
    match form:
        case "json":
            click.echo(orjson.dumps(findings_json(findings), option=orjson.OPT_INDENT_2).decode())
        case "concise":
            click.echo(render_concise(findings), nl=False)
        case "sarif":
            click.echo(orjson.dumps(render_sarif(findings, folder=folder_of(root)), option=orjson.OPT_INDENT_2).decode())
        case "junit":
            click.echo(render_junit(findings, files=files), nl=False)
        case "github":
            click.echo(render_github(findings, folder=folder_of(root)), nl=False)
            _summarise(findings)
        case _:
            click.echo(render_full(findings, texts, colour=sys.stdout.isatty()), nl=False)


def folder_of(root: Path) -> str:
    """Where a directory lies below the root of the Git work tree it is in, like `signage`; empty if it is the root."""
    here = root.resolve()
    for above in (here, *here.parents):
        if (above / ".git").exists():
            return "" if above == here else here.relative_to(above).as_posix()
    return ""


def _summarise(findings: Sequence[Finding]) -> None:
    """Append to the step's summary, where GitHub asks for one, as much as still fits into it."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    try:
        with Path(path).open("ab") as summary:
            summary.write(github_summary(findings, room=SUMMARY_BYTES - summary.tell()).encode("utf-8", "replace"))
    except OSError as error:
        click.echo(f"warning: the step's summary cannot be written: {error.strerror}", err=True)
