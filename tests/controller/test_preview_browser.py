"""The preview's page in a real Chromium: what an editor sees, on a desk and on a phone, by mouse, touch and keys."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page

from avtech_controller.cli._main import cli, run
from tests.chromium import chromium
from tests.controller.preview_fleet import HOSTILE, WEEK, changed_fleet, replace

pytestmark = pytest.mark.media
DESK, PHONE = {"width": 1440, "height": 1000}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the example fleet with a change, and with titles that try to do harm."""
    root = tmp_path_factory.mktemp("fleet")
    changed_fleet(root)
    replace(root / "fleet/CLI-ACME/screens/madrid-shop.yaml", "title: Madrid, shop window", f"title: '{HOSTILE}'")
    replace(root / "fleet/CLI-ACME/playlists/offers.yaml", "title: Offers", f"title: '{HOSTILE}' #")
    replace(root / "content-index/CLI-ACME/VID-ACME-COFFEE.yaml", "title: Coffee", f"title: '{HOSTILE}'")
    out = root / "out"
    assert run(cli, ["preview", "--repo", str(root), "-o", str(out), *WEEK]) == 0
    return out / "index.html"


class Look:
    """An open page, with everything it asked for and complained of."""

    def __init__(self, context: BrowserContext, file: Path) -> None:
        self.requests: list[str] = []
        self.complaints: list[str] = []
        context.on("request", lambda request: self.requests.append(request.url))
        self.page: Page = context.new_page()
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(file.as_uri())

    def shown(self) -> str:
        return self.page.locator("#shown").inner_text()

    def focused(self) -> Locator:
        return self.page.locator(":focus")

    def width(self) -> int:
        return int(self.page.evaluate("document.documentElement.scrollWidth"))


@pytest.fixture
def desk(browser: Browser, page_file: Path) -> Iterator[Look]:
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    yield Look(context, page_file)
    context.close()


@pytest.fixture
def phone(browser: Browser, page_file: Path) -> Iterator[Look]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, color_scheme="dark")
    yield Look(context, page_file)
    context.close()


def test_the_page_asks_for_nothing_and_runs_nothing_but_its_own_script(desk: Look, page_file: Path) -> None:
    desk.page.keyboard.press("n")
    desk.page.locator("details.same > summary").click()
    desk.page.locator("#SCR-ACME-MADRID-SHOP .block").first.click()
    assert [url for url in desk.requests if not url.startswith("data:")] == [page_file.as_uri()]
    assert desk.complaints == []
    assert desk.page.evaluate("window.harm") is None
    assert HOSTILE in desk.page.locator("#SCR-ACME-MADRID-SHOP h3").inner_text()
    assert desk.page.locator("main img").count() == 0


def test_changed_screens_come_first_with_both_sides_marked(desk: Look) -> None:
    names = desk.page.locator("section[aria-label='What changes'] .week h3").all_inner_texts()
    assert [name.split()[0] for name in names] == ["SCR-ACME-MADRID-CANTEEN", "SCR-ACME-MADRID-SHOP", "SCR-ACME-NEWYORK-SHOP"]
    canteen = desk.page.locator("#SCR-ACME-MADRID-CANTEEN")
    assert canteen.locator(".changes").inner_text().replace("\n", " ") == "Mon to Fri, 11:30–12:30 break → becomes  lunch"
    before, after = canteen.locator(".before .block.changed"), canteen.locator(".after .block.changed")
    assert (before.count(), after.count()) == (5, 5)
    left, right = before.first.bounding_box(), after.first.bounding_box()
    assert left is not None
    assert right is not None
    assert left["x"] + left["width"] <= right["x"]
    assert left["y"] == pytest.approx(right["y"])
    assert not desk.page.locator("#SCR-ACME-MADRID-LOBBY").is_visible()
    desk.page.locator("details.same > summary").click()
    assert desk.page.locator("#SCR-ACME-MADRID-LOBBY").is_visible()


def test_blocks_stand_at_their_hours_also_on_a_day_of_25(desk: Look) -> None:
    desk.page.locator("details.same > summary").click()
    days = desk.page.locator("#SCR-ACME-MADRID-LOBBY .day")
    saturday, sunday = days.nth(5).locator(".lanes").bounding_box(), days.nth(6).locator(".lanes").bounding_box()
    assert saturday is not None
    assert sunday is not None
    hour = saturday["height"] / 24
    assert sunday["height"] == pytest.approx(25 * hour, abs=0.5)
    block = days.nth(6).locator(".block", has_text="weekend").bounding_box()
    assert block is not None
    assert block["y"] - sunday["y"] == pytest.approx(10 * hour, abs=0.5)
    assert days.nth(6).locator(".note").inner_text() == "25 hours: clocks go back"
    assert days.nth(6).locator(".hour", has_text="02").count() == 2


def test_keys_walk_from_block_to_block_and_show_details(desk: Look) -> None:
    keyboard = desk.page.keyboard
    keyboard.press("n")
    assert desk.shown().startswith("Mon 19 Oct, 11:30–12:30\n")
    assert "rule canteen/2" in desk.shown()
    assert "Lunch menu" in desk.shown()
    keyboard.press("ArrowDown")
    assert desk.shown().startswith("Mon 19 Oct, 12:30–15:00\n")
    keyboard.press("ArrowUp")
    keyboard.press("ArrowLeft")
    assert "before the change" in desk.shown()
    keyboard.press("ArrowRight")
    keyboard.press("ArrowRight")
    keyboard.press("ArrowRight")
    assert desk.shown().startswith("Tue 20 Oct, 11:30–12:30\n")
    keyboard.press("Home")
    assert desk.shown().startswith("Tue 20 Oct, 00:00–07:30\n")
    keyboard.press("End")
    assert desk.shown().startswith("Tue 20 Oct, 17:00–24:00\n")
    keyboard.press("Tab")
    assert desk.focused().evaluate("element => element.closest('.week').id") == "SCR-ACME-MADRID-SHOP"
    assert "Emergency: cuts into whatever is on the screen" in desk.shown()
    keyboard.press("p")
    assert desk.focused().evaluate("element => element.closest('.week').id") == "SCR-ACME-MADRID-CANTEEN"
    keyboard.press("Escape")
    assert desk.shown().startswith("Point at a block")


def test_help_and_search_are_a_key_away(desk: Look) -> None:
    help_ = desk.page.locator("#help")
    assert not help_.is_visible()
    desk.page.keyboard.press("?")
    assert help_.is_visible()
    desk.page.keyboard.press("Escape")
    assert not help_.is_visible()
    desk.page.keyboard.press("/")
    desk.page.keyboard.type("entrance madr?")
    assert desk.page.locator(".week:visible").count() == 0
    desk.page.locator("#find").fill("entrance MADRID")
    assert [week.get_attribute("id") for week in desk.page.locator(".week:visible").all()] == ["SCR-ACME-MADRID-LOBBY"]


def test_a_page_that_is_loaded_anew_looks_as_it_did(desk: Look) -> None:
    desk.page.locator("details.same > summary").click()
    desk.page.locator("#find").fill("lobby")
    desk.page.reload()
    assert desk.page.locator("#find").input_value() == "lobby"
    names = [week.get_attribute("id") for week in desk.page.locator(".week:visible").all()]
    assert names == ["SCR-ACME-MADRID-LOBBY", "SCR-ACME-NEWYORK-LOBBY"]


def test_a_click_keeps_the_details_until_a_click_beside(desk: Look) -> None:
    blocks = desk.page.locator("#SCR-ACME-MADRID-CANTEEN .after .block")
    blocks.nth(1).click()
    kept = desk.shown()
    blocks.nth(3).hover()
    assert desk.shown() == kept
    desk.page.locator("h1").click()
    blocks.nth(3).hover()
    assert desk.shown() != kept


def test_a_pointer_shows_caps_and_what_steps_in(desk: Look) -> None:
    desk.page.locator("#SCR-ACME-MADRID-SHOP .block", has_text="brand").first.hover()
    shown = desk.shown()
    assert "at most 4 plays an hour" in shown
    assert "When the cap above is reached:" in shown
    picture = desk.page.locator("#shown .pic").first.evaluate("element => getComputedStyle(element).backgroundImage")
    assert picture.startswith('url("data:image/jpeg;base64,')


def test_every_block_has_a_name_and_every_landmark_too(desk: Look) -> None:
    named = desk.page.get_by_role("button", name="Mon 19 Oct, 11:30–12:30: lunch, after the change")
    assert named.count() == 1
    assert desk.page.locator(".block:not([aria-label*=':'])").count() == 0
    assert desk.page.locator("main h1").count() == 1
    assert desk.page.locator("aside[aria-live=polite]").count() == 1
    assert desk.page.locator("[role=group][aria-label^='Calendar of SCR-']").count() == 8
    stops = desk.page.evaluate("[...document.querySelectorAll('.block')].filter(b => b.tabIndex === 0).length")
    assert stops == 8


def test_a_phone_shows_a_list_without_sideways_scrolling(phone: Look) -> None:
    phone.page.locator("details.same > summary").tap()
    assert phone.width() == 390
    shop = phone.page.locator("#SCR-ACME-MADRID-SHOP")
    block = shop.locator(".block", has_text="brand").first
    box = block.bounding_box()
    assert box is not None
    assert box["width"] > 300
    assert box["height"] >= 44
    assert block.locator(".time").is_visible()
    assert shop.locator(".before .block.same:visible").count() == 0
    details = phone.page.locator("#details")
    assert not details.is_visible()
    block.tap()
    assert details.is_visible()
    assert "at most 4 plays an hour" in phone.shown()
    phone.page.locator("#close").tap()
    assert not details.is_visible()
    assert phone.width() == 390


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_light_and_dark_are_both_drawn(browser: Browser, page_file: Path, viewport: dict[str, int], tmp_path: Path) -> None:
    papers: dict[str, str] = {}
    for scheme in ("light", "dark"):
        context = browser.new_context(viewport=viewport, color_scheme=scheme)  # type: ignore[arg-type]
        look = Look(context, page_file)
        papers[scheme] = look.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert len(look.page.screenshot(path=tmp_path / f"{scheme}.png")) > 20_000
        assert look.width() == viewport["width"]
        context.close()
    assert papers == {"light": "rgb(247, 246, 242)", "dark": "rgb(20, 20, 19)"}


def test_the_page_says_everything_without_its_script(browser: Browser, page_file: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(page_file.as_uri())
    assert "11:30–12:30" in page.locator("#SCR-ACME-MADRID-CANTEEN .changes").inner_text()
    assert "12:30–15:00" in page.locator("#SCR-ACME-MADRID-CANTEEN .after .block", has_text="lunch").nth(1).inner_text()
    context.close()
