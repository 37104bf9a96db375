"""Lets the public suite tuf-conformance drive this player's own client: `python -m avtech_player.conformance`.

Its protocol is https://github.com/theupdateframework/tuf-conformance/blob/main/CLIENT-CLI.md. A player itself learns more
(DESIGN section 4): the release, and the time of signing. What is tested here is everything below that.
"""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from tuf.api.exceptions import LengthOrHashMismatchError
from tuf.api.metadata import TargetFile

from avtech_player.durable import make_directory, read_bounded, replace_atomically
from avtech_player.metadata import MetadataClient
from avtech_player.store import NotModified, Store, Stored, open_store
from avtech_schema.errors import AvtechError, ConfigurationError, TrustError
from avtech_schema.layout import METADATA

_MAX_ROOT_BYTES = 512_000
_STATE = ".player"
"""Beside python-tuf's files: the root that the client began with, and the floor."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit code is 0 if everything verified, else 1."""
    options = _parser().parse_args(arguments)
    try:
        match options.command:
            case "init":
                _init(options.metadata_dir, options.trusted_root)
            case "refresh":
                client = _client(options.metadata_dir, options.metadata_url)
                client.accept(client.walk([], now=datetime.now(UTC)), signed=None)
            case _:
                _download(options)
    except AvtechError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m avtech_player.conformance")
    parser.add_argument("--metadata-dir", type=Path, required=True)
    parser.add_argument("--metadata-url", default="")
    parser.add_argument("--target-name", action="append", default=[])
    parser.add_argument("--target-dir", type=Path)
    parser.add_argument("--target-base-url", default="")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("init").add_argument("trusted_root", type=Path)
    commands.add_parser("refresh")
    commands.add_parser("download")
    return parser


def _init(directory: Path, root: Path) -> None:
    data = read_bounded(root, limit=_MAX_ROOT_BYTES)
    if data is None:
        raise ConfigurationError(f"{root} is not there")
    make_directory(directory / _STATE)
    replace_atomically(directory / _STATE / "root.json", data)
    replace_atomically(directory / "root.json", data)


def _client(directory: Path, url: str) -> MetadataClient:
    root = read_bounded(directory / _STATE / "root.json", limit=_MAX_ROOT_BYTES)
    if root is None:
        raise ConfigurationError("there is no root: init comes first")
    above, found, rest = url.rstrip("/").rpartition(METADATA.rstrip("/"))
    if not found or rest:
        raise ConfigurationError(f"a store keeps its metadata in {METADATA}, which {url} is not")
    return MetadataClient(directory, directory / _STATE, _AnyNames(above), root=root)


class _AnyNames:
    """A store that also reads keys with a quoted slash: the suite has roles with such names, a fleet never has."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._store = open_store(url, {})

    def read(self, key: str, *, limit: int, if_none_match: str = "") -> Stored | NotModified | None:
        """Read an object; one with a quoted slash in its key by its whole address."""
        if "%2F" not in key:
            return self._store.read(key, limit=limit, if_none_match=if_none_match)
        return open_store(f"{self.url}/{quote(key, safe='/%')}", {}).read("", limit=limit)


def _download(options: argparse.Namespace) -> None:
    client = _client(options.metadata_dir, options.metadata_url)
    found = client.walk(options.target_name, now=datetime.now(UTC))
    client.accept(found, signed=None)
    store = open_store(options.target_base_url, {})
    for path, target in found.targets.items():
        if target is None:
            raise TrustError(f"the repository has no {path}")
        file = options.target_dir / quote(path, safe="")
        if not _holds(target, read_bounded(file, limit=target.length)):
            replace_atomically(file, _fetch(store, path, target))


def _fetch(store: Store, path: str, target: TargetFile) -> bytes:
    """A target under the name that consistent snapshots give it: its digest stands before the name of the file."""
    folder, slash, name = path.rpartition("/")
    digest = next(iter(target.hashes.values()))
    stored = store.read(f"{folder}{slash}{digest}.{name}", limit=target.length)
    if not isinstance(stored, Stored) or not _holds(target, stored.data):
        raise TrustError(f"{path} is missing, or is not what was signed for")
    return stored.data


def _holds(target: TargetFile, data: bytes | None) -> bool:
    if data is None:
        return False
    try:
        target.verify_length_and_hashes(data)
    except LengthOrHashMismatchError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
