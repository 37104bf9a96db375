"""Boundaries and switches filmed on a virtual display: the order of the clips, no black or strange frame, and when each came.

`python benchmarks/playback.py` is the long form, with times beside those of other ways to play the same clips.
"""

import itertools
import time
from datetime import datetime
from pathlib import Path

import pytest

from avtech_schema.manifest import Cut
from avtech_schema.plays import PlayResult
from tests.capture import BLACK, FPS, OTHER, SLATE, Footage, filming, read_frame
from tests.display import virtual_display
from tests.player.filmed import film_loop, film_releases, film_schedule, marked, number_of

pytestmark = [pytest.mark.display, pytest.mark.media]

FRAMES = 15
STILL_S = 1.0
"""On a loaded machine every process may have to wait; a picture that stands for so long is frozen whatever the load."""


def spotless(footage: Footage) -> None:
    assert footage.samples > 100
    assert footage.strangers() == []
    assert footage.longest_still() < STILL_S + footage.blind


def test_a_loop_shows_every_clip_whole_and_in_order_and_proves_what_was_seen(tmp_path: Path, x_display: str) -> None:
    footage, told = film_loop(x_display, marked(tmp_path, 0, 1, 2, seconds=FRAMES / FPS), 12)
    spotless(footage)
    order = footage.order()
    assert len(order) >= 12
    assert all(after == (before + 1) % 3 for before, after in itertools.pairwise(order)), order
    frames = [one.frame for one in footage.seen]
    assert frames.count(0) > 6, "clips begin with their first frame"
    assert frames.count(FRAMES - 1) > 6, "and end with their last; a loaded machine may drop some"
    assert {play.result for play in told[:-1]} == {PlayResult.COMPLETE}
    starts = {(boundary.after, boundary.at) for boundary in footage.boundaries()}
    lags = [
        min((abs(instant - at) for clip, at in starts if f"VID-N{clip}" == play.clip), default=9.0)
        for play in told
        if footage.boundaries()[0].at < (instant := monotonic_of(play.start)) < footage.seen[-1].at - 1
    ]
    assert len(lags) > 6
    assert sorted(lags)[len(lags) // 2] < 0.25, lags
    for play, following in itertools.pairwise(told[:-1]):
        assert play.end <= following.start


def monotonic_of(instant: str) -> float:
    """An instant of a record, by the clock of the camera."""
    return datetime.fromisoformat(instant).timestamp() - time.time() + time.monotonic()


def test_switches_of_releases_show_only_clips_and_nothing_of_what_was_before(tmp_path: Path, x_display: str) -> None:
    first, second = marked(tmp_path, 0, 1), marked(tmp_path, 2, 3)
    footage = film_releases(x_display, [first, second], 3, every=1.2)
    spotless(footage)
    sides = [side for side, _ in itertools.groupby(clip // 2 for clip in footage.order())]
    assert sides == [0, 1, 0, 1]


def test_scheduled_changes_come_with_the_end_of_the_clip_or_at_once(tmp_path: Path, x_display: str) -> None:
    first, second = marked(tmp_path, 0, 1), marked(tmp_path, 2, 3)
    footage, changes = film_schedule(x_display, [first, second], number_of, [Cut.CLIP, Cut.NOW, Cut.CLIP, Cut.NOW], every=2)
    spotless(footage)
    sides = [side for side, _ in itertools.groupby(clip // 2 for clip in footage.order())]
    assert sides == [0, 1, 0, 1, 0]
    for change in changes:
        error = change.error(footage)
        assert change.clips_late(footage) == 0
        assert -0.1 < error < (1 if change.cut is Cut.CLIP else 0) + STILL_S, (change, error)


def test_the_camera_tells_black_the_slate_and_strange_pictures_from_clips() -> None:
    def picture(*colours: tuple[int, int, int]) -> bytes:
        return b"".join(bytes((blue, green, red, 0)) * (16 * 16 // len(colours)) for red, green, blue in colours)

    assert read_frame(picture((0, 0, 0)), 16, 16) == (BLACK, 0)
    assert read_frame(picture((220, 40, 40), (0, 0, 0)), 16, 16) == (BLACK, 0), "half of it is black"
    assert read_frame(picture((220, 40, 40)), 16, 16) == (0, 0)
    assert read_frame(picture((16, 35, 60)), 16, 16) == (SLATE, 0)
    assert read_frame(picture((220, 40, 40), (40, 170, 60)), 16, 16) == (OTHER, 0)
    with virtual_display() as name, filming(name) as footage:
        pass
    assert footage.order() == [BLACK], "an empty display"
