"""`avtech compile`: the manifests of all screens, for looking at them and for comparing commits."""

import errno
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from avtech_controller.cli._cache import cache_options, chosen_cache, sealing_key_option
from avtech_controller.cli._options import commit_option, output_option, repo_option
from avtech_schema.errors import ConfigurationError, EnvironmentFailedError
from avtech_schema.layout import target_path

if TYPE_CHECKING:
    from collections.abc import Generator

    from avtech_controller.incremental import Cache, Compilation, Written


@click.command(name="compile")
@repo_option
@commit_option
@click.option(
    "--to",
    "-o",
    "directory",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write the manifests there, as CLIENT/SCREEN.json; of an earlier run's, what differs is replaced. "
    "Without it, digests alone are shown.",
)
@cache_options
@sealing_key_option
@output_option
def compile_(
    *,
    repo: Path,
    commit: str | None,
    directory: Path | None,
    cache: str | None,
    no_cache: bool,
    keys_dir: Path | None,
    output: str,
) -> None:
    """Compile one manifest per screen, exactly the bytes that `avtech publish` would release.

    The same commit gives the same bytes on any machine, with any cache and without one. Nothing is written when the
    desired state has errors. Only clients whose files changed are looked at, and only screens that can reach what
    changed are compiled; the rest comes from the cache.

    \b
    Examples:
      avtech compile                                       digests of the work tree
      avtech compile -o build/manifests                    its manifests as files
      avtech compile --commit v2 -o build/v2               a tag
      diff -r build/v1 build/v2                            what changed between two
      avtech compile --cache s3://acme-ci/avtech           for CI, with AVTECH_CACHE_KEY
    """
    from avtech_controller.desired import open_source
    from avtech_controller.incremental import compile_source

    source = open_source(repo, commit)
    compilation = compile_source(source, chosen_cache(cache, no_cache=no_cache, keys_dir=keys_dir))
    own = chosen_cache(None, no_cache=no_cache, keys_dir=keys_dir) if directory else None
    written = _write(compilation, directory, own) if directory else None
    if output == "json":
        click.echo(orjson.dumps(_summary(compilation), option=orjson.OPT_INDENT_2).decode())
        return
    shown = (
        f"{one.digest[:12]}  {one.size:>8,} bytes  {target_path(one.client, one.screen)}"
        for one in compilation.screens.values()
    )
    click.echo("\n".join(shown))
    for line in _told(compilation, directory, written):
        click.echo(line, err=True)


def _told(compilation: "Compilation", directory: Path | None, written: "Written | None") -> list[str]:
    count, compiled = len(compilation.screens), compilation.compiled
    of = f"commit {compilation.commit[:12]}" if compilation.commit else "the work tree"
    manifests = f"{count:,} manifest{'s' if count != 1 else ''} of {of}"
    rest = ", the rest from the cache" if compiled < count else ""
    lines = [f"{manifests}: {directory}" if directory else manifests, f"{compiled:,} of {count:,} screens compiled{rest}"]
    if written and (written.written < count or written.removed):
        lines.append(f"{written.written:,} files written, {written.removed:,} removed, the rest was there already")
    return lines


def _summary(compilation: "Compilation") -> dict[str, Any]:
    from importlib.metadata import version

    from avtech_controller.compiler import COMPILER

    return {
        "format_version": 1,
        "commit": compilation.commit,
        "compiler": COMPILER,
        "tzdata": version("tzdata"),
        "compiled": compilation.compiled,
        "screens": [
            {
                "screen": screen.screen,
                "client": screen.client,
                "digest": screen.digest,
                "bytes": screen.size,
                "file": target_path(screen.client, screen.screen),
            }
            for screen in compilation.screens.values()
        ],
    }


def _write(compilation: "Compilation", directory: Path, own: "Cache | None") -> "Written":
    """Write the manifests; how the directory is left is noted in the user's own cache, for the next time.

    Raises:
        ConfigurationError: the directory holds something else, or cannot be used.
        EnvironmentFailedError: the disk failed.
    """
    from avtech_controller.incremental import notes_from, write_manifests

    with _failures(directory):
        what = f"output {directory.resolve()}"
        written = write_manifests(compilation, directory, notes_from(own.noted(what) if own else None))
        if own and (written.written or written.removed):
            own.note(what, orjson.dumps(written.notes))
    return written


@contextmanager
def _failures(directory: Path) -> "Generator[None, None, None]":
    try:
        yield
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EEXIST, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EPERM):
            raise ConfigurationError(f"cannot write {directory}: {error.strerror}") from error
        raise EnvironmentFailedError(f"cannot write {directory}: {error.strerror}") from error
