"""Checks of airtime: screens that could go black, rules that never play, and the editors' own air checks."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

from avtech_controller.checks.airing import Airing
from avtech_controller.checks.view import View
from avtech_controller.compiler import CompiledScreen, compile_rule, compile_state, fallback_of
from avtech_controller.desired._spots import Problem
from avtech_controller.desired._state import SlugKey
from avtech_schema.airtime import Segment, airtime, local_instant
from avtech_schema.identifiers import ClientId, ScreenId, Slug, VideoId
from avtech_schema.localtime import DAY_SECONDS
from avtech_schema.manifest import Rule
from avtech_schema.resources import AirCheck, Schedule, ScheduleRule, parse_instant

_SHOWN = 3
SUSPICIOUS_S = 21 * 3600
"""So long a window past midnight is more likely a short one whose bounds are swapped."""


def check_air(view: View, airing: Airing) -> Iterator[Problem]:
    """Checks that need no complete state."""
    yield from _black_screens(view, airing)
    for key, schedule in view.state.schedules.items():
        for place, rule in enumerate(schedule.spec.rules):
            if (length := overnight_s(airing.rules[key][place])) > SUSPICIOUS_S:
                yield _swapped(view, schedule, place, length)
            if _never_plays(rule):
                spot = view.spot(schedule).key("spec", "rules", place, "validUntil")
                message = f"rule {schedule.metadata.name}/{place + 1} never plays: no day fits its days, dates and exceptions"
                yield Problem("AVT304", message, spot)


def overnight_s(rule: Rule) -> int:
    """How long a window is that runs past midnight, in seconds; 0 if it does not."""
    return rule.until_s - rule.from_s + DAY_SECONDS if rule.until_s < rule.from_s else 0


def _swapped(view: View, schedule: Schedule, place: int, length: int) -> Problem:
    rule, here = schedule.spec.rules[place], view.spot(schedule)
    return Problem(
        "AVT317",
        f"rule {schedule.metadata.name}/{place + 1} is on air for {length // 3600}:{length % 3600 // 60:02} h at a stretch",
        here.value("spec", "rules", place, "from"),
        f"from {rule.from_} until {rule.until} of the next day",
        ((here.value("spec", "rules", place, "until"), "earlier than it begins, so it means the next day"),),
        "are `from` and `until` swapped?",
    )


def _black_screens(view: View, airing: Airing) -> Iterator[Problem]:
    """A screen with nothing to play is an error; one that has nothing at certain times is a warning."""
    if view.broken or view.broken_names:
        return
    always = Always(view)
    reaching = {name: keys for keys, names in airing.meeting.items() for name in names}
    found: dict[_Blackness, list[ScreenId]] = {}
    for name, screen in view.state.screens.items():
        client = screen.spec.client
        fallback = fallback_of(view.state, screen)
        if client not in view.state.clients or (fallback and always.playlist(SlugKey(ClientId(client), fallback))):
            continue
        rules = [(key.client, rule) for key in reaching[name] for rule in airing.rules[key]]
        if fallback or not any(always.rule(owner, rule) for owner, rule in rules):
            found.setdefault(_Blackness(client, fallback, fallback is None and bool(rules)), []).append(name)
    for blackness, names in found.items():
        yield _black(view, blackness, sorted(names))


class _Blackness(NamedTuple):
    """Why screens of a client could go black: what their fallback is, if any, and whether they have rules."""

    client: str
    fallback: str | None
    has_rules: bool


def _black(view: View, why: _Blackness, names: list[ScreenId]) -> Problem:
    """One problem for all screens of one cause, at the first of them."""
    first, *others = names
    spots = [view.spot(view.state.screens[name]).value("metadata", "name") for name in names[:_SHOWN]]
    more = f" and {len(others)} more" if others else ""
    they, their, have = ("they", "their", "have") if others else ("it", "its", "has")
    help_ = f"give {first if not others else 'them'} or {why.client} a `fallback` playlist"
    code, label = "AVT305", ""
    if why.fallback:
        message = f'{first}{more} could go black: {their} fallback "{why.fallback}" holds only what is limited in time'
        help_ = "add a clip to it that may always play"
    elif why.has_rules:
        message = f"{first}{more} could go black: at times none of {their} rules can play, and {they} {have} no fallback"
    else:
        code, label = "AVT302", "would stay black"
        message = f"{first}{more} {have} nothing to play: no rule and no fallback"
    related = tuple((spot, "this one, too") for spot in spots[1:])
    touched = tuple(("Screen", name) for name in names)
    return Problem(code, message, spots[0], label, related, help_, touches=touched)


class Always:
    """Whether something can play at any instant, judged on the safe side."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._known: dict[SlugKey, bool] = {}

    def rule(self, client: ClientId, rule: Rule) -> bool:
        """Whether a rule is on air at any instant."""
        whole_day = (rule.from_s, rule.until_s, len(rule.days)) == (0, DAY_SECONDS, 7)
        limits = (rule.valid_from, rule.valid_until, rule.rrule, rule.max_plays_per_hour)
        return whole_day and not rule.excluded and limits == (None,) * 4 and self.playlist(SlugKey(client, rule.playlist))

    def playlist(self, key: SlugKey) -> bool:
        """A playlist that does not exist is another finding's business."""
        if key not in self._known:
            self._known[key] = False
            self._known[key] = self._any(key)
        return self._known[key]

    def _any(self, key: SlugKey) -> bool:
        playlist = self._view.state.playlists.get(key)
        if playlist is None:
            return True
        for item in playlist.spec.items:
            if item.valid_from or item.valid_until:
                continue
            video = self._view.state.videos.get(VideoId(item.clip)) if item.clip else None
            if item.clip and (video is None or video.spec.rights is None):
                return True
            if item.playlist and self.playlist(SlugKey(key.client, Slug(item.playlist))):
                return True
        return False


def _never_plays(rule: ScheduleRule) -> bool:
    """Whether no day of a rule's validity fits its weekdays and exceptions (recurrences have a check of their own)."""
    if not rule.valid_from or not rule.valid_until or len(rule.valid_from) > 10 or len(rule.valid_until) > 10:
        return False
    first, last = date.fromisoformat(rule.valid_from), date.fromisoformat(rule.valid_until)
    if (last - first).days > 1000:
        return False
    days = compile_rule(Slug("x"), 1, rule).days
    span = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return not any(day.weekday() in days and day.isoformat() not in rule.except_ for day in span)


def check_air_checks(view: View) -> Iterator[Problem]:
    """Hold every air check against the airtime of its screen; the state must be without errors."""
    wanted = {ScreenId(check.spec.screen) for check in view.state.checks.values()}
    compiled = compile_state(view.state, only=wanted) if wanted else {}
    for check in view.state.checks.values():
        yield from _air_check(view, check, compiled[ScreenId(check.spec.screen)])


def _air_check(view: View, check: AirCheck, screen: CompiledScreen) -> Iterator[Problem]:
    at = check.spec.at
    local = parse_instant(at).tzinfo is None
    instant = local_instant(at, screen.manifest.time_zone) if local else parse_instant(at)
    segment = airtime(screen.manifest, instant)
    expected = check.spec.plays
    on_air = {entry.clip for entry in segment.on_air()} | segment.playlists()
    if expected not in on_air:
        zone = screen.manifest.time_zone
        yield Problem(
            "AVT301",
            f'"{expected}" is not on air on {check.spec.screen} at {at} ({zone})',
            view.spot(check).value("spec", "plays"),
            f"on air then: {describe(segment)}",
            help="correct the schedule, or this check",
        )


def describe(segment: Segment) -> str:
    """What is on air, in a few words."""
    parts = [f"{share.playlist} ({f'rule {share.rule}' if share.rule else 'fallback'})" for share in segment.shares]
    more = f" and {len(parts) - 3} more" if len(parts) > 3 else ""
    return (", ".join(parts[:3]) + more) or "nothing"
