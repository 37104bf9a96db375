"""What a player costs, beside what is said of it: `python benchmarks/player.py`, or `--quick` for a first look.

The player is the real one with its simulated engine, as a process of its own: memory, processor while idle, what an idle
poll moves. The cold start is measured to the first picture, with the simulated engine and, where Xvfb is there, with mpv.
200 clips of 5 MB are fetched, verified, flushed and named by the player, by a bare urllib3 loop that does the same, and by
one that only flushes each file, in turns, from a real S3 server; ratios are medians of each turn's. A manifest at the limit of
what is read is taken while the event loop is watched. A thousand players in one process, with the real sync code, then
converge on a release on the S3 server.
"""

import argparse
import asyncio
import hashlib
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import urllib3
from tests.display import virtual_display
from tests.player.devices import COMMAND, Device
from tests.player.material import make_generation, video_bytes
from tests.player.repository import ACME, LOBBY, Repository, manifest_of
from tests.player.rig import GOOD, RecordingStage
from tests.player.server import serving
from tests.player.test_heavy_manifests import rules_of_a_year
from tests.player.theatre import clips, theatre
from tests.weed import S3Server, shared_server

from avtech_player.clock import TrustedClock
from avtech_player.generations import Library
from avtech_player.outcome import OutcomeKind
from avtech_player.parts import Parts
from avtech_player.ports import Generation, TrialResult
from avtech_player.store import NotModified, Store, Stored, open_store
from avtech_player.sync import Updater
from avtech_player.trust import Trust
from avtech_schema.identifiers import ScreenId
from avtech_schema.manifest import Manifest, parse_manifest

CLIP_BYTES = 5_000_000
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> int:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer clips, players and seconds")
    quick: bool = parser.parse_args().quick
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measure_process(folder, idle=15 if quick else 90)
        measure_poll(folder)
        measure_start(folder, rounds=2 if quick else 5)
        asyncio.run(measure_heavy(folder))
        with shared_server(folder / "weed") as server:
            measure_fetch(folder, server, count=40 if quick else 200, rounds=2 if quick else 7)
            asyncio.run(measure_fleet(folder, server, players=100 if quick else 1000))
    return 0


def told(name: str, value: str, limit: str) -> None:
    print(f"{name:44} {value:>14}   {limit}", flush=True)


def device(folder: Path) -> Device:
    repository = Repository(folder / "store")
    repository.publish(
        manifest_of({f"VID-{c.upper()}": repository.put_clip(video_bytes(c, 5.0), duration=5000) for c in ("red", "blue")})
    )
    return Device(folder / "device", repository)


def started(one: Device, environment: Mapping[str, str] | None = None) -> "subprocess.Popen[bytes]":
    """A player that has no boto3, as on a device: python-tuf's signers would load it."""
    hidden = one.folder / "hidden"
    hidden.mkdir(exist_ok=True)
    (hidden / "boto3.py").write_text("raise ImportError")
    command = [*COMMAND, "run", "--config", str(one.config)]
    with (one.folder / "log").open("ab") as log:
        env = {**os.environ, "PYTHONPATH": str(hidden), **(environment or {})}
        return subprocess.Popen(command, stderr=log, env=env)


def ended(process: "subprocess.Popen[bytes]") -> float:
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait(20)
    return time.monotonic() - began


def measure_process(folder: Path, *, idle: int) -> None:
    """Memory after the first minute's trimming, and processor time at the default settings."""
    one = device(folder / "idle")
    process = started(one)
    try:
        one.reported(lambda report: report.applied is not None, within=60)
        time.sleep(70)  # The first minute's memory is given back then.
        before, began = ticks(process.pid), time.monotonic()
        time.sleep(idle)
        share = (ticks(process.pid) - before) / TICKS / (time.monotonic() - began)
        memory = resident(process.pid)
    finally:
        took = ended(process)
    told("resident, proof of play on, without mpv", f"{memory / 1e6:.1f} MB", "under 45 MB")
    told(f"processor while idle, over {idle} s", f"{share * 100:.2f} %", "of one core, under 0.5 %")
    told("from SIGTERM to the end", f"{took:.2f} s", "under 2 s")


def ticks(pid: int) -> int:
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(words[11]) + int(words[12])


def measure_poll(folder: Path) -> None:
    """What the second look reads."""
    repository = Repository(folder / "poll")
    repository.publish(manifest_of({"VID-RED": repository.put_clip(b"red")}))
    with serving(repository.path) as server:
        store = Counting(open_store(server.url, {}))
        clock = TrustedClock()
        directory = folder / "poll-state"
        directory.mkdir()
        trust = Trust(directory, store, clock, root=repository.root_bytes, client=ACME, screen=LOBBY)
        trust.check()
        full, store.bytes, store.requests = store.bytes, 0, 0
        trust.check()
        told(
            "an idle poll, one request if it is 1",
            f"{store.requests} / {store.bytes} B",
            f"body under 400 B; first look {full} B",
        )


def measure_start(folder: Path, *, rounds: int) -> None:
    """From the start of the process to the first picture, the release on the disk and the files in the system's memory."""
    one = device(folder / "start")
    process = started(one)
    one.reported(lambda report: report.applied is not None, within=60)
    ended(process)
    engines: list[tuple[str, Mapping[str, str]]] = [("simulated", {})]
    with ExitStack() as stack:
        if shutil.which("Xvfb"):
            display = stack.enter_context(virtual_display())
            engine = f'{{kind: mpv, vo: x11, ao: "null", hwdec: "no", display: "{display}"}}'
            engines.append(("mpv under Xvfb", {"AVTECH_PLAYER_ENGINE": engine, "AVTECH_PLAYER_API": "off"}))
        for name, environment in engines:
            times = [first_picture(one, environment) for _ in range(rounds)]
            told(f"cold start to the first picture, {name}", f"{statistics.median(times):.2f} s", "under 2 s")


def first_picture(one: Device, environment: Mapping[str, str]) -> float:
    """Seconds until the player tells a service manager that something is on screen: it looks every tenth of a second."""
    address = str(one.folder / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(30)
        began = time.monotonic()
        process = started(one, {**environment, "NOTIFY_SOCKET": address})
        try:
            while b"READY=1" not in manager.recv(4096):
                pass
            return time.monotonic() - began
        finally:
            ended(process)
            Path(address).unlink()


def measure_fetch(folder: Path, server: S3Server, *, count: int, rounds: int) -> None:
    """The same clips by two loops over urllib3 and by the player, in turns."""
    url, client = server.url("clips"), server.client()
    repository = Repository(folder / "fetch")
    assets = {}
    for number in range(count):
        data = hashlib.shake_256(str(number).encode()).digest(CLIP_BYTES)
        asset = assets[f"VID-{number}"] = repository.put_clip(data)
        client.put_object(Bucket=server.bucket, Key=f"clips/{asset.key}", Body=data)
        (repository.path / asset.key).unlink()
    manifest = manifest_of(assets)
    links: dict[str, str] = {
        asset.sha256: client.generate_presigned_url("get_object", {"Bucket": server.bucket, "Key": f"clips/{asset.key}"})
        for asset in assets.values()
    }
    store = open_store(url, server.environment(reader=True))
    ways: dict[str, Callable[[Path], None]] = {
        "urllib3": lambda place: bare(links, place),
        "urllib3, no names": lambda place: bare(links, place, names=False),
        "player": lambda place: fetch(manifest, store, place),
    }
    turns = [{name: timed(folder / "fetched", way) for name, way in ways.items()} for _ in range(rounds)]
    for number, turn in enumerate(turns, start=1):
        print(
            f"  turn {number}: " + "; ".join(f"{name} {took:.2f} s ({cpu:.2f} s of CPU)" for name, (took, cpu) in turn.items())
        )
    for place, what in enumerate(("s", "s of CPU")):
        ours = statistics.median(turn["player"][place] for turn in turns)
        ratios = {
            name: statistics.median(turn["player"][place] / turn[name][place] for turn in turns)
            for name in ways
            if name != "player"
        }
        words = ", ".join(f"{ratio:.2f} x {name}" for name, ratio in ratios.items())
        told(
            f"{count} clips of 5 MB, verified, flushed, stored",
            f"{ours:.2f} {what}",
            f"{words}" + (", at most 1.15 x" if not place else ""),
        )


def timed(place: Path, work: Callable[[Path], None]) -> tuple[float, float]:
    """The seconds that pass, and those of processor time, of the system's included."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    os.sync()
    began, used = time.monotonic(), time.process_time()
    work(place)
    return time.monotonic() - began, time.process_time() - used


def fetch(manifest: Manifest, store: Store, place: Path) -> None:
    Library(place).fetch(manifest, store, keep=(), stop=threading.Event())


def bare(links: Mapping[str, str], place: Path, *, names: bool = True) -> None:
    """The peer: fetch, digest, flush, and with `names` rename and flush the directory; no resuming, no limits, no state."""
    pool = urllib3.PoolManager()
    for digest, link in links.items():
        found = hashlib.sha256()
        response = pool.request("GET", link, preload_content=False)
        with (place / ("partial" if names else digest)).open("wb") as file:
            for chunk in response.stream(1 << 18):
                found.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        response.release_conn()
        assert found.hexdigest() == digest
        if not names:
            continue
        (place / "partial").rename(place / digest)
        directory = os.open(place, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)


async def measure_heavy(folder: Path) -> None:
    """A manifest of nearly four megabytes: how long it takes, what it weighs, and for how long at most nothing else goes on."""
    heavy = make_generation({"loop": clips(folder, "a", "b")}, rules_of_a_year(15_000), fallback="loop")
    data, gaps, begun = heavy.manifest.canonical(), [0.0], resident(os.getpid())

    async def watch() -> None:
        last = time.monotonic()
        while True:
            await asyncio.sleep(0.002)
            gaps.append(time.monotonic() - last)
            last = time.monotonic()

    async with theatre() as house:
        watching = asyncio.create_task(watch())
        began = time.monotonic()
        manifest = await asyncio.to_thread(parse_manifest, data)
        parsed = time.monotonic() - began
        result = await house.playback.trial(replace(heavy, manifest=manifest))
        watching.cancel()
        assert result.good, result.reason
    took = time.monotonic() - began
    told(
        f"a manifest of {len(data) / 1e6:.1f} MB, {len(manifest.rules)} rules",
        f"{parsed:.2f} s",
        f"to read; {took:.2f} s until it plays",
    )
    told("what it weighs", f"{(resident(os.getpid()) - begun) / 1e6:.1f} MB", "")
    told("nothing else goes on meanwhile for at most", f"{max(gaps):.3f} s", "below a second")


def resident(pid: int) -> int:
    """Bytes of memory that a process takes."""
    return int(Path(f"/proc/{pid}/smaps_rollup").read_text().split("Rss:")[1].split()[0]) * 1024


class Counting:
    """A store that counts what is asked of it, and what comes."""

    def __init__(self, store: Store) -> None:
        self.url, self.tally, self._store = store.url, store.tally, store
        self.requests = self.bytes = 0

    def read(self, key: str, *, limit: int, if_none_match: str = "") -> Stored | NotModified | None:
        self.requests += 1
        found = self._store.read(key, limit=limit, if_none_match=if_none_match)
        self.bytes += len(found.data) if isinstance(found, Stored) else 0
        return found

    def stream(self, key: str, *, offset: int, size: int | None = None) -> Iterator[bytes]:
        self.requests += 1
        for chunk in self._store.stream(key, offset=offset, size=size):
            self.bytes += len(chunk)
            yield chunk

    def reject(self, key: str) -> None:
        self._store.reject(key)

    def write(self, key: str, data: bytes) -> None:
        self.requests += 1
        self._store.write(key, data)

    def create(self, key: str, data: bytes) -> bool:
        self.requests += 1
        return self._store.create(key, data)


class Willing(RecordingStage):
    """Takes what it is shown for good, at once."""

    async def trial(self, generation: Generation) -> TrialResult:
        self.showing = generation
        return GOOD

    async def play(self, generation: Generation | None) -> None:
        self.showing = generation


async def measure_fleet(folder: Path, server: S3Server, *, players: int) -> None:
    """Many players, each with a state and a store of its own, learn a release, fetch it and take it."""
    repository = Repository(folder / "fleet")
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(8))
    screens = [ScreenId(f"SCR-ACME-{number:05}") for number in range(players)]
    asset = repository.put_clip(video_bytes("red"))
    shm = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shm if shm.is_dir() else None, ignore_cleanup_errors=True) as states:
        fleet = [member(Path(states, screen), repository, server, screen) for screen in screens]
        for name, width in (("first release", 1920), ("a release that changes every screen", 1280), ("an idle look", 0)):
            if width:
                clips = {"VID-RED": asset, f"VID-W{width}": repository.put_clip(video_bytes("blue") + str(width).encode())}
                repository.publish(*(manifest_of(clips, screen=screen, width=width) for screen in screens))
                await asyncio.to_thread(upload, repository, server)
            await converge(fleet, name, OutcomeKind.APPLIED if width else OutcomeKind.UNCHANGED)


def member(directory: Path, repository: Repository, server: S3Server, screen: ScreenId) -> tuple[Updater, Counting]:
    directory.mkdir()
    store, clock, library = Counting(open_store(server.url("fleet"), server.environment())), TrustedClock(), Library(directory)
    trust = Trust(directory, store, clock, root=repository.root_bytes, client=ACME, screen=screen)
    return Updater(Parts(directory, ACME, screen, trust, store, library, clock), Willing()), store


def upload(repository: Repository, server: S3Server) -> None:
    """Everything but the timestamp first; what lay there is not touched again."""
    client = server.client()
    files = sorted(path for path in repository.path.rglob("*") if path.is_file())
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda path: put(client, server, repository, path), [p for p in files if p.name != "timestamp.json"]))
    put(client, server, repository, repository.path / "metadata/timestamp.json")


def put(client: object, server: S3Server, repository: Repository, path: Path) -> None:
    key = f"fleet/{path.relative_to(repository.path)}"
    client.put_object(Bucket=server.bucket, Key=key, Body=path.read_bytes())  # type: ignore[attr-defined]


async def converge(fleet: list[tuple[Updater, Counting]], name: str, wanted: OutcomeKind) -> None:
    for _, store in fleet:
        store.requests = store.bytes = 0
    began = time.monotonic()
    outcomes = await asyncio.gather(*(updater.step() for updater, _ in fleet))
    took = time.monotonic() - began
    wrong = [outcome for outcome in outcomes if outcome.kind is not wanted]
    assert not wrong, wrong[0]
    requests = sum(store.requests for _, store in fleet) / len(fleet)
    size = sum(store.bytes for _, store in fleet) / len(fleet)
    told(f"{len(fleet)} players, {name}", f"{took:.1f} s", f"{requests:.1f} requests, {size:.0f} bytes a player")


if __name__ == "__main__":
    sys.exit(main())
