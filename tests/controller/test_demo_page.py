"""The demo's page: whole, self-contained, true to the hour, and safe whatever the story says."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser

import pytest

from avtech_controller.demo.days import screen_day
from avtech_controller.demo.page import render_page
from avtech_controller.demo.story import DaySegment, DemoStory, Fact, ScreenDay, Shot, StoryEvent, Table
from avtech_schema.airtime import time_zone
from avtech_schema.identifiers import ByteSize, ClientId, DurationMs, ScreenId, Sha256, Slug, VideoId
from avtech_schema.layout import content_key
from avtech_schema.manifest import Asset, Display, Item, Manifest, Orientation, Rule

NOW = datetime(2026, 11, 26, 11, 0, tzinfo=UTC)
TODAY = NOW.date()
MADRID = time_zone("Europe/Madrid")
HOSTILE = '"><script>alert(1)</script><img src=https://x.example/y onerror=z>'


class Reader(HTMLParser):
    """Collects tags and text, and refuses an unbalanced page."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(story: DemoStory) -> Reader:
    reader = Reader()
    reader.feed(render_page(story))
    reader.close()
    assert reader.open == []
    return reader


def day(*segments: DaySegment, on: date = TODAY) -> ScreenDay:
    return ScreenDay("SCR-ACME-1", "Lobby", MADRID, on, segments)


def bars(reader: Reader) -> list[str]:
    return [str(attrs["style"]) for tag, attrs in reader.tags if tag == "span" and "title" in attrs]


STORY = DemoStory(
    title="Title",
    lead="Lead",
    now=NOW,
    facts=(Fact("0.8 s", "to first frame"),),
    tables=(Table("Screens", ("Screen", "State"), (("SCR-1", "synced"), ("SCR-2", "failed"))),),
    days=(day(DaySegment(NOW - timedelta(hours=12), NOW, "lobby", ("Welcome",))),),
    shots=(Shot(b"\x89PNG", "a caption", "an alternative"),),
    events=(StoryEvent(NOW, "Chapter", "seen"),),
)


def test_an_empty_story_is_still_a_page() -> None:
    assert "Nothing" in read(DemoStory("Nothing", "", NOW)).text


def test_nothing_is_loaded_from_anywhere() -> None:
    reader = read(STORY)
    for tag, attrs in reader.tags:
        assert tag not in ("script", "iframe", "object")
        assert all((attrs.get(name) or "data:").startswith("data:") for name in ("src", "href"))
    assert any("default-src 'none'" in str(attrs.get("content")) for tag, attrs in reader.tags if tag == "meta")


def test_what_the_story_says_is_text_whatever_it_contains() -> None:
    h = HOSTILE
    story = DemoStory(
        h,
        h,
        NOW,
        (Fact(h, h),),
        (Table(h, (h,), ((h, h),)),),
        (ScreenDay(h, h, MADRID, NOW.date(), (DaySegment(NOW, NOW + timedelta(hours=1), h, (h,)),)),),
        (Shot(b"\xff\xd8", h, h),),
        (StoryEvent(NOW, h, h),),
    )
    reader = read(story)
    assert {tag for tag, _ in reader.tags}.isdisjoint({"script"})
    assert [attrs["alt"] for tag, attrs in reader.tags if tag == "img"] == [h]
    assert reader.text.count("<script>alert(1)</script>") >= 9


def test_states_are_marked_and_pictures_have_words() -> None:
    reader = read(STORY)
    classes = [attrs.get("class") for tag, attrs in reader.tags if tag == "td"]
    assert classes[:2] == ["good", "bad"]
    assert all(attrs.get("alt") for tag, attrs in reader.tags if tag == "img")


def test_a_segment_lies_where_its_local_hours_are() -> None:
    nine_to_noon = DaySegment(datetime(2026, 11, 26, 9, tzinfo=MADRID), datetime(2026, 11, 26, 12, tzinfo=MADRID), "x")
    reader = read(replace(STORY, days=(day(nine_to_noon),)))
    assert bars(reader)[0].startswith("left:37.500%;width:12.500%")
    assert "09:00–12:00" in reader.text


def test_a_segment_that_goes_on_is_cut_at_midnight() -> None:
    whole = DaySegment(NOW - timedelta(days=3), NOW + timedelta(days=3), "x")
    reader = read(replace(STORY, days=(day(whole),)))
    assert bars(reader)[0].startswith("left:0.000%;width:100.000%")
    assert "00:00–24:00" in reader.text


@pytest.mark.parametrize(("on", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_a_day_on_which_the_clocks_change_has_its_own_length(on: date, hours: int) -> None:
    start = datetime(on.year, on.month, on.day, 12, tzinfo=MADRID)
    reader = read(replace(STORY, days=(day(DaySegment(start, start + timedelta(hours=1), "x"), on=on),)))
    left = float(bars(reader)[0].split("left:")[1].split("%")[0])
    assert left == pytest.approx(100 * (hours - 12) / hours, abs=0.001)


def test_a_manifests_day_is_told_in_playlists_and_titles() -> None:
    found = screen_day(_manifest(), date(2026, 11, 26), title="Lobby", titles={VideoId("VID-A"): "Welcome"})
    told = [(f"{s.start.astimezone(MADRID):%H:%M}", s.label, s.clips, s.is_fallback) for s in found.segments]
    assert told == [
        ("00:00", "night", ("VID-B",), False),
        ("02:00", "house", ("VID-B",), True),
        ("08:00", "lobby (at most 4 an hour), else night", ("Welcome", "VID-B"), False),
        ("20:00", "night", ("VID-B",), False),
    ]
    assert found.segments[-1].end == datetime(2026, 11, 27, tzinfo=MADRID)


def _manifest() -> Manifest:
    client = ClientId("CLI-A")
    lobby, night, house = Slug("lobby"), Slug("night"), Slug("house")
    digests = {VideoId("VID-A"): Sha256("a" * 64), VideoId("VID-B"): Sha256("b" * 64)}
    return Manifest(
        screen=ScreenId("SCR-ACME-1"),
        client=client,
        time_zone="Europe/Madrid",
        display=Display(1920, 1080, Orientation.LANDSCAPE, None),
        rules=(
            Rule("d/1", Slug("d"), lobby, priority=5, from_s=8 * 3600, until_s=20 * 3600, max_plays_per_hour=4),
            Rule("n/1", Slug("n"), night, from_s=8 * 3600, until_s=2 * 3600),
        ),
        playlists={
            lobby: (Item(VideoId("VID-A"), None),),
            night: (Item(VideoId("VID-B"), None),),
            house: (Item(VideoId("VID-B"), None),),
        },
        fallback=house,
        assets={name: _asset(client, digest) for name, digest in digests.items()},
    )


def _asset(client: ClientId, digest: Sha256) -> Asset:
    return Asset(digest, ByteSize(1), DurationMs(1000), content_key(client, digest))
