"""A device's disk within the test's process: the power fails before any call that changes it, and what was not flushed is lost.

A file's bytes are safe once the file was flushed, a name once its directory was; nothing else is promised by POSIX. The
directory is a real one: only what a power cut leaves, and what a full or read-only disk answers, cannot be provoked here.
"""

import errno
import os
import shutil
import stat
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

_NAMES = ("mkdir", "rmdir", "replace", "rename", "unlink", "remove", "symlink", "link", "utime")
_GROWING = ("mkdir", "symlink", "link")


class DiedError(BaseException):
    """The process is gone, and can do nothing any more."""


class Loss(StrEnum):
    """What the end of a process does to the disk."""

    NOTHING = "a kill: the kernel keeps everything"
    UNFLUSHED = "a power cut: nothing is there that was not flushed"
    BYTES = "a power cut: all names are there, but no bytes that were not flushed"


@dataclass(eq=False)
class Node:
    """What is safe of a file (`data`, None while it was never flushed), of a link, or of a directory."""

    data: bytes | None = None
    target: str | None = None
    names: "dict[str, Node] | None" = None


@dataclass(eq=False)
class LossyDisk:
    """Watches a directory. `left` is how many more calls may change it before the power fails (None: it does not)."""

    root: Path
    left: int | None = None
    dead: bool = False
    refusal: int = 0
    """The error by which the disk refuses to take anything, or 0."""
    watching: bool = True
    flushed: Callable[[Path], None] = field(default=lambda _: None)
    """Told of every directory whose names were flushed."""
    _nodes: dict[int, Node] = field(default_factory=dict)

    @contextmanager
    def unwatched(self) -> Generator[None]:
        """The disk is changed from outside, such as by damage; everything on it is safe by then."""
        self.watching = False
        try:
            yield
        finally:
            self.watching = True
            self.everything_is_safe()

    def die(self) -> DiedError:
        """Nothing changes the disk any more."""
        self.dead = True
        return DiedError()

    def everything_is_safe(self) -> None:
        """The kernel wrote everything back."""
        self._nodes = {}
        self._keep(self.root)

    def restart(self, loss: Loss) -> None:
        """The process is gone; its disk is as the loss leaves it."""
        with self.unwatched():
            if loss is not Loss.NOTHING and self.root.exists():
                root = self._node(self.root)
                kept = self._current(self.root) if loss is Loss.BYTES else root
                shutil.rmtree(self.root)
                _make(kept, self.root)
        self.left, self.dead, self.refusal = None, False, 0

    def safe(self, path: str) -> bytes | None:
        """A file's bytes as the worst power cut would leave them now; None if it would not be there."""
        node: Node | None = self._nodes.get(_number(self.root))
        for part in path.split("/"):
            node = (node.names or {}).get(part) if node else None
        return None if node is None or node.names is not None or node.target is not None else node.data or b""

    def safe_names(self, path: str) -> list[str]:
        """The names in a directory that the worst power cut would leave."""
        node = self._nodes.get(_number(self.root / path))
        return sorted(node.names or {}) if node else []

    def before(self, name: str, path: Path) -> None:
        """A call is about to change what has a name."""
        if self.dead:
            raise DiedError
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise self.die()
        if self.refusal == errno.EROFS or (self.refusal and name in (*_GROWING, "create", "fsync")):
            raise OSError(self.refusal, os.strerror(self.refusal), str(path))

    def leaves(self, path: Path) -> None:
        """What has a name loses it."""
        try:
            found = path.lstat()
        except OSError:
            return
        if stat.S_ISDIR(found.st_mode) or found.st_nlink == 1:
            self._nodes.pop(found.st_ino, None)

    def flush(self, descriptor: int, path: Path) -> None:
        """A file's bytes, or a directory's names, are safe now."""
        node = self._node(path, os.fstat(descriptor))
        if node.names is None:
            node.data = Path(f"/proc/self/fd/{descriptor}").read_bytes()
            return
        node.names = {child.name: self._node(child) for child in path.iterdir()}
        self.flushed(path)

    def holds(self, path: Path) -> bool:
        """Whether a path is on this disk, and it is watched."""
        return self.watching and (path == self.root or self.root in path.parents)

    def _node(self, path: Path, found: os.stat_result | None = None) -> Node:
        found = found or path.lstat()
        if found.st_ino not in self._nodes:
            node = Node(names={} if stat.S_ISDIR(found.st_mode) else None)
            node.target = str(path.readlink()) if stat.S_ISLNK(found.st_mode) else None
            self._nodes[found.st_ino] = node
        return self._nodes[found.st_ino]

    def _keep(self, path: Path) -> None:
        if not path.exists():
            return
        node = self._node(path)
        if node.names is not None:
            for child in path.iterdir():
                self._keep(child)
                node.names[child.name] = self._node(child)
        elif node.target is None and path.is_file():
            node.data = path.read_bytes()

    def _current(self, path: Path) -> Node:
        node = self._node(path)
        if node.names is None:
            return node
        return Node(names={child.name: self._current(child) for child in path.iterdir()})


def _number(path: Path) -> int:
    try:
        return path.lstat().st_ino
    except OSError:
        return -1


def _make(node: Node, path: Path) -> None:
    if node.target is not None:
        path.symlink_to(node.target)
    elif node.names is None:
        path.write_bytes(node.data or b"")
    else:
        path.mkdir()
        for name, child in node.names.items():
            _make(child, path / name)


class Kernel:
    """Passes the calls of this process that change files to the disks they are meant for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.disk: LossyDisk | None = None
        for name in _NAMES:
            monkeypatch.setattr(os, name, self._naming(name, getattr(os, name)))
        monkeypatch.setattr(os, "open", self._opening(os.open))
        monkeypatch.setattr(os, "fsync", self._flushing(os.fsync))

    def _disk(self, path: Path) -> LossyDisk | None:
        return self.disk if self.disk is not None and self.disk.holds(path) else None

    def _naming(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def named(path: Any, *arguments: Any, dir_fd: int | None = None, **more: Any) -> Any:
            if dir_fd is not None:
                more["dir_fd"] = dir_fd
            here = _place(path, dir_fd)
            there = Path(arguments[0]) if name in ("replace", "rename", "symlink", "link") else here
            disk = self._disk(there)
            if disk is None:
                return call(path, *arguments, **more)
            disk.before(name, there)
            if name in ("replace", "rename", "unlink", "remove", "rmdir"):
                disk.leaves(there)
            return call(path, *arguments, **more)

        return named

    def _opening(self, call: Callable[..., int]) -> Callable[..., int]:
        def opened(path: Any, flags: int, *arguments: Any, dir_fd: int | None = None, **more: Any) -> int:
            if dir_fd is not None:
                more["dir_fd"] = dir_fd
            here = _place(path, dir_fd)
            if flags & (os.O_WRONLY | os.O_RDWR) and (disk := self._disk(here)):
                disk.before("create", here)
            return call(path, flags, *arguments, **more)

        return opened

    def _flushing(self, call: Callable[[int], None]) -> Callable[[int], None]:
        def flushed(descriptor: int) -> None:
            path = Path(f"/proc/self/fd/{descriptor}").readlink()
            disk = self._disk(path)
            if disk is None:
                call(descriptor)
                return
            disk.before("fsync" if not path.is_dir() else "look", path)
            disk.flush(descriptor, path)

        return flushed


def _place(path: Any, dir_fd: int | None) -> Path:
    if isinstance(path, int):
        return Path(f"/proc/self/fd/{path}").readlink()
    folder = Path() if dir_fd is None else Path(f"/proc/self/fd/{dir_fd}").readlink()
    return folder / os.fsdecode(path)
