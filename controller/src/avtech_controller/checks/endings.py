"""Programmes that end: screens whose last rule ends soon or is over, and rules that have been over for a while."""

from collections.abc import Iterator
from datetime import date

from avtech_controller.checks.airing import WHOLE_WEEK, Airing, Schedules, day_text, week_minutes
from avtech_controller.checks.view import View
from avtech_controller.desired._spots import Problem, Spot
from avtech_schema.identifiers import ScreenId
from avtech_schema.manifest import Rule

SOON_DAYS = 60
"""So many days ahead the end of a programme is told."""
OVER_DAYS = 30
"""For so many days a rule that is over may stay where it is."""


def check_endings(view: View, airing: Airing, today: date) -> Iterator[Problem]:
    """One warning for all screens that the same schedules reach, and one for each rule that is long over."""
    now = today.toordinal()
    for key, rules in airing.rules.items():
        for place, rule in enumerate(rules):
            last = _last_day(rule)
            if last is not None and last < now - OVER_DAYS:
                spot = view.spot(view.state.schedules[key]).value("spec", "rules", place, "validUntil")
                message = f"rule {rule.id} is over since {day_text(last)}"
                yield Problem("AVT316", message, spot, "long past", help="take it out, or give it new dates")
    unsure = view.unsure_screens()
    if view.state.fleet.spec.checks.gaps == "ignore" or unsure is None:
        return
    for schedules, reached in airing.meeting.items():
        planned = [rule for key in schedules for rule in airing.rules[key] if not rule.emergency]
        ends = [
            (last, key, place)
            for key in schedules
            for place, rule in enumerate(airing.rules[key])
            if not rule.emergency and (last := _last_day(rule)) is not None
        ]
        if not planned or len(ends) < len(planned):
            continue
        last, key, place = max(ends)
        if last >= now and (last > now + SOON_DAYS or not _fills_the_week(planned, today)):
            continue
        powered = {name for name in reached if view.state.screens[name].spec.display.power_hours}
        # once all is over, screens with power hours have a gap, which is told already
        names = tuple(name for name in reached if (last >= now or name not in powered) and name not in unsure)
        if names:
            spot = view.spot(view.state.schedules[key]).value("spec", "rules", place, "validUntil")
            yield _ending(spot, schedules, names, last)


def _last_day(rule: Rule) -> int | None:
    """The day (ordinal) on which a rule ends; None if it has no end."""
    return date.fromisoformat(rule.valid_until[:10]).toordinal() if rule.valid_until else None


def _fills_the_week(rules: list[Rule], today: date) -> bool:
    """Whether today's rules leave nothing to the fallback; where they do, it is part of the plan."""
    found = 0
    for rule in rules:
        if (rule.valid_from or "0")[:10] <= today.isoformat() <= (rule.valid_until or "9")[:10]:
            found |= week_minutes(rule.from_s, rule.until_s, rule.days, inner=False)
    return found == WHOLE_WEEK


def _ending(spot: Spot, schedules: Schedules, names: tuple[ScreenId, ...], last: int) -> Problem:
    on = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    return Problem(
        "AVT315",
        f"from {day_text(last + 1)} on no rule is on air on {on}: only the fallback plays",
        spot,
        "the last rule ends here",
        help=f"plan what comes then ({', '.join(one.name for one in schedules[:3])}), or set `checks: {{gaps: ignore}}`",
        touches=tuple(("Screen", name) for name in names),
    )
