"""What a shell completes beyond commands and options: names of the desired state, found without validating it.

A shell waits for the answer at every press of a key: little is read, nothing is parsed as YAML, and what cannot be read is
passed over in silence.
"""

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import click

_NAME = re.compile(rb"\bname:\s*[\"']?(SCR-[A-Z0-9-]{1,60})")
_MAX_FILES = 2_000
_MAX_BYTES = 64 << 10


def complete_screens(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """The screens of the repository that the command line names so far, or of the current directory."""
    repo = context.params.get("repo")
    root = repo if isinstance(repo, Path) else Path()
    wanted = incomplete.upper()
    return sorted({name for path in islice(_files(root), _MAX_FILES) for name in _names(path) if name.startswith(wanted)})


def _files(root: Path) -> Iterator[Path]:
    try:
        yield from (root / "fleet").glob("*/screens/*.y*ml")
    except OSError:
        return


def _names(path: Path) -> list[str]:
    try:
        if not path.is_file():
            return []
        with path.open("rb") as stream:
            return [found.decode() for found in _NAME.findall(stream.read(_MAX_BYTES))]
    except OSError:
        return []
