"""`avtech import`: take over what another signage system plays."""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from avtech_controller.cli._options import output_option, repo_option, store_option
from avtech_controller.cli._progress import progress_bars
from avtech_schema.errors import FindingsError
from avtech_schema.identifiers import client_id, screen_id, slug

if TYPE_CHECKING:
    from avtech_controller.desired import Loaded
    from avtech_controller.importing import Report


@click.group("import")
def import_() -> None:
    """Take over what another signage system plays: its clips, playlists and times."""


@import_.command()
@click.argument("path", type=click.Path(path_type=Path), metavar="DIR|FILE")
@click.option("--client", "client", required=True, metavar="CLI-…", help="Whose screen it becomes; made if there is none yet.")
@click.option(
    "--screen", "screen", default=None, metavar="SCR-…", help="The screen; SCR-…-ANTHIAS if missing, and made if new."
)
@click.option(
    "--time-zone", "zone", default=None, metavar="ZONE", help="The device's time zone; the screen's or client's if missing."
)
@click.option("--name", "name", default="anthias", show_default=True, help="The schedule's name; playlists begin with it.")
@click.option("--dry-run", is_flag=True, help="Measure and show only; upload and write nothing.")
@repo_option
@store_option
@output_option
def anthias(
    *,
    path: Path,
    client: str,
    screen: str | None,
    zone: str | None,
    name: str,
    dry_run: bool,
    repo: Path,
    store: str | None,
    output: str,
) -> None:
    """Take over the assets of an Anthias device: its list, as its API gives it, and the files beside it.

    DIR holds assets.json and the clips (the device keeps them in anthias_assets/); FILE is such a list beside its clips.
    Nothing is overwritten. What cannot be carried over is told, and kept in imports/NAME.md. The clips are uploaded to the
    store; without one, run the same command again when there is one.

    \b
    Examples:
      curl http://192.168.1.20/api/v2/assets > lobby/assets.json
      scp -r pi@192.168.1.20:anthias_assets lobby/
      avtech import anthias lobby --client CLI-ACME --time-zone Europe/Madrid --dry-run
      avtech import anthias lobby --client CLI-ACME --time-zone Europe/Madrid
    """
    from avtech_controller import importing

    try:
        names = client_id(client), screen_id(screen) if screen else None, slug(name)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    found = importing.find_list(path)
    assets = importing.read_assets(found)
    place = importing.find_place(repo, names[0], names[1], zone, names[2])
    place = importing.recognised(place, modelines=_has_schemas(repo))
    now = datetime.now(UTC)
    with progress_bars() as begin:
        fates = importing.sort_assets(
            assets,
            found.parent,
            place.client,
            importing.clients_with(place),
            place.index.videos,
            now=now,
            looked_at=begin("measuring", len(assets)),
        )
    report = importing.Report(place, fates, importing.arrange(fates.carried, place.zone, now))
    if not fates.carried:
        if output != "json":
            _show(report, output, (), dry_run=dry_run)
        raise FindingsError("no asset can be carried over: nothing was written")
    fresh = importing.new_files(repo, _files(report))
    _stop_if_invalid(importing.outcome(repo, fresh))
    if not dry_run:
        _write(report, fresh, store)
    _show(report, output, tuple(sorted(fresh)), dry_run=dry_run)


def _files(report: "Report") -> dict[str, str]:
    """Everything an import consists of, whether it is there already or not."""
    from avtech_controller import importing

    place = report.place
    modelines = _has_schemas(place.repo)
    return {
        **importing.resource_files(place, report.programme, modelines=modelines),
        **importing.entry_files(report.sorted.additions, modelines=modelines),
        f"imports/{place.name}.md": importing.report_markdown(report),
    }


def _has_schemas(repo: Path) -> bool:
    return (repo / "schema/json/v1").is_dir()


def _stop_if_invalid(loaded: "Loaded") -> None:
    """Refuse an import that `avtech validate` would refuse."""
    if loaded.state is not None:
        return
    from avtech_controller.render import render_full

    click.echo(render_full(loaded.findings, loaded.texts, colour=sys.stderr.isatty()), nl=False, err=True)
    raise FindingsError("the desired state would have these errors: nothing was written")


def _write(report: "Report", fresh: Mapping[str, str], option: str | None) -> None:
    """Upload the clips, if there is a store for them, then write the files."""
    from avtech_controller import importing
    from avtech_controller.content import raise_if_failed, upload_additions
    from avtech_controller.stores import open_store

    additions = report.sorted.additions
    url = option or report.place.index.store
    if url:
        store = open_store(url)
        with progress_bars() as begin:
            uploads = upload_additions(additions, store, done=begin("uploading", len(additions)))
        raise_if_failed(uploads)
    importing.write_files(report.place.repo, fresh)
    if not url:
        click.echo("the clips are in no store yet: name one (--store, AVTECH_STORE) and run the same command again", err=True)


def _show(report: "Report", output: str, fresh: tuple[str, ...], *, dry_run: bool) -> None:
    from avtech_controller import importing

    if output == "json":
        told = {**importing.report_json(report), "dry_run": dry_run, "files": list(fresh)}
        click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
        return
    click.echo(importing.report_text(report))
    for path in fresh:
        click.echo(f"{'would write' if dry_run else 'wrote'} {path}")
    if not fresh and report.sorted.carried:
        click.echo("all of it is there already: nothing was written", err=True)
