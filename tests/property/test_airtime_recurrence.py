"""Recurrence of days against dateutil's own enumeration from the anchor, and what is refused."""

import time
from datetime import date, datetime, timedelta

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from avtech_schema.airtime import check_rrule
from avtech_schema.recurrence import recurring_days

days_of_week = st.lists(st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"]), min_size=1, max_size=3, unique=True)
numbered = st.builds(lambda n, day: f"{n}{day}", st.sampled_from([-2, -1, 1, 2, 4]), st.sampled_from(["MO", "FR", "SU"]))


@st.composite
def recurrences(draw: DrawFn) -> str:
    """A rule with the parts that go together."""
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    parts = [f"FREQ={frequency}"]
    if draw(st.booleans()):
        parts.append(f"INTERVAL={draw(st.integers(1, 5))}")
    monthly = frequency in ("MONTHLY", "YEARLY")
    if draw(st.booleans()):
        parts.append(
            "BYDAY="
            + ",".join(draw(st.lists(numbered, min_size=1, max_size=2) if monthly and draw(st.booleans()) else days_of_week))
        )
    elif frequency != "WEEKLY" and draw(st.booleans()):
        parts.append(f"BYMONTHDAY={draw(st.sampled_from(['1', '15', '31', '-1', '1,-1', '29']))}")
    if draw(st.integers(0, 3)) == 0:
        parts.append(f"BYMONTH={draw(st.sampled_from(['2', '6,7', '1,12']))}")
    if monthly and len(parts) > 2 and draw(st.integers(0, 2)) == 0:
        parts.append(f"BYSETPOS={draw(st.sampled_from(['1', '-1', '2']))}")
    if draw(st.integers(0, 3)) == 0:
        parts.append(f"WKST={draw(st.sampled_from(['SU', 'MO']))}")
    end = draw(st.sampled_from([None, None, "COUNT=1", "COUNT=30", "UNTIL=20270315"]))
    return ";".join(parts + ([end] if end else []))


@settings(deadline=None, max_examples=120)
@given(recurrences(), st.dates(date(2016, 1, 1), date(2027, 1, 1)), st.integers(-400, 3000), st.integers(0, 800))
def test_days_of_a_stretch_are_those_counted_from_the_anchor(text: str, anchor: date, away: int, length: int) -> None:
    try:
        check_rrule(text)
    except ValueError:
        return
    first = anchor + timedelta(days=away)
    last = first + timedelta(days=length)
    until = f";UNTIL={last:%Y%m%d}" if "UNTIL" not in text and "COUNT" not in text else ""
    counted = (moment.date() for moment in rrulestr(text + until, dtstart=datetime(anchor.year, anchor.month, anchor.day)))
    expected = [day.toordinal() for day in counted if first <= day <= last]
    assert list(recurring_days(text, anchor, first.toordinal(), last.toordinal())) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is not a part"),
        ("FREQ=HOURLY", "time of day"),
        ("FREQ=DAILY;BYHOUR=9", "time of day"),
        ("FREQ=DAILY;UNTIL=20260101T000000Z", "time of day"),
        ("FREQ=DAILY;FREQ=DAILY", "twice"),
        ("freq=daily", "is not a part"),
        ("INTERVAL=2", "begins with FREQ"),
        ("FREQ=DAILY;COUNT=0", "not a value"),
        ("FREQ=DAILY;COUNT=99999", "at most"),
        ("FREQ=DAILY;INTERVAL=9999", "at most"),
        ("FREQ=DAILY;COUNT=3;UNTIL=20260101", "exclude"),
        ("FREQ=DAILY;UNTIL=20260230", "day is out of range|must be in range"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "counts from 1 to 31"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "counts from 1 to 31"),
        ("FREQ=DAILY;BYDAY=1FR", "needs FREQ=MONTHLY"),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "does not go"),
        ("FREQ=MONTHLY;BYWEEKNO=3", "needs FREQ=YEARLY"),
        ("FREQ=DAILY;BYYEARDAY=3", "needs FREQ=YEARLY"),
        ("FREQ=MONTHLY;BYSETPOS=1", "chooses among"),
        ("FREQ=DAILY\nFREQ=DAILY", "not a value"),
        ("DTSTART:20260101\nRRULE:FREQ=DAILY", "is not a part"),
        ("RRULE:FREQ=DAILY", "is not a part"),
        ("FREQ=DAILY;" * 40, "is not a part|twice"),
        ("FREQ=YEARLY;BYEASTER=0", "is not a part"),
        ("FREQ=DAILY;X-NAME=1", "is not a part"),
    ],
)
def test_what_is_no_recurrence_of_days_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_rrule(text, "2026-01-05")


@pytest.mark.parametrize(
    "text", ["FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;INTERVAL=7;BYDAY=TU", "FREQ=YEARLY;UNTIL=20200101"]
)
def test_a_rule_that_names_no_day_is_refused_and_quickly(text: str) -> None:
    began = time.process_time()
    with pytest.raises(ValueError, match="names no day"):
        check_rrule(text, "2026-01-05")
    assert list(recurring_days(text, date(2026, 1, 5), 739_000, 743_000)) == []
    assert time.process_time() - began < 2


@pytest.mark.parametrize("anchor", [date(1, 1, 1), date(1900, 2, 28), date(2024, 2, 29), date(9980, 6, 1)])
def test_anchors_far_from_today_cost_little(anchor: date) -> None:
    began = time.process_time()
    for text in ("FREQ=DAILY", "FREQ=WEEKLY;INTERVAL=3", "FREQ=MONTHLY", "FREQ=YEARLY", "FREQ=DAILY;INTERVAL=1000"):
        list(recurring_days(text, anchor, 739_000, 739_400))
        check_rrule(text, anchor.isoformat())
    assert time.process_time() - began < 1
