"""Looks at a rollout with what its screens report, and moves it on: safe to do twice, late, or never."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from avtech_controller.planning import active_freeze
from avtech_controller.provenance import Builder
from avtech_controller.publication import Head, Publisher, Step, read_head
from avtech_controller.rollout._decide import CONTROLS, Action, Decision, decide
from avtech_controller.rollout._moves import step_of
from avtech_controller.rollout._observe import Reports
from avtech_controller.rollout._standing import Standing, read_standing
from avtech_controller.rollout._waves import draw_order
from avtech_controller.status import read_reports
from avtech_controller.stores import ObjectStore
from avtech_controller.trust import Anchor
from avtech_schema.identifiers import ScreenId
from avtech_schema.resources import Fleet


@dataclass(frozen=True, slots=True)
class Watch:
    """What it takes to look at rollouts: the stores, the device keys of screens, the fleet's freezes, and a clock."""

    store: ObjectStore
    reports: ObjectStore
    anchor: Anchor
    keys: Mapping[ScreenId, str]
    fleet: Fleet
    clock: Callable[[], datetime]

    def look(self, head: Head) -> "Look | None":
        """See where the rollout of a head stands, and what is to be done; None if there is none.

        Raises:
            TrustError, StoreError, StoreConfigurationError: what it needs cannot be read; nothing is decided from that.
        """
        standing = read_standing(self.store, self.anchor, head)
        if standing is None:
            return None
        found = self._reports(standing, head)
        now = self.clock()
        freeze = active_freeze(self.fleet, now)
        why = f"publication is frozen until {freeze.until}: {freeze.reason}" if freeze else None
        return Look(standing, found, decide(standing, found, standing.plan.policy, now, freeze=why), now)

    def _reports(self, standing: Standing, head: Head) -> Reports:
        """The reports of the screens that have the release or had it, and of some others, to compare with."""
        reached = {planned.screen for planned in (*standing.touched, *standing.returned)}
        others = draw_order(str(standing.begun.sequence), head.released.screens.keys() - reached)[:CONTROLS]
        wanted = {name: head.released.screens[name] for name in sorted(reached.union(others))}
        return read_reports(self.reports, replace(head.released, screens=wanted), self.keys)


@dataclass(frozen=True, slots=True)
class Look:
    """A rollout as it was seen: where it stands, what screens say, and what is to be done."""

    standing: Standing
    reports: Reports
    decision: Decision
    now: datetime


@dataclass(frozen=True, slots=True)
class Ticked:
    """What a tick saw and did. `look` is what it decided by; `standing` is how the rollout stands after it."""

    look: Look | None
    standing: Standing | None
    sequence: int
    acted: Action = field(default=Action.NONE)


def look_now(watch: Watch) -> Look | None:
    """See where the rollout stands, without moving it; None if there is none.

    Raises:
        TrustError, StoreError, StoreConfigurationError: what it needs cannot be read.
    """
    head = read_head(watch.store, watch.anchor)
    return watch.look(head) if head else None


def tick(watch: Watch, publisher: Publisher, *, name: str, builder: Builder) -> Ticked:
    """Decide, and publish what that asks for. A tick that is overtaken by another decides again, and then has nothing to do.

    Raises:
        ConfigurationError: nothing is released.
        TrustError, StoreError, StoreConfigurationError: nothing was changed.
    """
    looks: list[Look | None] = []

    def decide_on(head: Head) -> Step | None:
        look = watch.look(head)
        looks.append(look)
        return step_of(look.standing, look.decision, watch.clock()) if look else None

    done = publisher.amend(decide_on, publisher=name, builder=builder)
    look = looks[-1]
    if look is None:
        return Ticked(None, None, done.released.sequence)
    if done.step is None:
        return Ticked(look, look.standing, done.released.sequence)
    after = look.standing.after(done.released, done.record)
    return Ticked(look, after, done.released.sequence, look.decision.action)
