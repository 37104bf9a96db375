"""The fleet that ships with the repository: valid, complete, small, and true to its clips."""

import hashlib
import importlib.machinery
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from avtech_controller.compiler import compile_state
from avtech_controller.content import default_name, entry_path
from avtech_controller.desired import DesiredState, load, open_source, require_state
from avtech_controller.media import measure
from avtech_schema.identifiers import ClientId, VideoId

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def state() -> DesiredState:
    loaded = load(open_source(ROOT))
    assert loaded.findings == ()
    return require_state(loaded)


def clip_of(state: DesiredState, name: VideoId) -> Path:
    spec = state.videos[name].spec
    return ROOT / "clips" / spec.client / spec.original_name


def test_it_shows_what_a_fleet_is_two_clients_and_three_time_zones(state: DesiredState) -> None:
    screens = compile_state(state)
    zones = {screen.manifest.time_zone for screen in screens.values()}
    assert zones == {"Europe/Madrid", "America/New_York", "Asia/Kathmandu"}
    assert (len(state.clients), len(screens)) == (2, 8)
    rules = [rule for screen in screens.values() for rule in screen.manifest.rules]
    assert any(rule.emergency for rule in rules)
    assert any(rule.until_s < rule.from_s for rule in rules)
    assert any(rule.max_plays_per_hour for rule in rules)
    assert {check.spec.client for check in state.checks.values()} == set(state.clients)


def test_every_clip_of_the_index_lies_in_the_repository_with_its_digest(state: DesiredState) -> None:
    for name, video in state.videos.items():
        data = clip_of(state, name).read_bytes()
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (video.spec.sha256, video.spec.size_bytes)
        assert (ROOT / entry_path(ClientId(video.spec.client), name)).is_file()
        assert default_name(ClientId(video.spec.client), clip_of(state, name).stem) == name


def test_the_clips_are_small_enough_to_live_in_git(state: DesiredState) -> None:
    files = [path for path in (ROOT / "clips").rglob("*") if path.is_file()]
    assert sorted(files) == sorted(clip_of(state, name) for name in state.videos)
    assert sum(path.stat().st_size for path in files) < 3_000_000


def test_what_stands_on_a_clips_picture_is_its_title_and_name(state: DesiredState) -> None:
    rendered = {ROOT / clip.path: (clip.title, clip.name) for clip in _render_clips().CLIPS}
    for name, video in state.videos.items():
        assert rendered[clip_of(state, name)] == (video.spec.title, name)


@pytest.mark.media
def test_a_clip_of_the_index_measures_what_its_entry_says(state: DesiredState) -> None:
    name = VideoId("VID-ACME-EVACUATE")
    measured, spec = measure(clip_of(state, name)), state.videos[name].spec
    assert (measured.duration_ms, measured.frame_rate) == (spec.duration_ms, spec.media.frame_rate)
    assert (measured.width, measured.height) == (spec.media.width, spec.media.height)


def _render_clips() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("render_clips", str(ROOT / "ci/render-clips"))
    spec = importlib.util.spec_from_loader("render_clips", loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    sys.modules["render_clips"] = module
    loader.exec_module(module)
    return module
