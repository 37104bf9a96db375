"""Options that the commands about rollouts share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Command = Callable[..., Any]


def keys_dir_option(command: Command) -> Command:
    """Passes `keys_dir: Path | None`."""
    return click.option(
        "--keys-dir",
        type=click.Path(path_type=Path),
        envvar="AVTECH_KEYS_DIR",
        show_envvar=True,
        metavar="DIR",
        help="The directory of publish.pem, unless AVTECH_PUBLISH_KEY holds the key.",
    )(command)


def report_store_option(command: Command) -> Command:
    """Passes `report_store: str | None`."""
    return click.option(
        "--report-store",
        default=None,
        envvar="AVTECH_REPORT_STORE",
        show_envvar=True,
        metavar="URL",
        help="Where players report, when that is another store.",
    )(command)


def patch_option(command: Command) -> Command:
    """Passes `patch: Path | None`."""
    return click.option(
        "--patch",
        type=click.Path(path_type=Path, dir_okay=False),
        default=None,
        metavar="FILE",
        help="Where the revert commit's patch goes; by default rollout-N-revert.patch in the current directory.",
    )(command)
