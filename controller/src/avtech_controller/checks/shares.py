"""Caps and weights that cannot be met, and clips that are not reached because their playlist is longer than its air.

What a playlist needs until each of its clips has played is reckoned from lengths and weights; only where that is more than
a week of the rule gives, its rotation is played through, to name the clips that are left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from math import ceil

from avtech_controller.checks.airing import Airing
from avtech_controller.checks.shared import LEAST, RulePlace, SharedAir
from avtech_controller.checks.view import View
from avtech_controller.compiler import compile_rule_alone
from avtech_controller.desired._spots import Problem, Spot
from avtech_controller.desired._state import SlugKey
from avtech_schema.airtime import History, airtime, playout, window_days
from avtech_schema.identifiers import Slug, VideoId
from avtech_schema.localtime import DAY_SECONDS
from avtech_schema.manifest import Manifest, Rule

_DAYS = 7
_MAX_TURNS = 20_000
"""Turns that are played through in search of clips that are left out, over all rules; beyond, none are named."""
_SHOWN = 4
_OTHERS = 2


@dataclass(frozen=True, slots=True)
class _Need:
    """What a playlist needs: the turns until every clip has had one, the length of a turn on average, and of the shortest."""

    turns: int
    turn_ms: float
    shortest_ms: int


def check_caps(view: View, airing: Airing) -> Iterator[Problem]:
    """Caps that no clip is short enough to reach."""
    needs = _Needs(view)
    for key, rules in airing.rules.items():
        for place, rule in enumerate(rules):
            need = needs.of(SlugKey(key.client, rule.playlist)) if rule.max_plays_per_hour else None
            most = -(-3_600_000 // need.shortest_ms) if need else 0
            if need and rule.max_plays_per_hour and rule.max_plays_per_hour >= most:
                yield Problem(
                    "AVT311",
                    f"rule {rule.id} never reaches its cap of {rule.max_plays_per_hour} plays an hour",
                    view.spot(view.state.schedules[key]).value("spec", "rules", place, "maxPlaysPerHour"),
                    f"at most {most} plays of its clips fit into an hour: the shortest takes {need.shortest_ms / 1000:g} s",
                    help="lower the cap, or take it out: as it is, it changes nothing",
                )


def check_shares(view: View, airing: Airing, today: date) -> Iterator[Problem]:
    """Rules whose playlist does not come round in a week; the state must be without errors."""
    needs = _Needs(view)
    plain = _Needs(view, weighted=False)
    shared = SharedAir(view, airing, lambda playlist: need.turn_ms if (need := needs.of(playlist)) else None)
    left = _MAX_TURNS
    for key, rules in airing.rules.items():
        screen = min(airing.screens[key], default=None)
        for place, rule in enumerate(rules):
            list_ = SlugKey(key.client, rule.playlist)
            need = needs.of(list_) if screen else None
            air = _air(rule, today)
            if need is None or screen is None or not air:
                continue
            if need.turns <= _turns(rule, need, air * LEAST):
                continue
            part = shared.part(key, place)
            turns = _turns(rule, need, air * part.of_time)
            if need.turns <= turns or not part.of_time:
                continue
            missed: list[VideoId] = []
            if turns <= left:
                missed = _missed(compile_rule_alone(view.state, screen, _whole_day(rule)), turns)
                left -= turns
                if not missed:
                    continue
            weighed = plain.of(list_)
            problem = _problem(view, key, place, rule, missed, by_weight=weighed is not None and weighed.turns <= turns)
            others = tuple((_rule_spot(view, other), "this rule has part of the air") for other in part.others[:_OTHERS])
            yield replace(problem, related=(*problem.related, *others))


class _Needs:
    """What each playlist needs; None where a clip or playlist is missing, or it contains itself."""

    def __init__(self, view: View, *, weighted: bool = True) -> None:
        self._state = view.state
        self._weighted = weighted
        self._known: dict[SlugKey, _Need | None] = {}

    def of(self, key: SlugKey) -> _Need | None:
        if key not in self._known:
            self._known[key] = None
            self._known[key] = self._need(key)
        return self._known[key]

    def _need(self, key: SlugKey) -> _Need | None:
        playlist = self._state.playlists.get(key)
        items = playlist.spec.items if playlist else []
        weights = [item.weight if self._weighted else 1 for item in items]
        total, rounds, length, shortest = sum(weights), 1, 0.0, 1 << 62
        for item, weight in zip(items, weights, strict=True):
            inner: _Need | None = None
            if item.playlist:
                inner = self.of(SlugKey(key.client, Slug(item.playlist)))
            elif video := self._state.videos.get(VideoId(item.clip or "")):
                inner = _Need(1, video.spec.duration_ms, video.spec.duration_ms)
            if inner is None:
                return None
            rounds = max(rounds, -(-inner.turns // weight))
            length += weight * inner.turn_ms
            shortest = min(shortest, inner.shortest_ms)
        return _Need(total * rounds, length / total, shortest) if total else None


def _air(rule: Rule, today: date) -> int:
    """The seconds that a rule is on air in the first week of it that is still to come."""
    first = max(today, date.fromisoformat((rule.valid_from or today.isoformat())[:10])).toordinal()
    length = rule.until_s - rule.from_s if rule.until_s > rule.from_s else rule.until_s - rule.from_s + DAY_SECONDS
    return length * sum(1 for _ in window_days(rule, first, first + _DAYS - 1))


def _turns(rule: Rule, need: _Need, air: float) -> int:
    """How many turns the rule has in that time."""
    turns = ceil(air * 1000 / need.turn_ms)
    return min(turns, rule.max_plays_per_hour * ceil(air / 3600)) if rule.max_plays_per_hour else turns


def _rule_spot(view: View, place: RulePlace) -> Spot:
    return view.spot(view.state.schedules[place[0]]).value("spec", "rules", place[1], "play")


def _whole_day(rule: Rule) -> Rule:
    """The rule as if nothing bounded it."""
    return replace(
        rule,
        from_s=0,
        until_s=DAY_SECONDS,
        days=tuple(range(7)),
        valid_from=None,
        valid_until=None,
        excluded=(),
        rrule=None,
        max_plays_per_hour=None,
    )


def _missed(manifest: Manifest, turns: int) -> list[VideoId]:
    """The clips that have had no turn after so many, clips that are limited in time apart."""
    limited = {
        item.clip or item.playlist
        for items in manifest.playlists.values()
        for item in items
        if item.valid_from or item.valid_until
    }
    limited |= {name for name, asset in manifest.assets.items() if asset.rights_from or asset.rights_until}
    instant = datetime.combine(date(2001, 1, 1), time(12), UTC)
    segment = airtime(manifest, instant)
    clips = [entry.clip for entry in segment.on_air()]
    waiting = dict.fromkeys(clip for clip in clips if clip not in limited)
    history = History()
    for _ in range(turns):
        if not waiting or (play := playout(segment, history, instant)) is None:
            break
        waiting.pop(play.clip, None)
        history = history.after(play)
    return list(waiting)


def _problem(view: View, key: SlugKey, place: int, rule: Rule, missed: list[VideoId], *, by_weight: bool) -> Problem:
    more = f" and {len(missed) - _SHOWN} more" if len(missed) > _SHOWN else ""
    clips = f"{', '.join(missed[:_SHOWN])}{more}" if missed else "some clips"
    schedule = view.spot(view.state.schedules[key])
    played = schedule.value("spec", "rules", place, "play")
    if not by_weight:
        return Problem(
            "AVT312",
            f'playlist "{rule.playlist}" is longer than the air of rule {rule.id}',
            played,
            f"not reached in a week: {clips}",
            help="shorten the playlist, or give the rule more time",
        )
    playlist = view.state.playlists[SlugKey(key.client, rule.playlist)]
    weights = [item.weight for item in playlist.spec.items]
    heavy = weights.index(max(weights))
    return Problem(
        "AVT313",
        f'weights of playlist "{rule.playlist}" starve clips in rule {rule.id}',
        view.spot(playlist).value("spec", "items", heavy, "weight"),
        f"not reached in a week: {clips}",
        ((played, "played here"),),
        "weights are turns: lower the large ones, for example 3 to 1 instead of 300 to 100",
        touches=(("Schedule", key),),
    )
