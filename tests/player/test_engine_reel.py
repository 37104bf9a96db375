"""The reel: mpv's events, told without mpv."""

from pathlib import Path

import pytest

from avtech_player.engine._reel import MAX_DECODER_ERRORS, Entry, Reel
from avtech_player.ports import Clip, Ended, Started
from avtech_schema.identifiers import DurationMs, Sha256, VideoId


def clip(name: str = "A", ms: int = 5000) -> Clip:
    return Clip(VideoId(f"VID-{name}"), Sha256("0" * 64), Path("/clips", name), DurationMs(ms))


def reel_of(*clips: Clip) -> Reel:
    """A playlist of clips and the slate, the first one on screen since second 1."""
    reel = Reel([Entry(item, place + 1) for place, item in enumerate((*clips, None))])
    reel.begin(reel.entries[0], 0.9)
    assert reel.picture(1.0) == []
    return reel


def test_a_clip_has_started_once_two_readings_of_its_position_differ() -> None:
    a = clip()
    reel = reel_of(a)
    assert reel.progress(0.0, 1.01) == []
    assert reel.progress(0.0, 1.05) == []
    assert reel.progress(0.04, 1.09) == [Started(a, DurationMs(90))], "its first frame came 90 ms before"
    assert reel.progress(0.08, 1.13) == []


def test_a_clip_that_played_its_time_ends_well() -> None:
    a = clip()
    reel = reel_of(a)
    reel.progress(0.0, 1.0)
    reel.progress(0.1, 1.1)
    assert reel.end(reel.entries[0], "eof", "", 6.05) == [Ended(a, "eof", DurationMs(5000))]


@pytest.mark.parametrize(
    ("ms", "seen_ms", "how"), [(5000, 4499, "error"), (5000, 4501, "eof"), (20_000, 17_000, "error"), (200, 80, "eof")]
)
def test_how_much_of_a_clip_must_have_been_seen(ms: int, seen_ms: int, how: str) -> None:
    reel = reel_of(clip(ms=ms))
    ended = reel.end(reel.entries[0], "eof", "", 1 + seen_ms / 1000)[-1]
    assert isinstance(ended, Ended)
    assert ended.how == how


def test_a_very_short_clip_is_told_as_started_even_if_it_ended_before_it_was_looked_at() -> None:
    a = clip(ms=100)
    reel = reel_of(a)
    assert reel.end(reel.entries[0], "eof", "", 1.1) == [Started(a, DurationMs(100)), Ended(a, "eof", DurationMs(100))]


def test_a_clip_without_a_picture_is_told_only_once_the_display_is_known_to_work() -> None:
    a, b = clip("A"), clip("B")
    reel = Reel([Entry(a, 1), Entry(b, 2), Entry(None, 3)])
    for entry in reel.entries[:2]:
        reel.begin(entry, 0.0)
        assert reel.end(entry, "error", "unrecognized file format", 0.1) == []
    reel.begin(reel.entries[2], 0.2)
    told = reel.picture(0.3)
    assert [(event.clip.video, event.how) for event in told if isinstance(event, Ended)] == [
        ("VID-A", "error"),
        ("VID-B", "error"),
    ]
    assert reel.picture(0.4) == []


def test_a_clip_that_was_given_up_is_not_told_again_when_mpv_ends_it() -> None:
    reel = reel_of(clip())
    entry = reel.entries[0]
    (given_up,) = reel.give_up(entry, "showed no new frame", 7.0)
    assert isinstance(given_up, Ended)
    assert given_up.reason == "VID-A showed no new frame"
    assert reel.end(entry, "stop", "", 7.1) == []
    assert reel.give_up(entry, "again", 7.2) == []


def test_many_decoding_errors_make_a_clip_bad_and_a_few_do_not() -> None:
    for errors, how in ((2, "eof"), (3, "error"), (MAX_DECODER_ERRORS, "error")):
        reel = reel_of(clip())
        reel.entries[0].decoder_errors += ["error while decoding MB 3 4"] * errors
        ended = reel.end(reel.entries[0], "eof", "", 6.0)[-1]
        assert isinstance(ended, Ended)
        assert ended.how == how


def test_between_the_end_of_a_clip_and_the_start_of_the_next_the_next_is_where_mpv_is() -> None:
    reel = reel_of(clip("A"), clip("B"))
    assert reel.place() == 0
    reel.end(reel.entries[0], "eof", "", 6.0)
    assert reel.place() == 1
    reel.end(reel.entries[1], "error", "x", 6.1)
    reel.end(reel.entries[2], "error", "x", 6.1)
    assert reel.place() == 3


def test_a_clip_that_was_queued_behind_the_slate_is_found() -> None:
    reel = reel_of(clip("A"), clip("C"))
    reel.end(reel.entries[0], "eof", "", 6.0)
    reel.begin(reel.entries[2], 6.0)
    assert reel.overtaken() == 1
    assert reel_of(clip("A")).overtaken() is None


def test_entries_that_left_the_playlist_are_still_known_for_a_while() -> None:
    reel = reel_of(clip("A"), clip("B"))
    first = reel.entries[0]
    reel.drop(0, 1)
    assert reel.find(1) is first
    assert reel.find(None) is None
    assert reel.find("1") is None
    for _ in range(50):
        reel.entries.insert(0, Entry(clip("X"), 99))
        reel.drop(0, 1)
    assert reel.find(1) is None
