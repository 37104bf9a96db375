"""Which rules meet on which screens: worked out once, and once for all the screens that the same schedules reach."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache

from avtech_controller.checks.view import View
from avtech_controller.compiler import compile_rule
from avtech_controller.desired._state import SlugKey
from avtech_schema.identifiers import ScreenId
from avtech_schema.manifest import Rule

WEEK_MINUTES = 7 * 24 * 60
WHOLE_WEEK = (1 << WEEK_MINUTES) - 1
DAYS_AHEAD = 400
"""How far ahead is looked: more than a year, so that what comes once a year is seen."""

Schedules = tuple[SlugKey, ...]
"""The schedules that reach a screen, in order."""


@dataclass(frozen=True, slots=True)
class Airing:
    """The compiled rules of each schedule, the screens it selects, and the screens by the schedules that reach them."""

    rules: Mapping[SlugKey, tuple[Rule, ...]]
    screens: Mapping[SlugKey, frozenset[ScreenId]]
    meeting: Mapping[Schedules, tuple[ScreenId, ...]]


def airing_of(view: View) -> Airing:
    """Work out the airing of a state."""
    rules: dict[SlugKey, tuple[Rule, ...]] = {}
    screens: dict[SlugKey, frozenset[ScreenId]] = {}
    reaching: dict[ScreenId, list[SlugKey]] = {name: [] for name in view.state.screens}
    for key in sorted(view.state.schedules):
        schedule = view.state.schedules[key]
        rules[key] = tuple(compile_rule(key.name, number, rule) for number, rule in enumerate(schedule.spec.rules, 1))
        screens[key] = frozenset(view.selection.screens(key.client, schedule.spec.screens))
        for name in screens[key]:
            reaching[name].append(key)
    meeting: dict[Schedules, list[ScreenId]] = {}
    for name, keys in reaching.items():
        meeting.setdefault(tuple(keys), []).append(name)
    return Airing(rules, screens, {keys: tuple(sorted(names)) for keys, names in meeting.items()})


@cache
def week_minutes(from_s: int, until_s: int, days: tuple[int, ...], *, inner: bool) -> int:
    """The minutes of a week (bit 0 is the first of Monday) that windows touch or, if `inner`, fill.

    Windows that cross the week's end come back at its beginning.
    """
    length = until_s - from_s if until_s > from_s else until_s - from_s + 86_400
    first = -(-from_s // 60) if inner else from_s // 60
    last = (from_s + length) // 60 if inner else -(-(from_s + length) // 60)
    if last <= first:
        return 0
    window = (1 << (last - first)) - 1
    found = 0
    for day in days:
        found |= window << (day * 1440 + first)
    return (found | found >> WEEK_MINUTES) & WHOLE_WEEK


def day_text(ordinal: int) -> str:
    """A day (ordinal) as it is written in resources."""
    return date.fromordinal(ordinal).isoformat()
