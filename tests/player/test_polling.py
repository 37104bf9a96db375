"""When to look again."""

import random
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avtech_player.polling import FIRST_SECONDS, LONGEST_SECONDS, first_look, next_look

FLEET = 1000
CHANCES = st.floats(0, 1)


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


@given(base=st.floats(0.05, 86_400), failures=st.integers(0, 10**6), chance=CHANCES)
def test_a_wait_is_never_nothing_and_never_longer_than_it_may_be(base: float, failures: int, chance: float) -> None:
    wait = next_look(base, failures=failures, chance=chance)
    assert min(1.0, 0.8 * base) <= wait <= max(LONGEST_SECONDS, 1.21 * base)


@given(base=st.floats(0.05, 86_400), failures=st.integers(1, 10**6), chance=CHANCES, pause=st.floats(0.001, 1e9))
def test_a_pause_that_the_store_asks_for_is_obeyed_as_far_as_it_is_reasonable(
    base: float, failures: int, chance: float, pause: float
) -> None:
    wait = next_look(base, failures=failures, chance=chance, pause=pause)
    longest = max(LONGEST_SECONDS, base)
    assert min(pause, longest) <= wait <= longest + base
    assert wait >= next_look(base, failures=failures, chance=chance)
    assert next_look(base, failures=0, chance=chance, pause=pause) <= 1.21 * base


def test_a_store_that_asks_for_a_day_is_asked_again_after_minutes() -> None:
    assert next_look(60, failures=1, chance=0.0, pause=86_400) == LONGEST_SECONDS


@given(base=st.floats(0.05, 86_400), failures=st.integers(1, 100), chance=CHANCES)
def test_more_failures_never_shorten_a_wait_and_success_forgets_them(base: float, failures: int, chance: float) -> None:
    assert next_look(base, failures=failures, chance=chance) <= next_look(base, failures=failures + 1, chance=chance)
    assert next_look(base, failures=0, chance=chance) <= 1.21 * base


def test_the_jitter_is_full_every_part_of_the_wait_is_as_likely() -> None:
    dice = random.Random(5)
    tenths = Counter(int(next_look(60, failures=9, chance=dice.random()) / 30) for _ in range(10_000))
    assert all(850 < tenths[tenth] < 1150 for tenth in range(10))


def looks(seed: int, *, power: float, works: Callable[[float], bool], end: float) -> list[tuple[float, bool]]:
    """When each of a thousand players looks, and whether that works; their power comes on within some seconds."""
    dice = random.Random(seed)
    seen: list[tuple[float, bool]] = []
    for _ in range(FLEET):
        now, failures = power * dice.random(), 0
        now += first_look(60, plays=True, chance=dice.random())
        while now < end:
            seen.append((now, works(now)))
            failures = 0 if works(now) else failures + 1
            now += next_look(60, failures=failures, chance=dice.random())
    return seen


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("until", [90.0, 240.0])
def test_a_fleet_that_is_told_one_instant_to_come_back_at_comes_back_spread(seed: int, until: float) -> None:
    """A thousand players, each told, whenever it looked, to wait until the same date: a look's usual distance spreads them."""
    dice = random.Random(seed)
    told = [60 * dice.random() for _ in range(FLEET)]
    back = [now + next_look(60, failures=1, chance=dice.random(), pause=until - now) for now in told]
    assert min(back) >= until
    assert max(Counter(int(at) for at in back).values()) <= 45
    assert max(back) <= until + 60 + 60


def busiest(seen: list[tuple[float, bool]], begin: float, end: float) -> int:
    """The most looks within any one second."""
    return max(Counter(int(at) for at, _ in seen if begin <= at < end).values(), default=0)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("outage", [30, 300, 7200])
def test_a_fleet_does_not_stampede_when_an_outage_ends(seed: int, outage: int) -> None:
    """As if never interrupted: a thousand players that look every minute are 17 a second, by chance some thirty."""
    begin, over = 600.0, 600.0 + outage
    seen = looks(seed, power=60, works=lambda now: not begin <= now < over, end=over + 900)
    usual = busiest(seen, 300, begin)
    assert usual <= 45
    assert busiest(seen, over, over + 900) <= 45
    assert busiest(seen, begin, over) <= 45
    back = [at for at, worked in seen if worked and at >= over]
    assert len([at for at in back if at < over + LONGEST_SECONDS]) >= FLEET, "all are back within five minutes"
    if outage == 7200:
        during = sum(1 for at, _ in seen if begin + 600 <= at < over)
        assert during / FLEET / ((outage - 600) / 3600) < 30, "half as many looks in an hour as without the outage"


@pytest.mark.parametrize("seed", range(5))
def test_a_fleet_does_not_stampede_when_its_power_comes_back(seed: int) -> None:
    seen = looks(seed, power=0.0, works=lambda _: True, end=900)
    assert busiest(seen, 0, FIRST_SECONDS) <= 110
    assert busiest(seen, 300, 900) <= 60


def test_a_player_with_nothing_to_play_looks_at_once() -> None:
    assert first_look(60, plays=False, chance=1.0) == 0
    assert first_look(60, plays=True, chance=1.0) == FIRST_SECONDS
    assert first_look(0.1, plays=True, chance=1.0) == 0.025
