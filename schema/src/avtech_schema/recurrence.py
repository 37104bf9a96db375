"""Recurrence of days by RFC 5545: the rules an editor may write, and the days they name (DESIGN section 3)."""

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache

from dateutil.rrule import rrule, rrulestr

MAX_COUNT = 10_000
MAX_INTERVAL = 1_000
_CALENDAR_YEARS = 400
"""The Gregorian calendar, weekdays included, repeats after 400 years."""
_NUMBERS = r"[+-]?[0-9]{1,3}(,[+-]?[0-9]{1,3})*"
_PARTS = {
    "FREQ": r"DAILY|WEEKLY|MONTHLY|YEARLY",
    "INTERVAL": r"[1-9][0-9]{0,3}",
    "COUNT": r"[1-9][0-9]{0,4}",
    "UNTIL": r"[0-9]{8}",
    "WKST": r"MO|TU|WE|TH|FR|SA|SU",
    "BYMONTH": r"(1[0-2]|[1-9])(,(1[0-2]|[1-9]))*",
    "BYMONTHDAY": _NUMBERS,
    "BYYEARDAY": _NUMBERS,
    "BYWEEKNO": _NUMBERS,
    "BYSETPOS": _NUMBERS,
    "BYDAY": r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)(,([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU))*",
}
_PART = "|".join(f"{name}=({value})" for name, value in _PARTS.items())
RRULE_PATTERN = f"^({_PART})(;({_PART}))*$"
"""The spelling of a recurrence; `check_rrule` knows what this cannot say."""
_LIMITS = {"BYMONTHDAY": 31, "BYYEARDAY": 366, "BYWEEKNO": 53, "BYSETPOS": 366, "BYDAY": 53}
_TIME_PARTS = {"BYHOUR", "BYMINUTE", "BYSECOND"}
_TIME_FREQUENCIES = {"HOURLY", "MINUTELY", "SECONDLY"}


def check_rrule(text: str, anchor: str | None = None) -> None:
    """Check a recurrence rule; with an `anchor` (a date or local date-time), also that it ever names a day.

    Raises:
        ValueError: it is not RFC 5545, has parts of the time of day, or never occurs; the message says which.
    """
    _rule(text, date(2001, 1, 1))
    if anchor is not None:
        first = date.fromisoformat(anchor[:10])
        last = min(first.toordinal() + 146_097, date(9990, 1, 1).toordinal())
        if next(recurring_days(text, first, first.toordinal(), last), None) is None:
            raise ValueError(f"{text[:80]!r} names no day from {first} on")


def recurring_days(text: str, anchor: date, first: int, last: int) -> Iterator[int]:
    """The days (ordinals) from `first` to `last`, inclusive, that a rule anchored at `anchor` names, rising.

    The anchor itself is one of them only if the rule names it.

    Raises:
        ValueError: it is not a rule `check_rrule` accepts.
    """
    last = min(last, _last_day(text))
    if last < first or last < anchor.toordinal():
        return
    rule = _rule(text, anchor)
    parts = _parts(text)
    step = int(parts.get("INTERVAL", "1"))
    start = anchor if "COUNT" in parts else _advanced(parts["FREQ"], step, anchor, first)
    # dateutil seeks a next day up to the year 9999: a rule that never occurs must find that year near.
    shift = max(0, (9_990 - max(date.fromordinal(last).year, start.year)) // _CALENDAR_YEARS)
    days = shift * 146_097
    start = start.replace(year=start.year + shift * _CALENDAR_YEARS)
    for moment in rule.replace(dtstart=datetime.combine(start, datetime.min.time())):
        day = moment.toordinal() - days
        if day > last:
            return
        if day >= first:
            yield day


def last_recurring_day(text: str) -> int | None:
    """The day (ordinal) of a rule's UNTIL part, if it has one."""
    return None if "UNTIL" not in _parts(text) else _last_day(text)


@lru_cache(maxsize=1024)
def _parts(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in text.split(";"):
        name, equals, value = part.partition("=")
        if name in _TIME_PARTS or (name == "FREQ" and value in _TIME_FREQUENCIES) or (name == "UNTIL" and "T" in value):
            raise ValueError(f"{part[:80]!r} speaks of the time of day; use `from` and `until` for that")
        if not equals or name not in _PARTS or name in parts:
            raise ValueError(f"{part[:80]!r} is not a part of a recurrence like FREQ=MONTHLY;BYDAY=1FR, or stands twice")
        if not re.fullmatch(_PARTS[name], value):
            raise ValueError(f"{value[:80]!r} is not a value of {name}")
        _check_numbers(name, value)
        parts[name] = value
    _check_together(parts)
    return parts


def _check_numbers(name: str, value: str) -> None:
    if name in _LIMITS:
        for number in re.findall(r"[0-9]+", value):
            if not 1 <= int(number) <= _LIMITS[name]:
                raise ValueError(f"{name} counts from 1 to {_LIMITS[name]} (or back from the end), found {number}")
    if name == "UNTIL":
        date.fromisoformat(value)
    if (name == "COUNT" and int(value) > MAX_COUNT) or (name == "INTERVAL" and int(value) > MAX_INTERVAL):
        raise ValueError(f"{name} is {value}; at most {MAX_COUNT if name == 'COUNT' else MAX_INTERVAL} is allowed")


def steps_of(text: str) -> int:
    """About how many microseconds it takes on a desktop to find the days of some weeks that a rule names."""
    return 300 + 3 * int(dict(_parts(text)).get("COUNT", "0"))


def _check_together(parts: dict[str, str]) -> None:
    frequency = parts.get("FREQ")
    if frequency is None:
        raise ValueError("a recurrence begins with FREQ=DAILY, WEEKLY, MONTHLY or YEARLY")
    if "COUNT" in parts and "UNTIL" in parts:
        raise ValueError("COUNT and UNTIL exclude each other")
    if "BYWEEKNO" in parts and frequency != "YEARLY":
        raise ValueError("BYWEEKNO needs FREQ=YEARLY")
    if "BYYEARDAY" in parts and frequency != "YEARLY":
        raise ValueError("BYYEARDAY needs FREQ=YEARLY")
    if "BYMONTHDAY" in parts and frequency == "WEEKLY":
        raise ValueError("BYMONTHDAY does not go with FREQ=WEEKLY")
    numbered = re.search(r"[0-9]", parts.get("BYDAY", ""))
    if numbered and (frequency in ("DAILY", "WEEKLY") or "BYWEEKNO" in parts):
        raise ValueError("a number in BYDAY needs FREQ=MONTHLY or YEARLY, without BYWEEKNO")
    if "BYSETPOS" in parts and not any(name in parts for name in ("BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYMONTH")):
        raise ValueError("BYSETPOS chooses among what another BY part names")


def _rule(text: str, anchor: date) -> rrule:
    """The rule with what its anchor implies spelt out, so that its start may be moved; without its end."""
    parts = dict(_parts(text))
    parts.pop("UNTIL", None)
    if not parts.keys() & {"BYWEEKNO", "BYYEARDAY", "BYMONTHDAY", "BYDAY"}:
        if parts["FREQ"] == "YEARLY":
            parts.setdefault("BYMONTH", str(anchor.month))
        if parts["FREQ"] in ("YEARLY", "MONTHLY"):
            parts["BYMONTHDAY"] = str(anchor.day)
    plain = ";".join(f"{name}={value}" for name, value in parts.items())
    rule = rrulestr(plain, dtstart=datetime.combine(anchor, datetime.min.time()))
    if not isinstance(rule, rrule):
        raise ValueError(f"{text[:80]!r} is not one recurrence")
    return rule


def _last_day(text: str) -> int:
    until = _parts(text).get("UNTIL")
    return date.fromisoformat(until).toordinal() if until else date(9990, 1, 1).toordinal()


def _advanced(frequency: str, interval: int, anchor: date, first: int) -> date:
    """A start of the same rhythm one period or more before the one that holds `first`, but not before the anchor."""
    away = first - anchor.toordinal()
    if frequency in ("DAILY", "WEEKLY"):
        step = interval * (7 if frequency == "WEEKLY" else 1)
        return anchor + timedelta(days=max(0, away // step - 1) * step)
    step = interval * (12 if frequency == "YEARLY" else 1)
    months = max(0, away // 31 // step - 1) * step
    if months == 0:
        return anchor
    years, month = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    return date(years, 1 if frequency == "YEARLY" else month + 1, 1)
