"""`avtech init`: a new desired-state repository with a working example."""

import os
import tempfile
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from avtech_controller.cli._options import output_option
from avtech_controller.desired.history import require_git
from avtech_schema.errors import ConfigurationError, EnvironmentFailedError

if TYPE_CHECKING:
    from git import Repo

_HIDDEN = {"gitignore": ".gitignore", "vscode": ".vscode"}
"""Files and folders that would do something to this package's own repository if they had their names there."""


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--no-git", is_flag=True, help="Only write the files: no Git repository, no first commit.")
@output_option
def init(*, directory: Path, no_git: bool, output: str) -> None:
    """Make a desired-state repository in DIR: one client, two screens, a schedule, two clips, ready to validate.

    DIR must be new or empty; nothing is ever overwritten. Its README says what to do next.

    \b
    Examples:
      avtech init my-screens
      avtech init my-screens --no-git      in a repository that is there already
    """
    target = directory.resolve()
    _check_free(directory, target)
    if not no_git:
        require_git()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as scratch:
            fresh = Path(scratch, "new")
            written = write_example(fresh)
            commit = None if no_git else _first_commit(fresh)
            fresh.rename(target)
    except OSError as error:
        raise EnvironmentFailedError(f"cannot make {directory}: {error.strerror or error}") from error
    if output == "json":
        value = {"format_version": 1, "directory": str(target), "files": written, "commit": commit}
        click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
        return
    done = f", commit {commit[:12]}" if commit else ""
    click.echo(f"{directory} is ready: {len(written)} files{done}")
    click.echo(f"next: cd {directory} && avtech validate   (its README.md goes on from there)", err=True)


def write_example(target: Path) -> list[str]:
    """Write the example into a directory that does not exist yet; returns the files' paths below it, in order."""
    from avtech_schema.json_schemas import json_schemas, spelt

    templates = resources.files("avtech_controller") / "templates"
    files = dict(_files(templates / "repository", ""))
    files |= {f"clips/{path}": data for path, data in _files(templates / "clips", "")}
    files |= {f"schema/json/v1/{name}": spelt(schema).encode() for name, schema in json_schemas().items()}
    for path, data in files.items():
        place = target / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    return sorted(files)


def _files(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for entry in folder.iterdir():
        name = _HIDDEN.get(entry.name, entry.name)
        if entry.is_dir():
            found.extend(_files(entry, f"{prefix}{name}/"))
        else:
            found.append((prefix + name, entry.read_bytes()))
    return found


def _check_free(directory: Path, target: Path) -> None:
    try:
        if target.is_symlink() or (target.exists() and (not target.is_dir() or any(target.iterdir()))):
            raise ConfigurationError(f"{directory} is there already and is not empty", hint="name a new directory")
    except OSError as error:
        raise ConfigurationError(f"cannot look into {directory}: {error.strerror}") from error


def _first_commit(root: Path) -> str:
    """Make a Git repository of the files, by the user's name or, where Git knows none, by ours."""
    from git import GitCommandError, Repo
    from git.exc import GitCommandNotFound

    try:
        repository = Repo.init(root, initial_branch="main")
        repository.git.add("--all")
        if not _knows_author(repository):
            name, address = "AVTech", "avtech@localhost"
            repository.git.update_environment(
                GIT_AUTHOR_NAME=name, GIT_AUTHOR_EMAIL=address, GIT_COMMITTER_NAME=name, GIT_COMMITTER_EMAIL=address
            )
        repository.git.commit("--quiet", "--no-gpg-sign", "--no-verify", "--message", "Begin with a working example")
        return str(repository.head.commit.hexsha)
    except (GitCommandError, GitCommandNotFound) as error:
        reason = " ".join(str(error.stderr or error).replace("stderr:", "").split())[:200]
        raise EnvironmentFailedError(f"git failed: {reason}", hint="--no-git leaves it out") from error


def _knows_author(repository: "Repo") -> bool:
    from git import GitCommandError

    if os.environ.get("GIT_AUTHOR_EMAIL") and os.environ.get("GIT_COMMITTER_EMAIL"):
        return True
    try:
        return bool(repository.git.config("--get", "user.email"))
    except GitCommandError:
        return False
