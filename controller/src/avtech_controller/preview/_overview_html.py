"""The overview of a large change as a table, on top of the calendars."""

from collections.abc import Collection, Sequence
from html import escape

from avtech_controller.preview._overview import Row, Swap
from avtech_controller.preview._week_html import BADGES, becomes
from avtech_controller.preview._weeks import State
from avtech_schema.identifiers import ScreenId

MAX_ROWS = 60
MAX_WHAT = 6
_WHOLE = {State.ADDED: "new: it shows something for the first time", State.UNKNOWN: "what plays there now cannot be read"}


def overview_html(rows: Sequence[Row], drawn: Collection[ScreenId]) -> str:
    """A row for each change, with the calendar of one of its screens if that is drawn on the page."""
    body = "".join(_row(row, drawn) for row in rows[:MAX_ROWS])
    if len(rows) > MAX_ROWS:
        screens = sum(row.screens for row in rows[MAX_ROWS:])
        body += f"<tr><td>{screens:,}</td><td colspan=3>screens with {len(rows) - MAX_ROWS:,} more changes</td></tr>"
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("Screens", "Client", "What changes", "For example"))
    caption = "Each change once, with the number of screens on which it is the same"
    return f'<table class="overview"><caption>{caption}</caption><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>'


def _row(row: Row, drawn: Collection[ScreenId]) -> str:
    what = [_what(one) for one in row.what[:MAX_WHAT]] or [_WHOLE.get(row.state, BADGES.get(row.state, ""))]
    more = [f"and {len(row.what) - MAX_WHAT} more"] if len(row.what) > MAX_WHAT else []
    items = "".join(f"<li>{one}</li>" for one in (*what, *more))
    shown = row.shown(drawn)
    example = f'<a href="#{shown}">{shown}</a>' if shown else escape(row.weeks[0].screens[0])
    count = f"{row.screens:,} screen{'' if row.screens == 1 else 's'}"
    return f"<tr><td>{count}</td><td>{escape(row.client)}</td><td><ul>{items}</ul></td><td>{example}</td></tr>"


def _what(one: str | Swap) -> str:
    return becomes(one.old, one.new) if isinstance(one, Swap) else escape(one)
