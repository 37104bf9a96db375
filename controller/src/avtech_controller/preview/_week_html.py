"""One week as HTML: a calendar of days and hours on a wide screen, and the same elements as a list on a phone."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from html import escape

from avtech_controller.preview._compare import Change, DayPair, Piece
from avtech_controller.preview._details import Details
from avtech_controller.preview._items import item_changes
from avtech_controller.preview._marks import Marks
from avtech_controller.preview._preview import Preview
from avtech_controller.preview._programme import Kind, name_of
from avtech_controller.preview._weeks import WEEK, ScreenWeek, State
from avtech_schema.identifiers import ClientId, ScreenId

MAX_NAMES = 200
MAX_CHANGES = 30
MAX_BLOCKS = 60
"""Blocks drawn in one lane of a day; the shortest beyond that are counted instead."""
_ROOM = ((1500, "tiny"), (2700, "short low"), (6000, "short"), (9000, "medium"))
"""Blocks shorter than these (seconds) have room for no text, for one small line, for one line, and for three."""
_PICTURES = 4
_EYEBROWS = {
    Kind.FALLBACK: '<span class="eyebrow">fallback</span>',
    Kind.EMERGENCY: '<span class="eyebrow">emergency</span>',
}
BADGES = {State.CHANGED: "changes", State.ADDED: "new", State.UNKNOWN: "cannot compare", State.OTHERWISE: "changes"}
"""What is said beside the names of screens."""


def week_html(week: ScreenWeek, preview: Preview, marks: Marks, details: Details, *, folded: bool = False) -> str:
    """A section with the screens' names, what changes in words, and calendars of up to seven days, unfolded by a click."""
    name = week.screens[0]
    parts = [
        f'<section class="week {week.state.name.lower()}" id="{name}" data-find="{escape(_words(week, preview))}">',
        _header(week, preview),
        _changes(week),
    ]
    calendars = "".join(
        _Calendar(week.client, week.days[start : start + WEEK], marks, details).html(name)
        for start in range(0, len(week.days), WEEK)
    )
    if folded:
        calendars = f'<details class="folded"><summary>The week as a calendar</summary>{calendars}</details>'
    parts.append(calendars)
    return "".join((*parts, "</section>"))


def dates_text(first: date, last: date) -> str:
    """Such as `12 to 18 October 2026`."""
    if first == last:
        return f"{first:%A} {_full(first)}"
    start = str(first.day) if (first.year, first.month) == (last.year, last.month) else _full(first)
    return f"{start} to {_full(last)}"


def _full(day: date) -> str:
    return f"{day.day} {day:%B} {day.year}"


def days_text(days: Sequence[date]) -> str:
    """Days in the fewest words: `Mon to Fri` within a week, dates beyond it."""
    runs: list[list[date]] = []
    for day in days:
        if runs and day - runs[-1][-1] == timedelta(days=1):
            runs[-1].append(day)
        else:
            runs.append([day])
    within = (days[-1] - days[0]).days < WEEK
    name = (lambda day: f"{day:%a}") if within else _short
    return ", ".join(name(run[0]) if len(run) == 1 else f"{name(run[0])} to {name(run[-1])}" for run in runs[:8]) + (
        f" and {sum(map(len, runs[8:]))} more days" if len(runs) > 8 else ""
    )


def _short(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b}"


def _words(week: ScreenWeek, preview: Preview) -> str:
    """What the search looks through."""
    shown = week.screens[:MAX_NAMES]
    return " ".join((*shown, *(preview.screen_titles.get(screen, "") for screen in shown))).lower()


def _header(week: ScreenWeek, preview: Preview) -> str:
    first, *others = week.screens
    title = _title(first, preview)
    badge = f'<span class="badge {week.state.name.lower()}">{BADGES[week.state]}</span>' if week.state in BADGES else ""
    zones = ", ".join(week.zones[:4]) + (f" and {len(week.zones) - 4} more zones" if len(week.zones) > 4 else "")
    facts = f"{zones} · {week.client}"
    if others:
        facts = f"{len(week.screens):,} screens: same week, each in its own local time · {facts}"
    names = f'<p class="soft">{escape(facts)}</p>'
    if others:
        items = "".join(f"<li>{escape(screen)} {_title(screen, preview)}</li>" for screen in week.screens[:MAX_NAMES])
        more = f"<li>and {len(week.screens) - MAX_NAMES:,} more</li>" if len(week.screens) > MAX_NAMES else ""
        names += f'<details class="names"><summary>the {len(week.screens):,} screens</summary><ul>{items}{more}</ul></details>'
    extra = f" <span class=others>and {len(others):,} more</span>" if others else ""
    return f"<header><h3>{escape(first)}{extra} {title} {badge}</h3>{names}</header>"


def _title(screen: ScreenId, preview: Preview) -> str:
    title = preview.screen_titles.get(screen)
    return f"<small>{escape(title)}</small>" if title else ""


def _changes(week: ScreenWeek) -> str:
    if not week.changes and not week.remarks:
        return ""
    items = "".join(_change(change) for change in week.changes[:MAX_CHANGES])
    items += "".join(f"<li>{escape(remark)}</li>" for remark in week.remarks)
    more = f"<li>and {len(week.changes) - MAX_CHANGES} more changes</li>" if len(week.changes) > MAX_CHANGES else ""
    return f'<ul class="changes">{items}{more}</ul>'


def _change(change: Change) -> str:
    old, new = name_of(change.before), name_of(change.after)
    what = (
        f"<span>{escape(new)}: <ins>{escape(item_changes(change.before, change.after))}</ins></span>"
        if old == new
        else becomes(old, new)
    )
    return f"<li><b>{escape(days_text(change.days))}, {change.start_clock}–{change.end_clock}</b> {what}</li>"


def becomes(old: str, new: str) -> str:
    """One thing in the place of another."""
    arrow = "<span aria-hidden=true>→</span><span class=sr> becomes </span>"
    return f"<del>{escape(old)}</del> {arrow} <ins>{escape(new)}</ins>"


class _Calendar:
    """Up to seven days of one client's screens."""

    def __init__(self, client: ClientId, days: Sequence[DayPair], marks: Marks, details: Details) -> None:
        self._client = client
        self._days = days
        self._marks = marks
        self._details = details

    def html(self, screen: ScreenId) -> str:
        longest = max(pair.day.seconds for pair in self._days)
        columns = " ".join(f"minmax(0,{_breadth(pair):g}fr)" for pair in self._days)
        compared = " compared" if any(pair.before is not None for pair in self._days) else ""
        axis = "".join(f'<span style="--a:{hour}">{hour:02}</span>' for hour in range(0, 25, 3))
        days = "".join(self._day(pair) for pair in self._days)
        return (
            f'<div class="calendar{compared}" role="group" aria-label="Calendar of {screen}" '
            f'style="--columns:{columns};--hours:{max(longest, 1) / 3600:g}">'
            f'<div class="axis" aria-hidden="true">{axis}</div>{days}</div>'
        )

    def _day(self, pair: DayPair) -> str:
        day, changed = pair.day, pair.before is not None
        note = f'<p class="note">{escape(day.note)}</p>' if day.note else ""
        lanes = ""
        if pair.before is not None:
            lanes += self._lane(pair, pair.before, "before")
        lanes += self._lane(pair, pair.after, "after" if changed else "")
        unusual = "".join(_hour(second, text, day.seconds) for second, text in day.hours) if day.note else ""
        off = "".join(
            f'<i class="off" style="--a:{start / 3600:g};--h:{(end - start) / 3600:g}" title="the panel is off"></i>'
            for start, end in day.off
        )
        classes = " ".join(["day", *(["changed"] if changed else []), *(["unusual"] if day.note else [])])
        return (
            f'<div class="{classes}" role="group" aria-label="{day.date:%A} {_full(day.date)}">'
            f"<h4>{day.date:%a} <b>{day.date.day}</b> {day.date:%b}</h4>{note}"
            f'<div class="lanes" style="--hours:{day.seconds / 3600:g}">{lanes}{unusual}{off}</div></div>'
        )

    def _lane(self, pair: DayPair, pieces: tuple[Piece, ...], side: str) -> str:
        drawn, left_out = _drawn(pieces)
        blocks = "".join(self._block(pair, piece, side) for piece in drawn)
        more = f'<li class="rest">and {left_out} short blocks</li>' if left_out else ""
        heading = f'<p class="side" aria-hidden="true">{side.capitalize()}</p>' if side else ""
        label = f"{side} the change" if side else "on air"
        return f'<div class="lane {side}">{heading}<ol aria-label="{label}">{blocks}{more}</ol></div>'

    def _block(self, pair: DayPair, piece: Piece, side: str) -> str:
        block = piece.block
        programme = block.programme
        seconds = block.end - block.start
        classes = ["block", self._marks.block_class(self._client, programme)]
        classes += ["changed"] if piece.changed else ["same"] if side else []
        classes += [name for least, name in _ROOM if seconds < least][:1]
        classes += ["from-before"] if block.from_before else []
        classes += ["goes-on"] if block.goes_on else []
        when = f"{block.start_clock}–{block.end_clock}"
        ends = " · ".join(_ends(piece))
        said = f"{_short(pair.day.date)}, {when}: {name_of(programme)}{_said(piece, side)}"
        eyebrow = _EYEBROWS.get(programme.kind, "")
        pictures = "".join(f'<i class="pic {self._marks.clip_class(clip)}"></i>' for clip in programme.clips()[:_PICTURES])
        return (
            f'<li class="{"changed" if piece.changed else "same"}" style="--a:{block.start / 3600:g};--h:{seconds / 3600:g}">'
            f'<button type="button" class="{" ".join(classes)}" data-p="{self._details.template(self._client, programme)}" '
            f'data-when="{_short(pair.day.date)}, {when}" data-side="{side}" data-ends="{ends}" aria-label="{escape(said)}">'
            f'<span class="time">{when}</span>{eyebrow}<span class="label">{escape(programme.label)}</span>'
            f'<span class="pics">{pictures}</span></button></li>'
        )


def _breadth(pair: DayPair) -> float:
    """How wide a day is drawn: one that is shown twice, or has its own hours at the side, needs more room."""
    return (1.0 if pair.before is None else 1.55) + (0.2 if pair.day.note else 0.0)


def _drawn(pieces: tuple[Piece, ...]) -> tuple[list[Piece], int]:
    if len(pieces) <= MAX_BLOCKS:
        return list(pieces), 0
    longest = sorted(pieces, key=lambda piece: (not piece.changed, piece.block.start - piece.block.end))[:MAX_BLOCKS]
    return sorted(longest, key=lambda piece: piece.block.start), len(pieces) - MAX_BLOCKS


def _ends(piece: Piece) -> Iterator[str]:
    if piece.block.from_before:
        yield "began the day before"
    if piece.block.goes_on:
        yield "goes on past midnight"


def _said(piece: Piece, side: str) -> str:
    return f", {side} the change" if piece.changed else ""


def _hour(second: int, text: str, seconds: int) -> str:
    return f'<i class="hour" aria-hidden="true" style="--a:{second / 3600:g}">{text}</i>' if 0 < second < seconds else ""
