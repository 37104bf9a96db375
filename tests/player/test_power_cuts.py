"""The power goes at any moment of taking a release, and what was not flushed is lost: the same promises hold.

A spread sample runs each time; `AVTECH_ALL_KILLS=1` cuts the power after every single change.
"""

import os
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.player.crashes import (
    Call,
    Scene,
    a_first_release,
    a_third_release,
    check_survival,
    count_calls,
    need_strace,
    quick_disk,
)
from tests.player.power import DROPPED, EMPTY, ZEROED, Disk, File, Folder, Loss, Node, Step, rebuild, record

SAMPLE = 12
MAKERS: dict[str, Callable[[Path], Scene]] = {"first": a_first_release, "third": a_third_release}


@dataclass(frozen=True, slots=True)
class Film:
    """A scene, the changes of the life that takes its release, and the store before and after that."""

    scene: Scene
    steps: Sequence[Step]
    store: Path
    store_after: Path

    def disks(self) -> Iterator[tuple[int, Disk]]:
        """The device's disk after each change, and before the first."""
        disk = Disk(self.scene)
        yield 0, disk
        for number, step in enumerate(self.steps, start=1):
            if step.path.split("/")[0] in ("", "state"):
                disk.do(step)
                yield number, disk

    def after(self, number: int) -> Disk:
        return next(disk for place, disk in self.disks() if place >= number)

    def cut(self, disk: Disk, number: int, loss: Loss) -> str:
        """Make what the power leaves, and hold the device to its promises."""
        with tempfile.TemporaryDirectory(dir=self.scene.folder.parent) as name:
            folder = Path(name)
            uploaded = any(step.path.startswith("store/plays") for step in self.steps[:number])
            shutil.copytree(self.store_after if uploaded else self.store, folder / "store")
            shutil.copy(self.scene.folder / "root.json", folder)
            rebuild(disk, folder, loss)
            try:
                return check_survival(Scene(folder, self.scene.old, self.scene.new, self.scene.floor))
            except AssertionError as error:
                before = self.steps[number - 1] if number else None
                raise AssertionError(f"after {before and (before.what, before.path)} {loss.name}") from error


@pytest.fixture(scope="module")
def films() -> Iterator[dict[str, Film]]:
    """Recorded once."""
    need_strace()
    with quick_disk() as folder:
        yield {key: _film(make(folder / key), folder / f"{key}-life") for key, make in MAKERS.items()}


def _film(scene: Scene, folder: Path) -> Film:
    run = scene.copy(folder)
    return Film(scene, record(run), scene.folder / "store", run.folder / "store")


def spread(count: int) -> set[int]:
    if os.environ.get("AVTECH_ALL_KILLS"):
        return set(range(count + 1))
    every = max(1, count // SAMPLE)
    return {0, count, *range(random.randrange(every), count, every)}


@pytest.mark.parametrize("loss", [DROPPED, EMPTY, ZEROED], ids=["dropped", "empty", "zeroed"])
@pytest.mark.parametrize("key", MAKERS)
def test_a_power_cut_leaves_the_old_or_the_new_release_and_a_floor_that_stands(
    films: dict[str, Film], key: str, loss: Loss
) -> None:
    film = films[key]
    chosen = spread(len(film.steps))
    seen = Counter(film.cut(disk, number, loss) for number, disk in film.disks() if number in chosen)
    assert seen["new"] > 0
    assert seen["slate" if film.scene.old is None else "old"] > 0


@pytest.mark.parametrize("key", MAKERS)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_a_power_cut_keeps_and_loses_the_promises_hold(films: dict[str, Film], key: str, data: st.DataObject) -> None:
    film = films[key]
    number = data.draw(st.integers(0, len(film.steps)), label="changes")

    def names(folder: Folder) -> dict[str, Node]:
        found = dict(folder.safe)
        for change in folder.pending:
            if data.draw(st.booleans(), label="kept"):
                for name, node in change.items():
                    if node is None:
                        found.pop(name, None)
                    else:
                        found[name] = node
        return found

    def content(file: File) -> bytes:
        if file.current == file.safe:
            return file.current
        safe = file.safe or b""
        length = data.draw(st.integers(0, len(file.current)), label="length")
        return data.draw(st.sampled_from([safe, file.current[:length], safe[:length] + bytes(max(0, length - len(safe)))]))

    film.cut(film.after(number), number, Loss("anything", names, content))


@pytest.mark.parametrize("key", MAKERS)
def test_clips_are_flushed_before_they_are_named_and_all_names_at_once_before_they_count(
    films: dict[str, Film], key: str
) -> None:
    changes = [(step.what, step.path) for step in films[key].steps]
    named = [place for place, (what, path) in enumerate(changes) if what == "rename" and path.startswith("state/partial/")]
    assert len(named) == {"first": 2, "third": 1}[key]
    for place in named:
        assert changes.count(("flush", changes[place][1])) == 1
        assert changes.index(("flush", changes[place][1])) < place
    safe = changes.index(("flush", "state/assets"), named[-1])
    assert ("flush", "state/assets") not in changes[named[0] : named[-1]]
    staged = next(
        place
        for place, step in enumerate(films[key].steps)
        if place > named[-1] and step.what == "rename" and step.data == b"state/state.json"
    )
    assert safe < staged


@pytest.mark.parametrize("key", MAKERS)
def test_a_kill_and_then_a_power_cut_lose_nothing_that_counts(films: dict[str, Film], key: str) -> None:
    """What a process named and could not flush before it was killed, the next one finds, and must not take for safe."""
    scene = films[key].scene
    counted = count_calls(scene.copy(scene.folder.with_name(f"{key}-counted")))
    flushes = max(call.number for call in counted if call.name == "fsync")
    flushes -= flushes // 8  # Its threads share the work a little differently each time.
    for number in range(1, flushes + 1, 1 if os.environ.get("AVTECH_ALL_KILLS") else flushes // 3):
        run = scene.copy(scene.folder.with_name(f"{key}-{number}"))
        first = record(run, killed_at=Call("fsync", number))
        film = Film(scene, [*first, *record(run)], scene.folder / "store", run.folder / "store")
        chosen = {count for count in spread(len(film.steps)) if count > len(first)}
        for count, disk in film.disks():
            if count in chosen:
                film.cut(disk, count, DROPPED)
