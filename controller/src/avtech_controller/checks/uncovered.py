"""Single clips whose rights do not cover air that they would have: an item on air, in a rule on air, without its clip.

An end of rights before the end of item and rule is told. A beginning is told only after a `validFrom` of the item or the
rule that is still to come: who wrote that date meant the clip to be there. Without such a date, rights that begin later
are the way to bring a clip on air at an instant.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from avtech_controller.checks.airing import DAYS_AHEAD, Airing, day_text
from avtech_controller.checks.spans import ALWAYS, Span, merged_spans, span_of, window_of
from avtech_controller.checks.view import View
from avtech_controller.desired._spots import Problem
from avtech_controller.desired._state import SlugKey
from avtech_schema.airtime import window_days
from avtech_schema.identifiers import Slug, VideoId
from avtech_schema.localtime import DAY_SECONDS
from avtech_schema.manifest import Rule

Leaf = tuple[SlugKey, int]
"""An item that names a clip: its playlist and its place there."""
RulePlace = tuple[SlugKey, int]
"""A rule: its schedule and its place there."""


@dataclass(frozen=True, slots=True)
class _Miss:
    """The first day (ordinal) on which a rule is without a clip, and whether the clip's rights are over by then."""

    day: int
    over: bool
    rule: RulePlace


def check_uncovered(view: View, airing: Airing, today: date, bare: Mapping[RulePlace, int]) -> Iterator[Problem]:
    """One warning for each item, at the first air it misses; `bare` are the days from which rules have no clip at all."""
    leaves = _Leaves(view)
    found: dict[Leaf, list[_Miss]] = {}
    for key, rules in airing.rules.items():
        for place, rule in enumerate(rules):
            end = bare.get((key, place), 1 << 62)
            for leaf, wanted in leaves.of(SlugKey(key.client, rule.playlist)).items():
                miss = _first_miss(_allowed(view, leaf), wanted, (key, place), rule, today)
                if miss and miss.day < end:
                    found.setdefault(leaf, []).append(miss)
    for leaf, misses in found.items():
        yield _problem(view, airing, leaf, misses)


class _Leaves:
    """The clips with rights that each playlist comes down to, and when their items want them."""

    def __init__(self, view: View) -> None:
        self._state = view.state
        self._known: dict[SlugKey, Mapping[Leaf, tuple[Span, ...]]] = {}

    def of(self, key: SlugKey) -> Mapping[Leaf, tuple[Span, ...]]:
        if key not in self._known:
            self._known[key] = {}
            self._known[key] = self._leaves(key)
        return self._known[key]

    def _leaves(self, key: SlugKey) -> Mapping[Leaf, tuple[Span, ...]]:
        playlist = self._state.playlists.get(key)
        found: dict[Leaf, list[Span]] = {}
        for place, item in enumerate(playlist.spec.items if playlist else ()):
            first, last = span_of(item.valid_from, item.valid_until)
            video = self._state.videos.get(VideoId(item.clip)) if item.clip else None
            inner: Mapping[Leaf, tuple[Span, ...]] = {}
            if item.playlist:
                inner = self.of(SlugKey(key.client, Slug(item.playlist)))
            elif video and video.spec.rights and video.spec.state != "archived":
                inner = {(key, place): (ALWAYS,)}
            for leaf, spans in inner.items():
                met = ((max(first, start), min(last, end)) for start, end in spans)
                found.setdefault(leaf, []).extend(span for span in met if span[0] < span[1])
        return {leaf: merged_spans(iter(spans)) for leaf, spans in found.items() if spans}


def _first_miss(allowed: Span, wanted: tuple[Span, ...], rule_place: RulePlace, rule: Rule, today: date) -> _Miss | None:
    now = today.toordinal() * DAY_SECONDS
    if allowed[1] <= now or not any(max(start, allowed[0]) < min(end, allowed[1]) for start, end in wanted):
        return None  # it never plays there, which is told where it stands
    begins = span_of(rule.valid_from, None)[0]
    for start, end in wanted:
        stated = max(start, begins)
        if now <= stated < allowed[0] and (day := _first_air(rule, stated, min(end, allowed[0]), today)) is not None:
            return _Miss(day, over=False, rule=rule_place)
        if end > allowed[1] and (day := _first_air(rule, max(start, allowed[1]), end, today)) is not None:
            return _Miss(day, over=True, rule=rule_place)
    return None


def _allowed(view: View, leaf: Leaf) -> Span:
    item = view.state.playlists[leaf[0]].spec.items[leaf[1]]
    rights = view.state.videos[VideoId(item.clip or "")].spec.rights
    return span_of(rights.from_, rights.until) if rights else ALWAYS


def _first_air(rule: Rule, start: int, end: int, today: date) -> int | None:
    """The day (ordinal) on which a rule is on air first between two instants, from today on."""
    horizon = (today.toordinal() + DAYS_AHEAD) * DAY_SECONDS
    start, end = max(start, today.toordinal() * DAY_SECONDS), min(end, horizon)
    if start >= end:
        return None
    for day in window_days(rule, start // DAY_SECONDS - 1, end // DAY_SECONDS):
        opens, closes = window_of(rule, day)
        if max(opens, start) < min(closes, end):
            return max(opens, start) // DAY_SECONDS
    return None


def _problem(view: View, airing: Airing, leaf: Leaf, misses: list[_Miss]) -> Problem:
    first = min(misses, key=lambda miss: miss.day)
    schedule, place = first.rule
    playlist = view.state.playlists[leaf[0]]
    clip = VideoId(playlist.spec.items[leaf[1]].clip or "")
    video = view.state.videos[clip]
    rights = video.spec.rights
    more = f" (and {len(misses) - 1} more)" if len(misses) > 1 else ""
    bound = (rights.until if first.over else rights.from_) if rights else ""
    label = f"its rights end with {bound}" if first.over else f"its rights begin with {bound} only"
    rule = view.spot(view.state.schedules[schedule]).value("spec", "rules", place, "play")
    ends = "end the item with the rights (`validUntil`), or renew them; until then, the other clips play"
    return Problem(
        "AVT314",
        f"rule {airing.rules[schedule][place].id}{more} has no rights to clip {clip} on {day_text(first.day)}",
        view.spot(playlist).value("spec", "items", leaf[1], "clip"),
        label,
        (
            (view.spot(video).value("spec", "rights", "until" if first.over else "from"), "its rights are here"),
            (rule, "the rule is on air then"),
        ),
        ends if first.over else "let the item or the rule begin with the rights (`validFrom`), or correct these",
        touches=tuple(dict.fromkeys(("Schedule", miss.rule[0]) for miss in misses)),
    )
