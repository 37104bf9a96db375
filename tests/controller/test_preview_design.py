"""What the preview's page looks like in a real Chromium: heads, widths, contrast, and pages of very large changes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize

from avtech_controller.planning import OldManifest, Standing
from avtech_controller.preview import Preview, render_page, screen_weeks
from avtech_controller.preview._overview import chosen_weeks, overview
from avtech_schema.manifest import Manifest
from tests.chromium import chromium
from tests.controller.preview_weeks import DATES, emergency, manifest, rule
from tests.controller.publishing import screen

pytestmark = pytest.mark.media
DESK, PHONE = ViewportSize(width=1400, height=1000), ViewportSize(width=390, height=844)
CONTRAST = """() => {
  const parse = (text) => { const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number); return [r, g, b, a]; };
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const over = (top, under) => top.slice(0, 3).map((v, i) => v * top[3] + under[i] * (1 - top[3])).concat(1);
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.push(parse(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255, 1]);
  };
  const faded = (element) => element ? +getComputedStyle(element).opacity * faded(element.parentElement) : 1;
  const poor = [];
  for (const element of document.querySelectorAll("main *, #details *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    const style = getComputedStyle(element);
    if (!own || !element.getClientRects().length || style.visibility === "hidden" || parseFloat(style.fontSize) === 0) continue;
    if (element.closest(".sr")) continue;
    const back = behind(element), ink = parse(style.color);
    const [a, b] = [light(over([...ink.slice(0, 3), ink[3] * faded(element)], back)), light(back)].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < 4.5) poor.push([element.className || element.tagName, element.textContent.slice(0, 30), ratio.toFixed(2)]);
  }
  return poor;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def standing(olds: list[Manifest]) -> Standing:
    refs = {old.screen: screen(old.screen, **{slot: getattr(old, slot) for slot in Manifest.__slots__}) for old in olds}
    return Standing(refs, {ref.digest: OldManifest.of(ref.data, ref.manifest) for ref in refs.values()})


def changed(number: int, *, hour: int, other: str) -> tuple[Manifest, Manifest]:
    """A screen before and after; `hour` tells its week from others', `other` its change."""
    name = f"SCR-ACME-{number:05}"
    day = rule("day/1", "offers", hour, 21)
    lunch = rule("day/2", other, 12, 14, days=(0, 1, 2, 3, 4), priority=5)
    alarm = emergency("evac/1", "evacuation", "2026-10-21T16:00", "2026-10-21T16:30")
    return manifest(day, name=name), manifest(day, lunch, alarm, name=name)


def page_of(pairs: list[tuple[Manifest, Manifest]], folder: Path, *, limit: int = 50) -> Path:
    base = standing([old for old, _ in pairs])
    wanted = [screen(new.screen, **{slot: getattr(new, slot) for slot in Manifest.__slots__}) for _, new in pairs]
    weeks = screen_weeks(wanted, base, DATES)
    rows = overview(weeks)
    drawn = chosen_weeks(weeks, rows, limit)
    left = len(pairs) - sum(len(week.screens) for week in drawn)
    assert DATES.first is not None
    assert DATES.last is not None
    made = Preview(
        DATES.first,
        DATES.last,
        "the work tree",
        "release 7",
        drawn,
        screens=len(pairs),
        changed=len(pairs),
        overview=rows,
        left_out=left,
    )
    (folder / "index.html").write_text(render_page(made))
    return folder / "index.html"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A change of three screens, of which one has another week than the others, on a week in which the clocks go back."""
    pairs = [changed(1, hour=9, other="lunch"), changed(2, hour=9, other="lunch"), changed(3, hour=10, other="brunch")]
    return page_of(pairs, tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A change of ten thousand screens that are changed in six ways and have eight weeks each."""
    names = ("lunch", "brunch", "tea", "dinner", "salads", "soups")
    pairs = [changed(number, hour=2 + number % 8, other=names[number // 8 % 6]) for number in range(10_000)]
    return page_of(pairs, tmp_path_factory.mktemp("large"), limit=12)


def opened(browser: Browser, file: Path, viewport: ViewportSize, scheme: str = "light") -> Page:
    context = browser.new_context(viewport=viewport, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(file.as_uri())
    return page


def box(page: Page, selector: str, number: int = 0) -> dict[str, float]:
    found = page.locator(selector).nth(number).bounding_box()
    assert found is not None
    return {"x": found["x"], "y": found["y"], "width": found["width"], "height": found["height"]}


def test_each_of_two_calendars_has_its_head_above_it(browser: Browser, small: Path) -> None:
    page = opened(browser, small, DESK)
    heads = page.locator(".day").first.locator(".side")
    assert heads.all_inner_texts() == ["Before", "After"]
    for side in ("before", "after"):
        head, lane = box(page, f".lane.{side} > .side"), box(page, f".lane.{side} ol")
        assert head["y"] + head["height"] <= box(page, f".lane.{side} .block")["y"]
        assert head["x"] == pytest.approx(lane["x"], abs=1)
        assert head["width"] == pytest.approx(lane["width"], abs=1)
    days = [box(page, ".week:first-of-type .day", number) for number in (0, 5)]
    assert days[0]["width"] > 1.3 * days[1]["width"], "a day that is shown twice is wider"
    tops = {round(box(page, ".week:first-of-type .lanes", number)["y"]) for number in range(7)}
    assert len(tops) == 1, "all days begin at the same height"
    page.context.close()


def test_a_phone_says_which_list_is_which_too(browser: Browser, small: Path) -> None:
    page = opened(browser, small, PHONE)
    before, after = box(page, ".lane.before > .side"), box(page, ".lane.after > .side")
    assert before["y"] < box(page, ".lane.before .block.changed")["y"] < after["y"] < box(page, ".lane.after .block")["y"]
    said = page.evaluate(
        "[...document.querySelectorAll('.side')].slice(0, 2).map(s => s.textContent + getComputedStyle(s, '::after').content)"
    )
    assert said == ['Before", only what goes"', 'After", the whole day"']
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.context.close()


def test_an_emergency_of_half_an_hour_is_named_where_it_is_drawn(browser: Browser, small: Path) -> None:
    page = opened(browser, small, DESK)
    label = page.locator(".after .block.emergency .label").first
    block = box(page, ".after .block.emergency")
    assert label.inner_text() == "evacuation"
    found = label.bounding_box()
    assert found is not None
    assert block["y"] <= found["y"] + 1
    assert found["y"] + found["height"] <= block["y"] + block["height"] + 1
    page.context.close()


def test_the_hours_of_a_longer_day_stand_beside_it_and_cover_nothing(browser: Browser, small: Path) -> None:
    page = opened(browser, small, DESK)
    sunday = page.locator(".day.unusual").first
    hours = sunday.locator(".hour").first.bounding_box()
    blocks = [found for block in sunday.locator(".block").all() if (found := block.bounding_box())]
    assert hours is not None
    assert max(found["x"] + found["width"] for found in blocks) <= hours["x"]
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_every_text_can_be_read_against_what_is_behind_it(
    browser: Browser, small: Path, viewport: ViewportSize, scheme: str
) -> None:
    page = opened(browser, small, viewport, scheme)
    page.locator(".after .block.changed").first.click()
    assert page.evaluate(CONTRAST) == []
    page.add_style_tag(content=".label { color: #888 !important; }")
    assert page.evaluate(CONTRAST) != [], "the measure finds what cannot be read"
    page.context.close()


def test_the_focus_can_be_seen(browser: Browser, small: Path) -> None:
    page = opened(browser, small, DESK)
    page.keyboard.press("n")
    style = page.evaluate("(({outlineStyle: s, outlineWidth: w}) => [s, w])(getComputedStyle(document.activeElement))")
    assert style == ["solid", "3px"]
    page.context.close()


def test_a_change_of_ten_thousand_screens_is_told_change_by_change(browser: Browser, large: Path) -> None:
    assert large.stat().st_size < 5_000_000
    page = opened(browser, large, DESK)
    rows = page.locator(".overview tbody tr")
    assert rows.count() == 6
    assert rows.first.locator("td").first.inner_text() == "1,672 screens"
    assert "offers → becomes  lunch" in rows.first.locator("td").nth(2).inner_text().replace("\n", " ")
    assert page.locator(".week").count() == 12
    assert page.locator(".week .calendar:visible").count() == 3
    assert page.evaluate("document.documentElement.scrollHeight") < 12_000
    links = rows.locator("a").all()
    assert len(links) == 6, "a calendar of each change is on the page"
    links[5].click()
    name = links[5].inner_text()
    assert page.locator(f"#{name} .calendar").is_visible()
    page.reload()
    assert page.locator(f"#{name} .calendar").is_visible()
    page.context.close()


def test_a_large_change_fits_a_phone(browser: Browser, large: Path) -> None:
    page = opened(browser, large, PHONE, "dark")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.locator(".overview tbody tr").first.is_visible()
    assert page.evaluate(CONTRAST) == []
    page.context.close()
