"""Opens a store by its address: `file:///dir` or `s3://bucket/prefix?endpoint=…&region=…`."""

from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from avtech_controller.stores._file import FileStore
from avtech_controller.stores._port import ObjectStore, StoreConfigurationError

_HINT = "a store is spelt file:///directory or s3://bucket/prefix?endpoint=https://host&region=name"


def open_store(url: str) -> ObjectStore:
    """Open the store at an address; nothing is read yet.

    Raises:
        StoreConfigurationError: it is not an address of a store that can be written, or the settings for it are wrong.
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise StoreConfigurationError(f"not the address of a store: {_shown(url)!r}", hint=_HINT) from error
    match parts.scheme:
        case "file":
            return FileStore(_directory(parts, url))
        case "s3":
            from avtech_controller.stores._s3_open import open_s3

            return open_s3(parts)
        case "https" | "http":
            raise StoreConfigurationError(
                f"a store behind {parts.scheme}:// can only be read, by players; avtech needs to write",
                hint="give avtech the s3:// or file:// address of the same store",
            )
        case _:
            raise StoreConfigurationError(f"not the address of a store: {_shown(url)!r}", hint=_HINT)


def _directory(parts: SplitResult, url: str) -> Path:
    path = unquote(parts.path)
    if parts.netloc not in ("", "localhost") or not path.startswith("/") or parts.query or parts.fragment or "\0" in path:
        raise StoreConfigurationError(f"not the address of a directory: {_shown(url)!r}", hint="it is spelt file:///directory")
    return Path(path)


def _shown(url: str) -> str:
    """An address for messages, without what may be a password or a token in it."""
    start, mark, rest = url.partition("://")
    place = rest.partition("?")[0].rpartition("@")[2]
    return (f"{start}{mark}{place}" if mark else start.partition("?")[0].rpartition("@")[2])[:200]
