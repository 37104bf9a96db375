"""Checks of rules against the days on which clocks are changed: what is silenced, lengthened or shortened by it."""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from avtech_controller.checks.air import SUSPICIOUS_S, overnight_s
from avtech_controller.checks.airing import DAYS_AHEAD, Airing
from avtech_controller.checks.view import View
from avtech_controller.compiler import time_zone_of
from avtech_controller.desired._spots import Problem
from avtech_schema.airtime import time_zone, time_zones
from avtech_schema.localtime import DAY_SECONDS
from avtech_schema.manifest import Rule
from avtech_schema.recurrence import recurring_days
from avtech_schema.zones import wall_instant


def check_clocks(view: View, airing: Airing, today: date) -> Iterator[Problem]:
    """One warning for each rule whose window a change of the clocks within the next 400 days makes another length."""
    zone_of = {name: time_zone_of(view.state, screen) for name, screen in view.state.screens.items()}
    for key, rules in airing.rules.items():
        zones = sorted({zone_of[name] for name in airing.screens[key]} & time_zones())
        for place, rule in enumerate(rules):
            found = next((text for zone in zones if (text := _change(rule, zone, today))), "")
            if found:
                schedule = view.state.schedules[key]
                written = schedule.spec.rules[place]
                part = "from" if written.from_ else "until" if written.until else "play"
                spot = view.spot(schedule).value("spec", "rules", place, part)
                help_ = "no mistake if it is meant; a window that does not touch the night is never concerned"
                yield Problem("AVT306", f"rule {rule.id} {found}", spot, "by the clock on the wall", help=help_)


def _change(rule: Rule, name: str, today: date) -> str:
    """What the first change of the clocks does to a rule that is not on air all day, in words; empty if nothing."""
    if rule.until_s - rule.from_s == DAY_SECONDS or overnight_s(rule) > SUSPICIOUS_S:
        return ""  # what lasts a day, or seems to by a slip that is told already
    for day, actual in _altered(rule.from_s, rule.until_s, name, today):
        if _begins_on(rule, day):
            nominal = (rule.until_s - rule.from_s) % DAY_SECONDS
            does = f"is on air for {_length(actual)} instead of {_length(nominal)}" if actual > 0 else "does not play"
            return f"{does} on {date.fromordinal(day)} in {name}, when the clocks are changed"
    return ""


@cache
def _altered(from_s: int, until_s: int, name: str, today: date) -> tuple[tuple[int, int], ...]:
    """The days (ordinals) on which a window is not as long as it says, and how many seconds it is then."""
    zone = time_zone(name)
    nominal = (until_s - from_s) % DAY_SECONDS
    found: list[tuple[int, int]] = []
    for changed in _changes(name, today):
        for day in (changed - 1, changed):
            actual = wall_instant(zone, day, from_s + nominal, last=True) - wall_instant(zone, day, from_s, last=False)
            if actual != nominal:
                found.append((day, actual))
    return tuple(found)


@cache
def _changes(name: str, today: date) -> tuple[int, ...]:
    """The days (ordinals) on which a zone's clocks are changed."""
    zone = time_zone(name)
    first = today.toordinal()
    lengths = ((day, _midnight(zone, day + 1) - _midnight(zone, day)) for day in range(first, first + DAYS_AHEAD))
    return tuple(day for day, length in lengths if length != DAY_SECONDS)


def _midnight(zone: ZoneInfo, day: int) -> int:
    return wall_instant(zone, day, 0, last=False)


def _begins_on(rule: Rule, day: int) -> bool:
    """Whether a window of the rule begins on a day."""
    text = date.fromordinal(day).isoformat()
    if date.fromordinal(day).weekday() not in rule.days or text in rule.excluded:
        return False
    if (rule.valid_from and text < rule.valid_from[:10]) or (rule.valid_until and text > rule.valid_until[:10]):
        return False
    if rule.rrule and rule.valid_from:
        return day in recurring_days(rule.rrule, date.fromisoformat(rule.valid_from[:10]), day, day)
    return True


def _length(seconds: int) -> str:
    """A length of time like `1:30 h`."""
    return f"{timedelta(seconds=seconds)}".removesuffix(":00") + " h"
