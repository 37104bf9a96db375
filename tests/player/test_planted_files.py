"""Attacks from within the state directory: a pipe, a device, a link or a directory where a file is expected."""

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from avtech_player.api_token import ensure_token
from avtech_player.durable import DiskError, read_bounded
from avtech_player.outcome import OutcomeKind
from tests.player.lifetime import open_spool, play
from tests.player.repository import Repository, manifest_of
from tests.player.rig import Rig

CLIP, SECRET = os.urandom(5000), b"a secret of the player"


def synced(tmp_path: Path) -> tuple[Repository, Rig]:
    repository = Repository(tmp_path / "store")
    rig = Rig(tmp_path / "state", repository.url, repository.root_bytes)
    rig.start()
    repository.publish(manifest_of({"VID-A": repository.put_clip(CLIP)}))
    assert rig.step().kind is OutcomeKind.APPLIED
    return repository, rig


def pipe(path: Path) -> None:
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def nowhere(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere")


def elsewhere(path: Path) -> None:
    path.symlink_to(path.parents[-2] / "etc" / "hostname")


def hard_link(path: Path) -> None:
    victim = next(parent for parent in path.parents if (parent / "victim").exists()) / "victim"
    os.link(victim, path)


def folder(path: Path) -> None:
    path.mkdir()
    (path / "inside").write_bytes(b"x")


def looked(state: Path, repository: Repository) -> Rig:
    """A start and a look, which must not wait for anything planted."""
    rigs: list[Rig] = []

    def look() -> None:
        rig = Rig(state, repository.url, repository.root_bytes)
        rig.start()
        rig.step()
        rig.step()
        rigs.append(rig)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(30)
    assert not thread.is_alive(), "the player waits for ever"
    return rigs[0]


@pytest.mark.parametrize("plant", [pipe, endless, nowhere, elsewhere, hard_link, folder])
def test_attack_something_else_planted_for_any_file_of_the_state(tmp_path: Path, plant: Callable[[Path], None]) -> None:
    """Whatever file it is, the player plays, and comes to the new release or says what is in its way; no other file changes."""
    repository, _ = synced(tmp_path)
    state, victim = tmp_path / "state", tmp_path / "victim"
    names = [path.relative_to(state) for path in sorted(state.rglob("*")) if path.is_file() and path.name != "pid"]
    assert len(names) > 8
    for number, name in enumerate(names):
        victim.write_bytes(SECRET)
        path = state / name
        if not path.parent.is_dir() or not (path.exists() or path.is_symlink()):
            continue
        path.unlink()
        plant(path)
        ref = repository.publish(
            manifest_of({"VID-A": repository.put_clip(CLIP), "VID-N": repository.put_clip(b"%d" % number)})
        )
        rig = looked(state, repository)
        assert rig.stage.showing is not None, name
        assert victim.read_bytes() == SECRET, name
        told = rig.updater.last_error or ""
        assert rig.state.good == ref or (plant is folder and str(name) in told), (name, told)
        if plant is folder and path.is_dir():
            shutil.rmtree(path)  # A directory with files in it is left to people.


@pytest.mark.parametrize("name", ["assets", "partial", "generations", "generations/old", "trust", "plays", "damaged"])
def test_attack_a_link_to_another_directory_planted_for_one_of_ours(tmp_path: Path, name: str) -> None:
    """What is cleaned up stays below the state directory: nothing behind the link is removed, written or shown."""
    repository, rig = synced(tmp_path)
    victim = tmp_path / "victim"
    for path in ("file", ".tmp-abc", "0" * 64, "1" * 64 + "/manifest.json"):
        (victim / path).parent.mkdir(parents=True, exist_ok=True)
        (victim / path).write_bytes(SECRET)
        os.utime(victim / path, (1, 1))
    before = sorted(victim.rglob("*"))
    place = rig.directory / name.replace("old", "2" * 64)
    if place.exists():
        place.rename(tmp_path / "gone")
    place.symlink_to(victim)
    if name == "damaged":
        (rig.directory / "state.json").write_bytes(b"junk")
    ref = repository.publish(manifest_of({"VID-A": repository.put_clip(CLIP), "VID-B": repository.put_clip(b"new")}))
    rig = looked(rig.directory, repository)
    open_spool(rig.directory).append([play(1)])
    assert (rig.state.good, rig.updater.last_error) == (ref, None)
    assert sorted(victim.rglob("*")) == before
    assert all(path.read_bytes() == SECRET for path in before if path.is_file())
    assert not place.is_symlink()


@pytest.mark.parametrize("plant", [pipe, endless, nowhere, elsewhere, hard_link])
def test_attack_something_planted_where_a_download_begins(tmp_path: Path, plant: Callable[[Path], None]) -> None:
    repository, rig = synced(tmp_path)
    (tmp_path / "victim").write_bytes(SECRET)
    asset = repository.put_clip(os.urandom(9000))
    plant(rig.directory / "partial" / asset.sha256)
    ref = repository.publish(manifest_of({"VID-B": asset}))
    rig = looked(rig.directory, repository)
    assert (tmp_path / "victim").read_bytes() == SECRET
    assert (rig.state.good, rig.updater.last_error) == (ref, None)


@pytest.mark.parametrize("plant", [pipe, endless, nowhere, folder])
def test_attack_something_planted_for_the_token(tmp_path: Path, plant: Callable[[Path], None]) -> None:
    plant(tmp_path / "api.token")
    try:
        assert len(ensure_token(tmp_path)) == 64
    except DiskError:
        assert plant is not nowhere


@pytest.mark.parametrize("plant", [pipe, endless, folder])
def test_what_is_no_plain_file_is_not_read(tmp_path: Path, plant: Callable[[Path], None]) -> None:
    plant(tmp_path / "file")
    with pytest.raises(DiskError, match="not a plain file"):
        read_bounded(tmp_path / "file", limit=10)
