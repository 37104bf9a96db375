"""`avtech validate` beside other validators on the same files, in one run: `python benchmarks/validate.py`.

All are whole processes on files of a synthetic fleet (benchmarks/fleets.py). Only avtech holds resources against each other;
the others check each file by its JSON Schema: check-jsonschema is run as it is, and `jsonschema` the way kubeconform works,
choosing the schema by kind, with PyYAML's C loader. Times are the best of some runs; look at the load before you compare.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from fleets import Size, write_fleet

ROOT = Path(__file__).parents[1]
SCHEMAS = ROOT / "schema/json/v1"
BIN = Path(sys.executable).parent
BY_KIND = """
import json, sys
from pathlib import Path
import yaml
from jsonschema import Draft202012Validator
schemas = {path.name.split(".")[0]: json.loads(path.read_text()) for path in Path(sys.argv[1]).glob("*.schema.json")}
validators = {kind: Draft202012Validator(schema) for kind, schema in schemas.items()}
class Loader(yaml.CSafeLoader):
    "Dates and times stay text, as in YAML 1.2."
Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if not tag.endswith(("timestamp", ":int", ":bool"))]
    for first, found in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
import re
Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"[-+]?[0-9]+$"), list("-+0123456789"))
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(true|false)$"), list("tf"))
wrong = 0
for folder in ("fleet", "content-index"):
    for path in Path(sys.argv[2], folder).rglob("*.yaml"):
        for document in yaml.load_all(path.read_bytes(), Loader):
            wrong += any(True for _ in validators[document["kind"].lower()].iter_errors(document))
sys.exit(wrong > 0)
"""


def main() -> int:
    """Generate, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--screens", type=int, default=10_000)
    parser.add_argument("--clients", type=int, help="one for each 500 screens if missing")
    parser.add_argument("--runs", type=int, default=3, help="runs of avtech; the others are run once")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch, "fleet")
        size = Size.of(options.screens, options.clients)
        files = write_fleet(root, size)
        print(f"{size.screens:,} screens of {size.clients} clients in {files:,} files; {os.cpu_count()} cores; load {_load()}")
        _measure(root, Path(scratch, "cache"), options.runs)
    return 0


def _measure(root: Path, cache: Path, runs: int) -> None:
    os.environ["AVTECH_CACHE_DIR"] = str(cache)
    validate = [str(BIN / "avtech"), "validate", str(root)]
    cold = _best("avtech validate --no-cache", [*validate, "--no-cache"], runs)
    _best("avtech validate, first run with a cache", validate, 1, cold)
    _age(root)
    subprocess.run(validate, check=True, capture_output=True)
    _best("avtech validate, nothing changed", validate, runs, cold)
    changed = sorted((root / "fleet").rglob("schedules/*.yaml"))[7]

    def change() -> None:
        changed.write_text(changed.read_text("utf-8") + "# another line\n", "utf-8")

    _best("avtech validate, one schedule changed", validate, runs, cold, before=change)
    paths = [str(path) for folder in ("fleet", "content-index") for path in sorted((root / folder).rglob("*.yaml"))]
    plain = [sys.executable, "-c", BY_KIND, str(SCHEMAS), str(root)]
    _best("jsonschema by kind (kubeconform's way)", plain, 1, cold)
    other = BIN / "check-jsonschema"
    if other.exists():
        schema = str(SCHEMAS / "avtech.schema.json")
        _best("check-jsonschema", [str(other), "--schemafile", schema, *paths], 1, cold)
    else:
        print("check-jsonschema is not installed: `uv pip install check-jsonschema`")


def _best(name: str, command: Sequence[str], runs: int, cold: float = 0.0, *, before: object = None) -> float:
    """The shortest of some runs in seconds, printed with its processor time and its ratio to the cold run."""
    found: list[tuple[float, float]] = []
    for _ in range(runs):
        if callable(before):
            before()
        children, began = os.times(), time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        took, after = time.perf_counter() - began, os.times()
        processor = after.children_user + after.children_system - children.children_user - children.children_system
        found.append((took, processor))
        if done.returncode:
            raise SystemExit(f"{name} ended with {done.returncode}: {(done.stdout + done.stderr)[-2000:]}")
    took, processor = min(found)
    ratio = f"{took / cold:8.2f} x cold" if cold else ""
    print(f"{name:42} {took:8.2f} s  ({processor:6.2f} s of processor) {ratio}", flush=True)
    return took


def _age(root: Path) -> None:
    """Wait until the files are old enough for their times to be trusted."""
    newest = max(path.stat().st_ctime for path in root.rglob("*.yaml"))
    time.sleep(max(0.0, newest + 2.1 - time.time()))


def _load() -> str:
    return " ".join(f"{load:.1f}" for load in os.getloadavg())


if __name__ == "__main__":
    sys.exit(main())
