"""The preview's page: whole, self-contained, bounded, and safe whatever the desired state says."""

import re
import time
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from avtech_controller.compiler import CompiledScreen, compile_state
from avtech_controller.desired import load, open_source, require_state
from avtech_controller.preview import Chosen, Preview, Subject, Workshop, draw_pictures, make_preview, render_page
from avtech_controller.preview._marks import PALETTE
from avtech_controller.preview._week_html import MAX_BLOCKS
from avtech_schema.identifiers import ClientId, ScreenId, Slug
from tests.controller.preview_weeks import DATES, manifest, rule, weeks
from tests.controller.publishing import screen
from tests.controller.repository import make_repository

HOSTILE = """'"><script>alert(1)</script><img src=https://x.example/y onerror=z>&lt;"""
VOID = frozenset({"meta", "img", "link", "input"})


class Reader(HTMLParser):
    """Collects tags and text, and refuses an unbalanced page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str, name: str = "") -> list[dict[str, str | None]]:
        return [
            attrs for found, attrs in self.tags if found == tag and (not name or name in (attrs.get("class") or "").split())
        ]


def preview(*found: object, **more: object) -> Preview:
    defaults: dict[str, object] = {
        "first": DATES.first,
        "last": DATES.last,
        "after": "the work tree",
        "before": "",
        "weeks": found,
        "screens": len(found),
        "changed": 0,
    }
    return Preview(**defaults | more)  # type: ignore[arg-type]


def test_the_page_is_whole_and_stands_alone() -> None:
    page = render_page(preview(*weeks(manifest(rule("day/1", "offers", 9, 21)))))
    reader = Reader(page)
    assert not re.search(r"(src|href)=\"(?!data:)|url\(\"?(?!data:)|@import|https?://", page)
    assert len(reader.all("button", "block")) == 7 * 3
    assert len({attrs["id"] for _, attrs in reader.tags if "id" in attrs}) == len(
        [attrs for _, attrs in reader.tags if "id" in attrs]
    )
    templates = {attrs["id"] for attrs in reader.all("template")}
    assert {attrs["data-p"] for attrs in reader.all("button", "block")} == templates
    assert "What plays 19 to 25 October 2026" in reader.text


def test_only_its_own_script_may_run_and_nothing_may_be_loaded() -> None:
    page = render_page(preview(*weeks(manifest())))
    (policy,) = (attrs["content"] for attrs in Reader(page).all("meta") if attrs.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-")
    assert "connect-src" not in policy
    assert "connect-src 'self'" in render_page(preview(), extra_script="1")


def test_hostile_titles_are_shown_as_text(tmp_path: Path) -> None:
    (week,) = weeks(manifest(rule("day/1", "offers", 9, 21)), before={"SCR-ACME-0001": manifest()})
    page = render_page(
        preview(
            week,
            before=HOSTILE,
            after=HOSTILE,
            changed=1,
            notes=(HOSTILE,),
            gone=(ScreenId(HOSTILE),),
            screen_titles={week.screens[0]: HOSTILE},
            playlist_titles={(ClientId("CLI-ACME"), Slug("offers")): HOSTILE},
        )
    )
    reader = Reader(page)
    assert reader.text.count(HOSTILE) == 6
    assert len(reader.all("script")) == 1
    assert not reader.all("img")


def test_the_words_say_what_changes() -> None:
    before = manifest(rule("day/1", "offers", 9, 21))
    after = manifest(rule("day/1", "offers", 9, 21), rule("day/2", "lunch", 12, 14, days=(0, 1, 2, 3, 4), priority=5))
    (week,) = weeks(after, before={"SCR-ACME-0001": before})
    reader = Reader(render_page(preview(week, before="commit abc", changed=1)))
    assert "Mon to Fri, 12:00–14:00 offers → becomes  lunch" in reader.text
    assert "1 of 1 screen will show something else on these days." in reader.text
    assert (len(reader.all("section", "changed")), len(reader.all("div", "changed"))) == (1, 5)
    marked = reader.all("button", "changed")
    assert {(attrs["data-side"], attrs["data-when"]) for attrs in marked if "Mon" in str(attrs["data-when"])} == {
        ("before", "Mon 19 Oct, 12:00–14:00"),
        ("after", "Mon 19 Oct, 12:00–14:00"),
    }


def test_what_cannot_be_compared_is_said() -> None:
    (week,) = weeks(manifest(), before={"SCR-ACME-0001": None})
    assert "cannot compare" in Reader(render_page(preview(week, before="release 3"))).text
    assert "there is nothing to compare with" in Reader(render_page(preview(*weeks(manifest())))).text


def test_a_day_of_very_many_blocks_is_bounded_and_says_so() -> None:
    busy = [rule(f"busy/{n}", "offers" if n % 2 else "brand", n / 12, (n + 1) / 12) for n in range(288)]
    reader = Reader(render_page(preview(*weeks(manifest(*busy)))))
    assert len(reader.all("button", "block")) == 7 * MAX_BLOCKS
    assert f"and {288 - MAX_BLOCKS} short blocks" in reader.text


def thousand(tmp_path: Path, distinct: int) -> tuple[Subject, dict[ScreenId, CompiledScreen]]:
    state = require_state(load(open_source(make_repository(tmp_path, screens=1).path)))
    template = next(iter(state.screens.values()))
    screens = {ScreenId(f"SCR-ACME-{number:05}"): template for number in range(1000)}
    rules = [(rule("day/1", "main", 9, 12 + number / 100),) for number in range(distinct)]
    compiled = {name: screen(name, rules=rules[place % distinct]) for place, name in enumerate(screens)}
    return Subject(replace(state, screens=screens), "the work tree", compiled), compiled


@pytest.mark.parametrize(("distinct", "drawn", "left_out"), [(3, 3, 0), (1000, 50, 950)])
def test_a_thousand_screens_give_a_page_of_bounded_size_and_time(
    tmp_path: Path, distinct: int, drawn: int, left_out: int
) -> None:
    subject, compiled = thousand(tmp_path, distinct)
    start = time.perf_counter()
    workshop = Workshop(tmp_path, None)
    made = make_preview(subject, Chosen(None), DATES, workshop)
    page = render_page(made)
    assert time.perf_counter() - start < 60
    assert (len(made.weeks), made.left_out) == (drawn, left_out)
    assert len(page.encode()) < 2_000_000
    if left_out:
        assert "950 more screens with other weeks are not drawn" in Reader(page).text
        assert len(make_preview(subject, Chosen(None), DATES, workshop, every=True).weeks) == len(compiled)
    else:
        assert "334 screens: same week" in Reader(page).text
        assert len(draw_pictures(made)) == 3


def test_the_example_fleet_is_drawn_with_a_picture_for_each_screen() -> None:
    root = Path(__file__).parents[2]
    state = require_state(load(open_source(root)))
    made = make_preview(Subject(state, "x", compile_state(state)), Chosen(None), DATES, Workshop(root / "fleet", None))
    assert len(draw_pictures(made)) == len(state.screens)
    assert "clips are shown without a picture: no store is named" in made.notes[0]
    assert "Madrid, main entrance" in Reader(render_page(made)).text


def luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("colour", PALETTE)
def test_white_text_is_readable_on_every_colour(colour: str) -> None:
    assert 1.05 / (luminance(colour) + 0.05) >= 5
