"""When to look again."""

import pytest

from avtech_player.polling import LONGEST_SECONDS, next_look


def test_looks_are_spread_by_a_fifth_around_their_usual_distance() -> None:
    assert next_look(30, failures=0, chance=0.0) == 24
    assert next_look(30, failures=0, chance=1.0) == pytest.approx(36)


def test_failures_double_the_longest_wait_up_to_five_minutes() -> None:
    assert [next_look(30, failures=n, chance=1.0) for n in (1, 2, 3)] == [60, 120, 240]
    assert next_look(30, failures=1000, chance=1.0) == LONGEST_SECONDS


def test_a_wait_after_a_failure_is_anything_from_a_second_on() -> None:
    assert next_look(30, failures=5, chance=0.0) == 1.0


def test_a_player_that_rarely_looks_does_not_look_more_often_because_it_fails() -> None:
    assert next_look(3600, failures=4, chance=1.0) == 3600
