"""The pictures of a preview and their captions: one for each screen, or, of many screens, one for each different week."""

from collections.abc import Iterator

from avtech_controller.preview._marks import Marks
from avtech_controller.preview._png import Caption, draw_week, readable
from avtech_controller.preview._preview import MAX_WEEKS, Preview
from avtech_controller.preview._week_html import dates_text
from avtech_controller.preview._weeks import ScreenWeek
from avtech_schema.identifiers import ScreenId


def draw_pictures(preview: Preview) -> dict[ScreenId, bytes]:
    """PNGs by screen; of more than `MAX_WEEKS` screens, the first of each week stands for those that share it."""
    marks = Marks.of(preview)
    return {screen: draw_week(week, marks, caption(preview, week, screen)) for week, screen in _drawn(preview)}


def captions(preview: Preview) -> dict[ScreenId, str]:
    """What stands above each of these pictures, in one line: a text for those who cannot see them."""
    return {screen: str(caption(preview, week, screen)) for week, screen in _drawn(preview)}


def caption(preview: Preview, week: ScreenWeek, screen: ScreenId) -> Caption:
    """The screens that a picture stands for, where they hang, which days it shows and by whose clocks."""
    others = len(week.screens) - 1
    alone = _each(preview) or not others
    more = f"{others:,} more screen{'' if others == 1 else 's'}"
    zones = ", ".join(week.zones[:3]) + (", each in its own time" if len(week.zones) > 1 else "")
    parts = (
        readable(preview.screen_titles.get(screen, "")),
        dates_text(week.days[0].day.date, week.days[-1].day.date),
        f"same week on {more}" if alone and others else "",
        zones,
    )
    return Caption(screen if alone else f"{screen} and {more}: same week", "  ·  ".join(part for part in parts if part))


def _each(preview: Preview) -> bool:
    return preview.screens <= MAX_WEEKS


def _drawn(preview: Preview) -> Iterator[tuple[ScreenWeek, ScreenId]]:
    for week in preview.weeks:
        yield from ((week, screen) for screen in (week.screens if _each(preview) else week.screens[:1]))
