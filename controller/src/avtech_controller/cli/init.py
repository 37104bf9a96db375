"""`avtech init`: a new desired-state repository with a working example."""

import os
import tempfile
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from avtech_controller.cli._ci_files import KINDS, add_ci_files, ci_files
from avtech_controller.cli._options import output_option
from avtech_controller.desired._source import FOLDERS
from avtech_controller.desired.history import require_git
from avtech_schema.errors import ConfigurationError, EnvironmentFailedError

if TYPE_CHECKING:
    from git import Repo

_HIDDEN = {"gitignore": ".gitignore", "vscode": ".vscode"}
"""Files and folders that would do something to this package's own repository if they had their names there."""


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--ci",
    type=click.Choice(KINDS),
    help="Add what CI runs: checks of pull requests, publishing, upkeep; also to a repository that is there already.",
)
@click.option("--no-git", is_flag=True, help="Only write the files: no Git repository, no first commit.")
@output_option
def init(*, directory: Path, ci: str | None, no_git: bool, output: str) -> None:
    """Make a desired-state repository in DIR: one client, two screens, a schedule, two clips, ready to validate.

    DIR must be new or empty, or, with --ci, a desired-state repository that gets the files for CI alone; those are not
    committed. Nothing is ever overwritten. The README says what to do next.

    \b
    Examples:
      avtech init my-screens
      avtech init my-screens --ci github   with checks for pull requests
      avtech init . --ci gitlab            these for the repository one stands in
      avtech init my-screens --no-git      in a repository that is there already
    """
    target = directory.resolve()
    if _holds_a_fleet(directory, target):
        _add_to(directory, target, ci, output)
        return
    _check_free(directory, target)
    if not no_git:
        require_git()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as scratch:
            fresh = Path(scratch, "new")
            written = write_example(fresh)
            if ci:
                written = sorted([*written, *add_ci_files(fresh, ci_files(ci))])
            commit = None if no_git else _first_commit(fresh)
            fresh.rename(target)
    except OSError as error:
        raise EnvironmentFailedError(f"cannot make {directory}: {error.strerror or error}") from error
    done = f", commit {commit[:12]}" if commit else ""
    steps = [f"cd {directory} && avtech validate   (its README.md goes on from there)", *_ci_steps(ci, added=False)]
    _tell(target, written, commit, (f"{directory} is ready: {len(written)} files{done}", steps), output)


def _add_to(directory: Path, target: Path, ci: str | None, output: str) -> None:
    """Add the files for CI to a desired-state repository.

    Raises:
        ConfigurationError: that was not asked for, it is not the root of its Git repository, or other files are in the way.
        EnvironmentFailedError: the disk failed.
    """
    if ci is None:
        raise ConfigurationError(
            f"{directory} is a desired-state repository already",
            hint="there is nothing to make: avtech validate checks it; --ci github (or gitlab) adds what CI runs",
        )
    top = _git_root(target)
    if top not in (None, target):
        raise ConfigurationError(
            f"{directory} lies within the Git repository {top}", hint="CI reads its files at the root of a repository alone"
        )
    try:
        written = add_ci_files(target, ci_files(ci))
    except (PermissionError, FileExistsError, NotADirectoryError) as error:
        raise ConfigurationError(f"cannot write {error.filename or directory}: {error.strerror}") from error
    except OSError as error:
        raise EnvironmentFailedError(f"cannot write {directory}: {error.strerror or error}") from error
    said = "\n".join(f"wrote {path}" for path in written) or f"{directory} has all files for CI already: nothing was written"
    steps = ["git init, and commit everything: this is no Git repository yet"] if top is None else []
    _tell(target, written, None, (said, [*steps, *_ci_steps(ci, added=True)]), output)


def _ci_steps(ci: str | None, *, added: bool) -> list[str]:
    """What people still have to do for CI."""
    if ci is None:
        return []
    kind, request = ("GitHub", "pull request") if ci == "github" else ("GitLab", "merge request")
    return [
        "commit these files and push them" if added else f"push it to {kind}",
        f"open a {request}: it is validated without any setting",
        f"for plans, previews and publishing set what ci/README.md lists in {kind}'s settings",
    ]


def _tell(target: Path, written: list[str], commit: str | None, said: tuple[str, list[str]], output: str) -> None:
    """Say what was done and, on stderr, what is next."""
    done, steps = said
    if output == "json":
        value = {"format_version": 1, "directory": str(target), "files": written, "commit": commit, "next": steps}
        click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
        return
    click.echo(done)
    for number, step in enumerate(steps):
        click.echo(f"{'next:' if number == 0 else '     '} {step}", err=True)


def _holds_a_fleet(directory: Path, target: Path) -> bool:
    try:
        return any((target / name).is_dir() for name in FOLDERS)
    except OSError as error:
        raise ConfigurationError(f"cannot look into {directory}: {error.strerror}") from error


def _git_root(target: Path) -> Path | None:
    """The root of the work tree that a directory lies in."""
    import pygit2

    try:
        found = pygit2.discover_repository(str(target))
        inside = pygit2.Repository(found).workdir if found else None
    except (pygit2.GitError, KeyError):
        return None
    return Path(inside).resolve() if inside else None


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
            raise ConfigurationError(
                f"{directory} is there already and is not empty", hint="name a new directory, or an empty one"
            )
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
