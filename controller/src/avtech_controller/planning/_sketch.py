"""What limits and waves look at of a manifest, read from its spelling: a fraction of what it takes to read it whole. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import orjson

from avtech_controller.planning._airtime import measure
from avtech_controller.planning._identity import Spelt, calm_identity, content_of
from avtech_schema.errors import ManifestRejectedError
from avtech_schema.identifiers import ScreenId
from avtech_schema.localtime import DAY_SECONDS
from avtech_schema.manifest import parse_manifest

_ALL_DAYS = [0, 1, 2, 3, 4, 5, 6]
_SHORTEST_S = 4 * 3600
"""A window as long as this outlasts any hour that a change of the clocks skips."""


class Sketch(NamedTuple):
    """A manifest, its screen's name apart.

    `calm` is the identity of what is left without emergencies and what only these play, None if nobody asks for it; `clips`
    are the keys of its clips.
    `scheduled` and `airs` say whether rules, or anything at all, have a second of air in the coming week.
    """

    calm: str | None
    clips: frozenset[str]
    scheduled: bool
    airs: bool

    def empties(self, old: "Sketch") -> bool:
        """Whether a screen with the old manifest loses all its scheduled air, or all its air."""
        return (old.scheduled and not self.scheduled) or (old.airs and not self.airs)


@dataclass(frozen=True, slots=True)
class Sketcher:
    """Sketches manifests for the week from `now` (aware) on; those that differ in their screens' names alone only once.

    `emergencies`: whether it matters which changes only add, alter or end emergencies.
    """

    now: datetime
    emergencies: bool = True
    _known: dict[str, Sketch | None] = field(default_factory=dict)

    def sketch(self, data: bytes, screen: ScreenId) -> Sketch | None:
        """Sketch the manifest of a screen; None if the bytes are none, or another screen's."""
        content = content_of(data, screen)
        if content not in self._known:
            self._known[content] = self._sketch(data, screen)
        return self._known[content]

    def _sketch(self, data: bytes, screen: ScreenId) -> Sketch | None:
        try:
            spelt = orjson.loads(data)
            if spelt["screen"] != screen:
                return None
            clips = frozenset(asset["key"] for asset in spelt["assets"].values())
            surely = _is_surely_scheduled(spelt)
            week = None if surely else measure(parse_manifest(data), self.now, clock=False).week
            return Sketch(
                calm=calm_identity(spelt) if self.emergencies else None,
                clips=clips,
                scheduled=week is None or week.scheduled >= 1,
                airs=week is None or week.scheduled + week.fallback >= 1,
            )
        except (ManifestRejectedError, ValueError, KeyError, TypeError, AttributeError):
            return None


def _is_surely_scheduled(spelt: Spelt) -> bool:
    """Whether some rule is surely on air every week, with a clip that may always play; it is not if that takes reckoning."""
    power = spelt["display"]["power"]
    if power and not (power["days"] and _length(power) >= _SHORTEST_S):
        return False
    return any(
        (_is_all_day(rule) if power else bool(rule["days"]) and _length(rule) >= _SHORTEST_S)
        and _is_unbounded(rule)
        and not (rule["except"] or rule["rrule"] or rule["maxPlaysPerHour"])
        and any(
            "clip" in item and _is_unbounded(item) and _has_rights(spelt["assets"][item["clip"]])
            for item in spelt["playlists"][rule["playlist"]]
        )
        for rule in spelt["rules"]
    )


def _length(window: Spelt) -> int:
    """Seconds of a window that may cross midnight."""
    return int(window["until"] - window["from"]) % DAY_SECONDS or DAY_SECONDS


def _is_all_day(rule: Spelt) -> bool:
    return rule["days"] == _ALL_DAYS and _length(rule) == DAY_SECONDS


def _is_unbounded(one: Spelt) -> bool:
    return one["validFrom"] is None and one["validUntil"] is None


def _has_rights(asset: Spelt) -> bool:
    return asset["rightsFrom"] is None and asset["rightsUntil"] is None
