"""The picture of a week: 1200 pixels wide, the same bytes for the same week, readable for any title."""

import io
from datetime import date, timedelta

import pytest
from PIL import Image, ImageChops

from avtech_controller.preview import Dates, Preview, ScreenWeek, captions, draw_pictures
from avtech_controller.preview._marks import Marks
from avtech_controller.preview._png import WIDTH, Caption, _is_whole, _wrapped, draw_week, readable
from avtech_schema.identifiers import ScreenId
from tests.controller.preview_weeks import DATES, MONDAY, NOW, emergency, manifest, one_week, rule, weeks

MARKS = Marks({}, {}, 0)
CHANGE = (180, 83, 9)


def drawn(week: ScreenWeek, heading: str = "SCR-ACME-0001", title: str = "Lobby") -> Image.Image:
    data = draw_week(week, MARKS, Caption(heading, title))
    assert data == draw_week(week, MARKS, Caption(heading, title))
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


def test_a_word_is_broken_only_where_no_smaller_letters_or_hyphen_help() -> None:
    assert _wrapped("welcome", 12, 48, 3) == ["welcom", "e"]
    assert not _is_whole("welcome", 12, 48)
    assert _is_whole("welcome", 10, 48)
    assert _wrapped("autumn-promo", 12, 60, 3) == ["autumn-", "promo"]
    assert _is_whole("autumn-promo", 12, 60)


@pytest.mark.parametrize("text", ["", "x" * 5000, "a\nb\0c", "<b>&amp;", "Zürich Łódź Αθήνα Київ"])
def test_any_heading_fits(text: str) -> None:
    assert drawn(one_week(manifest()), heading=text, title=text).width == WIDTH


def test_a_title_in_letters_the_font_lacks_is_left_out_rather_than_drawn_as_boxes() -> None:
    assert readable("Zürich, Łódź, Αθήνα, Київ") != ""
    assert readable("東京駅") == ""


def preview(*found: ScreenWeek, screens: int, titles: dict[ScreenId, str] | None = None) -> Preview:
    assert DATES.first is not None
    assert DATES.last is not None
    return Preview(DATES.first, DATES.last, "the work tree", "", found, screens=screens, changed=0, screen_titles=titles or {})


def told(data: bytes) -> dict[str, str]:
    """The words that a picture carries for those who cannot see it."""
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return {str(name): str(text) for name, text in image.info.items() if isinstance(text, str)}


def test_the_caption_names_the_screen_its_place_the_days_and_the_clocks() -> None:
    week = one_week(manifest())
    lobby = week.screens[0]
    shown = preview(week, screens=1, titles={lobby: "Lobby, left"})
    said = "SCR-ACME-0001: Lobby, left  ·  19 to 25 October 2026  ·  Europe/Madrid"
    assert captions(shown) == {lobby: said}
    assert told(draw_pictures(shown)[lobby]) == {"Title": said}


@pytest.mark.parametrize(
    ("others", "fleet", "heading", "alike"),
    [
        (1, 2, "SCR-ACME-0001", "same week on 1 more screen"),
        (416, 417, "SCR-ACME-0001 and 416 more screens: same week", ""),
        (1, 417, "SCR-ACME-0001 and 1 more screen: same week", ""),
    ],
)
def test_the_caption_says_for_how_many_screens_a_picture_stands(others: int, fleet: int, heading: str, alike: str) -> None:
    names = [f"SCR-ACME-{number:04}" for number in range(1, others + 2)]
    (week,) = weeks(*(manifest(screen=name) for name in names))
    made = captions(preview(week, screens=fleet))
    assert len(made) == (others + 1 if alike else 1)
    parts = ("19 to 25 October 2026", alike, "Europe/Madrid")
    assert made[ScreenId("SCR-ACME-0001")] == f"{heading}: {'  ·  '.join(part for part in parts if part)}"


def test_the_caption_is_drawn_above_the_calendar_and_nowhere_else() -> None:
    week = one_week(manifest())
    left, right = drawn(week, "SCR-ACME-0001", "Lobby"), drawn(week, "SCR-ACME-0002", "Shop")
    clear = ImageChops.difference(left, right).convert("L").point([0] * 61 + [255] * 195)
    found = clear.getbbox()
    assert found is not None
    assert (found[0] >= 44, found[3] <= 74) == (True, True)


def test_what_changes_is_told_in_words_too() -> None:
    week = one_week(manifest(rule("day/1", "offers", 9, 21)), manifest())
    words = told(draw_week(week, MARKS, Caption("SCR-ACME-0001")))
    assert words["Description"] == "Mon to Sun, 09:00–21:00:  offers  (was: fallback: main)"


def test_an_emergency_of_half_an_hour_has_its_name_in_it() -> None:
    rules = (emergency("evac/1", name, "2026-10-21T10:00", "2026-10-21T10:30") for name in ("offers", "lunch"))
    plain, named = (drawn(one_week(manifest(found))) for found in rules)
    assert ImageChops.difference(plain, named).getbbox() is not None
