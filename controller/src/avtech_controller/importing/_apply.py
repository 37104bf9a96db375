"""Writes an import into the repository: all of it or nothing, and nothing over what is there."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from avtech_controller.desired import Loaded, Source, SourceFile, load, open_source
from avtech_controller.durable import create_file, make_directories
from avtech_controller.media import shown
from avtech_schema.errors import ConfigurationError, EnvironmentFailedError, FindingsError
from avtech_schema.identifiers import CommitId


class ImportedOver:
    """A desired state as it would be with some files more."""

    def __init__(self, base: Source, more: Mapping[str, str]) -> None:
        self.root = base.root
        self.commit: CommitId | None = None
        self._base = base
        self._more = {path: text for path, text in more.items() if path.startswith(("fleet/", "content-index/"))}

    def files(self) -> Iterator[SourceFile]:
        """The files there are, and those to come.

        Raises:
            SourceError, FindingsError: as for the files there are.
        """
        yield from (file for file in self._base.files() if file.path not in self._more)
        yield from (SourceFile(path, text.encode()) for path, text in self._more.items())


def new_files(repo: Path, files: Mapping[str, str]) -> dict[str, str]:
    """Those of the files that are not there yet.

    Raises:
        FindingsError: one is there and says something else.
        ConfigurationError: one cannot be read.
    """
    fresh: dict[str, str] = {}
    different: list[str] = []
    for path, text in files.items():
        there = _there(repo / path, len(text.encode()))
        if there is None:
            fresh[path] = text
        elif there != text.encode():
            different.append(path)
    if different:
        more = f" and {len(different) - 3} more" if len(different) > 3 else ""
        raise FindingsError(
            f"there already, and not as this import would write them: {', '.join(sorted(different)[:3])}{more}",
            hint="give the import another name (--name), or remove what an earlier one wrote",
        )
    return fresh


def outcome(repo: Path, files: Mapping[str, str]) -> Loaded:
    """Validate the desired state as it would be.

    Raises:
        SourceError, FindingsError: the repository cannot be read.
    """
    return load(ImportedOver(open_source(repo), files))


def write_files(repo: Path, files: Mapping[str, str]) -> None:
    """Write new files; what was written before a failure is taken back.

    Raises:
        EnvironmentFailedError: the repository cannot be written; it is as it was.
    """
    written: list[Path] = []
    for path, text in sorted(files.items()):
        target = repo / path
        try:
            make_directories(target.parent, below=repo)
            create_file(target, [text.encode()])
        except OSError as error:
            for file in written:
                with contextlib.suppress(OSError):
                    file.unlink()
            raise EnvironmentFailedError(f"{path} cannot be written: {error.strerror}; nothing was kept") from error
        written.append(target)


def _there(path: Path, size: int) -> bytes | None:
    """What is there, as far as it can be the same; None when nothing is."""
    if not os.path.lexists(path):
        return None
    try:
        if not path.is_file():
            return b""
        with path.open("rb") as stream:
            return stream.read(size + 1)
    except OSError as error:
        raise ConfigurationError(f"{shown(path)} cannot be read: {error.strerror}") from error
