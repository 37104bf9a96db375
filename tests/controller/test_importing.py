"""What is read of an asset list, and what becomes of assets that cannot be carried over, broken and hostile ones first."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from avtech_controller.importing import Asset, AssetListError, Reason, Window, judge, read_assets
from avtech_controller.importing._files import find_file, find_list
from avtech_controller.importing._report import _cell, _plain

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ALL_DAYS = (1, 2, 3, 4, 5, 6, 7)


def row(**fields: Any) -> dict[str, Any]:
    """An asset as version 2 of the API gives it."""
    return {
        "asset_id": "4c8dbce552edb5812d3a866cfe5f159d",
        "name": "Autumn sale",
        "uri": "/data/anthias_assets/4c8dbce552edb5812d3a866cfe5f159d.mp4",
        "start_date": "2026-01-01T00:00:00Z",
        "end_date": "2027-01-01T00:00:00+01:00",
        "duration": 6,
        "mimetype": "video",
        "is_enabled": True,
        "nocache": False,
        "play_order": 1,
        "skip_asset_check": False,
        "skip_ssl_verify": False,
        "is_active": True,
        "is_processing": False,
        "play_days": [1, 2, 3, 4, 5, 6, 7],
        "play_time_from": None,
        "play_time_to": None,
        "is_reachable": True,
        "last_reachability_check": None,
        "metadata": {"transcoded": True},
        "refresh_interval_s": 0,
        "custom_headers": {},
    } | fields


def read(tmp_path: Path, value: Any) -> tuple[Asset, ...]:
    path = tmp_path / "assets.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return read_assets(path)


def one(tmp_path: Path, **fields: Any) -> Asset:
    (asset,) = read(tmp_path, [row(**fields)])
    return asset


def reason(tmp_path: Path, **fields: Any) -> Reason | None:
    fate = judge(one(tmp_path, **fields), NOW)
    return None if fate is None else fate.reason


def test_an_asset_of_version_2_is_read_whole(tmp_path: Path) -> None:
    asset = one(tmp_path, play_days=[5, 1, 5], play_time_from="22:00:00", play_time_to="02:00:30")
    assert asset.problem == ""
    assert asset.window == Window((1, 5), (22 * 3600, 2 * 3600 + 30))
    assert asset.end == datetime(2026, 12, 31, 23, tzinfo=UTC)
    assert (asset.enabled, asset.processing, asset.duration_s, asset.play_order) == (True, False, 6, 1)


def test_version_1_writes_numbers_as_text_and_truth_as_numbers_and_knows_no_windows(tmp_path: Path) -> None:
    old = {key: value for key, value in row().items() if not key.startswith("play_")}
    (asset,) = read(
        tmp_path, [old | {"duration": "12", "is_enabled": 1, "is_processing": 0, "start_date": "2026-01-01T10:00:00"}]
    )
    assert (asset.duration_s, asset.enabled, asset.processing) == (12, True, False)
    assert asset.start == datetime(2026, 1, 1, 10, tzinfo=UTC)
    assert asset.window == Window()


def test_days_kept_as_text_in_a_database_are_read_and_days_that_make_no_sense_are_all_days(tmp_path: Path) -> None:
    assert one(tmp_path, play_days="[6, 7]").window.days == (6, 7)
    for nonsense in ("[", "7", [], [0], [8], ["mon"], None, {"a": 1}, [1, None]):
        assert one(tmp_path, play_days=nonsense).window.days == ALL_DAYS


def test_half_a_time_of_day_is_none_as_on_the_device(tmp_path: Path) -> None:
    assert one(tmp_path, play_time_from="09:00:00").window.span is None
    assert one(tmp_path, play_time_to="09:00:00").window.span is None


def test_assets_are_in_the_order_of_the_device_and_equals_stay_as_listed(tmp_path: Path) -> None:
    rows = [
        row(name="c", play_order=2),
        row(name="a", play_order=0),
        row(name="d", play_order=2),
        row(name="b", play_order=None),
    ]
    assert [asset.name for asset in read(tmp_path, rows)] == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[NaN]", "not JSON"),
        ("\ufeff\x00", "not JSON"),
        ("null", "not a list"),
        ("{}", "not a list"),
        ('{"assets": 1}', "not a list"),
        ('"assets"', "not a list"),
        (json.dumps([{}] * 10_001), "at most 10,000"),
    ],
)
def test_a_list_that_is_none_is_refused_in_one_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(AssetListError, match=says) as refused:
        read(tmp_path, text)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 200


def test_a_list_that_is_missing_huge_or_no_file_is_refused(tmp_path: Path) -> None:
    huge = tmp_path / "huge.json"
    with huge.open("wb") as stream:
        stream.truncate((32 << 20) + 1)
    os.mkfifo(tmp_path / "fifo.json")
    for path in (huge, tmp_path / "none.json", tmp_path / "fifo.json", tmp_path, Path("a\0b")):
        with pytest.raises(AssetListError):
            read_assets(path)
    with pytest.raises(AssetListError, match=r"holds no assets\.json"):
        find_list(tmp_path)


@pytest.mark.parametrize(
    "broken",
    [
        {"duration": "long"},
        {"duration": True},
        {"duration": 10**30},
        {"duration": [1]},
        {"is_enabled": "yes"},
        {"is_enabled": 2},
        {"start_date": "tomorrow"},
        {"start_date": 5},
        {"end_date": "2026-13-01T00:00:00Z"},
        {"play_time_from": "25:00"},
        {"play_time_from": 9, "play_time_to": "10:00"},
        {"play_order": "first"},
    ],
)
def test_an_asset_that_makes_no_sense_is_told_and_the_others_are_read(tmp_path: Path, broken: dict[str, Any]) -> None:
    first, second = read(tmp_path, [row(name="broken", **broken), row(name="whole")])
    fate = judge(first, NOW)
    assert fate is not None
    assert fate.reason is Reason.UNREADABLE
    assert next(iter(broken)) in fate.message
    assert first.name == "broken"
    assert judge(second, NOW) is None


def test_rows_that_are_no_objects_are_told(tmp_path: Path) -> None:
    for asset in read(tmp_path, [None, 1, "x", []]):
        fate = judge(asset, NOW)
        assert fate is not None
        assert fate.reason is Reason.UNREADABLE


def test_the_first_and_the_last_day_of_the_calendar_are_dates_like_others(tmp_path: Path) -> None:
    asset = one(tmp_path, start_date="0001-01-01T00:00:00+14:00", end_date="9999-12-31T23:59:59.999999-12:00")
    assert judge(asset, NOW) is None
    never = one(tmp_path, start_date="9999-12-31T23:59:59.1Z", end_date="9999-12-31T23:59:59.9Z")
    fate = judge(never, NOW)
    assert fate is not None
    assert fate.reason is Reason.NEVER


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"mimetype": "video/mp4"}, None),
        ({"mimetype": "webpage"}, Reason.WEB_PAGE),
        ({"mimetype": "web"}, Reason.WEB_PAGE),
        ({"mimetype": "image"}, Reason.IMAGE),
        ({"mimetype": "streaming"}, Reason.STREAM),
        ({"mimetype": ""}, Reason.UNKNOWN_TYPE),
        ({"mimetype": None}, Reason.UNKNOWN_TYPE),
        ({"is_processing": 1}, Reason.PROCESSING),
        ({"is_enabled": 0}, Reason.DISABLED),
        ({"start_date": None}, Reason.NO_DATES),
        ({"end_date": ""}, Reason.NO_DATES),
        ({"end_date": "2026-02-01T00:00:00Z"}, Reason.EXPIRED),
        ({"start_date": "2028-01-01T00:00:00Z"}, Reason.NEVER),
        ({"play_time_from": "09:00:00", "play_time_to": "09:00:00"}, Reason.NEVER),
    ],
)
def test_what_can_be_told_from_the_list_alone(tmp_path: Path, fields: dict[str, Any], expected: Reason | None) -> None:
    assert reason(tmp_path, **fields) is expected


@pytest.mark.parametrize(
    "uri",
    [
        "/data/anthias_assets/clip.mp4",
        "/home/pi/screenly_assets/clip.mp4",
        "clip.mp4",
        "https://example.com/a/clip.mp4?token=1#t",
        "https://example.com/%63lip.mp4",
        "../../clip.mp4",
    ],
)
def test_a_file_is_found_beside_the_list_by_the_name_in_its_address(tmp_path: Path, uri: str) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"x")
    assert find_file(Asset(1, uri=uri), tmp_path) == tmp_path / "clip.mp4"


def test_a_file_is_found_in_the_devices_folder_and_by_the_assets_id(tmp_path: Path) -> None:
    folder = tmp_path / "anthias_assets"
    folder.mkdir()
    (folder / "abc.mp4").write_bytes(b"x")
    assert find_file(Asset(1, asset_id="abc", uri="/data/anthias_assets/abc"), tmp_path) == folder / "abc.mp4"


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/",
        "..",
        "/data/..",
        "http://[broken/clip",
        "a\0b",
        "x" * 5_000,
        "é" * 200,
        "%2e%2e%2fsecret.mp4",
        "http://h/..%2fsecret.mp4",
    ],
)
def test_no_address_leads_out_of_the_folder(tmp_path: Path, uri: str) -> None:
    (tmp_path / "secret.mp4").write_bytes(b"x")
    folder = tmp_path / "list"
    folder.mkdir()
    assert find_file(Asset(1, asset_id="../secret", name="../secret.mp4", uri=uri), folder) is None


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.mp4").write_bytes(b"x")
    folder = tmp_path / "list"
    folder.mkdir()
    (folder / "clip.mp4").symlink_to(tmp_path / "secret.mp4")
    (folder / "loop.mp4").symlink_to("loop.mp4")
    assert find_file(Asset(1, uri="clip.mp4"), folder) is None
    assert find_file(Asset(1, uri="loop.mp4"), folder) is None


def test_names_cannot_move_the_cursor_or_break_a_table() -> None:
    assert "\x1b" not in _plain("\x1b[2J\r\n\u202eevil\x07")
    cell = _cell("a | b\n<script>&amp; [x](y) `z`")
    assert cell == r"a \| b \<script\>&amp;amp; \[x\](y) \`z\`"
