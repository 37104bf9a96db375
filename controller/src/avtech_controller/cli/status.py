"""`avtech status`: what every screen shows and should show, worst first."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from avtech_controller.cli._desired import chosen_store
from avtech_controller.cli._options import output_option, repo_option, report_store_option, store_option
from avtech_controller.desired import DesiredState, SourceError, load, open_source, require_state
from avtech_schema.errors import FindingsError
from avtech_schema.identifiers import ScreenId

if TYPE_CHECKING:
    from avtech_controller.publication import Released
    from avtech_controller.status import ScreenStatus

_COLUMNS = ("SCREEN", "STATE", "SHOWS", "SHOULD", "REPORTED", "PLAYING", "WHY")


@click.command()
@repo_option
@store_option
@report_store_option()
@click.option(
    "--fail-on-problems",
    is_flag=True,
    help="Exit with 1 unless something is released and every screen is synced or on its way.",
)
@output_option
def status(*, repo: Path, store: str | None, report_store: str | None, fail_on_problems: bool, output: str) -> int:
    """Show what every screen says of itself, verified by its device key and held against what is released.

    States, worst first: failed (rolled back and quarantined), rejected (a report that cannot be believed), error,
    stale (no report for 15 minutes), unseen, pending, synced.

    \b
    Examples:
      avtech status
      avtech status --fail-on-problems          for a monitoring job
      avtech status --output json
    """
    from avtech_controller.cli._anchor import committed_anchor
    from avtech_controller.publication import read_head
    from avtech_controller.status import ScreenState, judge, read_reports, worst_first

    work_tree = None if store else require_state(load(open_source(repo, None)))
    opened = chosen_store(store, work_tree)
    head = read_head(opened, committed_anchor(repo))
    if head is None:
        click.echo('{"format_version": 1, "release": null, "screens": []}' if output == "json" else "nothing is released yet")
        return int(fail_on_problems)
    released = head.released
    reports = read_reports(chosen_store(report_store, None) if report_store else opened, released, _device_keys(repo, released))
    now = datetime.now(UTC)
    found = worst_first([judge(screen, reports[name], now) for name, screen in released.screens.items()])
    click.echo(_json(released, found) if output == "json" else _text(released, found))
    well = {ScreenState.SYNCED, ScreenState.PENDING}
    return int(fail_on_problems and any(status.state not in well for status in found))


def _device_keys(repo: Path, released: "Released") -> dict[ScreenId, str]:
    """The device keys in the desired state of the released commit; of the work tree when that cannot be read here."""
    try:
        return _keys_of(require_state(load(open_source(repo, released.commit))))
    except (SourceError, FindingsError) as error:
        click.echo(f"note: the device keys are those of the work tree: {error}", err=True)
        return _keys_of(require_state(load(open_source(repo, None))))


def _keys_of(state: DesiredState) -> dict[ScreenId, str]:
    return {name: screen.spec.device.public_key for name, screen in state.screens.items() if screen.spec.device}


def _text(released: "Released", statuses: "list[ScreenStatus]") -> str:
    rows = [_COLUMNS, *(_row(status) for status in statuses)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS) - 1)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip() for row in rows
    ]
    counts = Counter(status.state for status in statuses)
    summary = ", ".join(f"{count} {state}" for state, count in counts.items())
    return "\n".join([*lines, "", f"release {released.sequence} ({released.commit[:12]}): {summary or 'no screens'}"])


def _row(status: "ScreenStatus") -> tuple[str, ...]:
    return (
        status.screen,
        status.state.value,
        status.applied[:12] if status.applied else "-",
        status.desired[:12],
        age_text(status.age_s),
        status.playing or "-",
        " ".join(status.reason.split())[:160],
    )


def age_text(seconds: int | None) -> str:
    """How long ago, in the largest unit that fits."""
    if seconds is None:
        return "never"
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def _json(released: "Released", statuses: "list[ScreenStatus]") -> str:
    value = {
        "format_version": 1,
        "release": {"sequence": released.sequence, "commit": released.commit, "digest": released.digest},
        "summary": dict(Counter(status.state.value for status in statuses)),
        "screens": [_screen_json(status) for status in statuses],
    }
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def _screen_json(status: "ScreenStatus") -> dict[str, Any]:
    report = status.report
    return {
        "screen": status.screen,
        "client": status.client,
        "state": status.state.value,
        "stale": status.stale,
        "desired_commit": status.desired,
        "applied_commit": status.applied,
        "age_seconds": status.age_s,
        "playing": status.playing,
        "reason": status.reason,
        "report": orjson.loads(report.payload()) if report else None,
    }
