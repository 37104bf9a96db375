"""What changes of the clocks do to a rule's windows, so that a validator can warn of it by date (DESIGN section 3)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache

from avtech_schema.airtime._windows import days, window
from avtech_schema.localtime import DAY_SECONDS
from avtech_schema.manifest import Rule
from avtech_schema.zones import EPOCH_DAY, local_day, offset_at, time_zone


class Change(StrEnum):
    """What a change of the clocks does to a window."""

    SILENCED = "silenced"
    LENGTHENED = "lengthened"
    SHORTENED = "shortened"


@dataclass(frozen=True, slots=True)
class Effect:
    """A window, by the day it begins on, that a change of the clocks makes longer or shorter than its wall times say."""

    day: date
    change: Change
    seconds: int
    """By how much: negative when shorter."""


def transition_effects(rule: Rule, zone_name: str, first: date, *, within_days: int = 400) -> tuple[Effect, ...]:
    """What the changes of the clocks from a day on do to a rule. Whole days count as such, however long they are.

    Raises:
        ValueError: there is no such zone.
    """
    if rule.from_s == 0 and rule.until_s == DAY_SECONDS:
        return ()
    zone = time_zone(zone_name)
    nominal = (rule.until_s - rule.from_s) % DAY_SECONDS
    effects: list[Effect] = []
    for changed in _transition_days(zone_name, first.toordinal(), within_days):
        for day in days(rule, max(changed - 1, first.toordinal()), changed + 1):
            start, end = window(rule, zone, day)
            seconds = max(0, end - start) - nominal
            if seconds and not any(effect.day.toordinal() == day for effect in effects):
                longer = Change.LENGTHENED if seconds > 0 else Change.SHORTENED
                effects.append(Effect(date.fromordinal(day), Change.SILENCED if end <= start else longer, seconds))
    return tuple(effects)


@lru_cache(maxsize=1024)
def _transition_days(zone_name: str, first: int, within_days: int) -> tuple[int, ...]:
    return tuple(_days(zone_name, first, within_days))


def _days(zone_name: str, first: int, within_days: int) -> Iterator[int]:
    """The local days, from one before `first` on, by whose end the zone's offset differs from their beginning's."""
    zone = time_zone(zone_name)
    instant = (first - 1 - EPOCH_DAY) * DAY_SECONDS
    before = offset_at(zone, instant)
    for _ in range(within_days + 2):
        instant += DAY_SECONDS
        if (after := offset_at(zone, instant)) != before:
            yield local_day(zone, instant - DAY_SECONDS // 2)
            before = after
