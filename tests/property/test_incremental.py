"""Whatever happened before, and whatever became of the cache: compiling with it gives what compiling anew gives."""

import random
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from avtech_controller.compiler import compile_state
from avtech_controller.desired import Source, load, require_state
from avtech_controller.incremental import Cache, Directory, compile_source
from avtech_schema.errors import FindingsError
from tests.controller.commits import Commits
from tests.property.compile_strategies import documents

Files = dict[str, str]
TODAY = date(2026, 6, 1)
quick = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@dataclass(frozen=True)
class Outcome:
    """What compiling a commit gave: every manifest by screen, with its digest, and the warnings; or the error."""

    manifests: dict[str, tuple[str, str, bytes]]
    findings: tuple[Any, ...]
    error: str = ""
    code: int = 0


def anew(source: Source) -> Outcome:
    """All at once, from models, as every caller that has a state does it."""
    try:
        loaded = load(source)
        compiled = compile_state(require_state(loaded))
    except FindingsError as error:
        return Outcome({}, (), f"{error} {error.hint}", error.exit_code)
    return Outcome({n: (one.client, one.digest, one.manifest.canonical()) for n, one in compiled.items()}, loaded.findings)


def in_parts(source: Source, cache: Cache | None) -> Outcome:
    try:
        made = compile_source(source, cache)
    except FindingsError as error:
        return Outcome({}, (), f"{error} {error.hint}", error.exit_code)
    assert list(made.screens) == sorted(made.screens)
    assert all(one.size == len(one.data) for one in made.screens.values())
    assert set(made.labels) == set(made.screens)
    return Outcome({name: (one.client, one.digest, one.data) for name, one in made.screens.items()}, made.findings)


def by_client(held: list[dict[str, Any]]) -> Files:
    """Documents as files, each in its client's folder."""
    return {_place(one): yaml.safe_dump(one) for one in held}


def _place(one: dict[str, Any]) -> str:
    kind, name = one["kind"], one["metadata"]["name"]
    if kind == "Fleet":
        return "fleet/fleet.yaml"
    root = "content-index" if kind == "Video" else "fleet"
    return f"{root}/{name if kind == 'Client' else one['spec']['client']}/{kind}-{name}.yaml"


def rewritten(files: Files, others: list[Files], dice: random.Random) -> None:
    """A document becomes another that would be as right: other clips, labels, zones, rules, nested playlists."""
    other = dice.choice(others)
    path = dice.choice(sorted(other))
    files[path] = other[path]


def deleted(files: Files, _: list[Files], dice: random.Random) -> None:
    del files[dice.choice(sorted(files))]


def moved(files: Files, _: list[Files], dice: random.Random) -> None:
    """A file gets another name or folder: within its client, in another's, in nobody's."""
    path = dice.choice(sorted(files))
    root, name = path.split("/", 1)[0], path.rsplit("/", 1)[1]
    folder = dice.choice(["", "CLI-A/", "CLI-B/", "CLI-A/deep/er/", "elsewhere/", "CLI-C/"])
    files[f"{root}/{folder}{dice.choice(['x', ''])}{name}"] = files.pop(path)


def commented(files: Files, _: list[Files], dice: random.Random) -> None:
    path = dice.choice(sorted(files))
    files[path] += f"# {dice.randrange(9)}\n"


def copied(files: Files, _: list[Files], dice: random.Random) -> None:
    """The same document twice: a name that is used twice."""
    path = dice.choice(sorted(files))
    files[path.replace(".yaml", "-copy.yaml")] = files[path]


def renamed(files: Files, _: list[Files], dice: random.Random) -> None:
    """A screen, a clip or a label gets another name, everywhere or in one file alone."""
    old, new = dice.choice(
        [("SCR-A-1", "SCR-B-9"), ("SCR-B-2", "SCR-A-2"), ("VID-A-1", "VID-A-9"), ("shop", "hall"), ("day", "night")]
    )
    for path in sorted(files) if dice.random() < 0.5 else [dice.choice(sorted(files))]:
        files[path] = files[path].replace(old, new)


def broken(files: Files, _: list[Files], dice: random.Random) -> None:
    files[dice.choice(sorted(files))] = dice.choice(["", "a: [", "kind: Screne\n", "- 1\n", "\x00", "kind: Fleet\n"])


def mended(files: Files, others: list[Files], dice: random.Random) -> None:
    """All of another state: what was broken, moved or copied is as it should be."""
    files.clear()
    files.update(dice.choice(others))


def refleeted(files: Files, _: list[Files], dice: random.Random) -> None:
    zone = dice.choice(["Europe/Madrid", "Asia/Tokyo", "Nowhere/At-All"])
    moves = dice.choice(["", "  moved: [{kind: Screen, from: SCR-A-1, to: SCR-B-9}]\n"])
    files["fleet/fleet.yaml"] = (
        f"apiVersion: avtech/v1\nkind: Fleet\nmetadata: {{name: fleet}}\nspec:\n  defaults: {{timeZone: {zone}}}\n{moves}"
    )


CHANGES: list[Callable[[Files, list[Files], random.Random], None]] = [
    *([rewritten] * 6),
    *([mended] * 2),
    *(deleted, moved, commented, copied, renamed, broken, refleeted),
]


@quick
@given(states=st.lists(documents(), min_size=2, max_size=3), seed=st.integers(0, 2**32))
def test_at_every_commit_of_a_history_the_cache_changes_nothing(states: list[list[dict[str, Any]]], seed: int) -> None:
    _follow(states, seed, damage=False)


@quick
@given(states=st.lists(documents(), min_size=2, max_size=3), seed=st.integers(0, 2**32))
def test_nor_does_a_cache_that_is_damaged_all_along(states: list[list[dict[str, Any]]], seed: int) -> None:
    _follow(states, seed, damage=True)


def _follow(states: list[list[dict[str, Any]]], seed: int, *, damage: bool) -> None:
    dice = random.Random(seed)
    others = [by_client(held) for held in states]
    files = dict(others[0])
    with tempfile.TemporaryDirectory() as directory:
        commits, shelf = Commits(Path(directory, "git")), Path(directory, "cache")
        for _ in range(7):
            source = commits.add(files)
            expected = anew(source)
            event("errors" if expected.error else "manifests")
            assert in_parts(source, Cache(Directory(shelf), b"s" * 32, today=TODAY)) == expected
            assert in_parts(source, None) == expected
            if damage:
                _damage(shelf, dice)
            for _ in range(dice.choice([1, 1, 2])):
                dice.choice(CHANGES)(files, others, dice)
                if not files:
                    return


def _damage(shelf: Path, dice: random.Random) -> None:
    """Something happens to an entry of the cache."""
    entries = sorted(path for path in shelf.rglob("*") if path.is_file())
    if not entries:
        return
    one, other = dice.choice(entries), dice.choice(entries)
    data = one.read_bytes()
    match dice.randrange(6):
        case 0:
            place = dice.randrange(max(1, len(data)))
            one.write_bytes(data[:place] + bytes([data[place] ^ 1 << dice.randrange(8)]) + data[place + 1 :] if data else b"x")
        case 1:
            one.write_bytes(data[: dice.randrange(len(data) + 1)])
        case 2:
            shutil.copyfile(other, one) if one != other else one.write_bytes(b"")
        case 3:
            one.unlink()
        case 4:
            one.unlink()
            one.mkdir()
            (one / "x").write_text("x")
        case _:
            one.unlink()
            one.symlink_to("/dev/zero")
