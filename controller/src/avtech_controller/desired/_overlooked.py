"""Files that hold resources where nothing is read, or whose names do not end in `.yaml`: each is told, none is taken in."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from avtech_controller.checks.codes import CODES
from avtech_controller.desired._source import FOLDERS, MAX_FOLDER_DEPTH, SUFFIXES
from avtech_controller.findings import Finding, Place

_DEPTH = 3
"""So many folders below the root are looked into, apart from those that are read."""
_MOST_ENTRIES = 5_000
_MOST_FILES = 200
_HEAD_BYTES = 2048
_NAME = re.compile(r"(?P<stem>.+)\.ya?ml(?:[.~ _-].*)?", re.IGNORECASE)
_ASIDE = frozenset({"docs", "examples", "templates", "tests", "node_modules", "build", "dist", "venv"})
"""Folders whose resources are there to be looked at."""
_RESOURCE = re.compile(r"^apiVersion:[ ]*[\"']?avtech/", re.MULTILINE)
_KIND = re.compile(r"^kind:[ ]*[\"']?([A-Za-z]+)", re.MULTILINE)
_CLIENT = re.compile(r"^[ ]+client:[ ]*[\"']?(CLI-[A-Z0-9-]+)", re.MULTILINE)
_OWN_NAME = re.compile(r"^[ ]+name:[ ]*[\"']?(CLI-[A-Z0-9-]+)", re.MULTILINE)
_PLACES = {
    "Screen": "fleet/{client}/screens",
    "Group": "fleet/{client}/groups",
    "Playlist": "fleet/{client}/playlists",
    "Schedule": "fleet/{client}/schedules",
    "AirCheck": "fleet/{client}/checks",
    "Video": "content-index/{client}",
}


class _Met(NamedTuple):
    path: str
    stem: str


def overlooked(root: Path) -> tuple[Finding, ...]:
    """A warning for each file of a work tree that looks like resources and is not read, by the beginning of its text alone.

    What cannot be listed or opened is passed over: it is no part of the desired state.
    """
    found: list[Finding] = []
    for number, met in enumerate([*sorted(_misnamed(root)), *_outside(root)]):
        if number == _MOST_FILES:
            break
        head = _head(root / met.path)
        if _RESOURCE.search(head):
            found.append(_finding(root, met, head))
    return tuple(sorted(found, key=lambda finding: finding.place))


def _misnamed(root: Path) -> Iterator[_Met]:
    """Files below the folders that are read whose names go on after `.yaml`, or spell it large."""
    pending = [folder for folder in FOLDERS if not (root / folder).is_symlink()]
    while pending:
        here = pending.pop()
        for entry in _entries(root / here):
            if entry.name.endswith(SUFFIXES):
                continue
            if entry.is_dir(follow_symlinks=False):
                if here.count("/") < MAX_FOLDER_DEPTH:
                    pending.append(f"{here}/{entry.name}")
            elif (name := _NAME.fullmatch(entry.name)) and entry.is_file(follow_symlinks=False):
                yield _Met(f"{here}/{entry.name}", name["stem"])


def _outside(root: Path) -> Iterator[_Met]:
    """Files named like YAML in the root and in folders near it; other repositories and hidden folders are not looked into."""
    pending, seen = [""], 0
    while pending:
        here = pending.pop(0)
        entries = _entries(root / here)
        if here and any(entry.name in (".git", *FOLDERS) for entry in entries):
            continue
        seen += len(entries)
        if seen > _MOST_ENTRIES:
            return
        for entry in sorted(entries, key=lambda entry: entry.name):
            path = f"{here}/{entry.name}" if here else entry.name
            if entry.name.startswith(".") or path in FOLDERS or entry.name in _ASIDE:
                continue
            if entry.is_dir(follow_symlinks=False):
                if path.count("/") < _DEPTH:
                    pending.append(path)
            elif (name := _NAME.fullmatch(entry.name)) and entry.is_file(follow_symlinks=False):
                yield _Met(path, name["stem"])


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _head(path: Path) -> str:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(handle, _HEAD_BYTES).decode("utf-8-sig", "replace").replace("\r", "")
    except OSError:
        return ""
    finally:
        os.close(handle)


def _finding(root: Path, met: _Met, head: str) -> Finding:
    folder = met.path.rpartition("/")[0]
    inside = met.path.split("/", 1)[0] in FOLDERS
    stands = "its name does not end in .yaml" if inside else f"it stands outside {FOLDERS[0]}/ and {FOLDERS[1]}/"
    target = f"{met.stem}.yaml" if inside else _place(head, met.stem)
    home = root / folder if inside else root
    taken = [name for name in (target, f"{target.removesuffix('.yaml')}.yml") if _is_there(home / name)]
    hint = f"{'rename' if inside else 'move'} it to {target}; a copy that nobody needs may be deleted"
    if taken:
        hint = f"delete it if it is a copy: {taken[0]} is there already; otherwise give it a name of its own that ends in .yaml"
    return Finding("AVT116", CODES["AVT116"].severity, f"this file is not read: {stands}", Place(met.path), help=hint)


def _is_there(path: Path) -> bool:
    try:
        os.lstat(path)
    except OSError:
        return False
    return True


def _place(head: str, stem: str) -> str:
    """Where a resource belongs that begins like this."""
    kind = found[1] if (found := _KIND.search(head)) else ""
    if kind == "Fleet":
        return "fleet/fleet.yaml"
    if kind == "Client":
        return f"fleet/{name[1] if (name := _OWN_NAME.search(head)) else 'CLI-…'}/client.yaml"
    client = named[1] if (named := _CLIENT.search(head)) else "CLI-…"
    return f"{_PLACES.get(kind, 'fleet/{client}').format(client=client)}/{stem}.yaml"
