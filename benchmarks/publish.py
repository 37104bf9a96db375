"""`avtech publish` beside `rclone` and `aws s3 sync` on the same manifests and the same S3 server, in one run:
`python benchmarks/publish.py`.

It starts a real S3 server (SeaweedFS), makes fleets, and for each of them measures the first publication, a commit that
changes 1 % of the screens, all of as few clients as hold so many (a client's region moves to another time zone), one that
changes them once more (most releases follow a small one), one that changes every hundredth screen, so some in every
client, and a commit that is released already. avtech is measured with a cache that the publication before left, and with
--no-cache. All are whole processes. The others copy files that are there: avtech reads the commit, compiles it, checks
every clip, signs, and keeps the chain of releases; the parts of its time are printed, and how long publishing takes without
compiling, and without starting and ending. A ratio above 1 says how many times longer the other took. `aws` is run by
`uvx` where it is not installed. Look at the load before you compare.

The server is on this machine, where an answer takes no time: with `--round-trip 20` all requests of all programs pass
through a relay that makes them 20 ms long, as those to a store in another place are.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fleets import Size, fleet

from avtech_controller.demo import local_s3
from avtech_controller.stores import NewObject, open_store
from avtech_controller.trust import create_repository

BIN = Path(sys.executable).parent
WRITER = local_s3.Identity("writer", "avtech-bench", "avtech-bench-secret", ("Admin", "Read", "Write", "List"))
CHANGES = {"1 %, neighbours": "Asia/Tokyo", "1 %, they again": "Asia/Seoul", "1 %, all over": "Europe/Lisbon"}
"""What is changed, and the time zone that it gets."""
STAGES = ("first", *CHANGES, "nothing changes")
WARM, PLAIN = "avtech publish", "avtech publish --no-cache"
_GIT = ("git", "-c", "user.name=Benchmark", "-c", "user.email=benchmark@example.com", "-c", "commit.gpgsign=false")
_MANY = ("--transfers", "32", "--checkers", "32")
_EVERY = 100
_PROCESS = "start and end of the process"


@dataclass(frozen=True)
class At:
    """Where everybody reaches the server, and the credentials for it."""

    endpoint: str
    environment: Mapping[str, str]


@dataclass
class Bench:
    """One fleet: its repository, its manifests as files for the others, and the store."""

    directory: Path
    screens: int
    server: local_s3.LocalS3
    at: At
    parts: dict[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def repo(self) -> Path:
        return self.directory / "repo"

    @property
    def files(self) -> Path:
        return self.directory / "manifests"

    def store(self, name: str) -> str:
        """The address of the store that one way to publish has for itself."""
        return self.server.url(f"{name.replace(' ', '')}-{self.screens}").replace(self.server.endpoint, self.at.endpoint)

    def prepare(self) -> None:
        """Write and commit a fleet whose clips are a few bytes each, and have the store hold them."""
        clips: dict[str, bytes] = {}
        for path, text in fleet(Size.of(self.screens)):
            if path.startswith("content-index/"):
                client, name = Path(path).parent.name, Path(path).stem
                clips[f"content/{client}/{hashlib.sha256(name.encode()).hexdigest()}"] = name.encode()
            target = self.repo / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(re.sub(r"sizeBytes: \d+", f"sizeBytes: {len(target.stem)}", text), "utf-8")
        keys = self.directory / "keys"
        create_repository(self.repo, keys, roots=1, threshold=1, screens=self.screens, passphrase=None, now=datetime.now(UTC))
        self.git("init", "-q", "-b", "main")
        self.commit("first")
        for name in (WARM, PLAIN):
            open_store(self.store(name)).create_all([NewObject(key, partial(bytes, data)) for key, data in clips.items()])
        self.compile()

    def git(self, *arguments: str) -> None:
        """Run git in the repository."""
        subprocess.run([*_GIT, *arguments], cwd=self.repo, check=True, capture_output=True)

    def commit(self, message: str) -> None:
        """Commit the work tree."""
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    def change(self, stage: str) -> None:
        """Commit another time zone for 1 % of the screens."""
        paths = sorted(self.repo.glob("fleet/*/screens/*.yaml"))
        scattered = stage == "1 %, all over"
        chosen = paths[::_EVERY] if scattered else paths[: max(1, len(paths) // _EVERY)]
        zone = CHANGES[stage]
        for path in chosen:
            path.write_text(re.sub(r"timeZone: \S+", f"timeZone: {zone}", path.read_text()))
        self.commit(stage)
        self.compile()

    def compile(self) -> None:
        """Have the manifests as files; one that is as it was is not touched. What avtech remembers is left as it is."""
        command = [str(BIN / "avtech"), "compile", "-C", str(self.repo), "--commit", "HEAD", "--no-cache"]
        run([*command, "--to", str(self.files)], self.at.environment)

    def publish(self, stage: str, name: str = WARM) -> float:
        """`avtech publish` as a whole process; returns seconds."""
        command = [str(BIN / "avtech"), *name.split()[1:], "-C", str(self.repo), "--store", self.store(name)]
        command += ["--keys-dir", str(self.directory / "keys"), "--yes", "--output", "json"]
        began = time.monotonic()
        done = json.loads(run(command, self.at.environment))
        seconds = time.monotonic() - began
        if name == WARM:
            self.parts[stage] = {**done["parts"], _PROCESS: seconds - sum(done["parts"].values())}
        return seconds


def run(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """Run a program that must succeed; returns what it wrote."""
    known = {name: value for name, value in os.environ.items() if name != "AWS_CA_BUNDLE"}  # rclone starts with none
    ran = subprocess.run(command, env={**known, **environment}, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f"{' '.join(command[:4])} … failed: {ran.stderr[-2000:]}")
    return ran.stdout


def timed(command: Sequence[str], environment: Mapping[str, str]) -> float:
    """The seconds that a program takes."""
    began = time.monotonic()
    run(command, environment)
    return time.monotonic() - began


Peer = Callable[[Bench, str], float]


def peers(bucket: str, endpoint: str) -> Iterator[tuple[str, Peer | None]]:
    """What there is to compare with; None: it is not installed."""
    rclone, aws = shutil.which("rclone"), _aws()
    remote = {
        "RCLONE_CONFIG_S3_TYPE": "s3",
        "RCLONE_CONFIG_S3_PROVIDER": "Other",
        "RCLONE_CONFIG_S3_ENV_AUTH": "true",
        "RCLONE_CONFIG_S3_ENDPOINT": endpoint,
        "RCLONE_CONFIG_S3_REGION": local_s3.REGION,
        "RCLONE_CONFIG": "/dev/null",
    }

    def with_rclone(*options: str) -> Peer:
        def go(bench: Bench, stage: str) -> float:
            copy = ("copy", "--s3-no-head", *_MANY)
            target = f"s3:{bucket}/rclone{''.join(options)}-{bench.screens}"
            what = copy if stage == STAGES[0] else ("sync", *options)
            command = [rclone or "rclone", "--quiet", *what, str(bench.files), target]
            return timed(command, {**bench.at.environment, **remote})

        return go

    def with_aws(bench: Bench, stage: str) -> float:
        del stage
        target = f"s3://{bucket}/aws-{bench.screens}"
        command = [*aws, "--endpoint-url", endpoint, "s3", "sync", "--only-show-errors", str(bench.files), target]
        return timed(command, bench.at.environment)

    yield PLAIN, lambda bench, stage: bench.publish(stage, PLAIN)
    yield "rclone copy --s3-no-head, then sync", with_rclone() if rclone else None
    yield "rclone copy --s3-no-head, then sync, 32 at once", with_rclone(*_MANY) if rclone else None
    yield "rclone copy --s3-no-head, then sync --checksum, 32 at once", with_rclone("--checksum", *_MANY) if rclone else None
    yield "aws s3 sync", with_aws if aws else None


def _aws() -> list[str]:
    """The AWS command line that works here: an installed one, else that of PyPI."""
    uvx = shutil.which("uvx") or (str(BIN / "uvx") if (BIN / "uvx").exists() else "")
    for command in (["aws"], [uvx, "--from", "awscli", "aws"] if uvx else []):
        if command and shutil.which(command[0]):
            ran = subprocess.run([*command, "--version"], capture_output=True, check=False)
            if ran.returncode == 0:
                return command
    return []


def curve(
    root: Path, sizes: Sequence[int], server: local_s3.LocalS3, found: Sequence[tuple[str, Peer | None]], at: At
) -> Iterator[str]:
    """The measurements, line by line."""
    for name, peer in found:
        if peer is None:
            yield f"not installed, left out: {name}"
    for screens in sizes:
        bench = Bench(root / str(screens), screens, server, at)
        bench.prepare()
        size = sum(path.stat().st_size for path in bench.files.rglob("*.json"))
        load = os.getloadavg()[0]
        yield f"\n{screens:,} screens, {size / 1e6:.1f} MB of manifests (load {load:.1f})"
        yield f"  {'':68}" + "".join(f"{stage:>24}" for stage in STAGES)
        times: dict[str, list[float]] = {}
        for stage in STAGES:
            if stage in CHANGES:
                bench.change(stage)
            times.setdefault(WARM, []).append(bench.publish(stage))
            for name, peer in found:
                if peer:
                    times.setdefault(name, []).append(peer(bench, stage))
        ours = times[WARM]
        published = [
            sum(took for part, took in bench.parts[stage].items() if part not in (_PROCESS, "compile")) for stage in STAGES
        ]
        for name, seconds in times.items():
            ratios = (f"  ({took / own:5.1f} x)" if name != WARM else "" for took, own in zip(seconds, ours, strict=True))
            yield f"  {name:68}" + "".join(f"{f'{took:.2f} s{ratio}':>24}" for took, ratio in zip(seconds, ratios, strict=True))
        for name, seconds in times.items():
            if name.startswith(("rclone", "aws")):
                against = zip(seconds, published, strict=True)
                yield f"  {f'{name}, per publishing alone':68}" + "".join(f"{took / own:22.1f} x" for took, own in against)
        for stage in STAGES:
            told = ", ".join(f"{part} {took:.2f}" for part, took in bench.parts[stage].items())
            yield f"  parts of {stage!r}: {told}"
        shutil.rmtree(bench.directory)


@contextmanager
def relay(server: local_s3.LocalS3, milliseconds: float) -> Iterator[str]:
    """The address by which everybody reaches the server: its own, or one that makes every answer late."""
    if not milliseconds:
        yield server.endpoint
        return
    command = [
        sys.executable,
        str(Path(__file__).with_name("delay.py")),
        str(urlsplit(server.endpoint).port),
        str(milliseconds),
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            port = process.stdout.readline().strip() if process.stdout else ""
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def main() -> int:
    """Start the server, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--screens", type=int, nargs="+", default=[100, 1_000, 10_000])
    parser.add_argument("--large", action="store_true", help="100,000 screens too")
    parser.add_argument("--without", action="append", default=[], metavar="PEER", help="leave out those named so, such as aws")
    parser.add_argument("--round-trip", type=float, default=0, metavar="MS", help="how long an answer takes to come")
    options = parser.parse_args()
    sizes = [*options.screens, *([100_000] if options.large else [])]
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        server = local_s3.start(root / "weed", (WRITER,), volumes=100 + max(sizes) // 200)
        environment: dict[str, Any] = WRITER.environment() | {"AVTECH_CACHE_DIR": str(root / "cache")}
        os.environ.update(environment)
        how = f", behind {options.round_trip:g} ms" if options.round_trip else ""
        print(f"{os.cpu_count()} cores; SeaweedFS on this machine{how}", flush=True)
        try:
            with relay(server, options.round_trip) as endpoint:
                found = [peer for peer in peers(server.bucket, endpoint) if not peer[0].startswith(tuple(options.without))]
                for line in curve(root, sizes, server, found, At(endpoint, environment)):
                    print(line, flush=True)
        finally:
            server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
