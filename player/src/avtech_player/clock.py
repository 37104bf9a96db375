"""Trusted time: never before the build, never before signed time plus what has passed since (DESIGN section 5)."""

import ctypes
import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

BUILD_TIME = datetime(2026, 11, 1, tzinfo=UTC)
"""No device of this version lives before this."""
_TOLERANCE = timedelta(minutes=5)
_TIME_ERROR = 5


@dataclass(frozen=True, slots=True)
class Reading:
    """What time it is, UTC, and whether the device's clock is to be believed."""

    now: datetime
    trusted: bool


def reckon(system: datetime, *, synchronised: bool, floor: datetime | None, expiry: datetime | None) -> Reading:
    """Decide what time it is.

    `floor` is the highest signed time seen plus the monotonic time passed since; `expiry` that of the last timestamp.
    A clock that is not synchronised and stands beyond the expiry is not believed; one that stands before the floor is
    not either.
    """
    least = max(BUILD_TIME, floor) if floor else BUILD_TIME
    if not synchronised and expiry is not None and system > expiry:
        return Reading(least, trusted=False)
    known = synchronised or floor is not None
    return Reading(max(system, least), trusted=known and system >= least - _TOLERANCE)


def kernel_is_synchronised() -> bool:
    """Whether the kernel says that something (NTP, GPS) disciplines its clock."""
    try:
        state = int(_libc().adjtimex(ctypes.create_string_buffer(512)))  # All zero: read, set nothing.
    except (OSError, AttributeError):
        return False
    return 0 <= state < _TIME_ERROR


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def system_now() -> datetime:
    """The device's clock, UTC."""
    return datetime.now(UTC)


class TrustedClock:
    """The device's clock checked against signed time; its sources are arguments, so that a test can be any time."""

    def __init__(
        self,
        *,
        system: Callable[[], datetime] = system_now,
        monotonic: Callable[[], float] = time.monotonic,
        synchronised: Callable[[], bool] = kernel_is_synchronised,
    ) -> None:
        self._system = system
        self._monotonic = monotonic
        self._synchronised = synchronised
        self._floor: tuple[datetime, float] | None = None
        self._expiry: datetime | None = None

    def signed(self, at: datetime, *, expiry: datetime | None) -> None:
        """Signed metadata says that it is at least `at`, and that this holds until `expiry`; the floor only rises."""
        floor = self._passed()
        if floor is None or at > floor:
            self._floor = (at, self._monotonic())
        self._expiry = expiry

    def read(self) -> Reading:
        """What time it is."""
        return reckon(self._system(), synchronised=self._synchronised(), floor=self._passed(), expiry=self._expiry)

    def now(self) -> datetime:
        """What time it is, UTC."""
        return self.read().now

    def _passed(self) -> datetime | None:
        if self._floor is None:
            return None
        at, since = self._floor
        return at + timedelta(seconds=self._monotonic() - since)


def spell(instant: datetime) -> str:
    """An instant as RFC 3339 in UTC, to the millisecond."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_instant(text: str) -> datetime:
    """Read an RFC 3339 instant.

    Raises:
        ValueError: it is not one, or names no zone.
    """
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text[:40]!r} names no time zone")
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text[:40]!r} is beyond all calendars") from error
