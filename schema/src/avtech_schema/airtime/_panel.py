"""When a screen's panel is on: its power hours, which are windows as those of rules are."""

from dataclasses import dataclass
from datetime import datetime

from avtech_schema.airtime._lineups import FOREVER
from avtech_schema.airtime._windows import windows
from avtech_schema.identifiers import Slug
from avtech_schema.localtime import DAY_SECONDS
from avtech_schema.manifest import Manifest, Rule
from avtech_schema.zones import from_instant, time_zone, to_instant

_SOUGHT_DAYS = 16
"""A weekly window comes again within two weeks, even if a change of the clocks swallows one."""


@dataclass(frozen=True, slots=True)
class Panel:
    """Whether the panel is on, and the next instant (UTC) at which that changes; None if it is always on."""

    on: bool
    until: datetime | None


def panel(manifest: Manifest, instant: datetime) -> Panel:
    """Whether the panel of a screen is on at an instant.

    Raises:
        ValueError: the instant has no offset, or the manifest's zone is none.
    """
    power, moment = manifest.display.power, to_instant(instant)
    if power is None:
        return Panel(on=True, until=None)
    name = Slug("power-hours")
    hours = Rule(name, name, name, from_s=power.from_s, until_s=power.until_s, days=power.days)
    for first, last in windows(hours, time_zone(manifest.time_zone), moment, moment + _SOUGHT_DAYS * DAY_SECONDS):
        if first > moment:
            return Panel(on=False, until=from_instant(first))
        return Panel(on=True, until=None if last == FOREVER else from_instant(last))
    return Panel(on=False, until=None)
