"""What stops a plan: limits of the fleet and of its clients, freezes, and the consent that overrides them. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from avtech_controller.planning._plan import ChangeKind, Plan, ScreenChange
from avtech_controller.planning._words import count_text
from avtech_schema.airtime import local_instant
from avtech_schema.errors import UnsafePlanError
from avtech_schema.identifiers import ClientId
from avtech_schema.resources import Client, Fleet, Freeze, Limits

TRAILER = "AVTech-Accept"
"""The key of the line at the end of a commit message that consents, such as `AVTech-Accept: changed=417 removed=3`."""
_TOLD = 5
_NUMBER = re.compile(r"(changed|removed|emptied)=([0-9]{1,9})")


class Loss(StrEnum):
    """What a limit counts."""

    CHANGED = "changed"
    REMOVED = "removed"
    EMPTIED = "emptied"


_VERBS = {
    Loss.CHANGED: "change",
    Loss.REMOVED: "be removed",
    Loss.EMPTIED: "lose all their scheduled airtime of the next 7 days",
}
OPTIONS = {Loss.CHANGED: "--accept-changes", Loss.REMOVED: "--accept-removals", Loss.EMPTIED: "--accept-emptied"}
"""The option of the command line that consents to a number."""


@dataclass(frozen=True, slots=True)
class Consent:
    """What somebody agreed to: exact numbers of screens in the whole fleet, and publishing in a freeze."""

    numbers: frozenset[tuple[Loss, int]] = frozenset()
    override_freeze: bool = False

    def plus(self, other: "Consent") -> "Consent":
        """What either of the two agrees to."""
        return Consent(self.numbers | other.numbers, self.override_freeze or other.override_freeze)


def parse_acceptance(text: str) -> Consent:
    """Read the numbers of a trailer, such as `changed=417 removed=3`.

    Raises:
        ValueError: it is something else.
    """
    words = text.replace(",", " ").split()
    found = [_NUMBER.fullmatch(word) for word in words]
    if not words or not all(found):
        raise ValueError(f"{text[:80]!r} does not name numbers such as `changed=417 removed=3 emptied=2`")
    return Consent(frozenset((Loss(match[1]), int(match[2])) for match in found if match))


@dataclass(frozen=True, slots=True)
class Excess:
    """A number of screens beyond a limit; of the whole fleet, or of the screens of `client`. `most` says which limit."""

    loss: Loss
    count: int
    released: int
    most: str
    client: ClientId | None = None

    def __str__(self) -> str:
        whose = f" of {self.client}" if self.client else ""
        return f"{self.count} of {self.released} released screens{whose} would {_VERBS[self.loss]} (at most {self.most})"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a plan is safe: what is beyond a limit, consented to or not, the freeze that stops it, and the numbers."""

    numbers: Mapping[Loss, int]
    refused: tuple[Excess, ...]
    accepted: tuple[Excess, ...]
    freeze: Freeze | None

    @property
    def stopped(self) -> bool:
        """Whether publication stops."""
        return bool(self.refused) or self.freeze is not None

    @property
    def problem(self) -> str:
        """What stops it, in one line; empty if nothing does."""
        told = [str(excess) for excess in self.refused[:_TOLD]]
        if len(self.refused) > _TOLD:
            told.append(f"{len(self.refused) - _TOLD} more limits are exceeded")
        if self.freeze:
            told.append(f"publication is frozen from {self.freeze.from_} until {self.freeze.until}: {self.freeze.reason}")
        return "; ".join(told)

    @property
    def to_name(self) -> dict[Loss, int]:
        """The numbers that consent has to name."""
        return {loss: self.numbers[loss] for loss in Loss if any(excess.loss is loss for excess in self.refused)}

    @property
    def trailer(self) -> str:
        """The line of a commit message that would consent; empty if none is needed."""
        named = " ".join(f"{loss}={count}" for loss, count in self.to_name.items())
        return f"{TRAILER}: {named}" if named else ""

    @property
    def hint(self) -> str:
        """What to do about it."""
        hints: list[str] = []
        if named := self.to_name:
            options = " ".join(f"{OPTIONS[loss]} {count}" for loss, count in named.items())
            hints.append(f"if that is meant, say so: {options}, or in the commit message: {self.trailer}")
        if self.freeze:
            hints.append("wait, or publish all the same with --override-freeze; emergencies are not stopped")
        return "; ".join(hints)

    def raise_if_stopped(self) -> None:
        """Stop a publication.

        Raises:
            UnsafePlanError: a limit is exceeded, and nobody consented to exactly its number, or a freeze is on.
        """
        if self.stopped:
            raise UnsafePlanError(self.problem, hint=self.hint)


def assess(plan: Plan, fleet: Fleet, clients: Mapping[ClientId, Client], consent: Consent, now: datetime) -> Verdict:
    """Hold a plan against the limits of the fleet, of each client, and against freezes.

    Consent to the exact number of the whole fleet covers the limits of clients, too: whoever names it has seen it.
    """
    numbers = count_losses(plan.changes)
    excesses = list(_excesses(plan, fleet, clients))
    accepted = tuple(excess for excess in excesses if (excess.loss, numbers[excess.loss]) in consent.numbers)
    freeze = active_freeze(fleet, now) if plan.changes and not (consent.override_freeze or plan.emergency_only) else None
    return Verdict(numbers, tuple(excess for excess in excesses if excess not in accepted), accepted, freeze)


def count_losses(changes: Sequence[ScreenChange]) -> dict[Loss, int]:
    """How many released screens change, go, or lose their scheduled air."""
    return {
        Loss.CHANGED: sum(change.alters for change in changes),
        Loss.REMOVED: sum(change.kind is ChangeKind.REMOVED for change in changes),
        Loss.EMPTIED: sum(change.emptied for change in changes),
    }


def _excesses(plan: Plan, fleet: Fleet, clients: Mapping[ClientId, Client]) -> Iterator[Excess]:
    yield from _beyond(count_losses(plan.changes), plan.released_screens, fleet.spec.limits)
    by_client: dict[ClientId, list[ScreenChange]] = {}
    for change in plan.changes:
        by_client.setdefault(change.client, []).append(change)
    for name, changes in sorted(by_client.items()):
        own = clients[name].spec.limits if name in clients else None
        for excess in _beyond(count_losses(changes), plan.released.get(name, 0), own or fleet.spec.defaults.limits):
            yield replace(excess, client=name)


def _beyond(numbers: Mapping[Loss, int], released: int, limits: Limits) -> Iterable[Excess]:
    checks = (
        (Loss.CHANGED, limits.changed_percent, limits.changed_screens),
        (Loss.REMOVED, limits.removed_percent, limits.removed_screens),
        (Loss.EMPTIED, limits.emptied_percent, limits.emptied_screens),
    )
    for loss, percent, most in checks:
        count = numbers[loss]
        reasons: list[str] = []
        if released >= limits.minimum_screens and count * 100 > percent * released:
            reasons.append(f"{percent} %")
        if most is not None and count > most:
            reasons.append(count_text(most, "screen"))
        if reasons:
            yield Excess(loss, count, released, " and ".join(reasons))


def active_freeze(fleet: Fleet, now: datetime) -> Freeze | None:
    """The freeze that an instant falls into, in the fleet's time zone."""
    zone = fleet.spec.defaults.time_zone
    for freeze in fleet.spec.freezes:
        if local_instant(freeze.from_, zone) <= now < local_instant(freeze.until, zone, end=True):
            return freeze
    return None
