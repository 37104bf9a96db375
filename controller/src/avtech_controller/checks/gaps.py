"""Screens without rules: those that no schedule reaches, and times within power hours in which no rule is on air."""

from collections.abc import Collection, Iterator
from datetime import date, timedelta

from avtech_controller.checks.airing import WEEK_MINUTES, Airing, week_minutes
from avtech_controller.checks.view import View
from avtech_controller.compiler import compile_power
from avtech_controller.desired._spots import Problem, Spot
from avtech_controller.desired._state import SlugKey
from avtech_schema.identifiers import ScreenId
from avtech_schema.manifest import PowerHours, Rule

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SHOWN = 3


def check_unreached(view: View, airing: Airing) -> Iterator[Problem]:
    """One warning for each client that has schedules which leave screens out.

    A client without any schedule lives by its fallback; one whose schedule selects nobody is told of that alone. Schedules
    for emergencies only plan nothing: they neither reach a screen nor make a client one that plans.
    """
    unsure = view.unsure_screens()
    if unsure is None:
        return
    lost = {key.client for key, screens in airing.screens.items() if not screens}
    planned = {key.client for key, rules in airing.rules.items() if _plans(rules)} - lost
    left: dict[str, list[ScreenId]] = {}
    for name in _planless(airing):
        screen = view.state.screens[name]
        if (client := screen.spec.client) in planned and name not in unsure and not view.is_misfiled(screen):
            left.setdefault(client, []).append(name)
    for client, names in left.items():
        first, *others = names
        message = f"no schedule of {client} reaches {_listed(names)}"
        yield Problem(
            "AVT310",
            message,
            _name(view, first),
            "plays its fallback alone",
            tuple(
                (view.spot(view.state.screens[name]).value("metadata", "name"), "so does this") for name in others[: _SHOWN - 1]
            ),
            "select it in a schedule, by name, group or label",
            touches=tuple(("Screen", name) for name in names),
        )


def _plans(rules: Collection[Rule]) -> bool:
    return not rules or any(not rule.emergency for rule in rules)


def _planless(airing: Airing) -> list[ScreenId]:
    """The screens that no schedule reaches but those for emergencies."""
    planning = {key for key, rules in airing.rules.items() if _plans(rules)}
    return sorted(name for keys, names in airing.meeting.items() if planning.isdisjoint(keys) for name in names)


def check_gaps(view: View, airing: Airing, today: date) -> Iterator[Problem]:
    """One warning for all screens with the same schedules and power hours, if these leave a gap in the coming week."""
    unsure = view.unsure_screens()
    if view.state.fleet.spec.checks.gaps == "ignore" or unsure is None:
        return
    period = today.isoformat(), (today + timedelta(days=7)).isoformat()
    planned = {key: _minutes([rule for rule in rules if _is_of(rule, period)]) for key, rules in airing.rules.items()}
    for schedules, names in airing.meeting.items():
        if not schedules:
            continue
        minutes = 0
        for key in schedules:
            minutes |= planned[key]
        powered: dict[PowerHours, list[ScreenId]] = {}
        for name in names:
            if name not in unsure and (hours := view.state.screens[name].spec.display.power_hours):
                powered.setdefault(compile_power(hours), []).append(name)
        for powers, screens in powered.items():
            gap = week_minutes(powers.from_s, powers.until_s, powers.days, inner=True) & ~minutes
            if gap:
                yield _gap(view, screens, schedules, gap)


def _minutes(rules: list[Rule]) -> int:
    found = 0
    for rule in rules:
        found |= week_minutes(rule.from_s, rule.until_s, rule.days, inner=False)
    return found


def _is_of(rule: Rule, period: tuple[str, str]) -> bool:
    """Whether a rule may be on air in the coming week; where that is a matter of dates, it is given the benefit."""
    return (rule.valid_from or "0")[:10] <= period[1] and (rule.valid_until or "9")[:10] >= period[0]


def _gap(view: View, screens: list[ScreenId], schedules: tuple[SlugKey, ...], gap: int) -> Problem:
    times, total = _times(gap)
    names = ", ".join(key.name for key in schedules[:_SHOWN]) + (" and others" if len(schedules) > _SHOWN else "")
    return Problem(
        "AVT309",
        f"no rule is on air {times} on {_listed(screens)}, although the panel is on",
        view.spot(view.state.screens[screens[0]]).key("spec", "display", "powerHours"),
        f"{total // 60}:{total % 60:02} h a week are left to the fallback",
        help=f"plan those times ({names}), shorten the power hours, or set `checks: {{gaps: ignore}}` in fleet.yaml",
        touches=tuple(("Screen", name) for name in screens),
    )


def _times(gap: int) -> tuple[str, int]:
    """The first gap of the week in words, on how many days there are such, and the minutes of all."""
    bits = bin(gap)[:1:-1]
    start = bits.index("1")
    end = bits.find("0", start)
    end = WEEK_MINUTES if end < 0 else end
    day, first = divmod(start, 1440)
    last = end - day * 1440
    until = f"{last // 60:02}:{last % 60:02}" if last <= 1440 else f"{last // 60 % 24:02}:{last % 60:02} of a later day"
    more = " (and more)" if "1" in bits[end:] else ""
    return f"on {_DAYS[day]} from {first // 60:02}:{first % 60:02} until {until}{more}", gap.bit_count()


def _name(view: View, screen: ScreenId) -> Spot:
    return view.spot(view.state.screens[screen]).value("metadata", "name")


def _listed(names: list[ScreenId]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
