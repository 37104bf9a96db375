"""`avtech compile` at 100 to 100,000 screens, beside plain readers of the same files: `python benchmarks/compile.py`.

All are whole processes on one commit of a synthetic fleet (benchmarks/fleets.py). `git cat-file --batch` only reads every
file of the commit: the floor. PyYAML's C loader only parses them, which is where most tools for YAML in Git begin. Neither
checks or compiles anything. A change is one clip's reference in one playlist, committed. A fresh runner has a clone, the
shared cache in an S3 bucket (SeaweedFS on this machine) and nothing else. Wall time, processor time of the process and its
children, largest resident memory; the best of some runs. Look at the load before you compare.
"""

import argparse
import os
import re
import resource
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from fleets import Size, write_fleet

BIN = Path(sys.executable).parent
SERVER = """
import sys
from pathlib import Path
from avtech_controller.demo import local_s3
who = local_s3.Identity("benchmark", "avtech-bench", sys.argv[2], ("Admin", "Read", "Write", "List", "Tagging"))
server = local_s3.start(Path(sys.argv[1]), (who,))
print(server.url("cache"), *(f"{name}={value}" for name, value in who.environment().items()), flush=True)
sys.stdin.read()
server.stop()
"""
GIT = ("git", "-c", "user.name=Benchmark", "-c", "user.email=benchmark@example.com", "-c", "commit.gpgsign=false")
FLOOR = "git ls-tree -r HEAD fleet content-index | awk '{print $3}' | git cat-file --batch >/dev/null"
PARSE = """
import subprocess, yaml
names = subprocess.run(["git", "ls-tree", "-r", "HEAD", "fleet", "content-index"], capture_output=True, check=True).stdout
ids = b"\\n".join(line.split()[2] for line in names.splitlines()) + b"\\n"
found = subprocess.run(["git", "cat-file", "--batch"], input=ids, capture_output=True, check=True).stdout
start = count = 0
while start < len(found):
    end = found.index(b"\\n", start)
    size = int(found[start:end].split()[2])
    count += sum(1 for _ in yaml.load_all(found[end + 1 : end + 1 + size], yaml.CSafeLoader))
    start = end + size + 2
assert count
"""


@dataclass(frozen=True)
class Cost:
    """What one process cost: seconds, seconds of processor time, and megabytes."""

    wall: float
    cpu: float
    memory: float


@dataclass(frozen=True)
class Bench:
    """One fleet under Git, and what every run of `avtech` gets as its environment."""

    root: Path
    scratch: Path
    environment: Mapping[str, str]
    runs: int

    def compile(self, *options: str, runner: str = "runner") -> list[str]:
        """A command line; each runner has a cache directory and a key of its own."""
        places = [
            f"AVTECH_CACHE_DIR={self.scratch / runner / 'cache'}",
            f"AVTECH_CONFIG_DIR={self.scratch / runner / 'config'}",
        ]
        return ["env", *places, str(BIN / "avtech"), "compile", "-C", str(self.root), "--commit", "HEAD", *options]

    def best(self, name: str, command: Sequence[str], *, floor: float = 0.0, before: Callable[[], None] | None = None) -> Cost:
        """The quickest of some runs, printed with its ratio to the floor."""
        found: list[Cost] = []
        for _ in range(self.runs):
            if before:
                before()
            found.append(self.cost(command))
        best = min(found, key=lambda cost: cost.wall)
        ratio = f"{best.wall / floor:8.2f} x git" if floor else ""
        print(f"  {name:44} {best.wall:8.2f} s {best.cpu:8.2f} s cpu {best.memory:7.0f} MB {ratio}", flush=True)
        return best

    def cost(self, command: Sequence[str]) -> Cost:
        """Run a command to its end."""
        began = time.perf_counter()
        with tempfile.TemporaryFile() as told:
            process = subprocess.Popen(command, cwd=self.root, env=self.environment, stdout=subprocess.DEVNULL, stderr=told)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                told.seek(0)
                raise SystemExit(f"{command} ended with {process.returncode}: {told.read()[-2000:].decode()}")
        return Cost(time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)

    def change(self) -> None:
        """Let one playlist hold another clip, and commit that."""
        path = next(iter(sorted((self.root / "fleet").glob("CLI-*/playlists/list-1.yaml"))))
        text = path.read_text("utf-8")
        clips = sorted((self.root / "content-index" / path.parts[-3]).iterdir())
        held = re.findall(r"VID-[A-Z0-9-]+", text)
        other = next(clip.stem for clip in clips if clip.stem not in held)
        path.write_text(text.replace(held[0], other, 1), "utf-8")
        self.git("commit", "-qam", "Another clip")

    def git(self, *arguments: str) -> None:
        """Run Git in the fleet."""
        subprocess.run([*GIT, *arguments], cwd=self.root, check=True)


def main() -> int:
    """Generate, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--screens", type=int, nargs="*", default=[100, 1_000, 10_000, 100_000])
    parser.add_argument("--clients", type=int, help="one for each 500 screens if missing")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--files", action="store_true", help="also write the manifests as files")
    options = parser.parse_args()
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bucket, environment = stack.enter_context(serving(scratch / "s3"))
        for screens in options.screens:
            bench = Bench(scratch / "fleet", scratch / "runners", environment, options.runs)
            size = Size.of(screens, options.clients)
            files = write_fleet(bench.root, size)
            bench.git("init", "-q")
            bench.git("add", "-A")
            bench.git("commit", "-qm", "All")
            print(
                f"{size.screens:,} screens of {size.clients} clients in {files:,} files; {os.cpu_count()} cores; load {_load()}"
            )
            measure(bench, bucket, files=options.files)
            for made in (bench.root, bench.scratch):
                shutil.rmtree(made, ignore_errors=True)
    return 0


@contextmanager
def serving(directory: Path) -> Generator[tuple[str, dict[str, str]], None, None]:
    """A bucket, and the environment of whoever uses it; its server is a process of its own, so that this one stays small."""
    command = [sys.executable, "-c", SERVER, str(directory), secrets.token_hex(16)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None:
            raise SystemExit("no server")
        bucket, *variables = process.stdout.readline().split()
        own = dict(variable.split("=", 1) for variable in variables)
        try:
            yield bucket, os.environ | own | {"AVTECH_CACHE_KEY": secrets.token_hex(32)}
        finally:
            process.communicate("")


def measure(bench: Bench, bucket: str, *, files: bool) -> None:
    """Print a fleet's costs."""
    floor = bench.best("git: read every file", ["sh", "-c", FLOOR]).wall
    parsed = bench.cost([sys.executable, "-c", PARSE])
    print(
        f"  {'PyYAML, C loader: parse them (once)':44} {parsed.wall:8.2f} s {parsed.cpu:8.2f} s cpu {parsed.memory:7.0f} MB"
        f" {parsed.wall / floor:8.2f} x git"
    )
    clean = bench.best("avtech compile --no-cache", bench.compile("--no-cache"), floor=floor)
    bench.cost(bench.compile())
    bench.best("avtech compile, nothing changed", bench.compile(), floor=floor)
    changed = bench.best("avtech compile, one clip's reference changed", bench.compile(), floor=floor, before=bench.change)
    bench.cost(bench.compile("--cache", bucket))

    def fresh() -> None:
        shutil.rmtree(bench.scratch / "fresh", ignore_errors=True)
        bench.change()

    shared = bench.compile("--cache", bucket, runner="fresh")
    bench.best("the same on a fresh runner, cache in a bucket", shared, floor=floor, before=fresh)
    if files:
        written = ["-o", str(bench.scratch / "out")]
        shutil.rmtree(bench.scratch / "out", ignore_errors=True)
        bench.best(
            "avtech compile --no-cache -o, a new directory",
            bench.compile("--no-cache", *written),
            floor=floor,
            before=lambda: shutil.rmtree(bench.scratch / "out", ignore_errors=True),
        )
        bench.cost(bench.compile(*written))
        bench.best("avtech compile -o, one reference changed", bench.compile(*written), floor=floor, before=bench.change)
    print(f"  a change costs {clean.wall / changed.wall:.1f} times less than compiling anew")


def _load() -> str:
    return " ".join(f"{load:.1f}" for load in os.getloadavg())


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.exit(main())
