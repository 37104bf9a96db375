"""Every row of docs/reference/airtime.md holds."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from avtech_schema.airtime import airtimes
from avtech_schema.localtime import local_bound, seconds_of_day
from avtech_schema.manifest import Rule
from avtech_schema.resources import WEEKDAYS, ScheduleRule
from tests.property.airtime_strategies import clip, manifest, rule

PAGE = Path(__file__).parents[2] / "docs/reference/airtime.md"


def rows() -> list[Any]:
    """The rows: what holds, the rule as YAML, the zone, the stretch looked at, the intervals on air."""
    found = []
    for line in PAGE.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 6 and re.fullmatch(r"[WVD][0-9]+", cells[0]):
            found.append(pytest.param(*cells[2:], id=f"{cells[0]}: {cells[1]}"))
    return found


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def normal(written: str) -> Rule:
    """A rule as people write it, in the manifest's form."""
    spec = ScheduleRule.model_validate({"play": "all", **yaml.load(written.strip("`"), yaml.BaseLoader)})
    return rule(
        "doc/1",
        "all",
        from_s=seconds_of_day(spec.from_ or "00:00"),
        until_s=seconds_of_day(spec.until or "24:00"),
        days=tuple(sorted(WEEKDAYS.index(day) for day in spec.days or WEEKDAYS)),
        valid_from=spec.valid_from and local_bound(spec.valid_from),
        valid_until=spec.valid_until and local_bound(spec.valid_until),
        excluded=tuple(spec.except_),
        rrule=spec.rrule,
    )


def test_the_page_has_rows() -> None:
    assert len(rows()) >= 33


@pytest.mark.parametrize(("written", "zone", "looked_at", "on_air"), rows())
def test_row(written: str, zone: str, looked_at: str, on_air: str) -> None:
    start, end = (instant(text) for text in looked_at.split())
    made = manifest([normal(written)], {"all": (clip("VID-A"),)}, zone=zone)
    spans = [
        (max(begin, start), end if segment.until is None else min(segment.until, end))
        for begin, segment in airtimes(made, start, end)
        if segment.shares
    ]
    wanted = [] if on_air == "never" else [tuple(instant(text) for text in span.split("/")) for span in on_air.split(", ")]
    assert spans == wanted
