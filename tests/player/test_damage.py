"""Every file of a device damaged in every way, alone and all at once: what was good shows, and the store mends the rest."""

import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from avtech_player.floor import load_floor
from avtech_player.logs import screen_log
from avtech_player.plays import Journal
from avtech_schema.report import SyncState
from tests.display import BLUE, RED, Eyes, watching
from tests.player.crashes import Scene, a_third_release, quick_disk
from tests.player.devices import Device
from tests.player.lifetime import open_spool, play
from tests.player.material import video_bytes
from tests.player.repository import LOBBY, Repository, manifest_of
from tests.player.rig import Rig

Damage = Callable[[Path], None]


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 1] = bytes([data[len(data) // 2] ^ 0x10]) if data else b"x"
    path.write_bytes(data)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def zero(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def swell(path: Path) -> None:
    with path.open("ab") as file:
        file.truncate(10_000_000)


def delete(path: Path) -> None:
    path.unlink()


def replace_by_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replace_by_full_directory(path: Path) -> None:
    path.unlink()
    (path / "inside").mkdir(parents=True)


def replace_by_link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def replace_by_loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def forbid(path: Path) -> None:
    path.chmod(0)


DAMAGES: list[Damage] = [
    flip,
    truncate,
    empty,
    zero,
    swell,
    delete,
    replace_by_directory,
    replace_by_full_directory,
    replace_by_link,
    replace_by_loop,
    forbid,
]


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with quick_disk() as folder:
        yield a_third_release(folder / "scene")


def files(state: Path) -> list[Path]:
    return sorted(path.relative_to(state) for path in state.rglob("*") if stat.S_ISREG(path.lstat().st_mode))


def survive(scene: Scene) -> str:
    """Start without the store, then with it; whatever shows is what was released, which the stage itself checks."""
    rig = Rig(scene.state, "file:///nowhere", scene.root)
    rig.start()
    rig.step()
    showing = rig.stage.showing
    assert showing is None or showing.ref.digest in known(scene)
    journal = Journal(lambda: open_spool(scene.state), rig.store, screen_log("plays", LOBBY))
    journal.note(play(7))
    rig = Rig(scene.state, scene.url, scene.root)
    rig.start()
    for _ in range(2):
        rig.step()
    assert rig.state.good == scene.new, rig.updater.last_error
    assert rig.stage.showing is not None
    assert len(rig.stage.showing.files) == len(rig.stage.showing.manifest.assets)
    assert rig.updater.last_error is None
    floor = load_floor(scene.state)
    assert all(floor.roles[name].version >= role.version for name, role in scene.floor.roles.items())
    return "slate" if showing is None else "whole" if len(showing.files) == len(showing.manifest.assets) else "part"


def known(scene: Scene) -> set[str]:
    return {path.name for path in (scene.state / "generations").iterdir()}


@pytest.mark.parametrize("damage", DAMAGES)
def test_any_one_file_may_be_damaged_and_something_released_shows(scene: Scene, damage: Damage) -> None:
    for path in files(scene.state):
        run = scene.copy(scene.folder.with_name("damaged"))
        damage(run.state / path)
        try:
            assert survive(run) != "slate"
        except Exception as error:
            raise AssertionError(f"{damage.__name__} of {path}: {error}") from error
        finally:
            shutil.rmtree(run.folder)


@pytest.mark.parametrize("damage", DAMAGES)
def test_all_files_may_be_damaged_at_once_and_the_store_mends_it(scene: Scene, damage: Damage) -> None:
    run = scene.copy(scene.folder.with_name("ruin"))
    try:
        for path in files(run.state):
            if (run.state / path).exists():
                damage(run.state / path)
        if damage in (forbid, swell) and os.geteuid() == 0:
            survive(Scene(run.folder, run.old, run.new, load_floor(run.state)))
        else:
            assert survive(Scene(run.folder, run.old, run.new, load_floor(Path("/nowhere")))) in ("slate", "part")
    finally:
        shutil.rmtree(run.folder)


@pytest.mark.display
@pytest.mark.media
def test_clips_damaged_while_they_play_are_fetched_again_and_the_screen_never_goes_black(
    tmp_path: Path, x_display: str, eyes: Eyes
) -> None:
    """A whole player with mpv: while red and blue take turns, the file of red is flipped, truncated, zeroed, deleted."""
    repository = Repository(tmp_path / "store")
    device = Device(tmp_path / "device", repository)
    assets = {f"VID-{name.upper()}": repository.put_clip(video_bytes(name, 0.4), duration=400) for name in ("red", "blue")}
    ref = repository.publish(manifest_of(assets))
    engine = f"{{kind: mpv, vo: x11, ao: 'null', hwdec: 'no', display: '{x_display}'}}"
    settings = {"AVTECH_PLAYER_ENGINE": engine, "AVTECH_PLAYER_API": "off"}
    with device.running(environment=settings) as process:
        device.reported(lambda report: report.applied == ref and report.state is SyncState.SYNCED, within=60)
        victim = device.state_dir / "assets" / assets["VID-RED"].sha256
        with watching(x_display) as watch:
            for damage in (flip, truncate, zero, delete):
                eyes.wait_for(RED)
                damage(victim)
                deadline = time.monotonic() + 30
                while not device.clip_is_whole(victim.name):
                    assert time.monotonic() < deadline, (damage.__name__, (device.folder / "log").read_text())
                    time.sleep(0.02)
                eyes.wait_for(BLUE)
            eyes.wait_for(RED)
        assert not watch.went_black(), watch.colours()
        assert process.poll() is None
        device.reported(lambda report: report.state is SyncState.SYNCED and report.applied == ref and report.quarantine == ())
    assert "Traceback" not in (device.folder / "log").read_text()
