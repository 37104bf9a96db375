"""The preview as one self-contained HTML page: no network, nothing beside it, and only its own script may run."""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from functools import cache
from html import escape
from importlib import resources

from avtech_controller.preview._details import Details
from avtech_controller.preview._marks import Marks
from avtech_controller.preview._overview import CHANGING
from avtech_controller.preview._overview_html import overview_html
from avtech_controller.preview._preview import Preview
from avtech_controller.preview._week_html import dates_text, week_html
from avtech_controller.preview._weeks import ScreenWeek
from avtech_schema.identifiers import ScreenId, VideoId

OPEN = 3
"""Calendars of changing weeks that stand open; the others open on a click. Of few, all do."""
MAX_OPEN = 10
MAX_LEGEND = 40
MAX_GONE = 100
_KEYS = (
    ("← → ↑ ↓", "from block to block: days across, hours down"),
    ("Home  End", "first and last block of the day"),
    ("n  p", "next and previous change"),
    ("Tab", "next calendar"),
    ("/", "find a screen"),
    ("Esc", "close the details"),
    ("?", "this help"),
)


def render_page(preview: Preview, *, banner: str = "", extra_script: str = "") -> str:
    """The page; whatever the desired state says is shown as text.

    `banner` is HTML that stands on top, `extra_script` runs beside the page's own and may talk to the page's own server.
    """
    marks = Marks.of(preview)
    details = Details(preview, marks)
    body = "".join((_head(preview), banner, _notes(preview.notes), _legend(marks), _weeks(preview, marks, details)))
    scripts = [_asset("page.js"), *([extra_script] if extra_script else [])]
    title = f"What plays {dates_text(preview.first, preview.last)}"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(scripts, talks=bool(extra_script))}">'
        f'<title>{escape(title)}</title><link rel="icon" href="data:,">'
        f"<style>{_asset('page.css')}{marks.css()}{_thumbnails(preview, marks)}</style></head>"
        f'<body><div class="page"><main>{body}</main>{_aside()}</div>{details.html()}{_help()}'
        f"{''.join(f'<script>{script}</script>' for script in scripts)}</body></html>\n"
    )


def _policy(scripts: Iterable[str], *, talks: bool) -> str:
    """Scripts by their digests: one that somebody writes into a title does not run."""
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    connect = "; connect-src 'self'" if talks else ""
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src {allowed}{connect}; base-uri 'none'; "
        "form-action 'none'"
    )


@cache
def _asset(name: str) -> str:
    return resources.files("avtech_controller.preview").joinpath(name).read_text("utf-8")


def _thumbnails(preview: Preview, marks: Marks) -> str:
    """Every picture once, as a class; a clip without one has the colour of its name."""
    return "".join(_thumbnail(marks.clip_class(name), preview.clips[name].picture, name) for name in preview.clips)


def _thumbnail(name: str, picture: bytes | None, clip: VideoId) -> str:
    if picture is None:
        hue = int(hashlib.sha256(clip.encode()).hexdigest()[:4], 16) % 360
        return f".{name}{{background:hsl({hue} 35% 45%)}}"
    return f'.{name}{{background-image:url("data:image/jpeg;base64,{base64.b64encode(picture).decode()}")}}'


def _head(preview: Preview) -> str:
    before = f" Compared with <strong>{escape(preview.before)}</strong>." if preview.before else ""
    return (
        f'<header class="top"><h1>What plays <span>{escape(dates_text(preview.first, preview.last))}</span></h1>'
        f'<p class="lead">This is <strong>{escape(preview.after)}</strong>.{before} {_verdict(preview)}</p>'
        '<p class="tools"><label class="find">Find a screen <input id="find" type="search" autocomplete="off"></label>'
        '<button type="button" id="keys">Keys <kbd>?</kbd></button></p></header>'
    )


def _verdict(preview: Preview) -> str:
    screens = _count(preview.screens, "screen")
    if not preview.before:
        return f"{screens}; there is nothing to compare with."
    parts = [f"<mark>{preview.changed:,} of {screens}</mark> will show something else on these days"]
    if not preview.changed:
        parts = [f"What plays on these days stays the same on {'all' if not preview.unknown else 'all other'} screens"]
    if preview.otherwise:
        parts.append(f"<mark>{_count(preview.otherwise, 'screen')}</mark> will change in another way or on later days")
    if preview.unknown:
        parts.append(f"<mark>{_count(preview.unknown, 'screen')}</mark> cannot be compared: what plays there now is unreadable")
    return "; ".join(parts) + "."


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _notes(notes: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f'<div class="notes" role="note"><ul>{items}</ul></div>' if items else ""


def _legend(marks: Marks) -> str:
    shown = list(marks.legend())
    items = "".join(f'<li><i class="dot {name}"></i>{escape(label)}</li>' for name, label in shown[:MAX_LEGEND])
    more = f"<li>and {len(shown) - MAX_LEGEND} more playlists</li>" if len(shown) > MAX_LEGEND else ""
    fixed = (
        '<li><i class="dot fallback"></i>fallback: no rule can play</li>'
        '<li><i class="dot emergency"></i>emergency</li><li><i class="dot panel-off"></i>panel off</li>'
        '<li class="only-compared"><i class="dot change"></i>changed</li>'
    )
    return f'<ul class="legend" aria-label="Colours">{items}{more}{fixed}</ul>'


def _weeks(preview: Preview, marks: Marks, details: Details) -> str:
    changing = [week for week in preview.weeks if week.state in CHANGING]
    same = [week for week in preview.weeks if week.state not in CHANGING]
    parts = [_gone(preview)]
    if changing:
        table = overview_html(preview.overview, _drawn(preview)) if len(changing) > OPEN else ""
        inner = _all(changing, preview, marks, details, most=OPEN)
        parts.append(f'<section aria-label="What changes"><h2>What changes</h2>{table}{inner}</section>')
    if same and changing:
        count = _count(sum(len(week.screens) for week in same), "screen")
        inner = _all(same, preview, marks, details)
        parts.append(f'<details class="same"><summary><h2>What stays: {count}</h2></summary>{inner}</details>')
    elif same:
        parts.append(f'<section aria-label="Screens">{_all(same, preview, marks, details)}</section>')
    if preview.left_out:
        parts.append(
            f'<p class="more" role="note">{_count(preview.left_out, "more screen")} with other weeks '
            f"{'is' if preview.left_out == 1 else 'are'} not drawn. "
            "Name the screens you want to see (<code>avtech preview SCR-…</code>), or give <code>--all</code>.</p>"
        )
    return "".join(parts)


def _drawn(preview: Preview) -> frozenset[ScreenId]:
    return frozenset(week.screens[0] for week in preview.weeks)


def _all(weeks: Sequence[ScreenWeek], preview: Preview, marks: Marks, details: Details, *, most: int = MAX_OPEN) -> str:
    open_ = len(weeks) if len(weeks) <= MAX_OPEN else most
    return "".join(week_html(week, preview, marks, details, folded=number >= open_) for number, week in enumerate(weeks))


def _gone(preview: Preview) -> str:
    if not preview.gone:
        return ""
    names = ", ".join(escape(name) for name in preview.gone[:MAX_GONE])
    more = f" and {len(preview.gone) - MAX_GONE:,} more" if len(preview.gone) > MAX_GONE else ""
    return f'<p class="gone" role="note"><strong>{_count(len(preview.gone), "screen")} removed:</strong> {names}{more}</p>'


def _aside() -> str:
    return (
        '<aside id="details" aria-live="polite" aria-label="Details"><button type="button" id="close" '
        'aria-label="Close the details">×</button><div id="shown"><p class="hint">Point at a block, or walk through them '
        "with the arrow keys, to see its clips, its rule and its hours.</p></div></aside>"
    )


def _help() -> str:
    rows = "".join(f"<dt><kbd>{escape(keys)}</kbd></dt><dd>{escape(what)}</dd>" for keys, what in _KEYS)
    return (
        f'<dialog id="help" aria-labelledby="help-title"><h2 id="help-title">Keys</h2><dl>{rows}</dl>'
        '<form method="dialog"><button>Close</button></form></dialog>'
    )
