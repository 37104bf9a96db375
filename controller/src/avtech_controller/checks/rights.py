"""Air that the clips' rights do not cover: rules that go on after all of their clips may no longer be shown.

Rights and validity are local, so days and seconds of the wall clock are compared, whatever the zone. An embargo, which is
rights that begin later, is no fault: a rule may wait for its clips. Single clips that miss air are in `uncovered`.
"""

from collections.abc import Iterator
from datetime import date

from avtech_controller.checks.airing import DAYS_AHEAD, Airing, day_text
from avtech_controller.checks.spans import ALWAYS, Span, merged_spans, span_of, window_of
from avtech_controller.checks.uncovered import check_uncovered
from avtech_controller.checks.view import View
from avtech_controller.desired._spots import Problem, Spot
from avtech_controller.desired._state import SlugKey
from avtech_schema.airtime import window_days
from avtech_schema.identifiers import Slug, VideoId
from avtech_schema.localtime import DAY_SECONDS
from avtech_schema.manifest import Rule
from avtech_schema.resources import Playlist, PlaylistItem


def check_rights(view: View, airing: Airing, today: date) -> Iterator[Problem]:
    """Warnings of clips that can never play where they stand, and of rules that outlast all their clips."""
    for playlist in view.state.playlists.values():
        yield from _items(view, playlist, today)
    covered = _Covered(view)
    bare: dict[tuple[SlugKey, int], int] = {}
    for key, rules in airing.rules.items():
        for place, rule in enumerate(rules):
            spans = covered.playlist(SlugKey(key.client, rule.playlist))
            if spans != (ALWAYS,) and (day := _bare_day(rule, spans, today)) is not None:
                bare[key, place] = day
                yield _bare(view, key, place, rule, day)
    yield from check_uncovered(view, airing, today, bare)


def _items(view: View, playlist: Playlist, today: date) -> Iterator[Problem]:
    now = today.toordinal() * DAY_SECONDS
    for place, item in enumerate(playlist.spec.items):
        video = view.state.videos.get(VideoId(item.clip)) if item.clip else None
        rights = video.spec.rights if video else None
        if video is None or rights is None or video.spec.state == "archived":
            continue
        allowed, wanted = span_of(rights.from_, rights.until), span_of(item.valid_from, item.valid_until)
        if allowed[1] <= now:
            message = f"clip {item.clip} may no longer be shown: its rights ended with {rights.until}"
        elif max(allowed[0], wanted[0]) >= min(allowed[1], wanted[1]):
            message = f"clip {item.clip} never plays here: its rights and the item's validity do not meet"
        else:
            continue
        here = view.spot(playlist).value("spec", "items", place, "clip")
        related = ((view.spot(video).key("spec", "rights"), "its rights are here"),)
        help_ = "take it out of the playlist, or correct the dates"
        yield Problem("AVT414", message, here, f'never plays from "{playlist.metadata.name}"', related, help_)


class _Covered:
    """When at least one clip of a playlist may be shown."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._known: dict[SlugKey, tuple[Span, ...]] = {}

    def playlist(self, key: SlugKey) -> tuple[Span, ...]:
        """Spans, rising and apart; a playlist or clip that does not exist is another finding's business."""
        if key not in self._known:
            self._known[key] = (ALWAYS,)
            playlist = self._view.state.playlists.get(key)
            if playlist is not None:
                self._known[key] = merged_spans(span for item in playlist.spec.items for span in self._item(key, item))
        return self._known[key]

    def _item(self, key: SlugKey, item: PlaylistItem) -> Iterator[Span]:
        first, last = span_of(item.valid_from, item.valid_until)
        if item.playlist:
            inner = self.playlist(SlugKey(key.client, Slug(item.playlist)))
        else:
            video = self._view.state.videos.get(VideoId(item.clip or ""))
            rights = video.spec.rights if video else None
            inner = (span_of(rights.from_, rights.until) if rights else ALWAYS,)
        for start, end in inner:
            if max(first, start) < min(last, end):
                yield max(first, start), min(last, end)


def _bare_day(rule: Rule, spans: tuple[Span, ...], today: date) -> int | None:
    """The first day (ordinal) from today on with a window that no clip covers, after clips that did cover some."""
    first, last = today.toordinal(), today.toordinal() + DAYS_AHEAD
    for number, (_, end) in enumerate(spans):
        begins = spans[number + 1][0] if number + 1 < len(spans) else ALWAYS[1]
        start = max(end, first * DAY_SECONDS)
        if start >= begins or start >= last * DAY_SECONDS:
            continue
        reach = min(last, begins // DAY_SECONDS)
        for day in window_days(rule, start // DAY_SECONDS - 1, reach):
            opens, closes = window_of(rule, day)
            if max(opens, start) < min(closes, begins):
                return max(opens, start) // DAY_SECONDS
    return None


def _bare(view: View, key: SlugKey, place: int, rule: Rule, day: int) -> Problem:
    related = tuple(_last_limits(view, SlugKey(key.client, rule.playlist)))
    return Problem(
        "AVT308",
        f"rule {rule.id} has no clip that may be shown on {day_text(day)}",
        view.spot(view.state.schedules[key]).value("spec", "rules", place, "play"),
        f'all of "{rule.playlist}" is over by then',
        related[-2:],
        "end the rule then (`validUntil`), add clips, or renew the rights; until then, what is next in order plays",
    )


def _last_limits(view: View, key: SlugKey) -> Iterator[tuple[Spot, str]]:
    """The ends of the playlist's own clips, the last of them last."""
    playlist = view.state.playlists.get(key)
    found: list[tuple[str, int, Spot, str]] = []
    for place, item in enumerate(playlist.spec.items if playlist else ()):
        video = view.state.videos.get(VideoId(item.clip)) if item.clip else None
        if playlist and item.valid_until:
            spot = view.spot(playlist).value("spec", "items", place, "validUntil")
            found.append((item.valid_until, place, spot, "the item ends here"))
        elif video and video.spec.rights and video.spec.rights.until:
            spot = view.spot(video).value("spec", "rights", "until")
            found.append((video.spec.rights.until, place, spot, f"the rights of {item.clip} end here"))
    for _, _, spot, what in sorted(found, key=lambda limit: limit[:2]):
        yield spot, what
