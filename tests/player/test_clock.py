"""Trusted time: monotone, bounded below by what was signed, and honest about what it does not know."""

from datetime import UTC, datetime, timedelta

import pytest

from avtech_player.clock import BUILD_TIME, TrustedClock, kernel_is_synchronised, parse_instant, reckon, spell

SIGNED = datetime(2026, 11, 24, 12, tzinfo=UTC)
EXPIRY = SIGNED + timedelta(days=7)


def test_a_synchronised_clock_is_believed() -> None:
    now = SIGNED + timedelta(hours=3)
    reading = reckon(now, synchronised=True, floor=SIGNED, expiry=EXPIRY)
    assert (reading.now, reading.trusted) == (now, True)


def test_a_synchronised_clock_is_believed_beyond_the_expiry_too() -> None:
    now = EXPIRY + timedelta(days=1)
    assert reckon(now, synchronised=True, floor=SIGNED, expiry=EXPIRY).now == now


def test_an_unsynchronised_clock_beyond_the_expiry_is_not_believed() -> None:
    reading = reckon(EXPIRY + timedelta(days=1), synchronised=False, floor=SIGNED, expiry=EXPIRY)
    assert (reading.now, reading.trusted) == (SIGNED, False)


def test_an_unsynchronised_clock_between_signing_and_expiry_is_believed() -> None:
    now = SIGNED + timedelta(days=1)
    reading = reckon(now, synchronised=False, floor=SIGNED, expiry=EXPIRY)
    assert (reading.now, reading.trusted) == (now, True)


@pytest.mark.parametrize("synchronised", [True, False])
def test_it_is_never_before_what_was_signed(synchronised: bool) -> None:
    reading = reckon(datetime(1970, 1, 1, tzinfo=UTC), synchronised=synchronised, floor=SIGNED, expiry=EXPIRY)
    assert (reading.now, reading.trusted) == (SIGNED, False)


def test_it_is_never_before_the_build() -> None:
    reading = reckon(datetime(1970, 1, 1, tzinfo=UTC), synchronised=False, floor=None, expiry=None)
    assert (reading.now, reading.trusted) == (BUILD_TIME, False)


def test_a_publisher_whose_clock_is_a_little_ahead_does_not_make_ours_untrusted() -> None:
    assert reckon(SIGNED - timedelta(minutes=1), synchronised=True, floor=SIGNED, expiry=EXPIRY).trusted


def test_signed_time_goes_on_by_the_monotonic_clock_and_is_not_taken_back() -> None:
    passed = [0.0]
    clock = TrustedClock(
        system=lambda: datetime(1970, 1, 1, tzinfo=UTC), monotonic=lambda: passed[0], synchronised=lambda: False
    )
    clock.signed(SIGNED, expiry=EXPIRY)
    passed[0] = 3600.0
    assert clock.now() == SIGNED + timedelta(hours=1)
    clock.signed(SIGNED + timedelta(minutes=1), expiry=EXPIRY)
    assert clock.now() == SIGNED + timedelta(hours=1)


def test_the_kernel_is_asked_without_privileges() -> None:
    assert kernel_is_synchronised() in (True, False)


def test_an_instant_is_spelt_and_read_back() -> None:
    assert parse_instant(spell(SIGNED)) == SIGNED
    assert spell(SIGNED) == "2026-11-24T12:00:00.000Z"


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        parse_instant("2026-11-24T12:00:00")
