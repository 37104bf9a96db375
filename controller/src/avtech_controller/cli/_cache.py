"""The options of commands that compile, `--cache` and `--no-cache`, and the cache that they mean."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from avtech_schema.errors import AvtechError

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


def chosen_cache(cache: str | None, *, no_cache: bool, keys_dir: Path | None = None) -> "Cache | None":
    """Open the cache that the options mean; None if there is none.

    Raises:
        ConfigurationError: it is not an address, or its secret is too short.
    """
    if no_cache:
        return None
    from avtech_controller.incremental import open_cache

    return open_cache(cache, today=datetime.now(UTC).date(), publish_secret=lambda: _publish_secret(keys_dir))


def remembered(cache: "Cache | None") -> "Remembered | None":
    """What the cache knows of the metadata of stores; None without a cache."""
    from avtech_controller.trust import Remembered

    return Remembered(cache.noted, cache.note) if cache else None


def _publish_secret(keys_dir: Path | None) -> bytes | None:
    """A secret that whoever holds the publish key can derive; none without a key at hand, or from a key service's."""
    if "AVTECH_PUBLISH_KEY" not in os.environ:  # asked first: what follows loads much
        return None
    from securesystemslib.signer import CryptoSigner

    from avtech_controller.cli._secrets import publish_signer
    from avtech_controller.incremental import derive

    try:
        signer = publish_signer(keys_dir)
    except AvtechError:
        return None  # whoever needs the key for more than this says what is wrong with it
    return derive(signer.private_bytes, b"avtech cache secret") if isinstance(signer, CryptoSigner) else None
