"""The picture of a week: 1200 pixels wide, the same bytes for the same week, readable for any title."""

import io
from datetime import date, timedelta

import pytest
from PIL import Image

from avtech_controller.preview import Dates, ScreenWeek
from avtech_controller.preview._marks import Marks
from avtech_controller.preview._png import WIDTH, draw_week, readable
from tests.controller.preview_weeks import MONDAY, NOW, manifest, one_week, rule, weeks

MARKS = Marks({}, {}, 0)
CHANGE = (180, 83, 9)


def drawn(week: ScreenWeek, heading: str = "SCR-ACME-0001", title: str = "Lobby") -> Image.Image:
    data = draw_week(week, MARKS, heading=heading, title=title)
    assert data == draw_week(week, MARKS, heading=heading, title=title)
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGB")


def colours(image: Image.Image) -> set[tuple[int, ...]]:
    found = image.getcolors(image.width * image.height)
    assert found is not None
    return {colour for _, colour in found if isinstance(colour, tuple)}


def test_a_week_is_drawn_and_a_change_is_marked() -> None:
    before, after = manifest(), manifest(rule("day/1", "offers", 9, 21))
    plain, changed = drawn(one_week(before)), drawn(one_week(after, before))
    assert plain.width == changed.width == WIDTH
    assert changed.height > plain.height
    assert any(max(abs(a - b) for a, b in zip(CHANGE, colour, strict=True)) < 4 for colour in colours(changed))


def test_more_days_are_more_rows() -> None:
    month = Dates(NOW, MONDAY, MONDAY + timedelta(days=30))
    (week,) = weeks(manifest(rule("day/1", "offers", 9, 21)), dates=month)
    assert drawn(week).height > 4 * drawn(one_week(manifest())).height


def test_a_day_that_does_not_exist_is_drawn_empty() -> None:
    skipped = date(2011, 12, 30)
    (week,) = weeks(manifest(time_zone="Pacific/Apia"), dates=Dates(NOW, skipped, skipped))
    assert drawn(week).height > 0


@pytest.mark.parametrize("text", ["", "x" * 5000, "a\nb\0c", "<b>&amp;", "Zürich Łódź Αθήνα Київ"])
def test_any_heading_fits(text: str) -> None:
    assert drawn(one_week(manifest()), heading=text, title=text).width == WIDTH


def test_a_title_in_letters_the_font_lacks_is_left_out_rather_than_drawn_as_boxes() -> None:
    assert readable("Zürich, Łódź, Αθήνα, Київ") != ""
    assert readable("東京駅") == ""
