"""Outdated names of time zones, and the names they were given up for: from the links of the pinned tzdata alone.

A link is no outdated name by itself: Europe/Amsterdam is one, and the right name for the Netherlands. Names that zone.tab
lists for a country are right; abbreviations, and what is kept for old programs, are not.
"""

from dataclasses import dataclass
from functools import cache
from importlib import resources

_FIXED = ("Etc/", "UTC", "GMT", "UCT", "Universal", "Zulu", "Greenwich")


@dataclass(frozen=True, slots=True)
class Outdated:
    """What stands for a name now, empty if that depends on the place meant; `is_same` if it is surely the same place."""

    name: str
    is_same: bool


@cache
def outdated(zone: str) -> Outdated | None:
    """What became of a zone's name; None if it is a name of today."""
    if zone.startswith(_FIXED) or zone in _countries():
        return None
    target = _links().get(zone, "")
    if "/" not in zone and zone.isupper() and zone not in _codes():
        return Outdated("", is_same=False)  # CET or EST5EDT: many places have these clocks, or had them once
    return Outdated(target, is_same=_is_same_place(zone, target)) if target else None


def _is_same_place(zone: str, target: str) -> bool:
    """Whether only one place can be meant: no other has that target, or the name says the target's country."""
    country = _countries().get(target)
    if country is None:
        return False
    shared = any(other in _countries() for other, to in _links().items() if to == target)
    return not shared or zone.partition("/")[0] in (country, _codes().get(country))


@cache
def _links() -> dict[str, str]:
    words = (line.split() for line in _table("tzdata.zi") if line.startswith("L "))
    return {old: new for _, new, old in words}


@cache
def _countries() -> dict[str, str]:
    """The codes of countries by the names of zones that lie in them."""
    rows = (line.split("\t") for line in _table("zone.tab") if not line.startswith("#"))
    return {row[2]: row[0] for row in rows}


@cache
def _codes() -> dict[str, str]:
    """The names of countries by their codes, and some codes that are used for zones alone."""
    rows = (line.split("\t") for line in _table("iso3166.tab") if not line.startswith("#"))
    return {**{row[0]: row[1] for row in rows}, "PRC": "", "ROC": "", "ROK": "", "W-SU": "", "NZ-CHAT": ""}


def _table(name: str) -> list[str]:
    return resources.files("tzdata").joinpath("zoneinfo", name).read_text("utf-8").splitlines()
