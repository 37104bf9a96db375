"""What an earlier look at the same directory found, so that only what changed is read and checked again.

The cache is a convenience of this machine's user: it is keyed by the contents of files, by the day and by this program's
own code; what is damaged, foreign or of another version is ignored. Nothing that publishes reads it.
"""

import hashlib
import os
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

import orjson

from avtech_controller.desired import _spelt
from avtech_controller.desired._index import FileFacts, Index, Names
from avtech_controller.desired._state import Origin
from avtech_controller.findings import Finding

MAX_CACHE_BYTES = 512 << 20
RACY_NS = 2_000_000_000
"""A file that changed so shortly before it was noted may change again without its times telling."""
_FORMAT = b"avtech-validate-2"
_FOREIGN = ("pydantic", "pydantic_core", "yaml_rs", "pyyaml", "tzdata", "python_dateutil", "avtech_controller", "avtech_schema")
"""The distributions, as their folders are spelt, that have a say in what is found."""


@dataclass(frozen=True, slots=True)
class Noted:
    """One file as it was: what tells it from another (times and size, or Git's name for it), its digest and its facts."""

    identity: str
    digest: str
    facts: FileFacts


class Folder:
    """The files of one folder as they were, by name; what was written down of them is read when one is asked for."""

    def __init__(self, stamp: str, data: bytes = b"", files: Mapping[str, Noted] | None = None) -> None:
        self.stamp = stamp
        """What tells the folder as a whole from what it was."""
        self._data = data
        self._new = files

    @cached_property
    def files(self) -> Mapping[str, Noted]:
        """Each file by its name."""
        if self._new is not None:
            return self._new
        raw = orjson.loads(self._data)
        return {name: Noted(identity, digest, _spelt.facts(facts)) for name, (identity, digest, facts) in raw.items()}

    def written(self) -> bytes:
        """The files as they are written down."""
        if self._new is None:
            return self._data
        return orjson.dumps(
            {name: [one.identity, one.digest, _spelt.facts_value(one.facts)] for name, one in self._new.items()}
        )


class Facts(Mapping[str, FileFacts]):
    """The facts of all files by path, folder by folder."""

    def __init__(self, folders: Mapping[str, Folder]) -> None:
        self._folders = folders

    def __getitem__(self, path: str) -> FileFacts:
        folder, _, name = path.rpartition("/")
        return self._folders[folder].files[name].facts

    def __iter__(self) -> Iterator[str]:
        return (joined(path, name) for path, folder in self._folders.items() for name in folder.files)

    def __len__(self) -> int:
        return sum(len(folder.files) for folder in self._folders.values())


def joined(folder: str, name: str) -> str:
    """The path of a file in a folder."""
    return f"{folder}/{name}" if folder else name


class Paths(Mapping[str, Sequence[str]]):
    """The files of each part, read when they are asked for."""

    def __init__(self, written: Mapping[str, bytes]) -> None:
        self.written = written
        self._known: dict[str, list[str]] = {}

    def __getitem__(self, home: str) -> Sequence[str]:
        if home not in self._known:
            self._known[home] = orjson.loads(self.written[home])
        return self._known[home]

    def __iter__(self) -> Iterator[str]:
        return iter(self.written)

    def __len__(self) -> int:
        return len(self.written)


Findings = dict[str, tuple[str, list[Finding]]]
"""The findings of each part, with the key of what they were found in."""


@dataclass(slots=True)
class Memory:
    """What is remembered of a directory: its folders by path, the findings of its parts, and the index of all names."""

    noted: int = 0
    """When, in nanoseconds since 1970."""
    folders: Mapping[str, Folder] = field(default_factory=dict)
    common: str = ""
    """What all parts depended on."""
    parts: Findings = field(default_factory=dict)
    index: Index | None = None

    def file(self, path: str) -> Noted | None:
        """One file as it was."""
        folder, _, name = path.rpartition("/")
        return self.folders[folder].files.get(name) if folder in self.folders else None


def cache_directory() -> Path | None:
    """Where memories are kept: AVTECH_CACHE_DIR, else avtech/ in XDG_CACHE_HOME or ~/.cache; None without a home."""
    if chosen := os.environ.get("AVTECH_CACHE_DIR"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or ""
    if base.startswith("/"):
        return Path(base, "avtech")
    try:
        return Path.home() / ".cache" / "avtech"
    except RuntimeError:
        return None


def recall(root: Path, kind: str) -> Memory:
    """What is remembered of a directory; nothing if that is in doubt."""
    directory = cache_directory()
    if directory is None:
        return Memory()
    try:
        head, digest, *sections = _read(directory / _name(root, kind)).split(b"\n")
        if head != _FORMAT or digest.decode() != _sealed(sections) or orjson.loads(sections[0]) != program():
            return Memory()
        return _memory(*sections[1:])
    except (OSError, ValueError, TypeError, KeyError, IndexError, RecursionError):
        return Memory()


def remember(root: Path, kind: str, memory: Memory) -> None:
    """Keep what is known of a directory, if that can be done; it is no loss if not."""
    directory = cache_directory()
    if directory is None:
        return
    sections = [orjson.dumps(program()), *_sections(memory)]
    with suppress(OSError):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = directory / f".{os.getpid()}.tmp"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(b"\n".join((_FORMAT, _sealed(sections).encode(), *sections)))
            temporary.replace(directory / _name(root, kind))
        finally:
            temporary.unlink(missing_ok=True)


def part_key(*parts: object) -> str:
    """What a part's findings depend on, as one name; this program's own code is always among it."""
    return _digest(orjson.dumps([program(), *parts]))


@cache
def program() -> str:
    """What tells this program from any other version of itself: its versions, and its own files' times and sizes."""
    package = Path(__file__).parents[1]
    import avtech_schema

    own = sorted(_modules(str(package), str(Path(avtech_schema.__file__ or package).parent)))
    return _digest(orjson.dumps([sys.version, sorted(set(_versions())), own]))


def _modules(*folders: str) -> Iterator[tuple[str, int, int]]:
    pending = list(folders)
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.name.endswith(".py"):
                    found = entry.stat()
                    yield entry.path, found.st_mtime_ns, found.st_size
                elif "." not in entry.name and entry.name != "__pycache__" and entry.is_dir():
                    pending.append(entry.path)


def _versions() -> Iterator[str]:
    """Names and versions of installed distributions, as their folders have them; metadata would cost much more to read."""
    for place in sys.path:
        with suppress(OSError):
            names = (entry.name for entry in os.scandir(place or "."))
            yield from (name for name in names if "-info" in name and name.lower().startswith(_FOREIGN))


def _name(root: Path, kind: str) -> str:
    return f"validate-{kind}-{_digest(os.fsencode(root.resolve()))[:32]}.json"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _read(path: Path) -> bytes:
    """Read a cache file that is this user's alone.

    Raises:
        OSError: it is not there, or another could have written it.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o022:
            raise PermissionError("not this user's own")
        if status.st_size > MAX_CACHE_BYTES:
            raise OSError("too large")
        return stream.read(MAX_CACHE_BYTES)


def _sealed(sections: Sequence[bytes]) -> str:
    """The digest of all sections."""
    return _digest(b"\n".join(sections))


def _sections(memory: Memory) -> Iterator[bytes]:
    index = memory.index or Index()
    parts = index.parts
    twins = [[*_origin(origin), *_origin(first)] for origin, first in index.twins.items()]
    fleets = [_origin(origin) for origin in index.fleets]
    clients = [index.clients, sorted(index.claimed), dict(index.misnamed), dict(index.misfiled)]
    names = [sorted(index.loose), index.unread, *clients, index.screens, index.screen_names]
    yield orjson.dumps([memory.noted, memory.common, twins, fleets, *names])
    yield orjson.dumps({home: [key, list(map(_spelt.finding_value, found))] for home, (key, found) in memory.parts.items()})
    yield orjson.dumps([[path, folder.stamp] for path, folder in memory.folders.items()])
    yield orjson.dumps(list(parts))
    yield from (folder.written() for folder in memory.folders.values())
    yield from (parts.written[home] if isinstance(parts, Paths) else orjson.dumps(parts[home]) for home in parts)


def _memory(head: bytes, parts: bytes, folders: bytes, homes: bytes, *rest: bytes) -> Memory:
    noted, common, twins, fleets, *names = orjson.loads(head)
    loose, unread, clients, claimed, misnamed, misfiled, screens, screen_names = names
    found = {home: (key, list(map(_spelt.finding, findings))) for home, (key, findings) in orjson.loads(parts).items()}
    stamps, owners = orjson.loads(folders), orjson.loads(homes)
    if len(rest) != len(stamps) + len(owners):
        raise ValueError("sections are missing")
    known = {path: Folder(stamp, data) for (path, stamp), data in zip(stamps, rest, strict=False)}
    facts = Facts(known)
    index = Index(
        facts=facts,
        parts=Paths(dict(zip(owners, rest[len(stamps) :], strict=True))),
        twins={Origin(path, number): Origin(first, place) for path, number, first, place in twins},
        fleets=tuple(Origin(*origin) for origin in fleets),
        loose=frozenset(loose),
        unread=unread,
        clients=tuple(clients),
        claimed=frozenset(claimed),
        misnamed=dict(misnamed),
        misfiled=dict(misfiled),
        screens=screens,
        screen_names=screen_names,
        known=Names(facts),
    )
    return Memory(int(noted), known, str(common), found, index)


def _origin(origin: Origin) -> tuple[str, int]:
    return origin.file, origin.document
