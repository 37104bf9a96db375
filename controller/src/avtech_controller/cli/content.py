"""`avtech content`: add clips to the index and the store, list them, and hold the store against the index."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
import orjson

from avtech_controller.cli._main import tell
from avtech_controller.cli._options import commit_option, output_option, repo_option, store_option
from avtech_controller.cli._progress import progress_bars
from avtech_controller.content import (
    Addition,
    AdditionPlan,
    Applied,
    ContentError,
    Index,
    Offered,
    Upload,
    Wish,
    apply_additions,
    check_store,
    entry_path,
    plan_additions,
    read_index,
)
from avtech_controller.desired import open_source
from avtech_controller.media import MediaError, measure, thumbnail
from avtech_controller.parallel import in_parallel
from avtech_controller.stores import ObjectStore, open_store
from avtech_schema.errors import ConfigurationError, FindingsError
from avtech_schema.identifiers import ClientId, client_id, video_id
from avtech_schema.resources import Rights, Video

_TOLD = 3
"""So many failed uploads are explained one by one; JSON names all."""
_Parsed = TypeVar("_Parsed")
_Problem = MediaError | ContentError


@click.group()
def content() -> None:
    """Clips: measure them, put them into the store, and write the index that playlists draw on."""


@content.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
@click.option("--client", "client", required=True, metavar="CLI-…", help="Whose clips they are.")
@click.option("--name", default=None, metavar="VID-…", help="The clip's name; by default it is made from the file's.")
@click.option("--title", default=None, help="What it shows, for people; by default it is made from the file's name.")
@click.option("--rights-from", default=None, metavar="DATE", help="First day, or local time, on which it may be shown.")
@click.option("--rights-until", default=None, metavar="DATE", help="Last day, or local time, on which it may be shown.")
@click.option("--dry-run", is_flag=True, help="Measure and check only; upload and write nothing.")
@repo_option
@store_option
@output_option
def add(
    *,
    files: tuple[Path, ...],
    client: str,
    name: str | None,
    title: str | None,
    rights_from: str | None,
    rights_until: str | None,
    dry_run: bool,
    repo: Path,
    store: str | None,
    output: str,
) -> int:
    """Measure clips, upload them, and write their entries into content-index/.

    Every frame is decoded: a clip is an MP4 of at most 20 seconds, H.264 in yuv420p, up to 3840x2160. All problems of all
    files are told at once, and then nothing is uploaded or written. Several clips are uploaded at once; one that cannot be
    does not hold up the others, and gets no entry. Adding the same file again uploads what the store lacks, and
    changes and uploads nothing else.

    \b
      avtech content add autumn-sale.mp4 --client CLI-ACME        becomes VID-ACME-AUTUMN-SALE
      avtech content add *.mp4 --client CLI-ACME --dry-run        would they all do?
      avtech content add x.mp4 --client CLI-ACME --name VID-ACME-SALE --rights-until 2026-12-24
    """
    if len(set(files)) > 1 and (name or title):
        raise click.UsageError("--name and --title speak of one clip; several files were given")
    wish = Wish(
        _parse("--client", client_id, client),
        _parse("--name", video_id, name) if name else None,
        title,
        _rights(rights_from, rights_until),
    )
    index = read_index(open_source(repo))
    target = None if dry_run else _store(store, index)
    offered, refused = _measure_all(files)
    plan = plan_additions(wish, offered, index.clients, index.videos)
    problems: list[_Problem] = [*refused, *plan.problems]
    done = Applied() if problems or not target else _apply(plan, target, repo, index)
    failed = [one for one in done.uploads if not one.done]
    _print_additions(plan, problems, done.uploads, output, dry_run=dry_run)
    if title or wish.rights:
        _note_unchanged(plan)
    _tell_pictures(done, index)
    errors = [one.error.exit_code for one in failed if one.error]
    return max(errors, default=1 if problems or done.unnoted else 0)


@content.command("list")
@click.option("--client", "client", default=None, metavar="CLI-…", help="Only this client's clips.")
@click.option("--archived", is_flag=True, help="Archived clips, too.")
@repo_option
@commit_option
@output_option
def list_(*, client: str | None, archived: bool, repo: Path, commit: str | None, output: str) -> None:
    """List the clips of the index.

    \b
      avtech content list --client CLI-ACME
      avtech content list --archived --output json
    """
    videos = _chosen(read_index(open_source(repo, commit)), client, archived=archived)
    if output == "json":
        _print_json({"clips": [_describe(video) for video in videos]})
        return
    width = max((len(video.metadata.name) for video in videos), default=0)
    for video in videos:
        spec, media = video.spec, video.spec.media
        state = "" if spec.state == "active" else f"  ({spec.state})"
        size = f"{spec.size_bytes:>12,} B"
        facts = f"{spec.duration_ms / 1000:6.2f} s  {media.width:>4}x{media.height:<4} {size}"
        click.echo(f"{video.metadata.name:<{width}}  {facts}  {spec.title or ''}{state}")
    click.echo(f"{_count(len(videos), 'clip')}, {sum(video.spec.size_bytes for video in videos):,} bytes", err=True)


@content.command()
@click.option("--client", "client", default=None, metavar="CLI-…", help="Only this client's clips.")
@click.option("--deep", is_flag=True, help="Read every clip and compare its SHA-256, not only its size.")
@repo_option
@commit_option
@store_option
@output_option
def check(*, client: str | None, deep: bool, repo: Path, commit: str | None, store: str | None, output: str) -> int:
    """Check that every active clip of the index lies in the store, as the index describes it.

    \b
      avtech content check
      avtech content check --deep --client CLI-ACME --store s3://signage/prod
    """
    index = read_index(open_source(repo, commit))
    videos = _chosen(index, client, archived=False)
    if not videos:
        raise FindingsError(
            "the index has no active clip to check", hint="`avtech content list --archived` shows what there is"
        )
    with progress_bars() as begin:
        advance = begin("checking", len(videos))
        problems = check_store(videos, _store(store, index), deep=deep, checked=lambda _: advance())
    if output == "json":
        _print_json({"checked": len(videos), "deep": deep, "problems": [_problem(one) for one in problems]})
    else:
        click.echo(f"{_count(len(videos), 'clip')} checked, {_count(len(problems), 'problem')}")
    _tell(problems)
    return 1 if problems else 0


def _parse(option: str, parse: Callable[[str], _Parsed], text: str) -> _Parsed:
    try:
        return parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from error


def _rights(first: str | None, last: str | None) -> Rights | None:
    if first is None and last is None:
        return None
    try:
        return Rights.model_validate({"from": first, "until": last})
    except ValueError as error:
        raise click.BadParameter(
            "a date like 2026-12-24 or a local time like 2026-12-24T18:30 is expected, the last after the first",
            param_hint="--rights-from, --rights-until",
        ) from error


def _store(option: str | None, index: Index) -> ObjectStore:
    url = option or index.store
    if not url:
        raise ConfigurationError("no store is named", hint="give --store URL or AVTECH_STORE, or set spec.store in fleet.yaml")
    return open_store(url)


def _chosen(index: Index, client: str | None, *, archived: bool) -> list[Video]:
    if client is not None and ClientId(client) not in index.clients:
        raise click.BadParameter(
            f"{client!r} is not a client; known: {', '.join(sorted(index.clients))}", param_hint="--client"
        )
    chosen = (video for _, video in sorted(index.videos.items()) if archived or video.spec.state == "active")
    return [video for video in chosen if client in (None, video.spec.client)]


def _measure_all(files: Sequence[Path]) -> tuple[list[Offered], list[MediaError]]:
    with progress_bars() as begin:
        wanted = list(dict.fromkeys(files))
        done = begin("measuring", len(wanted))
        found = in_parallel(_measure, wanted, done=done, threads=len(os.sched_getaffinity(0)))
    offered = [one for one in found if isinstance(one, Offered)]
    return offered, [one for one in found if isinstance(one, MediaError)]


def _measure(path: Path) -> Offered | MediaError:
    try:
        measured = measure(path)
        return Offered(path, measured, thumbnail(path, measured.duration_ms))
    except MediaError as error:
        return error


def _apply(plan: AdditionPlan, store: ObjectStore, repo: Path, index: Index) -> Applied:
    with progress_bars() as begin:
        return apply_additions(plan, store, repo, index.places, done=begin("uploading", len(plan.additions)))


def _tell_pictures(done: Applied, index: Index) -> None:
    """Say which entries name another picture now, and what people must write into the others."""
    for one in done.noted:
        click.echo(f"note: the picture of {one.name} was noted in {index.places[one.name].file}; commit it", err=True)
    for one in done.unnoted:
        picture = one.video.spec.thumbnail
        place = index.places[one.name].file if one.name in index.places else "its entry"
        click.echo(f"error: the picture of {one.name} was uploaded, but {place} is not one that can be edited safely", err=True)
        if picture:
            facts = f'{{sha256: "{picture.sha256}", sizeBytes: {picture.size_bytes}}}'
            click.echo(f"  help: write there, below spec of {one.name}: thumbnail: {facts}", err=True)


def _print_additions(
    plan: AdditionPlan, problems: Sequence[_Problem], uploads: Sequence[Upload], output: str, *, dry_run: bool
) -> None:
    done = () if problems else plan.additions
    failed = [one for one in uploads if not one.done]
    found = {one.addition.name: one for one in uploads}
    told = [(one, _state(one, found.get(one.name), dry_run=dry_run)) for one in done]
    if output == "json":
        clips = [{**_describe(one.video), "state": state} for one, state in told]
        errors = [{"name": one.addition.name, "message": str(one.error), "help": one.error.hint} for one in failed if one.error]
        _print_json(
            {"dry_run": dry_run, "clips": clips, "problems": [_problem(one) for one in problems], "failed": errors},
        )
    else:
        for one, state in told:
            seconds = one.video.spec.duration_ms / 1000
            click.echo(f"{state:<9} {one.name}  {seconds:.2f} s  {one.video.spec.size_bytes:,} bytes")
    _tell(problems)
    _tell_failed(failed, len(done))
    new = sum(state == "added" for _, state in told)
    if problems:
        click.echo(
            f"nothing was uploaded or written: {len(problems)} {'problem' if len(problems) == 1 else 'problems'}", err=True
        )
    elif new:
        what = "1 entry was" if new == 1 else f"{new} entries were"
        click.echo(f"{what} written to content-index/; name the clips in playlists, and commit both", err=True)


def _tell_failed(failed: Sequence[Upload], of: int) -> None:
    """Say why clips could not be uploaded, and what to do."""
    errors = [one.error for one in failed if one.error]
    for error in errors[:_TOLD]:
        tell(error)
    if failed:
        untried = f" ({len(failed) - len(errors):,} of them were not tried)" if len(failed) > len(errors) else ""
        click.echo(
            f"{len(failed):,} of {_count(of, 'clip')} could not be uploaded{untried}, and no entry was written for what is "
            "not there; run the same command again when that is mended: nothing is uploaded twice",
            err=True,
        )


def _note_unchanged(plan: AdditionPlan) -> None:
    """Say that what was given for a clip that is in the index already was not written over what people wrote there."""
    for one in plan.additions:
        if one.state == "present":
            entry = entry_path(ClientId(one.video.spec.client), one.name)
            click.echo(f"note: the title and rights of {one.name} were left as they are; edit {entry}", err=True)


def _state(addition: Addition, upload: Upload | None, *, dry_run: bool) -> str:
    """What became of a clip; `uploaded`: its entry was there already, and the store lacked it or its picture until now."""
    if upload and not upload.done:
        return upload.state
    if addition.state == "present":
        return "uploaded" if upload and upload.state == "uploaded" else "present"
    return "would add" if dry_run else "added"


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number} {what}s"


def _tell(problems: Sequence[_Problem]) -> None:
    for problem in problems:
        click.echo(f"error[{problem.code}]: {problem}", err=True)
        if problem.hint:
            click.echo(f"  help: {problem.hint}", err=True)


def _problem(problem: _Problem) -> dict[str, str]:
    return {"code": problem.code.value, "message": str(problem), "help": problem.hint}


def _describe(video: Video) -> dict[str, Any]:
    spec = video.spec
    return {
        "name": video.metadata.name,
        "client": spec.client,
        "title": spec.title,
        "entry": str(entry_path(ClientId(spec.client), video_id(video.metadata.name))),
        "sha256": spec.sha256,
        "size_bytes": spec.size_bytes,
        "duration_ms": spec.duration_ms,
        "state": spec.state,
    }


def _print_json(value: dict[str, Any]) -> None:
    click.echo(orjson.dumps({"format_version": 1, **value}, option=orjson.OPT_INDENT_2))
