"""`avtech compile`: the manifests of all screens as files, for looking at them and for comparing commits."""

import errno
import re
import tempfile
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from avtech_controller import durable
from avtech_controller.cli._options import commit_option, output_option, repo_option
from avtech_schema.errors import ConfigurationError, EnvironmentFailedError
from avtech_schema.identifiers import CommitId, ScreenId
from avtech_schema.layout import target_path

if TYPE_CHECKING:
    from collections.abc import Generator

    from avtech_controller.compiler import CompiledScreen

_OURS = re.compile(r"CLI-[A-Z0-9-]+(/SCR-[A-Z0-9-]+\.json)?")


@click.command(name="compile")
@repo_option
@commit_option
@click.option(
    "--to",
    "-o",
    "directory",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="Where the manifests are written, as CLIENT/SCREEN.json. Manifests of an earlier run in it are replaced as a whole.",
)
@output_option
def compile_(*, repo: Path, commit: str | None, directory: Path, output: str) -> None:
    """Compile one manifest per screen, exactly the bytes that `avtech publish` would release.

    The same commit gives the same bytes on any machine. Nothing is written when the desired state has errors.

    \b
    Examples:
      avtech compile -o build/manifests                    the work tree
      avtech compile --commit v2 -o build/v2               a tag
      diff -r build/v1 build/v2                            what changed between two
    """
    from avtech_controller.compiler import compile_state
    from avtech_controller.desired import load, open_source, require_state

    source = open_source(repo, commit)
    screens = compile_state(require_state(load(source)))
    write_manifests(screens, directory)
    summary = _summary(source.commit, screens)
    if output == "json":
        click.echo(orjson.dumps(summary, option=orjson.OPT_INDENT_2).decode())
        return
    for screen in summary["screens"]:
        click.echo(f"{screen['digest'][:12]}  {screen['bytes']:>8,} bytes  {screen['file']}")
    of = f"commit {source.commit[:12]}" if source.commit else "the work tree"
    click.echo(f"{len(screens):,} manifest{'s' if len(screens) != 1 else ''} of {of}: {directory}", err=True)


def _summary(commit: CommitId | None, screens: Mapping[ScreenId, "CompiledScreen"]) -> dict[str, Any]:
    from importlib.metadata import version

    from avtech_controller.compiler import COMPILER

    return {
        "format_version": 1,
        "commit": commit,
        "compiler": COMPILER,
        "tzdata": version("tzdata"),
        "screens": [
            {
                "screen": screen.screen,
                "client": screen.client,
                "digest": screen.digest,
                "bytes": len(screen.data),
                "file": target_path(screen.client, screen.screen),
            }
            for screen in screens.values()
        ],
    }


def write_manifests(screens: Mapping[ScreenId, "CompiledScreen"], directory: Path) -> None:
    """Write all manifests into a directory that is new, empty, or holds an earlier run's; all of them or none.

    Raises:
        ConfigurationError: the directory holds something else.
        EnvironmentFailedError: the disk failed.
    """
    target = directory.resolve()
    with _failures(directory):
        _check_ours(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as scratch:
            fresh = Path(scratch, "new")
            for screen in screens.values():
                path = fresh / target_path(screen.client, screen.screen)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(screen.data)
            if target.exists():
                target.rename(Path(scratch, "old"))
            fresh.rename(target)
            durable.flush_directory(target.parent)


def _check_ours(target: Path) -> None:
    """Refuse to replace anything but manifests."""
    if not target.exists():
        return
    if not target.is_dir():
        raise ConfigurationError(f"{target} is not a directory")
    foreign = [path for path in target.rglob("*") if not _OURS.fullmatch(path.relative_to(target).as_posix())]
    if foreign:
        raise ConfigurationError(
            f"{target} holds other files, for example {foreign[0].relative_to(target)}", hint="name a new or empty directory"
        )


@contextmanager
def _failures(directory: Path) -> "Generator[None, None, None]":
    try:
        yield
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EEXIST, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EPERM):
            raise ConfigurationError(f"cannot write {directory}: {error.strerror}") from error
        raise EnvironmentFailedError(f"cannot write {directory}: {error.strerror}") from error
