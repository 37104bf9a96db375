"""The demo's story as one self-contained HTML page: no script, no network, nothing beside it."""

import base64
from collections.abc import Iterable
from datetime import UTC
from html import escape
from itertools import groupby

from avtech_controller.demo._day import colours, render_day
from avtech_controller.demo._style import CSS
from avtech_controller.demo.story import DemoStory, Fact, ScreenDay, Shot, StoryEvent, Table

_GOOD = frozenset({"synced", "good", "ok", "yes", "passed"})
_BAD = frozenset({"failed", "error", "rolled back", "quarantined", "stale", "unseen", "no"})
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def render_page(story: DemoStory) -> str:
    """The page; everything the story says is shown as text, whatever it contains."""
    parts = (
        f"<h1>{escape(story.title)}</h1>",
        f'<p class="lead">{escape(story.lead)}</p>',
        _facts(story.facts),
        _section("Summary", (_table(table) for table in story.tables)),
        _section("On screen", _shots(story.shots)),
        _section("The day on every screen, in its own local time", _days(story)),
        _section("What happened", _events(story.events)),
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<title>{escape(story.title)}</title><link rel="icon" href="data:,"><style>{CSS}</style></head>'
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    )


def _section(title: str, parts: Iterable[str]) -> str:
    body = "".join(parts)
    return f"<section><h2>{escape(title)}</h2>{body}</section>" if body else ""


def _facts(facts: Iterable[Fact]) -> str:
    body = "".join(f"<div><dt>{escape(fact.label)}</dt><dd>{escape(fact.value)}</dd></div>" for fact in facts)
    return f'<dl class="facts">{body}</dl>' if body else ""


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in table.columns)
    rows = "".join(f"<tr>{''.join(_cell(place, cell) for place, cell in enumerate(row))}</tr>" for row in table.rows)
    return (
        f'<div class="wide"><table><caption>{escape(table.caption)}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _cell(place: int, text: str) -> str:
    if place == 0:
        return f'<th scope="row">{escape(text)}</th>'
    mark = "good" if text in _GOOD else "bad" if text in _BAD else ""
    return f'<td class="{mark}">{escape(text)}</td>' if mark else f"<td>{escape(text)}</td>"


def _shots(shots: Iterable[Shot]) -> Iterable[str]:
    body = "".join(
        f'<figure><img src="{_data_uri(shot.image)}" alt="{escape(shot.alt)}">'
        f"<figcaption>{escape(shot.caption)}</figcaption></figure>"
        for shot in shots
    )
    return [f'<div class="shots">{body}</div>'] if body else []


def _data_uri(image: bytes) -> str:
    kind = "jpeg" if image.startswith(b"\xff\xd8") else "png"
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"


def _days(story: DemoStory) -> Iterable[str]:
    colour = colours(story.days)
    ordered: list[ScreenDay] = sorted(story.days, key=lambda day: day.screen)
    if ordered:
        yield '<p class="soft">Grey is the fallback, which plays when no rule can; the red line is the time of this run.</p>'
    yield from (render_day(day, story.now, colour) for day in ordered)


def _events(events: Iterable[StoryEvent]) -> Iterable[str]:
    head = '<thead><tr><th scope="col">UTC</th><th scope="col">What was seen</th></tr></thead>'
    for chapter, group in groupby(events, key=lambda event: event.chapter):
        rows = "".join(_event(event) for event in group)
        caption = f"<caption>{escape(chapter)}</caption>"
        yield f'<div class="wide"><table class="events">{caption}{head}<tbody>{rows}</tbody></table></div>'


def _event(event: StoryEvent) -> str:
    at = event.at.astimezone(UTC)
    clock = f"{at:%H:%M:%S}.{at.microsecond // 100_000}"
    time = f'<time datetime="{at.isoformat(timespec="milliseconds")}">{clock}</time>'
    return f'<tr><th scope="row">{time}</th><td>{escape(event.text)}</td></tr>'
