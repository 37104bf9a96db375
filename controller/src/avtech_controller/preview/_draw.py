"""The pictures of a preview: one for each screen, or, where there are many screens, one for each different week."""

from avtech_controller.preview._marks import Marks
from avtech_controller.preview._png import draw_week, readable
from avtech_controller.preview._preview import MAX_WEEKS, Preview
from avtech_controller.preview._week_html import dates_text
from avtech_schema.identifiers import ScreenId


def draw_pictures(preview: Preview) -> dict[ScreenId, bytes]:
    """PNGs by screen; of more than `MAX_WEEKS` screens, the first of each week stands for those that share it."""
    marks = Marks.of(preview)
    each = preview.screens <= MAX_WEEKS
    drawn: dict[ScreenId, bytes] = {}
    for week in preview.weeks:
        for screen in week.screens if each else week.screens[:1]:
            others = len(week.screens) - 1
            heading = screen if each or not others else f"{screen} and {others:,} more screens: same week"
            dates = dates_text(week.days[0].day.date, week.days[-1].day.date)
            zones = ", ".join(week.zones[:3]) + (", each in its own time" if len(week.zones) > 1 else "")
            alike = f"same week on {others:,} more screen{'' if others == 1 else 's'}" if each and others else ""
            parts = (readable(preview.screen_titles.get(screen, "")), dates, alike, zones)
            drawn[screen] = draw_week(week, marks, heading=heading, title="  ·  ".join(part for part in parts if part))
    return drawn
