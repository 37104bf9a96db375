"""The options of commands that compile, `--cache` and `--no-cache`, and the cache that they mean."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from avtech_controller.cli._options import keys_dir_option

if TYPE_CHECKING:
    from avtech_controller.incremental import Cache
    from avtech_controller.trust import Remembered

_Command = TypeVar("_Command", bound=Callable[..., Any])


def cache_options(command: _Command) -> _Command:
    """Pass `cache: str | None` and `no_cache: bool`."""
    named = click.option(
        "--cache",
        "cache",
        envvar="AVTECH_CACHE",
        show_envvar=True,
        metavar="DIR|URL",
        help="Where to remember what was compiled: a directory, or s3://bucket/prefix with AVTECH_CACHE_KEY. "
        "By default the user's own cache directory.",
    )
    without = click.option("--no-cache", is_flag=True, help="Compile everything anew, and remember nothing.")
    return named(without(command))


sealing_key_option = keys_dir_option(
    "The directory of publish.pem, to read the cache that `publish --keys-dir DIR` wrote; nothing is signed."
)
"""For a command that signs nothing."""


def chosen_cache(cache: str | None, *, no_cache: bool, keys_dir: Path | None) -> "Cache | None":
    """Open the cache that the options mean; None if there is none.

    What seals it is AVTECH_CACHE_KEY, else the publish key that is at hand, else, for a directory, this user's own key.

    Raises:
        ConfigurationError: it is not an address, or its secret is too short.
    """
    if no_cache:
        return None
    from avtech_controller.cli._sealing import sealing_secret
    from avtech_controller.incremental import open_cache

    return open_cache(cache, today=datetime.now(UTC).date(), publish_secret=lambda: sealing_secret(keys_dir))


def remembered(cache: "Cache | None") -> "Remembered | None":
    """What the cache knows of the metadata of stores; None without a cache."""
    from avtech_controller.trust import Remembered

    return Remembered(cache.noted, cache.note) if cache else None
