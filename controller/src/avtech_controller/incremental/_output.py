"""A directory of manifests as files: what is there already, by a note of how it was left, is not written again."""

import os
import re
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from avtech_controller import durable
from avtech_controller.compiler import CompiledScreen
from avtech_controller.incremental._compilation import Compilation
from avtech_schema.canonical import sha256_hex
from avtech_schema.errors import ConfigurationError
from avtech_schema.layout import target_path
from avtech_schema.manifest import MAX_MANIFEST_BYTES

_CLIENT = re.compile(r"CLI-[A-Z0-9-]+")
_MANIFEST = re.compile(r"SCR-[A-Z0-9-]+\.json")
_HALF = re.compile(r"\.avtech-[0-9a-f]{16}\.tmp")
_Stamp = list[int]
"""A file's size, and when it was last written and changed: nobody sets the latter back."""
Notes = Mapping[str, tuple[str, _Stamp]]
"""Digests of files and their stamps, as an earlier run left them, by path."""


@dataclass(frozen=True, slots=True)
class Written:
    """How many files were written and removed, and the notes for the next run."""

    written: int
    removed: int
    notes: Notes


def write_manifests(compilation: Compilation, directory: Path, notes: Notes) -> Written:
    """Make a directory hold the manifests and nothing else; it may be new, empty, or hold an earlier run's.

    A new directory appears whole; in one that is there, each file is replaced whole.

    Raises:
        ConfigurationError: the directory holds something else.
        OSError: it cannot be read or written.
    """
    target = directory.resolve()
    there = _scan(target)
    if not there:
        _write_new(compilation, target)
        written, removed = len(compilation.screens), 0
    else:
        changed = [screen for screen in compilation.by_part() if not _is_there(target, screen, there, notes)]
        for screen in changed:
            _replace(target / target_path(screen.client, screen.screen), screen.data)
        gone = there.keys() - {target_path(screen.client, screen.screen) for screen in compilation.screens.values()}
        _remove(target, gone)
        written, removed = len(changed), len(gone)
    digests = {target_path(screen.client, screen.screen): screen.digest for screen in compilation.screens.values()}
    left = there if there and not written and not removed else _scan(target)
    return Written(written, removed, {path: (digest, left[path]) for path, digest in digests.items() if path in left})


def notes_from(data: bytes | None) -> Notes:
    """Notes as they were written down; none if there are none."""
    if data is None:
        return {}
    try:
        found = orjson.loads(data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _write_new(compilation: Compilation, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as scratch:
        fresh = Path(scratch, "new")
        fresh.mkdir()
        made: set[str] = set()
        for screen in compilation.by_part():
            if screen.client not in made:
                (fresh / screen.client).mkdir()
                made.add(screen.client)
            _write(f"{fresh}/{target_path(screen.client, screen.screen)}", screen.data)
        if target.exists():
            target.rmdir()
        fresh.rename(target)
        durable.flush_directory(target.parent)


def _is_there(target: Path, screen: CompiledScreen, there: Mapping[str, _Stamp], notes: Notes) -> bool:
    """Whether a file holds a screen's manifest already: by its note, or by looking at it."""
    path = target_path(screen.client, screen.screen)
    stamp = there.get(path)
    if stamp is None or stamp[0] != screen.size:
        return False
    noted = notes.get(path)
    if noted and noted[1] == stamp:
        return noted[0] == screen.digest
    with open(target / path, "rb") as stream:  # noqa: PTH123  some hundred thousand times
        return sha256_hex(stream.read(MAX_MANIFEST_BYTES + 1)) == screen.digest


def _scan(target: Path) -> dict[str, _Stamp]:
    """Every manifest of an earlier run; what a run left half written when it was stopped is removed.

    Raises:
        ConfigurationError: there is something else.
    """
    if not target.exists():
        return {}
    if not target.is_dir():
        raise ConfigurationError(f"{target} is not a directory")
    return {path: stamp for entry in _entries(target, _CLIENT, is_folder=True) for path, stamp in _manifests(target, entry)}


def _manifests(target: Path, client: os.DirEntry[str]) -> Iterator[tuple[str, _Stamp]]:
    for entry in _entries(target, _MANIFEST, is_folder=False, below=client):
        found = entry.stat(follow_symlinks=False)
        yield f"{client.name}/{entry.name}", [found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def _entries(
    target: Path, pattern: re.Pattern[str], *, is_folder: bool, below: os.DirEntry[str] | None = None
) -> list[os.DirEntry[str]]:
    is_kind: Callable[[os.DirEntry[str]], bool] = lambda entry: (  # noqa: E731
        entry.is_dir(follow_symlinks=False) if is_folder else entry.is_file(follow_symlinks=False)
    )
    found: list[os.DirEntry[str]] = []
    with os.scandir(below or target) as entries:
        for entry in entries:
            if pattern.fullmatch(entry.name) and is_kind(entry):
                found.append(entry)
            elif _HALF.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                Path(entry.path).unlink(missing_ok=True)
            else:
                name = Path(entry.path).relative_to(target)
                raise ConfigurationError(
                    f"{target} holds other files, for example {name}", hint="name a new or empty directory"
                )
    return found


def _replace(path: Path, data: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    temporary = path.parent / f".avtech-{secrets.token_hex(8)}.tmp"
    try:
        _write(temporary, data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _remove(target: Path, gone: set[str]) -> None:
    for path in gone:
        (target / path).unlink(missing_ok=True)
    for client in {path.partition("/")[0] for path in gone}:
        if not any((target / client).iterdir()):
            (target / client).rmdir()


def _write(path: str | Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, durable.PUBLIC_MODE)
    with os.fdopen(descriptor, "wb", buffering=0) as stream:
        stream.write(data)
