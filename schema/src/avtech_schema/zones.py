"""Time zones from the pinned tzdata package alone, and the instants that local wall times name (DESIGN section 3).

Instants are whole seconds since 1970 in UTC; a local day is a proleptic Gregorian ordinal (`date.toordinal`).
"""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

from avtech_schema.localtime import DAY_SECONDS, local_bound, seconds_of_day

EPOCH_DAY = date(1970, 1, 1).toordinal()
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - local wall time, by meaning without zone
_EARLIEST = (date(2, 1, 1).toordinal() - EPOCH_DAY) * DAY_SECONDS
LATEST = (date(9998, 1, 1).toordinal() - EPOCH_DAY) * DAY_SECONDS
"""Outside these, `datetime` ends; what lies beyond is reckoned without an offset."""


@cache
def time_zones() -> frozenset[str]:
    """The names of all zones in the pinned tzdata."""
    return frozenset(resources.files("tzdata").joinpath("zones").read_text("utf-8").split())


@cache
def time_zone(name: str) -> ZoneInfo:
    """The rules of one zone; the system's own zone files are never read.

    Raises:
        ValueError: there is no such zone.
    """
    if name not in time_zones():
        raise ValueError(f"{name[:80]!r} is not a time zone of the IANA database, such as Europe/Madrid")
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def wall_instant(zone: ZoneInfo, day: int, seconds: int, *, last: bool) -> int:
    """The instant at which the clocks of a zone show `seconds` (0 to 86400 and beyond) after the midnight of `day`.

    A wall time that occurs twice is the first of the two, or the last if `last`; one that does not occur is the
    instant of the transition that skips it.
    """
    local = (day - EPOCH_DAY) * DAY_SECONDS + seconds
    if not _EARLIEST <= local <= LATEST:
        return local
    wall = _EPOCH + timedelta(seconds=local)
    before, after = _seconds(zone.utcoffset(wall)), _seconds(zone.utcoffset(wall.replace(fold=1)))
    if before < after:
        return _transition(zone, local - after, local - before)
    return local - (after if last else before)


def bound_instant(zone: ZoneInfo, bound: str, *, end: bool) -> int:
    """The instant of a bound of validity: a date is its local midnight or, as an `end`, the end of that day."""
    day = date.fromisoformat(bound[:10]).toordinal()
    if len(bound) == 10:
        return wall_instant(zone, day + end, 0, last=end)
    return wall_instant(zone, day, seconds_of_day(bound[11:]), last=end)


def local_instant(text: str, zone_name: str, *, end: bool = False) -> datetime:
    """The instant, in UTC, of a local date or date-time in a zone, by the rules for the bounds of a validity.

    Raises:
        ValueError: there is no such zone, or the text is not a local date or date-time.
    """
    return from_instant(bound_instant(time_zone(zone_name), local_bound(text), end=end))


def offset_at(zone: ZoneInfo, instant: int) -> int:
    """How far the clocks of a zone are ahead of UTC at an instant, in seconds."""
    return _seconds(datetime.fromtimestamp(min(max(instant, _EARLIEST), LATEST), zone).utcoffset())


def local_day(zone: ZoneInfo, instant: int) -> int:
    """The local day of an instant."""
    return (instant + offset_at(zone, instant)) // DAY_SECONDS + EPOCH_DAY


def to_instant(moment: datetime) -> int:
    """The whole second of an aware date-time.

    Raises:
        ValueError: it has no offset.
    """
    if moment.utcoffset() is None:
        raise ValueError(f"{moment.isoformat()} has no offset: an instant is wanted")
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)


def from_instant(instant: int) -> datetime:
    """An instant as an aware date-time in UTC (held within what `datetime` can say)."""
    return datetime.fromtimestamp(min(max(instant, _EARLIEST), LATEST), UTC)


def _transition(zone: ZoneInfo, before: int, after: int) -> int:
    """The first instant in (before, after] that has not the offset of `before`."""
    offset = offset_at(zone, before)
    while after - before > 1:
        middle = (before + after) // 2
        if offset_at(zone, middle) == offset:
            before = middle
        else:
            after = middle
    return after


def _seconds(offset: timedelta | None) -> int:
    return 0 if offset is None else offset.days * DAY_SECONDS + offset.seconds
