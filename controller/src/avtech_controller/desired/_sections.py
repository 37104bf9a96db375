"""A source section by section: what lies below one name in fleet/ and content-index/, told from other contents unread."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol, runtime_checkable

from avtech_controller.desired._source import Source, SourceFile

LOOSE = ""
"""The section of the files that lie directly in the folders."""


@dataclass(frozen=True, slots=True)
class Section:
    """The files of one section, read when they are asked for."""

    name: str
    identity: str
    """Equal for equal files at equal paths; whoever has one section need not read another one of the same identity."""
    read: Callable[[], list[SourceFile]]
    """All its files, in no particular order.

    Raises:
        SourceError: the source cannot be read.
        FindingsError: there are more files or bytes than the limits allow.
    """


@runtime_checkable
class Sectioned(Protocol):
    """A source that can tell sections apart without reading their files."""

    def sections(self) -> list[Section]:
        """All sections.

        Raises:
            SourceError: the source cannot be read.
        """
        ...


def sections_of(source: Source) -> list[Section]:
    """The sections of any source; unless it tells them apart itself, its files are read, once.

    Raises:
        SourceError: the source cannot be read.
        FindingsError: there are more files or bytes than the limits allow.
    """
    if isinstance(source, Sectioned):
        return source.sections()
    grouped: dict[str, list[SourceFile]] = {}
    for file in source.files():
        grouped.setdefault(section_of(file.path), []).append(file)
    return [Section(name, _identity(files), partial(list, files)) for name, files in sorted(grouped.items())]


def section_of(path: str) -> str:
    """The section of a file."""
    parts = path.split("/", 2)
    return parts[1] if len(parts) == 3 else LOOSE


def _identity(files: list[SourceFile]) -> str:
    found = hashlib.sha256()
    for file in sorted(files, key=lambda file: file.path):
        what = file.defect or hashlib.sha256(file.data).hexdigest()
        found.update(f"{file.path!r} {what} {file.detail!r}\n".encode())
    return f"files {found.hexdigest()}"
