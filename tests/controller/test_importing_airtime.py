"""An imported device plays what it played: airtime held against an oracle that follows Anthias' documentation.

The oracle knows nothing of our code: an asset is active when it is enabled, `start_date < now < end_date`, and the weekday
and time of day lie in its window; of a window past midnight, `play_days` names the day it begins on. All active assets take
turns in their `play_order`, one turn each.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from avtech_controller.compiler import compile_state
from avtech_controller.content import Index
from avtech_controller.desired import SourceFile, load, require_state
from avtech_controller.importing import Carried, Place, arrange, judge, read_assets, resource_files
from avtech_schema.airtime import Segment, airtime
from avtech_schema.canonical import sha256_hex
from avtech_schema.identifiers import ClientId, CommitId, ScreenId, Slug, VideoId
from avtech_schema.manifest import Manifest

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ZONES = ["Etc/UTC", "Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"]
FLEET = "apiVersion: avtech/v1\nkind: Fleet\nmetadata: {name: fleet}\nspec: {}\n"
VIDEO = """apiVersion: avtech/v1
kind: Video
metadata: {{name: {name}}}
spec:
  client: CLI-X
  sha256: {digest}
  sizeBytes: 10
  durationMs: 5000
  media: {{container: mp4, videoCodec: h264, pixelFormat: yuv420p, width: 320, height: 180, frameRate: 25/1}}
  originalName: a.mp4
"""


class Texts:
    """A desired state in memory."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.root = Path("/nowhere")
        self.commit: CommitId | None = None
        self._texts = texts

    def files(self) -> Iterator[SourceFile]:
        yield from (SourceFile(path, text.encode()) for path, text in self._texts.items())


def imported(assets: list[dict[str, Any]], zone: str) -> Manifest | None:
    """What the import makes of a list, compiled; None when no asset is carried over."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "assets.json")
        path.write_text(json.dumps(assets))
        read = read_assets(path)
    carried = [Carried(asset, VideoId(f"VID-X-{asset.asset_id}")) for asset in read if judge(asset, NOW) is None]
    if not carried:
        return None
    place = Place(
        Path("/nowhere"),
        Index(),
        ClientId("CLI-X"),
        ScreenId("SCR-X"),
        zone,
        Slug("anthias"),
        new_client=True,
        new_screen=True,
        has_fallback=False,
    )
    texts = resource_files(place, arrange(carried, zone, NOW), modelines=False)
    texts |= {
        f"content-index/CLI-X/{one.clip}.yaml": VIDEO.format(name=one.clip, digest=sha256_hex(one.clip.encode()))
        for one in carried
    }
    return compile_state(require_state(load(Texts({"fleet/fleet.yaml": FLEET, **texts}))))[ScreenId("SCR-X")].manifest


def active(asset: dict[str, Any], instant: datetime, zone: ZoneInfo) -> bool:
    """The documentation's table "When is an asset active?"."""
    if not asset["is_enabled"] or asset["start_date"] is None or asset["end_date"] is None:
        return False
    if not datetime.fromisoformat(asset["start_date"]) < instant < datetime.fromisoformat(asset["end_date"]):
        return False
    local = instant.astimezone(zone)
    days, clock = asset["play_days"], local.time()
    if asset["play_time_from"] is None or asset["play_time_to"] is None:
        return local.isoweekday() in days
    start, end = time.fromisoformat(asset["play_time_from"]), time.fromisoformat(asset["play_time_to"])
    if start <= end:
        return local.isoweekday() in days and start <= clock < end
    yesterday = (local.isoweekday() - 2) % 7 + 1
    return (clock >= start and local.isoweekday() in days) or (clock < end and yesterday in days)


def playing(assets: list[dict[str, Any]], instant: datetime, zone: ZoneInfo) -> list[str]:
    """The turns of one round on the device."""
    return [
        f"VID-X-{asset['asset_id']}"
        for asset in sorted(assets, key=lambda asset: asset["play_order"])
        if active(asset, instant, zone)
    ]


def shares(segment: Segment) -> dict[str, Fraction]:
    """Each clip's part of the turns."""
    found: dict[str, Fraction] = {}
    rules = sum(share.weight for share in segment.shares)
    for share in segment.shares:
        turns = sum(turn.weight for turn in share.lineup.turns)
        for turn in share.lineup.turns:
            part = Fraction(share.weight * turn.weight, rules * turns)
            found[str(turn.clip)] = found.get(str(turn.clip), Fraction()) + part
    return found


def agree(manifest: Manifest | None, assets: list[dict[str, Any]], instant: datetime, zone: ZoneInfo) -> None:
    """Hold one instant: the same clips, the same shares, and within each rule the device's order."""
    wanted = playing(assets, instant, zone)
    if manifest is None:
        assert not wanted
        return
    segment = airtime(manifest, instant)
    if not wanted:
        assert segment.is_fallback, instant
        return
    assert not segment.is_fallback, instant
    assert shares(segment) == {clip: Fraction(1, len(wanted)) for clip in wanted}, instant
    for share in segment.shares:
        order = [wanted.index(str(clip)) for clip in share.lineup.clips()]
        assert order == sorted(order)


def twice(instant: datetime, zone: ZoneInfo) -> bool:
    """Whether the wall clock shows this time twice: there, and only there, a window is one unbroken block with us."""
    local = instant.astimezone(zone)
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


CLOCK = st.sampled_from(["00:00:00", "02:00:00", "02:30:00", "06:15:30", "09:00:00", "17:00:00", "22:00:00", "23:59:59"])
SPAN = st.one_of(st.just((None, None)), st.tuples(CLOCK, CLOCK), st.just(("09:00:00", None)))
DAYS = st.one_of(st.just([1, 2, 3, 4, 5, 6, 7]), st.just([1, 2, 3, 4, 5]), st.lists(st.integers(1, 7), min_size=1, unique=True))
MOMENT = st.integers(-40 * 86_400, 400 * 86_400).map(lambda seconds: (NOW + timedelta(seconds=seconds)).isoformat())


@st.composite
def asset_lists(draw: st.DrawFn) -> list[dict[str, Any]]:
    windows = draw(st.lists(st.tuples(DAYS, SPAN), min_size=1, max_size=3))
    assets = []
    for number in range(draw(st.integers(1, 6))):
        days, (start, until) = draw(st.sampled_from(windows))
        assets.append(
            {
                "asset_id": f"{number}",
                "name": f"clip {number}",
                "uri": f"/data/anthias_assets/{number}.mp4",
                "mimetype": "video",
                "is_enabled": draw(st.sampled_from([True, True, True, False])),
                "start_date": draw(st.one_of(st.just("2026-01-01T00:00:00Z"), MOMENT)),
                "end_date": draw(st.one_of(st.just("9999-12-31T00:00:00Z"), MOMENT, st.none())),
                "play_order": draw(st.integers(0, 3)),
                "play_days": days,
                "play_time_from": start,
                "play_time_to": until,
            }
        )
    return assets


def instants(assets: list[dict[str, Any]], offsets: list[int]) -> Iterator[datetime]:
    """Anywhere in a year, and half a second to either side of whatever begins or ends."""
    yield from (NOW + timedelta(seconds=offset, milliseconds=500) for offset in offsets)
    for asset in assets:
        for bound in (asset["start_date"], asset["end_date"]):
            if bound is not None and NOW < datetime.fromisoformat(bound) < NOW + timedelta(days=500):
                around = (datetime.fromisoformat(bound) + timedelta(milliseconds=by) for by in (-1500, 1500))
                yield from (instant for instant in around if instant >= NOW)  # what was before the import is nobody's


@given(
    assets=asset_lists(),
    zone=st.sampled_from(ZONES),
    offsets=st.lists(st.integers(0, 400 * 86_400), min_size=10, max_size=10),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_the_list_airtime_says_what_the_device_plays(
    assets: list[dict[str, Any]], zone: str, offsets: list[int]
) -> None:
    manifest, info = imported(assets, zone), ZoneInfo(zone)
    for instant in instants(assets, offsets):
        if not twice(instant, info):
            agree(manifest, assets, instant, info)


def _asset(number: int, **fields: Any) -> dict[str, Any]:
    plain = {
        "asset_id": f"{number}",
        "uri": f"{number}.mp4",
        "mimetype": "video",
        "is_enabled": True,
        "start_date": "2026-01-01T00:00:00Z",
        "end_date": "2030-01-01T00:00:00Z",
        "play_order": number,
        "play_days": [1, 2, 3, 4, 5, 6, 7],
        "play_time_from": None,
        "play_time_to": None,
    }
    return {**plain, **fields}


def test_every_minute_of_the_weeks_around_a_change_of_the_clocks_is_the_devices() -> None:
    assets = [
        _asset(0, play_days=[7], play_time_from="01:30:00", play_time_to="03:30:00"),
        _asset(1, play_days=[6], play_time_from="22:00:00", play_time_to="02:30:00"),
        _asset(2, play_time_from="09:00:00", play_time_to="00:00:00"),
        _asset(3, play_time_from="02:10:00", play_time_to="02:50:00"),
    ]
    zone = ZoneInfo("Europe/Madrid")
    manifest = imported(assets, "Europe/Madrid")
    for change in (datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)):
        for minute in range(-26 * 60, 30 * 60, 5):
            if not twice(instant := change + timedelta(minutes=minute, seconds=1), zone):
                agree(manifest, assets, instant, zone)


def test_in_the_hour_that_comes_twice_a_window_is_one_stretch_and_the_device_plays_two() -> None:
    assets = [_asset(0, play_time_from="02:30:00", play_time_to="04:00:00")]
    zone, manifest = ZoneInfo("Europe/Madrid"), imported(assets, "Europe/Madrid")
    between = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)
    assert twice(between, zone)
    assert playing(assets, between, zone) == []
    assert manifest is not None
    assert not airtime(manifest, between).is_fallback


def test_an_asset_that_ends_leaves_the_shares_of_the_others_equal() -> None:
    assets = [
        _asset(0),
        _asset(1, end_date="2026-06-01T00:00:00Z"),
        _asset(2, play_time_from="09:00:00", play_time_to="17:00:00"),
    ]
    manifest, zone = imported(assets, "Etc/UTC"), ZoneInfo("Etc/UTC")
    for day in (
        datetime(2026, 5, 4, 12, tzinfo=UTC),
        datetime(2026, 6, 4, 12, tzinfo=UTC),
        datetime(2026, 6, 4, 20, tzinfo=UTC),
    ):
        agree(manifest, assets, day, zone)


def test_assets_of_one_window_stay_in_one_playlist_whatever_their_dates() -> None:
    manifest = imported([_asset(number, end_date=f"2027-0{number}-01T00:00:00Z") for number in range(1, 8)], "Europe/Madrid")
    assert manifest is not None
    assert len(manifest.rules) == 1
    assert [str(clip) for clip in airtime(manifest, NOW).shares[0].lineup.clips()] == [f"VID-X-{n}" for n in range(1, 8)]


def test_a_thousand_and_more_assets_in_two_windows_keep_nearly_equal_shares() -> None:
    assets = [_asset(n) for n in range(2001)] + [_asset(2001, play_time_from="09:00:00", play_time_to="17:00:00")]
    manifest = imported(assets, "Etc/UTC")
    assert manifest is not None
    assert sorted(rule.weight for rule in manifest.rules) == [1, 1000]
