"""`avtech gc`: removes from the store what nothing needs any more; it shows first, marks then, and removes a day later."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from avtech_controller.cli._anchor import committed_anchor
from avtech_controller.cli._desired import chosen_store
from avtech_controller.cli._options import output_option, repo_option, report_store_option, store_option
from avtech_schema.identifiers import ScreenId

if TYPE_CHECKING:
    from collections.abc import Iterable

    from avtech_controller.desired import DesiredState
    from avtech_controller.publication import Head
    from avtech_controller.retention.collection import Collected, Collector, Found
    from avtech_controller.stores import Listed

_SHOWN = 20


@click.command()
@repo_option
@store_option
@report_store_option()
@click.option("--without-reports", is_flag=True, help="Go on although no screen has ever reported.")
@click.option("--dry-run", is_flag=True, help="Only show; the default.")
@click.option("--yes", "-y", is_flag=True, help="Remove what is marked long enough, and mark what is not needed now.")
@click.option("--keep-releases", type=click.IntRange(min=1), metavar="N", help="Instead of spec.retention.releases.")
@click.option("--keep-days", type=click.IntRange(min=1), metavar="D", help="Instead of spec.retention.days.")
@click.option(
    "--grace",
    type=click.IntRange(min=1),
    default=24,
    show_default=True,
    metavar="HOURS",
    help="How long something must have been marked before it is removed.",
)
@output_option
def gc(**options: Any) -> None:
    """Remove from the store what nothing needs any more: old manifests, clips, pictures and metadata.

    Needed is what is on air, what the kept releases had (spec.retention of fleet.yaml: the newest so many, and all of the
    last so many days), what any screen reports to show or to be about to show, every active clip of the index of HEAD, and
    whatever is younger than those days. A screen whose report cannot be believed keeps all its manifests. Release
    records, provenance, root metadata, reports and proof of play are never removed.

    Without --yes nothing is written. With it, one run marks, and a later one, --grace hours on, removes what still is
    not needed. A publication that reuses a marked object takes it out of the mark.

    \b
    Examples:
      avtech gc                         what could go
      avtech gc --yes                   in a daily job
      avtech gc --keep-days 30          what could go if less were kept
    """
    if options["dry_run"] and options["yes"]:
        raise click.UsageError("--dry-run and --yes exclude each other")
    _collect(_Options(**options))


@dataclass(frozen=True, slots=True)
class _Options:
    """The options as they were given."""

    repo: Path
    store: str | None
    report_store: str | None
    without_reports: bool
    dry_run: bool
    yes: bool
    keep_releases: int | None
    keep_days: int | None
    grace: int
    output: str


def _collect(options: _Options) -> None:
    from avtech_controller.cli._progress import progress_bars
    from avtech_controller.desired import load, open_source, require_state
    from avtech_controller.publication import check_order, descent
    from avtech_controller.retention.collection import Collector, Policy

    source = open_source(options.repo, "HEAD")
    state = require_state(load(source))
    commit = source.commit

    def current(head: "Head") -> None:
        if commit is not None:
            check_order(head.released, commit, descent(options.repo))

    opened = chosen_store(options.store, state)
    retention = state.fleet.spec.retention
    with progress_bars() as progress:
        collector = Collector(
            store=opened,
            report_store=chosen_store(options.report_store, None) if options.report_store else opened,
            anchor=committed_anchor(options.repo),
            state=state,
            device_keys=_device_keys(state),
            policy=Policy(options.keep_releases or retention.releases, options.keep_days or retention.days),
            grace=timedelta(hours=options.grace),
            check_order=current,
            clock=lambda: datetime.now(UTC),
            progress=progress,
            without_reports=options.without_reports,
        )
        _show(collector, options.output, yes=options.yes)


def _show(collector: "Collector", output: str, *, yes: bool) -> None:
    done = collector.run() if yes else None
    found = done.found if done else collector.look()
    if output == "json":
        click.echo(orjson.dumps(_json(found, done), option=orjson.OPT_INDENT_2).decode())
        return
    for screen, reason in sorted(found.doubtful.items())[:_SHOWN]:
        click.echo(f"note: {screen} keeps all its manifests: {reason}", err=True)
    click.echo(_text(found, done))


def _device_keys(state: "DesiredState") -> dict[ScreenId, str]:
    return {name: screen.spec.device.public_key for name, screen in state.screens.items() if screen.spec.device}


def _text(found: "Found", done: "Collected | None") -> str:
    from avtech_controller.planning import byte_text

    releases = "1 release is" if found.kept_releases == 1 else f"{found.kept_releases:,} releases are"
    lines = [f"{releases} kept; {found.listed:,} objects were looked at"]
    for kind, (count, size) in _kinds(found.unneeded).items():
        lines.append(f"  {kind:<10}  {count:>8,} not needed  {byte_text(size):>10}")
    if not found.unneeded:
        lines.append("  all of them are needed")
    if done is None:
        lines += [f"  {entry.key}" for entry in found.unneeded[:_SHOWN]]
        if (more := len(found.unneeded) - _SHOWN) > 0:
            lines.append(f"  … and {more:,} more; --output json lists all")
        due = len(found.due)
        lines.append(f"nothing was written: --yes would remove {due:,} now and mark {len(found.unneeded) - due:,}")
        return "\n".join(lines)
    lines.append(f"removed {done.removed:,} ({byte_text(done.removed_bytes)}); marked {done.marked:,} more")
    if done.skipped:
        lines.append(f"{done.skipped:,} were wanted or changed meanwhile, or their time ran out; they stay for now")
    return "\n".join(lines)


def _kinds(entries: "Iterable[Listed]") -> dict[str, tuple[int, int]]:
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for entry in entries:
        kind = entry.key.partition("/")[0]
        counts[kind] += 1
        sizes[kind] += entry.size
    return {kind: (counts[kind], sizes[kind]) for kind in sorted(counts)}


def _json(found: "Found", done: "Collected | None") -> dict[str, Any]:
    return {
        "format_version": 1,
        "outcome": "collected" if done else "planned",
        "kept_releases": found.kept_releases,
        "listed": found.listed,
        "reports": found.reports,
        "doubtful": dict(sorted(found.doubtful.items())),
        "unneeded": [{"key": entry.key, "bytes": entry.size, "due": entry.key in found.due} for entry in found.unneeded],
        "removed": done.removed if done else 0,
        "removed_bytes": done.removed_bytes if done else 0,
        "marked": done.marked if done else 0,
        "skipped": done.skipped if done else 0,
        "stopped": done.stopped if done else False,
    }
