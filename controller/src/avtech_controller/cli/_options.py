"""Options that several commands share, so that they are spelt, documented and set by environment in one way."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])
_Decorator = Callable[[_Command], _Command]

repo_option: _Decorator[Any] = click.option(
    "--repo",
    "-C",
    "repo",
    type=click.Path(path_type=Path),
    default=Path(),
    envvar="AVTECH_REPO",
    show_default="the current directory",
    show_envvar=True,
    metavar="DIR",
    help="The desired-state repository: the directory that holds fleet/ and content-index/.",
)
"""Passes `repo: Path`."""

commit_option: _Decorator[Any] = click.option(
    "--commit",
    "commit",
    default=None,
    envvar="AVTECH_COMMIT",
    show_envvar=True,
    metavar="REV",
    help="Read this commit (a hash, branch or tag) instead of the work tree, without touching the work tree.",
)
"""Passes `commit: str | None`."""

store_option: _Decorator[Any] = click.option(
    "--store",
    "store",
    default=None,
    envvar="AVTECH_STORE",
    show_envvar=True,
    metavar="URL",
    help="The object store, file:///dir or s3://bucket/prefix; by default the one that fleet.yaml names.",
)
"""Passes `store: str | None`."""

output_option: _Decorator[Any] = click.option(
    "--output",
    "output",
    type=click.Choice(["text", "json"]),
    default="text",
    envvar="AVTECH_OUTPUT",
    show_default=True,
    show_envvar=True,
    help="How the result is written on stdout.",
)
"""Passes `output: str`, one of text and json."""


def keys_dir_option(
    about: str = "The directory of publish.pem, unless AVTECH_PUBLISH_KEY holds the key.", **more: Any
) -> _Decorator[Any]:
    """Passes `keys_dir: Path | None`; `about` says what the command does with it."""
    return click.option(
        "--keys-dir",
        type=click.Path(path_type=Path),
        envvar="AVTECH_KEYS_DIR",
        show_envvar=True,
        metavar="DIR",
        help=about,
        **more,
    )


def report_store_option(about: str = "Where players report, when that is another store.") -> _Decorator[Any]:
    """Passes `report_store: str | None`."""
    return click.option(
        "--report-store", default=None, envvar="AVTECH_REPORT_STORE", show_envvar=True, metavar="URL", help=about
    )
