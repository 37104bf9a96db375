"""Local wall time as text: the spellings that resources and manifests use, and what they mean (DESIGN section 3)."""

import re
from datetime import date, datetime

DAY_SECONDS = 86_400

WALL_TIME_PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"
UNTIL_TIME_PATTERN = r"^(([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?|24:00(:00)?)$"
_DAY = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?"
DATE_PATTERN = rf"^{_DAY}$"
BOUND_PATTERN = rf"^{_DAY}(T{_CLOCK})?$"
INSTANT_PATTERN = rf"^{_DAY}T{_CLOCK}(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])?$"

_UTC = re.compile(rf"{_DAY}T([01][0-9]|2[0-3])(:[0-5][0-9]){{2}}(\.[0-9]{{1,6}})?Z")
_UNTIL_TIME = re.compile(UNTIL_TIME_PATTERN)
_DATE = re.compile(DATE_PATTERN)
_BOUND = re.compile(BOUND_PATTERN)


def seconds_of_day(text: str) -> int:
    """Read `HH:MM` or `HH:MM:SS` (up to `24:00`) as seconds since local midnight on the wall clock.

    Raises:
        ValueError: it is not such a time.
    """
    if not _UNTIL_TIME.fullmatch(text):
        raise ValueError(f"{text[:80]!r} is not a time of day like 08:30")
    hours, minutes, *seconds = (int(part) for part in text.split(":"))
    return hours * 3600 + minutes * 60 + (seconds[0] if seconds else 0)


def local_date(text: str) -> str:
    """Check a date `YYYY-MM-DD`.

    Raises:
        ValueError: it is not a date of the calendar.
    """
    if not _DATE.fullmatch(text):
        raise ValueError(f"{text[:80]!r} is not a date like 2026-12-24")
    return date.fromisoformat(text).isoformat()


def local_bound(text: str) -> str:
    """Check a bound of validity, a date or a local date-time without zone, and spell it in full (`…THH:MM:SS`).

    Raises:
        ValueError: it is neither.
    """
    if not _BOUND.fullmatch(text):
        raise ValueError(f"{text[:80]!r} is neither a date like 2026-12-24 nor a local time like 2026-12-24T18:30")
    return local_date(text) if len(text) == 10 else datetime.fromisoformat(text).isoformat(timespec="seconds")


def utc_time(text: str) -> str:
    """Check an instant as reports and records spell it: RFC 3339 in UTC, with seconds and `Z`.

    Raises:
        ValueError: it is not such an instant.
    """
    if not _UTC.fullmatch(text):
        raise ValueError(f"{text[:80]!r} is not an instant in UTC like 2026-12-24T18:30:00Z")
    datetime.fromisoformat(text)
    return text
