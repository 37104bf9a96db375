"""What changes, however many screens it touches: one row for each change, with the screens it is the same on. Pure."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from avtech_controller.preview._items import items_changed
from avtech_controller.preview._programme import name_of
from avtech_controller.preview._weeks import ScreenWeek, State
from avtech_schema.identifiers import ClientId, ScreenId

CHANGING = (State.CHANGED, State.ADDED, State.UNKNOWN, State.OTHERWISE)
"""States of screens that do not stay as they are."""


@dataclass(frozen=True, slots=True)
class Swap:
    """One programme in the place of another."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Row:
    """One change: what it is, and the weeks of one client's screens that it makes; on which days and hours may differ."""

    state: State
    client: ClientId
    what: tuple[str | Swap, ...]
    weeks: tuple[ScreenWeek, ...]

    @property
    def screens(self) -> int:
        """How many screens it is the same on."""
        return sum(len(week.screens) for week in self.weeks)

    def shown(self, drawn: Collection[ScreenId]) -> ScreenId | None:
        """The first screen of a week that is drawn."""
        return next((week.screens[0] for week in self.weeks if week.screens[0] in drawn), None)


def overview(weeks: Iterable[ScreenWeek]) -> tuple[Row, ...]:
    """The changes among some weeks, those of most screens first."""
    found: dict[tuple[State, ClientId, frozenset[str | Swap]], list[ScreenWeek]] = {}
    for week in weeks:
        if week.state in CHANGING:
            found.setdefault((week.state, week.client, frozenset(_what(week))), []).append(week)
    rows = [
        Row(state, client, tuple(dict.fromkeys(_what(members[0]))), tuple(members))
        for (state, client, _), members in found.items()
    ]
    return tuple(sorted(rows, key=lambda row: (row.state, -row.screens, row.weeks[0].screens)))


def chosen_weeks(weeks: Sequence[ScreenWeek], rows: Iterable[Row], limit: int | None) -> tuple[ScreenWeek, ...]:
    """At most `limit` of the weeks, in their order: a week of each change before a second one of any."""
    if limit is None or len(weeks) <= limit:
        return tuple(weeks)
    first = [row.weeks[0].screens[0] for row in rows]
    ranked = dict.fromkeys((*first, *(week.screens[0] for week in weeks)))
    wanted = set(list(ranked)[:limit])
    return tuple(week for week in weeks if week.screens[0] in wanted)


def _what(week: ScreenWeek) -> Iterator[str | Swap]:
    for change in week.changes:
        old, new = name_of(change.before), name_of(change.after)
        if old == new:
            yield from items_changed(change.before, change.after)
        else:
            yield Swap(old, new)
    yield from week.remarks
