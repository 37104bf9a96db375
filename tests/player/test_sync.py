"""From the store to the screen: what plays after each release, good or bad, and after each restart."""

from pathlib import Path

import pytest

from avtech_player.ports import TrialResult
from avtech_player.state import Phase
from avtech_player.sync import OutcomeKind
from avtech_schema.report import SyncState
from tests.player.repository import Repository, manifest_of
from tests.player.rig import RecordingStage, Rig


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "store")


@pytest.fixture
def rig(tmp_path: Path, repository: Repository) -> Rig:
    rig = Rig(tmp_path / "state", repository.url, repository.root_bytes)
    rig.start()
    return rig


def release(repository: Repository, *clips: bytes, **more):
    assets = {f"VID-{n}": repository.put_clip(clip) for n, clip in enumerate(clips)}
    return repository.publish(manifest_of(assets), **more)


def test_a_release_is_fetched_tried_and_played(rig: Rig, repository: Repository) -> None:
    ref = release(repository, b"one", b"two")
    outcome = rig.step()
    assert (outcome.kind, outcome.ref) == (OutcomeKind.APPLIED, ref)
    assert rig.state.phase is Phase.GOOD
    assert rig.state.good == ref
    assert rig.stage.showing is not None
    assert rig.updater.sync_state is SyncState.SYNCED


def test_a_second_look_finds_nothing_to_do(rig: Rig, repository: Repository) -> None:
    release(repository, b"one")
    rig.step()
    before = (rig.directory / "state.json").read_bytes()
    assert rig.step().kind is OutcomeKind.UNCHANGED
    assert (rig.directory / "state.json").read_bytes() == before
    assert len(rig.stage.trials) == 1
