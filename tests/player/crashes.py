"""What a crash leaves, and what must hold after it: devices that take a release, and the one check of what follows."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner

from avtech_player.floor import Floor, load_floor
from avtech_player.logs import screen_log
from avtech_player.plays import Journal
from avtech_player.statefile import read_state
from avtech_schema.layout import plays_prefix
from avtech_schema.plays import Played, chain_gaps, open_segment
from avtech_schema.report import ReleaseRef
from tests.player.lifetime import KEY, ROOM, open_spool
from tests.player.repository import ACME, LOBBY, Repository, manifest_of, signer
from tests.player.rig import Rig

CALLS = "write,pwrite64,writev,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir,fsync,fdatasync"
CALLS += ",ftruncate,mkdir,mkdirat"
_LINE = re.compile(r"(?P<thread>\d+) +(?P<name>\w+)\(")
_CLIP = 40_000


@dataclass(frozen=True, slots=True)
class Scene:
    """A device (`state`) beside a store that offers `new`; `old` is what plays, None on a device that never played."""

    folder: Path
    old: ReleaseRef | None
    new: ReleaseRef
    floor: Floor

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def url(self) -> str:
        return f"file://{self.folder / 'store'}"

    @property
    def root(self) -> bytes:
        return (self.folder / "root.json").read_bytes()

    def copy(self, folder: Path) -> "Scene":
        """The same, to be spoilt."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Scene(folder, self.old, self.new, self.floor)


@dataclass(frozen=True, slots=True)
class Call:
    """The `number`th call of a name in its thread, which touches the device's directory."""

    name: str
    number: int


def publish(repository: Repository, *clips: bytes) -> ReleaseRef:
    """Release clips of 40 kB, each named by its letter."""
    assets = {f"VID-{clip.decode().upper()}": repository.put_clip(clip * _CLIP) for clip in clips}
    return repository.publish(manifest_of(assets))


def a_first_release(folder: Path) -> Scene:
    """A device that never played, and a store with one release."""
    repository = Repository(folder / "store")
    (folder / "root.json").write_bytes(repository.root_bytes)
    return Scene(folder, None, publish(repository, b"a", b"b"), Floor())


def a_third_release(folder: Path) -> Scene:
    """A device that plays its second release; the store rotated a key, and has a third that needs the room of the first."""
    repository = Repository(folder / "store")
    (folder / "root.json").write_bytes(repository.root_bytes)
    for clips in ((b"a", b"b"), (b"b", b"c")):
        old = publish(repository, *clips)
        finished = life(Scene(folder, None, old, Floor()))
        assert finished.returncode == 0, finished.stderr
    repository.rotate(timestamp=signer())
    new = publish(repository, b"c", b"d")
    return Scene(folder, old, new, load_floor(folder / "state"))


def life(scene: Scene, *before: str) -> "subprocess.CompletedProcess[str]":
    """One life of the device as a process, behind a command such as strace."""
    script = ["-m", "tests.player.lifetime", str(scene.state), scene.url, str(scene.folder / "root.json")]
    command = [*before, sys.executable, *script]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def strace(*options: str) -> list[str]:
    """The command that watches a process and its threads. With `--seccomp-bpf` it is quicker, and injects nothing."""
    return ["strace", "-f", "-qq", *options]


@contextmanager
def quick_disk() -> Iterator[Path]:
    """A directory in memory, where there is such a file system: what is killed and rebuilt so often is flushed often."""
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place, prefix="avtech-") as name:
        yield Path(name)


def need_strace() -> None:
    """Skip the test where processes cannot be watched."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    if subprocess.run([*strace("-o", "/dev/null"), "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("processes may not be traced here")


def count_calls(scene: Scene) -> list[Call]:
    """Every call of one life that changes the device's directory, in order."""
    trace = scene.folder / "trace"
    finished = life(scene, *strace("--seccomp-bpf", "-y", "-o", str(trace), "-e", f"trace={CALLS}"))
    assert finished.stdout == "done\n", finished.stderr
    made: Counter[tuple[str, str]] = Counter()
    found: list[Call] = []
    for line in trace.read_text(errors="replace").splitlines():
        if match := _LINE.match(line):
            made[match["thread"], match["name"]] += 1
            if f"{scene.state}/" in line or f"{scene.state}>" in line:
                found.append(Call(match["name"], made[match["thread"], match["name"]]))
    return list(dict.fromkeys(found))


def kill_at(scene: Scene, call: Call) -> bool:
    """One life that SIGKILL ends when it makes a call; whether it came to that."""
    options = ["-o", "/dev/null", "-e", f"trace={call.name}", "-e", f"inject={call.name}:signal=KILL:when={call.number}"]
    return life(scene, *strace(*options)).stdout != "done\n"


def check_survival(scene: Scene) -> str:
    """Hold a device after a crash to its promises: what it shows before it can reach the store; then it takes the release."""
    shown = _check_start(scene)
    rig = Rig(scene.state, scene.url, scene.root, limits=ROOM)
    rig.start()
    rig.step()
    assert rig.state.good == scene.new, rig.updater.last_error
    assert rig.stage.showing is not None
    assert rig.stage.showing.ref == scene.new
    assert len(rig.stage.showing.files) == len(rig.stage.showing.manifest.assets)
    assert rig.state.quarantine == ()
    asyncio.run(Journal(lambda: open_spool(scene.state), rig.store, screen_log("plays", LOBBY)).upload())
    _check_plays(scene)
    return shown


def _check_start(scene: Scene) -> str:
    rig = Rig(scene.state, "file:///nowhere", scene.root, limits=ROOM)
    rig.start()
    showing = rig.stage.showing
    if scene.old is not None:
        assert showing is not None, f"the slate shows: {rig.updater.last_error}"
    if showing is not None:
        assert showing.ref in (scene.old, scene.new)
        assert len(showing.files) == len(showing.manifest.assets)
    assert read_state(scene.state) == rig.state
    assert rig.state.rebuilds == 0, "the state was torn"
    floor = load_floor(scene.state)
    for name, role in scene.floor.roles.items():
        assert floor.roles[name].version >= role.version
    assert scene.floor.signed is None or (floor.signed is not None and floor.signed >= scene.floor.signed)
    open_spool(scene.state)
    assert leftovers(scene.state) == []
    return "slate" if showing is None else "new" if showing.ref == scene.new else "old"


def leftovers(state: Path) -> list[str]:
    """Temporary files of writes that were cut short."""
    return sorted(str(path.relative_to(state)) for path in state.rglob("*") if path.name.startswith((".tmp-", "tmp")))


def _check_plays(scene: Scene) -> None:
    """What was written down came to the store once, in unbroken chains."""
    paths = sorted((scene.folder / "store" / plays_prefix(ACME, LOBBY)).rglob("*.jsonl.zst"))
    segments = [open_segment(path.read_bytes(), [CryptoSigner(KEY).public_key]) for path in paths]
    assert chain_gaps(segment.statement for segment in segments) == []
    records: Sequence[int] = [entry.number for segment in segments for entry in segment.records]
    assert len(set(records)) == len(records)
    assert all(isinstance(entry.record, Played) for segment in segments for entry in segment.records)
