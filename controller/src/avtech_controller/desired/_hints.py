"""What was most likely meant by a word that is not spelt as it should be: a time, a date, a day of the week, a name."""

import re
from collections.abc import Collection
from datetime import date

from avtech_schema import localtime

_UNSEEN = re.compile("[\u00a0\u00ad\u200b-\u200f\u2060\ufeff]")
_SMART = "“”„‟«»‘’‚‛`´"
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NAMES = {
    name: day
    for day, names in zip(
        _DAYS,
        ("monday mo", "tuesday tues tu", "wednesday we", "thursday thurs thur th", "friday fr", "saturday sa", "sunday su"),
        strict=True,
    )
    for name in (*names.split(), day)
}
_TIMES = (localtime.WALL_TIME_PATTERN, localtime.UNTIL_TIME_PATTERN)
_CLOCK = re.compile(
    r"(?P<hour>[0-9]{1,2})(?:[:.hH](?P<minute>[0-9]{2}))?(?::(?P<second>[0-9]{2}))? ?(?P<half>[aApP]\.?[mM]\.?)?"
)
_LATE = re.compile(r"(2[4-9]|3[0-9]):([0-5][0-9])")
_DAY_FIRST = re.compile(r"(?P<day>[0-9]{1,2})\.(?P<month>[0-9]{1,2})\.(?P<year>[0-9]{4})")
_SLASHED = re.compile(r"(?P<one>[0-9]{1,2})[/-](?P<two>[0-9]{1,2})[/-](?P<year>[0-9]{4})")
_YEAR_FIRST = re.compile(r"(?P<year>[0-9]{4})[-/.](?P<month>[0-9]{1,2})[-/.](?P<day>[0-9]{1,2})")

_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T_ ]+(?P<time>[0-9:.]+(?: ?[aApP][mM])?)(?P<zone> ?Z| ?[+-][0-9:]+)?")
_KEPT_IN = {
    "embargo": "to hold a clip back, write `rights: {from: …}` in its entry, or `validFrom` beside it in a playlist",
    "maxPlaysPerHour": "it belongs into a rule of a schedule, beside `play`",
    "priority": "it belongs into a rule of a schedule, beside `play`",
    "emergency": "it belongs into a rule of a schedule, beside `play`",
    "days": "it belongs into a rule of a schedule, beside `play`",
    "rrule": "it belongs into a rule of a schedule, beside `play`",
    "timeZone": "it belongs into the screen or the client",
    "rights": "it belongs into the clip's own entry in content-index/",
    "fallback": "it belongs into the screen or the client",
}
"""Where keys have a meaning that people look for elsewhere."""
_SAME = {"start": "from", "begin": "from", "end": "until", "to": "until", "startDate": "validFrom", "endDate": "validUntil"}
"""What other programs call keys."""


def key_help(word: str, known: Collection[str]) -> str:
    """Help for a key that means nothing where it stands, among the keys that do."""
    if word == "clip" and "play" in known:
        return "a rule plays a playlist: put the clip into one, and write `play:` and its name"
    if _SAME.get(word) in known:
        return f'did you mean "{_SAME[word]}"?'
    return _KEPT_IN.get(word, "") if known else ""


def element_help(value: object, within: str) -> str:
    """Help for an element of a list that is a name alone, without its key."""
    if not isinstance(value, str):
        return ""
    key = {"rules": "play", "items": "clip" if value.upper().startswith("VID-") else "playlist"}.get(within)
    return f"write `{key}: {value[:64]}`" if key and re.fullmatch(r"[A-Za-z0-9-]+", value) else ""


def rrule_help(value: object) -> str:
    """Help for a recurrence that is none."""
    if isinstance(value, str) and value.upper().startswith("RRULE:"):
        return "leave `RRULE:` out"
    if isinstance(value, str) and "FREQ=" not in value.upper():
        return "write it like FREQ=WEEKLY;INTERVAL=2;BYDAY=MO; for certain days of every week, `days` will do"
    return ""


def respelt(value: str, pattern: str) -> str | None:
    """The word that fits a pattern and is the same to the eye: case, quotation marks, spaces and endings apart."""
    if re.match(r"(CLI|SCR|VID)-", value) and not pattern.startswith(f"^{value[:3]}"):
        return None  # the name of another kind
    bare = re.sub(r"\.ya?ml$", "", _UNSEEN.sub("", value).strip().strip(_SMART).strip())
    for spelt in (bare, bare.upper(), bare.lower()):
        for word in (spelt, re.sub(r"[ _-]+", "-", spelt)):
            if word != value and re.fullmatch(pattern, word):
                return word
    return None


def meant_time(value: str) -> str | None:
    """A time of day as it is to be written, of `7:30`, `7.30`, `7h30` or `7 pm`."""
    found = _CLOCK.fullmatch(value.strip().strip(_SMART).strip())
    if not found or not (found["minute"] or found["half"]):
        return None
    hour, half = int(found["hour"]), (found["half"] or "").lower()[:1]
    if half and not 1 <= hour <= 12:
        return None
    hour = hour % 12 + 12 * (half == "p") if half else hour
    minute = int(found["minute"] or 0)
    if hour > 23 or minute > 59 or int(found["second"] or 0) > 59:
        return None
    return f"{hour:02}:{minute:02}" + (f":{found['second']}" if found["second"] else "")


def time_help(value: str, pattern: str) -> str:
    """Help for a time of day that is none."""
    if spelt := meant_time(value):
        return f'did you mean "{spelt}"?'
    late = _LATE.fullmatch(value)
    if late and pattern == localtime.UNTIL_TIME_PATTERN:
        return f'the day ends at "24:00"; a window that ends at "{int(late[1]) % 24:02}:{late[2]}" goes on past midnight'
    return ""


def is_time(pattern: str) -> bool:
    """Whether a pattern is that of a time of day."""
    return pattern in _TIMES


def date_help(value: str, *, with_time: bool = True) -> str:
    """Help for a date that is none, written in the ways of other countries."""
    if (moment := _MOMENT.fullmatch(value)) and (day := _date(*moment[1].split("-"))):
        time = moment["time"] if re.fullmatch(_TIMES[0], moment["time"]) else meant_time(moment["time"])
        if not time or not with_time:
            return f'write the day alone: "{day}"' if not with_time else ""
        wall = f"{day}T{time}"
        return (
            f'write the time of the clock beside the screen, without a zone, like "{wall}"' if moment["zone"] else _mean(wall)
        )
    if found := _DAY_FIRST.fullmatch(value) or _YEAR_FIRST.fullmatch(value):
        meant = _date(found["year"], found["month"], found["day"])
        return f'did you mean "{meant}"?' if meant and meant != value else ""
    if not (found := _SLASHED.fullmatch(value)):
        return ""
    one = _date(found["year"], found["one"], found["two"])
    two = _date(found["year"], found["two"], found["one"])
    if one and two and one != two:
        return f'write the year first: "{one}" or "{two}"'
    return f'did you mean "{one or two}"?' if one or two else ""


def _mean(word: str) -> str:
    return f'did you mean "{word}"?'


def meant_days(value: str) -> tuple[str, ...]:
    """The days of the week that a word stands for, such as `Monday` or `mon-fri`."""
    words = [_NAMES.get(word) for word in re.split(r"\s*(?:-|–|to)\s*", value.strip().lower())]
    if len(words) == 1 and words[0]:
        return (words[0],)
    if len(words) == 2 and words[0] and words[1]:
        first, last = _DAYS.index(words[0]), _DAYS.index(words[1])
        return tuple(_DAYS[(first + number) % 7] for number in range((last - first) % 7 + 1))
    listed = [_NAMES.get(word) for word in re.split(r"[\s,;/+]+", value.strip().lower())]
    return tuple(day for day in listed if day) if all(listed) else ()


def _date(year: str, month: str, day: str) -> str | None:
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return None
