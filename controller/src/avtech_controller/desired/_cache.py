"""What an earlier look at the same directory found, so that only what changed is read and checked again.

The cache is a convenience of this machine's user: it is keyed by the contents of files, by the day and by this program's
own code; what is damaged, foreign or of another version is ignored. Nothing that publishes reads it.
"""

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

from avtech_controller.desired._index import Declared, FileFacts, Index, Names
from avtech_controller.desired._state import Origin
from avtech_controller.findings import Edit, Finding, Fix, Place, Severity

MAX_CACHE_BYTES = 512 << 20
RACY_NS = 2_000_000_000
"""A file that changed so shortly before it was noted may change again without its times telling."""
_FORMAT = b"avtech-validate-1"


Noted = list[str]
"""One file as it was: what tells it from another (times and size, or Git's name for it), and its digest."""
Findings = dict[str, tuple[str, list[Finding]]]
"""The findings of each part, with the key of what they were found in."""


@dataclass(slots=True)
class Memory:
    """What is remembered of a directory: its files by path, the findings of its parts, and the index of all names."""

    noted: int = 0
    """When, in nanoseconds since 1970."""
    files: dict[str, Noted] = field(default_factory=dict)
    common: str = ""
    """What all parts depended on."""
    parts: Findings = field(default_factory=dict)
    index: Index | None = None


class _Facts(Mapping[str, FileFacts]):
    """The facts of files as they were written down, read when one is asked for."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    @cached_property
    def _raw(self) -> dict[str, list[Any]]:
        raw = orjson.loads(self.data)
        return raw if isinstance(raw, dict) else {}

    def __getitem__(self, path: str) -> FileFacts:
        return _facts(self._raw[path])

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)


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

    own = [*package.rglob("*.py"), *Path(avtech_schema.__file__ or package).parent.rglob("*.py")]
    stats = [(path, path.stat()) for path in sorted(own)]
    times = [[path.name, status.st_mtime_ns, status.st_size] for path, status in stats]
    names = ("avtech-controller", "avtech-schema", "tzdata", "pydantic", "yaml-rs", "PyYAML", "python-dateutil")
    return _digest(orjson.dumps([[version(name) for name in names], times]))


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
    facts = index.facts
    yield orjson.dumps([memory.noted, memory.common])
    yield orjson.dumps(memory.files)
    yield orjson.dumps({home: [key, [_spelt(finding) for finding in found]] for home, (key, found) in memory.parts.items()})
    twins = [[*_origin(origin), *_origin(first)] for origin, first in index.twins.items()]
    fleets = [_origin(origin) for origin in index.fleets]
    names = [index.clients, index.screens, index.screen_names]
    yield orjson.dumps([index.parts, twins, fleets, sorted(index.loose), index.unread, *names])
    yield facts.data if isinstance(facts, _Facts) else orjson.dumps({path: _facts_value(one) for path, one in facts.items()})


def _memory(noted: bytes, files: bytes, parts: bytes, index: bytes, facts: bytes) -> Memory:
    known = _Facts(facts)
    homes, twins, fleets, loose, unread, clients, screens, screen_names = orjson.loads(index)
    found = {home: (key, [_finding(one) for one in findings]) for home, (key, findings) in orjson.loads(parts).items()}
    read = Index(
        facts=known,
        parts=homes,
        twins={Origin(path, number): Origin(first, place) for path, number, first, place in twins},
        fleets=tuple(Origin(*origin) for origin in fleets),
        loose=frozenset(loose),
        unread=unread,
        clients=tuple(clients),
        screens=screens,
        screen_names=screen_names,
        known=Names(known),
    )
    when, common = orjson.loads(noted)
    return Memory(int(when), orjson.loads(files), str(common), found, read)


def _origin(origin: Origin) -> tuple[str, int]:
    return origin.file, origin.document


def _facts_value(facts: FileFacts) -> list[Any]:
    return [[list(one) for one in facts.declared], facts.homes, facts.fleets, facts.loose, facts.unread]


def _facts(value: list[Any]) -> FileFacts:
    declared, homes, fleets, loose, unread = value
    return FileFacts(tuple(map(_declared, declared)), tuple(homes), tuple(fleets), tuple(loose), unread)


def _declared(fields: list[Any]) -> Declared:
    kind, name, owner, document, broken = fields
    return Declared(kind, name, owner, document, broken)


def _spelt(finding: Finding) -> list[Any]:
    fix = finding.fix and [finding.fix.title, [_edit_value(edit) for edit in finding.fix.edits]]
    related = [[_place_value(place), what] for place, what in finding.related]
    place = _place_value(finding.place)
    return [
        finding.code,
        finding.severity.value,
        finding.message,
        place,
        finding.label,
        related,
        finding.help,
        finding.impact,
        fix,
    ]


def _finding(value: list[Any]) -> Finding:
    code, severity, message, place, label, related, help_, impact, fix = value
    return Finding(
        code=code,
        severity=Severity(severity),
        message=message,
        place=Place(*place),
        label=label,
        related=tuple((Place(*where), what) for where, what in related),
        help=help_,
        impact=impact,
        fix=Fix(fix[0], tuple(Edit(*edit) for edit in fix[1])) if fix else None,
    )


def _place_value(place: Place) -> list[Any]:
    return [place.file, place.line, place.column, place.end_line, place.end_column]


def _edit_value(edit: Edit) -> list[Any]:
    return [edit.line, edit.column, edit.end_line, edit.end_column, edit.text]
