"""What tells this program from any other version of itself, on whatever machine: the contents of its own files."""

import hashlib
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path

import avtech_schema

_PACKAGES = ("desired", "checks", "incremental")
_MODULES = ("compiler.py", "recipes.py", "normal.py", "selection.py", "findings.py", "moves.py")
_FOREIGN = ("tzdata", "pydantic", "pydantic-core", "yaml-rs", "PyYAML", "python-dateutil", "orjson", "backports.zstd")


@cache
def program() -> str:
    """One name for everything but the desired state that decides what is compiled and what is found to be wrong."""
    found = hashlib.sha256(repr((sys.version_info[:2], [version(name) for name in _FOREIGN])).encode())
    for path in _files():
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def _files() -> Iterator[Path]:
    own, schema = Path(__file__).parents[1], Path(avtech_schema.__file__ or "").parent
    yield from (own / name for name in _MODULES)
    for folder in (*(own / name for name in _PACKAGES), schema):
        yield from sorted(folder.rglob("*.py"))
