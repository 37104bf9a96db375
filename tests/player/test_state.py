"""The pure transitions: what each event makes of what the player knows."""

from dataclasses import replace
from functools import reduce

import pytest

from avtech_player.state import (
    DOUBTFUL_STARTS,
    Opening,
    Phase,
    PlayerState,
    StateCorruptError,
    candidate_failed,
    desires,
    doubt,
    fetching,
    good_lost,
    opening,
    parse_state,
    settled,
    staged,
    started,
    state_bytes,
    stopped,
    sync_state,
    trial_begins,
    trial_interrupted,
    trial_passed,
)
from avtech_schema.canonical import sha256_hex
from avtech_schema.identifiers import DurationMs
from avtech_schema.report import ReleaseRef, SyncState
from tests.player.repository import commit_of

NOW = "2026-11-24T12:00:00.000Z"


def ref(name: str, sequence: int = 1) -> ReleaseRef:
    return ReleaseRef(sequence, commit_of(sequence), sha256_hex(name.encode()))


def playing(release: ReleaseRef) -> PlayerState:
    return passed(desires(PlayerState(), release))


def passed(state: PlayerState) -> PlayerState:
    state = reduce(lambda state, step: step(state), (fetching, staged, trial_begins), state)
    return trial_passed(state, took=DurationMs(1000))


def failed(state: PlayerState) -> PlayerState:
    state = reduce(lambda state, step: step(state), (fetching, staged, trial_begins), state)
    return candidate_failed(state, reason="black", time=NOW)


def test_a_release_that_passes_is_good_and_the_one_before_is_kept() -> None:
    state = passed(desires(playing(ref("a")), ref("b", 2)))
    assert (state.phase, state.good, state.previous, state.candidate) == (Phase.GOOD, ref("b", 2), ref("a"), None)
    assert sync_state(state, None) is SyncState.SYNCED


def test_a_release_that_fails_is_quarantined_and_the_good_one_stays() -> None:
    state = failed(desires(playing(ref("a")), ref("b", 2)))
    assert (state.phase, state.good, state.candidate) == (Phase.ROLLED_BACK, ref("a"), None)
    assert state.quarantined(ref("b", 2)) is not None
    assert sync_state(state, None) is SyncState.FAILED


def test_a_first_release_that_fails_leaves_the_slate() -> None:
    state = failed(desires(PlayerState(), ref("a")))
    assert (state.phase, state.good) == (Phase.SAFE, None)
    assert opening(state) is Opening.SLATE


def test_what_is_quarantined_is_not_tried_again_until_a_later_record_asks_for_it() -> None:
    state = failed(desires(playing(ref("a")), ref("b", 2)))
    assert desires(state, ref("b", 2)).candidate is None
    assert desires(state, ref("b", 1)).candidate is None
    assert desires(state, ref("b", 3)).candidate == ref("b", 3)


def test_a_retry_that_passes_leaves_no_quarantine() -> None:
    state = passed(desires(failed(desires(playing(ref("a")), ref("b", 2))), ref("b", 3)))
    assert state.quarantine == ()
    assert state.good == ref("b", 3)


def test_a_return_to_what_plays_needs_no_trial() -> None:
    state = desires(failed(desires(playing(ref("a")), ref("b", 2))), ref("a", 3))
    assert (state.phase, state.good, state.candidate) == (Phase.GOOD, ref("a", 3), None)
    assert sync_state(state, None) is SyncState.SYNCED


def test_a_newer_release_supersedes_the_one_on_its_way() -> None:
    state = desires(fetching(desires(playing(ref("a")), ref("b", 2))), ref("c", 3))
    assert (state.phase, state.candidate, state.attempts) == (Phase.VERIFIED, ref("c", 3), 0)


def test_the_same_manifest_in_a_later_record_keeps_its_progress() -> None:
    state = desires(staged(fetching(desires(playing(ref("a")), ref("b", 2)))), ref("b", 3))
    assert (state.phase, state.candidate) == (Phase.STAGED, ref("b", 3))


def test_a_repository_that_forgets_this_screen_does_not_darken_it() -> None:
    state = desires(playing(ref("a")), None)
    assert state.good == ref("a")
    assert opening(state) is Opening.GOOD
    assert sync_state(state, None) is SyncState.PENDING


def test_the_third_trial_that_kills_the_player_is_a_failure() -> None:
    state = staged(fetching(desires(playing(ref("a")), ref("b", 2))))
    for attempt in (1, 2):
        state = started(trial_begins(state), time=NOW)
        assert (state.phase, state.attempts) == (Phase.STAGED, attempt)
    state = started(trial_begins(state), time=NOW)
    assert (state.phase, state.good) == (Phase.ROLLED_BACK, ref("a"))
    assert "3 trials" in state.quarantine[-1].reason


def test_a_trial_cut_short_by_a_stop_is_not_counted() -> None:
    state = staged(fetching(desires(playing(ref("a")), ref("b", 2))))
    assert trial_interrupted(trial_begins(state)) == state


def test_starts_that_show_nothing_lead_to_the_previous_release_and_then_all_take_turns() -> None:
    state = passed(desires(playing(ref("a")), ref("b", 2)))
    seen = []
    for _ in range(2 * DOUBTFUL_STARTS + 6):
        state = started(state, time=NOW)
        seen.append(opening(state))
    turns = [Opening.SLATE, Opening.GOOD, Opening.PREVIOUS]
    assert seen == [Opening.GOOD] * DOUBTFUL_STARTS + [Opening.PREVIOUS] * DOUBTFUL_STARTS + turns * 2
    assert doubt(replace(state, starts=DOUBTFUL_STARTS)) is None
    assert doubt(state) == "start after start died before anything was on screen: the previous release plays"
    state = replace(state, starts=2 * DOUBTFUL_STARTS + 1)
    assert "the slate shows" in (doubt(state) or "")
    state = settled(state)
    assert opening(state) is Opening.PREVIOUS
    state = settled(state)
    assert opening(started(state, time=NOW)) is Opening.GOOD
    assert opening(started(started(state, time=NOW), time=NOW)) is Opening.PREVIOUS
    assert settled(started(state, time=NOW)).starts == 0


def test_without_a_previous_release_the_good_one_has_all_turns_but_the_slates() -> None:
    state = playing(ref("a"))
    seen = []
    for _ in range(2 * DOUBTFUL_STARTS + 3):
        state = started(state, time=NOW)
        seen.append(opening(state))
    assert seen == [Opening.GOOD] * 2 * DOUBTFUL_STARTS + [Opening.SLATE, Opening.GOOD, Opening.GOOD]


def test_being_asked_to_stop_speaks_against_nothing() -> None:
    state = playing(ref("a"))
    for _ in range(20):
        state = stopped(started(state, time=NOW))
    assert state.starts == 0


def test_a_release_that_passes_its_trial_is_beyond_doubt() -> None:
    state = replace(playing(ref("a")), starts=7)
    assert passed(desires(state, ref("b", 2))).starts == 0


def test_a_good_release_lost_from_the_disk_is_wanted_again() -> None:
    state = good_lost(passed(desires(playing(ref("a")), ref("b", 2))))
    assert (state.good, state.previous) == (ref("a"), None)
    assert desires(state, ref("b", 2)).candidate == ref("b", 2)
    assert good_lost(state).phase is Phase.SAFE


def test_counters_tell_attempts_successes_and_failures_in_a_row() -> None:
    state = failed(desires(playing(ref("a")), ref("b", 2)))
    state = failed(desires(state, ref("c", 3)))
    counters = state.counters
    assert (counters.attempts, counters.successes, counters.failures, counters.consecutive_failures) == (3, 1, 2, 2)
    assert passed(desires(state, ref("d", 4))).counters.consecutive_failures == 0


def test_an_error_is_told_unless_the_release_itself_failed() -> None:
    assert sync_state(playing(ref("a")), "no network") is SyncState.ERROR
    assert sync_state(failed(desires(playing(ref("a")), ref("b", 2))), "no network") is SyncState.FAILED


def test_the_quarantine_is_bounded() -> None:
    state = playing(ref("a"))
    for number in range(100):
        state = failed(desires(state, ref(f"bad-{number}", number + 2)))
    assert len(state.quarantine) == 32
    assert parse_state(state_bytes(state)) == state


def test_a_reason_of_any_length_can_be_persisted() -> None:
    state = candidate_failed(desires(playing(ref("a")), ref("b", 2)), reason="ü" * 5000, time=NOW)
    assert parse_state(state_bytes(state)) == state


def test_a_state_is_read_back_as_it_was() -> None:
    state = replace(failed(desires(playing(ref("a")), ref("b", 2))), report_sequence=77, starts=2, rebuilds=1)
    assert parse_state(state_bytes(state)) == state


WHOLE = state_bytes(playing(ref("a")))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"\0" * len(WHOLE),
        WHOLE[: len(WHOLE) // 2],
        WHOLE.replace(b'"attempts":0', b'"attempts":1', 1),
        WHOLE.replace(b'"good"', b'"evil"', 1),
        WHOLE[:-2] + b',"x":1.5}',
        WHOLE.replace(b'"checksum":"', b'"checksum":"0', 1),
    ],
)
def test_a_damaged_state_is_never_believed(data: bytes) -> None:
    with pytest.raises(StateCorruptError):
        parse_state(data)


def test_a_state_that_contradicts_itself_is_not_believed() -> None:
    with pytest.raises(StateCorruptError, match="without a candidate"):
        parse_state(state_bytes(PlayerState(phase=Phase.TRIAL)))
