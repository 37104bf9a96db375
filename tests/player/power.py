"""What a power cut leaves: the calls of a real process are recorded, and its disk is made again with what was not flushed lost.

A file's bytes are safe once the file was flushed, a name once its directory was. Nothing else is promised by POSIX, and
nothing else is taken for granted here: without a flush, either may be there, or not, or hold zeros.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.player.crashes import CALLS, Call, Scene, life, strace

_CALL = re.compile(r"(?P<thread>\d+) +(?P<rest>.*)")
_DONE = re.compile(r"(?P<name>\w+)\((?P<arguments>.*)\) += (?P<result>-?\d+)")
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>")
_QUOTED = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_HEX = re.compile(r"\\x([0-9a-f]{2})")
_FD = re.compile(r"(\d+)<([^>]*)>")


@dataclass(frozen=True, slots=True)
class Step:
    """One change of the device's disk: what, where, and the bytes or the other name."""

    what: str
    path: str
    data: bytes = b""


def record(scene: Scene, *, killed_at: Call | None = None) -> list[Step]:
    """Every change that one life of the device makes below its folder, in order; the life may be killed at a call."""
    trace = scene.folder / "trace"
    options = ["-y", "-xx", "-s", "1000000", "-o", str(trace), "-e", f"trace={CALLS},openat"]
    if killed_at:
        options += ["-e", f"inject={killed_at.name}:signal=KILL:when={killed_at.number}"]
    finished = life(scene, *strace(*options))
    assert (finished.stdout == "done\n") == (killed_at is None), finished.stderr
    steps = [step for name, arguments in _calls(trace) for step in _steps(name, arguments)]
    inside = f"{scene.folder}/"
    return [_relative(step, inside) for step in steps if f"{step.path}/".startswith(inside)]


def _relative(step: Step, inside: str) -> Step:
    data = step.data.removeprefix(inside.encode()) if step.what in ("rename", "link") else step.data
    return Step(step.what, f"{step.path}/".removeprefix(inside).rstrip("/"), data)


def _calls(trace: Path) -> Iterator[tuple[str, str]]:
    """Calls that succeeded, their arguments spelt out."""
    begun: dict[str, str] = {}
    for line in trace.read_text().splitlines():
        if (match := _CALL.match(line)) is None:
            continue
        thread, rest = match["thread"], match["rest"]
        if rest.endswith("<unfinished ...>"):
            begun[thread] = rest.removesuffix("<unfinished ...>")
            continue
        rest = _RESUMED.sub("", rest) if thread not in begun else begun.pop(thread) + _RESUMED.sub("", rest)
        if (done := _DONE.match(rest)) and int(done["result"]) >= 0:
            yield done["name"], done["arguments"]


def _steps(name: str, arguments: str) -> Iterator[Step]:
    texts = [_bytes(text) for text in _QUOTED.findall(arguments)]
    paths = [text.decode(errors="replace") for text in texts]
    held = _FD.match(arguments)
    match name:
        case "openat" if "O_CREAT" in arguments:
            yield Step("truncate" if "O_TRUNC" in arguments else "create", paths[0])
        case "write" | "pwrite64" if held:
            yield Step("write", _bytes(held[2]).decode(errors="replace"), texts[0])
        case "fsync" | "fdatasync" if held:
            yield Step("flush", _bytes(held[2]).decode(errors="replace"))
        case "rename" | "renameat" | "renameat2":
            yield Step("rename", paths[0], texts[1])
        case "link" | "linkat":
            yield Step("link", paths[0], texts[1])
        case "symlink":
            yield Step("symlink", paths[1], texts[0])
        case "unlink" | "unlinkat" | "rmdir":
            yield Step("remove", paths[0])
        case "mkdir" | "mkdirat":
            yield Step("mkdir", paths[0])
        case _:
            assert name in ("openat", "write"), f"a call that is not understood: {name}({arguments[:200]})"


def _bytes(text: str) -> bytes:
    return bytes.fromhex("".join(_HEX.findall(text))) if text.startswith("\\x") else text.encode()


@dataclass(eq=False)
class File:
    """A file: its bytes, and those that are safe; None while it was never flushed."""

    current: bytes = b""
    safe: bytes | None = None


@dataclass(eq=False)
class Link:
    """A symbolic link."""

    target: str


@dataclass(eq=False)
class Folder:
    """A directory: its names, those that are safe, and the changes between them (name and what it stands for, or None)."""

    current: "dict[str, Node]" = field(default_factory=dict)
    safe: "dict[str, Node]" = field(default_factory=dict)
    pending: "list[dict[str, Node | None]]" = field(default_factory=list)

    def change(self, **names: "Node | None") -> None:
        """Several names change together, as in a rename."""
        self.pending.append(names)
        _apply(self.current, names)


Node = File | Link | Folder


def _apply(names: "dict[str, Node]", changes: "dict[str, Node | None]") -> None:
    for name, node in changes.items():
        if node is None:
            names.pop(name, None)
        else:
            names[name] = node


class Disk:
    """A device's disk while its process runs."""

    def __init__(self, scene: Scene) -> None:
        self.root = Folder()
        if scene.state.exists():
            self.root.current["state"] = self.root.safe["state"] = _load(scene.state)

    def do(self, step: Step) -> None:
        """One more change."""
        if step.path == "":
            self._flush(self.root)
            return
        folder, name = self._find(step.path)
        node = folder.current.get(name)
        match step.what:
            case "create" | "truncate" if node is None:
                folder.change(**{name: File()})
            case "truncate":
                assert isinstance(node, File)
                node.current = b""
            case "write":
                assert isinstance(node, File)
                node.current += step.data
            case "flush" if isinstance(node, File):
                node.safe = node.current
            case "flush" if isinstance(node, Folder):
                self._flush(node)
            case "mkdir":
                folder.change(**{name: Folder()})
            case "symlink":
                folder.change(**{name: Link(step.data.decode())})
            case "remove":
                folder.change(**{name: None})
            case "rename":
                self._rename(folder, name, step.data.decode())
            case "link":
                target, other = self._find(step.data.decode())
                target.change(**{other: node})

    @staticmethod
    def _flush(folder: Folder) -> None:
        folder.safe, folder.pending = dict(folder.current), []

    def _rename(self, folder: Folder, name: str, path: str) -> None:
        target, other = self._find(path)
        node = folder.current[name]
        if target is folder:
            folder.change(**{name: None, other: node})
        else:
            target.change(**{other: node})
            folder.change(**{name: None})

    def _find(self, path: str) -> tuple[Folder, str]:
        *folders, name = path.split("/")
        found = self.root
        for part in folders:
            node = found.current[part]
            assert isinstance(node, Folder)
            found = node
        return found, name


def _load(path: Path) -> Node:
    if path.is_symlink():
        return Link(str(path.readlink()))
    if path.is_file():
        return File(path.read_bytes(), path.read_bytes())
    names = {child.name: _load(child) for child in path.iterdir()}
    return Folder(names, dict(names))


@dataclass(frozen=True, slots=True)
class Loss:
    """What a power cut does: to a directory with changes that were not flushed, and to a file with such bytes."""

    name: str
    names: "Callable[[Folder], dict[str, Node]]"
    content: Callable[[File], bytes]


def safe_names(folder: Folder) -> dict[str, Node]:
    return folder.safe


def current_names(folder: Folder) -> dict[str, Node]:
    return folder.current


def safe_bytes(file: File) -> bytes:
    return file.safe or b""


def zeros(file: File) -> bytes:
    """The length is there, the bytes are not, as a delayed allocation leaves it."""
    kept = file.safe or b""
    return kept[: len(file.current)] + bytes(max(0, len(file.current) - len(kept)))


DROPPED = Loss("nothing that was not flushed is there", safe_names, safe_bytes)
EMPTY = Loss("all names are there, but no bytes that were not flushed", current_names, safe_bytes)
ZEROED = Loss("all names and lengths are there, but zeros for bytes that were not flushed", current_names, zeros)


def rebuild(disk: Disk, folder: Path, loss: Loss) -> None:
    """Make the disk again, as it is after a loss."""
    for name, node in loss.names(disk.root).items():
        _make(node, folder / name, loss)


def _make(node: Node, path: Path, loss: Loss) -> None:
    match node:
        case File():
            path.write_bytes(loss.content(node))
        case Link(target):
            path.symlink_to(target)
        case Folder():
            path.mkdir()
            for name, inner in loss.names(node).items():
                _make(inner, path / name, loss)
