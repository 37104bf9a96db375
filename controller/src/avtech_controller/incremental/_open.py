"""Opens the cache that a command was told to use, or the user's own; without a secret there is none."""

import logging
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from urllib.parse import unquote, urlsplit

from avtech_controller.desired._cache import cache_directory
from avtech_controller.incremental._cache import Cache
from avtech_controller.incremental._secrets import CACHE_KEY_VARIABLE, configuration_directory, given_secret, own_secret
from avtech_controller.incremental._shelf import Directory, Shelf

_LOG = logging.getLogger("avtech.cache")
_FOLDER = "compiled"


def open_cache(address: str | None, *, today: date, publish_secret: Callable[[], bytes | None] = lambda: None) -> Cache | None:
    """The cache at an address (a directory, `file://…` or `s3://…`), by default the user's own; None if it cannot be used.

    Its secret is that of AVTECH_CACHE_KEY, else what `publish_secret` gives, else, for a directory, a file in the user's
    configuration.

    Raises:
        ConfigurationError: it is not an address, or AVTECH_CACHE_KEY is too short.
    """
    secret = given_secret(os.environ)
    if address and "://" in address and not address.startswith("file://"):
        from avtech_controller.incremental._store_shelf import StoreShelf
        from avtech_controller.stores import open_store

        shelf: Shelf = StoreShelf(open_store(address))
        secret = secret or publish_secret()
        if secret is None:
            _LOG.warning(
                "the cache in %s is not used: %s is not set, and no publish key is at hand", shelf.place, CACHE_KEY_VARIABLE
            )
            return None
        return Cache(shelf, secret, today=today)
    directory = _directory(address)
    secret = secret or publish_secret() or _own_secret(told=address is not None)
    return Cache(Directory(directory), secret, today=today) if directory and secret else None


def _directory(address: str | None) -> Path | None:
    if address and address.startswith("file://"):
        from avtech_controller.stores import open_store

        open_store(address)  # says what is wrong with it
        return Path(unquote(urlsplit(address).path))
    if address:
        return Path(address)
    own = cache_directory()
    return own / _FOLDER if own else None


def _own_secret(*, told: bool) -> bytes | None:
    directory = configuration_directory(os.environ)
    if directory is None:
        return None
    try:
        return own_secret(directory)
    except OSError as error:
        level = logging.WARNING if told else logging.DEBUG
        _LOG.log(level, "no cache is used: the key %s cannot be used: %s", error.filename or directory, error.strerror)
        return None
