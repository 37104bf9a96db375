"""Reads the list of assets that the API of an Anthias device gives (versions 1 to 2), whatever it holds.

A list that is no list is refused; an asset that cannot be understood is kept with what is wrong with it, for the report.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import orjson

from avtech_controller.media import shown
from avtech_schema.errors import ConfigurationError

LIST_NAME = "assets.json"
"""The file that is looked for in a directory."""
MAX_LIST_BYTES = 32 << 20
MAX_ASSETS = 10_000
ALL_DAYS = (1, 2, 3, 4, 5, 6, 7)
FOREVER = datetime(9000, 1, 1, tzinfo=UTC)
"""A later end is no end."""
_MAX_TEXT = 2_000
_DIGITS = re.compile(r"[+-]?[0-9]{1,12}")


class AssetListError(ConfigurationError):
    """The list of assets cannot be read, or is none."""

    hint = "save it with: curl http://DEVICE/api/v2/assets > assets.json"


@dataclass(frozen=True, slots=True)
class Window:
    """The days (ISO weekdays) on which an asset plays, and its time of day in seconds of the wall clock; None is all day.

    `until` not after `start` crosses midnight; equal ends never play.
    """

    days: tuple[int, ...] = ALL_DAYS
    span: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Asset:
    """One asset as its device has it; `problem` says what could not be understood, and then the rest may be missing."""

    number: int
    """Its place in the list, from 1."""
    asset_id: str = ""
    name: str = ""
    uri: str = ""
    mimetype: str = ""
    start: datetime | None = None
    end: datetime | None = None
    duration_s: int = 0
    enabled: bool = False
    processing: bool = False
    play_order: int = 0
    window: Window = Window()
    problem: str = ""


def read_assets(path: Path) -> tuple[Asset, ...]:
    """Read a list of assets in the order in which its device plays them.

    Raises:
        AssetListError: the file cannot be read, or is not a list of assets.
    """
    name = shown(path)
    try:
        value = orjson.loads(_bytes(path, name))
    except orjson.JSONDecodeError as error:
        raise AssetListError(f"{name}: not JSON: {error}") from error
    rows = value.get("assets") if isinstance(value, dict) else value
    if not isinstance(rows, list):
        raise AssetListError(f"{name}: not a list of assets")
    if len(rows) > MAX_ASSETS:
        raise AssetListError(f"{name}: holds {len(rows):,} assets, at most {MAX_ASSETS:,} are read", hint="split the list")
    assets = (_asset(number, row) for number, row in enumerate(rows, start=1))
    return tuple(sorted(assets, key=lambda asset: asset.play_order))


def _bytes(path: Path, name: str) -> bytes:
    try:
        if not path.is_file():
            raise AssetListError(f"{name}: there is no such file")
        with path.open("rb") as stream:
            data = stream.read(MAX_LIST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a name a file can have"
        raise AssetListError(f"{name}: cannot be read: {reason}") from error
    if len(data) > MAX_LIST_BYTES:
        raise AssetListError(f"{name}: has more than {MAX_LIST_BYTES >> 20} MiB", hint="a list of assets is much smaller")
    return data


def _asset(number: int, row: object) -> Asset:
    if not isinstance(row, dict):
        return Asset(number, problem="it is not an object")
    names = Asset(number, asset_id=_text(row, "asset_id"), name=_text(row, "name"), uri=_text(row, "uri"))
    try:
        return Asset(
            number,
            names.asset_id,
            names.name,
            names.uri,
            _text(row, "mimetype"),
            _instant(row, "start_date"),
            _instant(row, "end_date"),
            _integer(row, "duration"),
            _truth(row, "is_enabled"),
            _truth(row, "is_processing"),
            _integer(row, "play_order"),
            _window(row),
        )
    except ValueError as error:
        return Asset(number, names.asset_id, names.name, names.uri, problem=str(error))


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    return value[:_MAX_TEXT] if isinstance(value, str) else ""


def _integer(row: Mapping[str, Any], key: str) -> int:
    """A whole number; version 1 of the API writes some as text."""
    match row.get(key):
        case None | "":
            return 0
        case bool():
            raise ValueError(f"{key} is not a number")
        case int() as number if abs(number) < 10**12:
            return number
        case float() as number if abs(number) < 10**12:
            return int(number)
        case str() as text if _DIGITS.fullmatch(text.strip()):
            return int(text)
        case _:
            raise ValueError(f"{key} is not a number")


def _truth(row: Mapping[str, Any], key: str) -> bool:
    """True or false; version 1 of the API writes 1 and 0."""
    match row.get(key):
        case None | False | 0 | "0":
            return False
        case True | 1 | "1":
            return True
        case _:
            raise ValueError(f"{key} is neither true nor false")


def _instant(row: Mapping[str, Any], key: str) -> datetime | None:
    """An instant; one without an offset is UTC."""
    value = row.get(key)
    if value in (None, ""):
        return None
    try:
        if not isinstance(value, str) or len(value) > 40:
            raise ValueError
        return _utc(datetime.fromisoformat(value.strip()))
    except ValueError as error:
        raise ValueError(f"{key} is not a date and time") from error


def _utc(moment: datetime) -> datetime:
    if moment.utcoffset() is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # the first or the last day of the calendar, seen from another offset
        return moment.replace(tzinfo=UTC)


def _window(row: Mapping[str, Any]) -> Window:
    """The days and the time of day; a device takes days that make no sense for all, and half a time of day for none."""
    start, until = _seconds(row, "play_time_from"), _seconds(row, "play_time_to")
    return Window(_days(row.get("play_days")), None if start is None or until is None else (start, until))


def _days(value: object) -> tuple[int, ...]:
    if isinstance(value, str):
        try:
            value = orjson.loads(value[:_MAX_TEXT])
        except orjson.JSONDecodeError:
            return ALL_DAYS
    if not isinstance(value, list) or not all(isinstance(day, int) and 1 <= day <= 7 for day in value):
        return ALL_DAYS
    return tuple(sorted({int(day) for day in value})) or ALL_DAYS


def _seconds(row: Mapping[str, Any], key: str) -> int | None:
    value = row.get(key)
    if value in (None, ""):
        return None
    try:
        if not isinstance(value, str) or len(value) > 20:
            raise ValueError
        moment = time.fromisoformat(value.strip())
    except ValueError as error:
        raise ValueError(f"{key} is not a time of day") from error
    return moment.hour * 3600 + moment.minute * 60 + moment.second
