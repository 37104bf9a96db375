"""Every row of docs/reference/airtime.md holds."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from avtech_controller.compiler import compile_rule
from avtech_schema.airtime import History, airtime, airtimes, panel, playout
from avtech_schema.identifiers import Slug, VideoId
from avtech_schema.localtime import seconds_of_day
from avtech_schema.manifest import Item, Manifest, PowerHours, Rule
from avtech_schema.resources import WEEKDAYS, PlaylistItem, PowerHoursSpec, Rights, ScheduleRule
from tests.property.airtime_strategies import Bounds, asset, clip, manifest

PAGE = Path(__file__).parents[2] / "docs/reference/airtime.md"
_ROWS = {"W": 11, "V": 25, "E": 22, "I": 8, "D": 15, "A": 13, "C": 8, "T": 15, "N": 12, "H": 6}
_MAYBE_INT = re.compile(r"[0-9]+")


def rows(*tables: str) -> list[Any]:
    """The rows of the tables whose numbers begin with these letters: the cells after what holds."""
    found = []
    for line in PAGE.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if cells and re.fullmatch(r"[A-Z][0-9]+", cells[0]) and cells[0][0] in tables:
            found.append(pytest.param(*cells[2:], id=f"{cells[0]}: {cells[1]}"))
    return found


def written(cell: str) -> Any:
    """A cell in YAML as the loader reads it: text stays text, but whole numbers and `true` are what they are."""

    def read(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: read(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [read(inner) for inner in value]
        return int(value) if _MAYBE_INT.fullmatch(value) else True if value == "true" else value

    return read(yaml.load(cell.strip("`"), yaml.BaseLoader))


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def stretch(text: str) -> tuple[datetime, datetime]:
    start, end = text.split()
    return instant(start), instant(end)


def compiled(cell: str) -> list[Rule]:
    """Rules as people write them, in the manifest's form; each is a schedule of the name of what it plays."""
    specs = TypeAdapter(list[ScheduleRule]).validate_python(written(cell))
    return [compile_rule(Slug(spec.play), number, spec) for number, spec in enumerate(specs, 1)]


def screen(rules: str, playlists: str, zone: str = "Europe/Madrid") -> Manifest:
    """A screen of some rules; `house` is its fallback, and a playlist that is not spelt out holds the clip of its name."""
    made = compiled(rules)
    lists: dict[Slug, tuple[Item, ...]] = {rule.playlist: (clip(f"VID-{rule.playlist.upper()}"),) for rule in made}
    for name, items in written(playlists).items():
        specs = TypeAdapter(list[PlaylistItem]).validate_python(items)
        lists[Slug(name)] = tuple(
            Item(
                VideoId(spec.clip) if spec.clip else None,
                Slug(spec.playlist) if spec.playlist else None,
                spec.weight,
                spec.valid_from,
                spec.valid_until,
            )
            for spec in specs
        )
    clips = sorted({item.clip for items in lists.values() for item in items if item.clip})
    whole = manifest(made, {}, zone=zone, fallback="house" if "house" in lists else None)
    return replace(whole, playlists=lists, assets={name: asset(number) for number, name in enumerate(clips)})


def spelt(spans: list[tuple[datetime, datetime]]) -> str:
    def short(moment: datetime) -> str:
        return f"{moment:%Y-%m-%dT%H:%M:%S}".removesuffix(":00") if moment.second == 0 else f"{moment:%Y-%m-%dT%H:%M:%S}"

    return ", ".join(f"{short(begin)}/{short(end)}" for begin, end in spans) or "never"


def on_air(made: Manifest, looked_at: str) -> str:
    """When anything but the fallback is on air."""
    start, end = stretch(looked_at)
    segments = airtimes(made, start, end)
    return spelt([(begin, min(segment.until or end, end)) for begin, segment in segments if not segment.is_fallback])


def test_the_page_has_these_rows_and_no_others() -> None:
    named = re.findall(r"^\| ([A-Z][0-9]+) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert sorted(named) == sorted(f"{table}{number}" for table, count in _ROWS.items() for number in range(1, count + 1))


@pytest.mark.parametrize(("rule", "zone", "looked_at", "wanted"), rows("W", "V", "D"))
def test_a_window_is_on_air(rule: str, zone: str, looked_at: str, wanted: str) -> None:
    made = manifest(compiled(f"[{{play: all, {rule.strip('`')[1:]}]"), {"all": (clip("VID-A"),)}, zone=zone)
    assert on_air(made, looked_at) == wanted


@pytest.mark.parametrize(("rule", "says"), rows("E"))
def test_a_rule_is_refused(rule: str, says: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(says)) as caught:
        ScheduleRule.model_validate({"play": "all", **written(rule)})
    assert caught.value.error_count() == 1


@pytest.mark.parametrize(("item", "rights", "zone", "looked_at", "wanted"), rows("I"))
def test_an_item_is_on_air(item: str, rights: str, zone: str, looked_at: str, wanted: str) -> None:
    spec = PlaylistItem.model_validate({"clip": "VID-A", **written(item)})
    granted: Bounds = (None, None)
    if written(rights):
        allowed = Rights.model_validate(written(rights))
        granted = allowed.from_, allowed.until
    lists = {"all": (clip("VID-A", 1, spec.valid_from, spec.valid_until),)}
    assert on_air(manifest(compiled("[{play: all}]"), lists, zone=zone, rights={"VID-A": granted}), looked_at) == wanted


@pytest.mark.parametrize(("rules", "playlists", "at", "wanted"), rows("A"))
def test_rules_share_the_air(rules: str, playlists: str, at: str, wanted: str) -> None:
    segment = airtime(screen(rules, playlists), instant(at))
    assert (" + ".join(share.playlist for share in segment.shares) or "nothing") == wanted
    assert segment.is_fallback == (wanted in ("house", "nothing"))


@pytest.mark.parametrize(("rules", "playlists", "at", "wanted"), rows("C"))
def test_a_change_cuts_in_or_waits(rules: str, playlists: str, at: str, wanted: str) -> None:
    made = screen(rules, playlists)
    before = airtime(made, instant(at) - timedelta(seconds=1))
    assert before.until == instant(at)
    assert airtime(made, instant(at)).interrupts(before) == {"at once": True, "after the clip": False}[wanted]


def played(made: Manifest, start: datetime, step: timedelta) -> Iterator[str]:
    """The ends of the names of the clips that play, one after another, with a restart after each."""
    saved, moment = json.dumps(History().to_json()), start
    while True:
        history = History.from_json(json.loads(saved))
        play = playout(airtime(made, moment), history, moment)
        assert play is not None
        yield play.clip.removeprefix("VID-")
        saved, moment = json.dumps(history.after(play).to_json()), moment + step


@pytest.mark.parametrize(("rules", "playlists", "from_every", "wanted"), rows("T"))
def test_clips_take_turns(rules: str, playlists: str, from_every: str, wanted: str) -> None:
    start, minutes = from_every.split()
    plays = played(screen(rules, playlists), instant(start), timedelta(minutes=int(minutes)))
    assert [next(plays) for _ in wanted.split()] == wanted.split()


@pytest.mark.parametrize(("rules", "playlists", "at", "wanted"), rows("N"))
def test_the_next_change_is_told(rules: str, playlists: str, at: str, wanted: str) -> None:
    made = screen(rules, playlists)
    segment = airtime(made, instant(at))
    assert segment.until == (None if wanted == "never" else instant(wanted))
    if segment.until:
        assert airtime(made, segment.until - timedelta(seconds=1)) == segment
        assert airtime(made, segment.until).key != segment.key


@pytest.mark.parametrize(("hours", "zone", "looked_at", "wanted"), rows("H"))
def test_the_panel_is_on(hours: str, zone: str, looked_at: str, wanted: str) -> None:
    spec = PowerHoursSpec.model_validate(written(hours))
    days = tuple(sorted(WEEKDAYS.index(day) for day in spec.days or WEEKDAYS))
    plain = manifest([], {"house": (clip("VID-A"),)}, zone=zone, fallback="house")
    power = PowerHours(seconds_of_day(spec.from_), seconds_of_day(spec.until), days)
    made = replace(plain, display=replace(plain.display, power=power))
    (moment, end), spans = stretch(looked_at), list[tuple[datetime, datetime]]()
    assert airtime(made, moment) == airtime(plain, moment)
    while moment < end:
        now = panel(made, moment)
        until = min(now.until or end, end)
        if now.on:
            spans.append((moment, until))
        moment = until
    assert spelt(spans) == wanted
