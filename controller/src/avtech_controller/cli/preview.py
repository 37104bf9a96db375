"""`avtech preview`: the week of every screen as a page and as pictures, before and after a change."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from avtech_controller.cli._complete import complete_screens
from avtech_controller.cli._options import commit_option, output_option, repo_option, store_option
from avtech_controller.cli._screens import known_screen
from avtech_controller.render import clean, findings_json, render_full
from avtech_schema.errors import ConfigurationError, EnvironmentFailedError
from avtech_schema.identifiers import ScreenId

if TYPE_CHECKING:
    from avtech_controller.desired import DesiredState, Loaded
    from avtech_controller.preview import Dates, Preview
    from avtech_controller.stores import ObjectStore


class _Day(click.DateTime):
    """A day as `2026-12-24`; what is none is said in words."""

    def __init__(self) -> None:
        super().__init__(formats=["%Y-%m-%d"])

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The day that is meant, at midnight."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{str(value)[:40]!r} is not a day of the calendar, written like 2026-12-24", param, ctx)


_DAY = _Day()


@click.command()
@click.argument("screens", metavar="[SCR]...", nargs=-1, shell_complete=complete_screens)
@repo_option
@commit_option
@click.option(
    "--to",
    "-o",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    metavar="DIR",
    help="Where index.html and the pictures are written; files of the same names are replaced, others are left alone.",
)
@click.option(
    "--base", metavar="REV", help="Compare with this commit. Default: what is released, else where this branch began."
)
@click.option("--from", "first", type=_DAY, metavar="DATE", help="First day. Default: Monday of this week, for each screen.")
@click.option("--until", "last", type=_DAY, metavar="DATE", help="Last day, inclusive. Default: six days after the first.")
@click.option("--all", "every", is_flag=True, help="Draw every different week, however many there are.")
@store_option
@output_option
def preview(
    *,
    screens: tuple[str, ...],
    repo: Path,
    commit: str | None,
    directory: Path,
    base: str | None,
    first: datetime | None,
    last: datetime | None,
    every: bool,
    store: str | None,
    output: str,
) -> int:
    """Draw what plays where and when, as a page and as pictures.

    DIR/index.html is for a browser: one file that needs no network; DIR/SCR-….png is for a comment. The page shows a
    calendar for each screen (all screens, unless some are named), what changes against the base first and marked, and
    screens with the same week together. Errors that leave everything computable, such as an air check that fails, are shown
    on top of the page, and it ends with 1.

    \b
    Examples:
      avtech preview -o build/preview                             the work tree against what is released
      avtech preview -o build/preview --base origin/main          a branch against the main one
      avtech preview SCR-ACME-MADRID-SHOP -o out --from 2026-12-21 --until 2027-01-03
    """
    from avtech_controller.compiler import compile_state
    from avtech_controller.desired import load, open_source, require_drawable
    from avtech_controller.preview import Bases, Subject, Workshop, make_preview

    dates = _dates(first, last)
    source = open_source(repo, commit)
    loaded = load(source)
    state = require_drawable(loaded)
    only = {known_screen(state.screens, name) for name in screens} or None
    compiled = compile_state(state, only=only)
    opened = chosen(store, state)
    found = Bases(repo, revision=base, store=opened, only=only).find(source.commit, compiled)
    label = f"commit {source.commit[:12]}" if source.commit else "the work tree"
    subject = Subject(state, label, compiled)
    made = make_preview(subject, found, dates, Workshop(repo, opened), every=every)
    files = write_preview(made, directory, banner=_banner(loaded))
    _tell(made, loaded, directory, files, output)
    return 0 if loaded.state else 1


def chosen(option: str | None, state: "DesiredState") -> "ObjectStore | None":
    """The store that an option or the fleet names; None if neither does."""
    from avtech_controller.stores import open_store

    url = option or state.fleet.spec.store
    return open_store(url) if url else None


def write_preview(made: "Preview", directory: Path, *, banner: str = "") -> dict[ScreenId, str]:
    """Write the page and the pictures; returns the picture of each screen that has one. `banner` stands on top.

    Raises:
        ConfigurationError, EnvironmentFailedError: the directory cannot be written.
    """
    from avtech_controller.durable import replace_file
    from avtech_controller.preview import draw_pictures, render_page

    page = render_page(made, banner=banner).encode()
    drawn = draw_pictures(made)
    files = {screen: f"{screen}.png" for screen in drawn}
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for screen, data in drawn.items():
            replace_file(directory / files[screen], data)
        replace_file(directory / "index.html", page)
    except (PermissionError, FileExistsError, NotADirectoryError) as error:
        raise ConfigurationError(f"cannot write {directory}: {error.strerror}") from error
    except OSError as error:
        raise EnvironmentFailedError(f"cannot write {directory}: {error.strerror}") from error
    return files


def _banner(loaded: "Loaded") -> str:
    """The findings of a state with errors; warnings alone are `avtech validate`'s."""
    from avtech_controller.preview import BROKEN, findings_banner

    return "" if loaded.state else findings_banner(loaded.findings, loaded.texts, remark=BROKEN)


def _dates(first: datetime | None, last: datetime | None) -> "Dates":
    from avtech_controller.preview import MAX_DAYS, Dates

    start, end = _day(first), _day(last)
    if start and end:
        if end < start:
            raise click.BadParameter("it is before --from", param_hint="--until")
        if end - start >= timedelta(days=MAX_DAYS):
            raise click.BadParameter(f"at most {MAX_DAYS} days are drawn", param_hint="--until")
    return Dates(datetime.now(UTC), start, end)


def _day(moment: datetime | None) -> date | None:
    if moment and not 1971 <= moment.year < 2200:
        raise click.BadParameter(f"{moment:%Y-%m-%d} is outside the years that can be drawn, 1971 to 2199")
    return moment.date() if moment else None


def _tell(made: "Preview", loaded: "Loaded", directory: Path, files: dict[ScreenId, str], output: str) -> None:
    if not loaded.state:
        click.echo(render_full(loaded.findings, loaded.texts), err=True)
    for note in made.notes:
        click.echo(f"note: {clean(note)}", err=True)
    if made.left_out:
        click.echo(f"note: {made.left_out} screens with other weeks are not drawn; name screens, or give --all", err=True)
    page = directory / "index.html"
    if output == "json":
        click.echo(orjson.dumps(_json(made, page, files) | findings_json(loaded.findings), option=orjson.OPT_INDENT_2).decode())
        return
    click.echo(f"{page}")
    compared = f" against {made.before}" if made.before else "; there is nothing to compare with"
    click.echo(f"{_changed(made)}: {made.after}{compared}, {made.first} to {made.last}", err=True)


def _changed(made: "Preview") -> str:
    if not made.before:
        return f"{made.screens} screens"
    parts = [f"{made.changed} of {made.screens} screens change"]
    parts += [f"{made.otherwise} change in another way or on later days"] if made.otherwise else []
    parts += [f"{made.unknown} cannot be compared"] if made.unknown else []
    return ", ".join(parts)


def _json(made: "Preview", page: Path, files: dict[ScreenId, str]) -> dict[str, Any]:
    from avtech_controller.preview import captions

    said = captions(made)
    return {
        "format_version": 1,
        "page": str(page),
        "from": made.first.isoformat(),
        "until": made.last.isoformat(),
        "after": made.after,
        "before": made.before or None,
        "screens": made.screens,
        "changed": made.changed,
        "changed_otherwise": made.otherwise,
        "not_comparable": made.unknown,
        "removed": list(made.gone),
        "notes": list(made.notes),
        "weeks": [
            {
                "state": week.state.name.lower(),
                "remarks": list(week.remarks),
                "client": week.client,
                "screens": list(week.screens),
                "pictures": [files[screen] for screen in week.screens if screen in files],
                "captions": [said[screen] for screen in week.screens if screen in files],
            }
            for week in made.weeks
        ],
        "screens_not_drawn": made.left_out,
    }
