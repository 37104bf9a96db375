"""Rules that others of higher priority cover whole, on every screen they reach: they are never on air.

Judged on the safe side, by the wall clock of a week: a rule covers only what it surely plays, and a rule is covered only
where one without its own dates would be.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from avtech_controller.checks.air import Always
from avtech_controller.checks.airing import DAYS_AHEAD, Airing, week_minutes
from avtech_controller.checks.view import View
from avtech_controller.desired._spots import Problem, Spot
from avtech_controller.desired._state import SlugKey
from avtech_schema.manifest import Rule

_FIRST, _LAST = "0000", "9999"
_SHOWN = 2


@dataclass(frozen=True, slots=True)
class _Entry:
    """A rule with the minutes of the week it may touch and, if it always plays then, those it surely fills."""

    key: SlugKey
    place: int
    rule: Rule
    touched: int
    filled: int

    @property
    def rank(self) -> tuple[bool, int]:
        return self.rule.emergency, self.rule.priority


def check_shadows(view: View, airing: Airing, today: date) -> Iterator[Problem]:
    """One warning for each rule that is covered on all its screens for the next 400 days."""
    always = Always(view)
    entries = {
        key: tuple(_entry(key, place, rule, always) for place, rule in enumerate(rules)) for key, rules in airing.rules.items()
    }
    period = today.isoformat(), (today + timedelta(days=DAYS_AHEAD)).isoformat()
    alive: set[tuple[SlugKey, int]] = set()
    covering: dict[tuple[SlugKey, int], tuple[_Entry, ...]] = {}
    done: set[SlugKey] = set()
    for schedules in airing.meeting:
        if done.issuperset(schedules):
            continue
        _judge([entry for key in schedules for entry in entries[key]], period, alive, covering)
        done.update(key for key in schedules if all((key, entry.place) in alive for entry in entries[key]))
    for (key, place), above in sorted(covering.items()):
        if (key, place) not in alive:
            yield _problem(view, entries[key][place], above)


def _entry(key: SlugKey, place: int, rule: Rule, always: Always) -> _Entry:
    plays = rule.rrule is None and rule.max_plays_per_hour is None and always.playlist(SlugKey(key.client, rule.playlist))
    filled = week_minutes(rule.from_s, rule.until_s, rule.days, inner=True) if plays else 0
    return _Entry(key, place, rule, week_minutes(rule.from_s, rule.until_s, rule.days, inner=False), filled)


def _judge(
    entries: list[_Entry],
    period: tuple[str, str],
    alive: set[tuple[SlugKey, int]],
    covering: dict[tuple[SlugKey, int], tuple[_Entry, ...]],
) -> None:
    """Look at the rules that meet on a screen from the highest rank down."""
    steady = 0
    dated: list[_Entry] = []
    above: list[_Entry] = []
    for _, tied in groupby(sorted(entries, key=lambda entry: entry.rank, reverse=True), lambda entry: entry.rank):
        group = list(tied)
        for entry in group:
            name = entry.key, entry.place
            if name in alive or _is_over(entry.rule, period):
                continue
            covers = [other for other in dated if other.filled & entry.touched and _outlasts(other.rule, entry.rule, period)]
            covered = steady
            for other in covers:
                covered |= other.filled
            if entry.touched & ~covered:
                alive.add(name)
            elif name not in covering:
                covering[name] = tuple(
                    other for other in above if other.filled & entry.touched and (other in covers or _is_steady(other.rule))
                )
        for entry in group:
            if entry.filled:
                above.append(entry)
                if _is_steady(entry.rule):
                    steady |= entry.filled
                else:
                    dated.append(entry)


def _is_steady(rule: Rule) -> bool:
    return not rule.excluded and rule.valid_from is None and rule.valid_until is None


def _is_over(rule: Rule, period: tuple[str, str]) -> bool:
    """Whether a rule has no day in the period: that is no fault of others."""
    return (rule.valid_until or _LAST)[:10] < period[0] or (rule.valid_from or _FIRST)[:10] > period[1]


def _outlasts(cover: Rule, rule: Rule, period: tuple[str, str]) -> bool:
    """Whether a rule with dates is on air on all days of the period on which another may be."""
    if not set(cover.excluded) <= set(rule.excluded):
        return False
    first, last = max((rule.valid_from or _FIRST)[:10], period[0]), min((rule.valid_until or _LAST)[:10], period[1])
    days = 0 if _is_plain(cover) and _is_plain(rule) else 1
    begin, end = _shifted(first, -days), _shifted(last, days)
    if cover.excluded and days:
        return False
    starts = cover.valid_from is None or (len(cover.valid_from) == 10 and cover.valid_from <= begin)
    ends = cover.valid_until is None or (len(cover.valid_until) == 10 and cover.valid_until >= end)
    return starts and ends


def _is_plain(rule: Rule) -> bool:
    """Whether windows stay within their day, and dates are whole days."""
    dates = (rule.valid_from, rule.valid_until)
    return rule.from_s < rule.until_s and all(bound is None or len(bound) == 10 for bound in dates)


def _shifted(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


def _problem(view: View, entry: _Entry, above: tuple[_Entry, ...]) -> Problem:
    rule = entry.rule
    names = ", ".join(f"{other.rule.id} ({_rank(other.rule)})" for other in above[:_SHOWN])
    more = f" and {len(above) - _SHOWN} more" if len(above) > _SHOWN else ""
    spot = view.spot(view.state.schedules[entry.key]).value("spec", "rules", entry.place, "play")
    return Problem(
        "AVT307",
        f"rule {rule.id} is never on air: rules of higher priority cover all its time",
        spot,
        f"covered by {names}{more}",
        tuple((_spot(view, other), f"{other.rule.id} plays instead") for other in above[:_SHOWN]),
        f"give it a higher priority than {_rank(rule)}, another time, or take it out",
    )


def _spot(view: View, entry: _Entry) -> Spot:
    return view.spot(view.state.schedules[entry.key]).value("spec", "rules", entry.place, "play")


def _rank(rule: Rule) -> str:
    return "emergency" if rule.emergency else f"priority {rule.priority}"
