"""Screens made directly, and their weeks, for tests of previews."""

from datetime import UTC, date, datetime
from typing import Any

from avtech_controller.planning import OldManifest, Standing
from avtech_controller.preview import Dates, ScreenWeek, screen_weeks
from avtech_schema.identifiers import ScreenId, Slug, VideoId
from avtech_schema.manifest import Cut, Item, Manifest, Rule
from tests.controller.publishing import asset, screen

MONDAY = date(2026, 10, 19)
SUNDAY = date(2026, 10, 25)
"""The clocks go back in Europe/Madrid on this day."""
NOW = datetime(2026, 10, 21, 12, tzinfo=UTC)
DATES = Dates(NOW, MONDAY, SUNDAY)
HOURS = 3600


def rule(name: str, playlist: str, start: float = 0, end: float = 24, **more: Any) -> Rule:
    """A rule of some hours of the day."""
    schedule, _, _ = name.partition("/")
    return Rule(name, Slug(schedule), Slug(playlist), from_s=int(start * HOURS), until_s=int(end * HOURS), **more)


def manifest(*rules: Rule, name: str = "SCR-ACME-0001", **more: Any) -> Manifest:
    """A manifest whose playlists hold the clip VID-ACME-A, and VID-ACME-<NAME> each."""
    names = sorted({str(found.playlist) for found in rules} | {"main"})
    playlists = {
        Slug(found): (Item(VideoId("VID-ACME-A"), None), Item(VideoId(f"VID-ACME-{found.upper()}"), None)) for found in names
    }
    clips = [VideoId("VID-ACME-A"), *(VideoId(f"VID-ACME-{found.upper()}") for found in names)]
    assets = {clip: asset(clip.encode()) for clip in clips}
    return screen(name, **{"rules": rules, "playlists": playlists, "assets": assets} | more).manifest


def weeks(*after: Manifest, before: dict[str, Manifest | None] | None = None, dates: Dates = DATES) -> tuple[ScreenWeek, ...]:
    """The weeks of some manifests; those in `before` are their base."""
    compiled = [screen(found.screen, **{name: getattr(found, name) for name in Manifest.__slots__}) for found in after]
    return screen_weeks(compiled, None if before is None else standing(before), dates)


def standing(before: dict[str, Manifest | None]) -> Standing:
    """What these manifests make to compare with; one that is None cannot be read."""
    lost = manifest(rule("lost/1", "lost"))
    refs = {
        ScreenId(name): screen(name, **{slot: getattr(found or lost, slot) for slot in Manifest.__slots__} | {"screen": name})
        for name, found in before.items()
    }
    readable = (ref for name, ref in refs.items() if before[name] is not None)
    return Standing(refs, {ref.digest: OldManifest.of(ref.data, ref.manifest) for ref in readable})


def emergency(name: str, playlist: str, start: str, end: str) -> Rule:
    """An emergency from one local time to another."""
    return rule(name, playlist, emergency=True, cut=Cut.NOW, valid_from=start, valid_until=end)


def one_week(after: Manifest, before: Manifest | None = None) -> ScreenWeek:
    """The week of one manifest."""
    (week,) = weeks(after, before=None if before is None else {before.screen: before})
    return week
