"""Begins a rollout: divides a publication into what comes at once and the waves that wait."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from avtech_controller.planning import ChangeKind, Plan, ScreenChange, calm_of, count_text
from avtech_controller.publication import Head, ReleasedScreen, Staging, Wanted, read_old_manifests
from avtech_controller.rollout._standing import Standing, read_plan, read_standing
from avtech_controller.rollout._waves import Labels, assign_waves, policy_of, rollout_id
from avtech_controller.stores import ObjectStore
from avtech_controller.trust import Anchor, rfc3339
from avtech_schema.errors import RolloutHaltedError
from avtech_schema.identifiers import ScreenId
from avtech_schema.resources import Rollout
from avtech_schema.rollout import (
    OnHalt,
    PlannedScreen,
    RecordRef,
    RolloutNote,
    RolloutPlan,
    RolloutPolicy,
    RolloutState,
    Version,
)

_FAULTY = frozenset({RolloutState.HALTED, RolloutState.REVERTED})
_EMERGENCY = b'"emergency":true'
"""How a manifest's canonical JSON spells a rule that is one; no text in it can, as quotes are escaped there."""
_NAMED = 3


@dataclass(frozen=True, slots=True)
class _Divided:
    """The screens of a rollout: those that change in waves, and those that are watched from the first on, of which
    `at_once` get something new now."""

    changing: frozenset[ScreenId]
    watched: frozenset[ScreenId]
    at_once: frozenset[ScreenId]
    policy: RolloutPolicy

    @property
    def kept(self) -> frozenset[ScreenId]:
        """Those that keep what they have."""
        return self.watched - self.at_once


@dataclass(frozen=True, slots=True)
class WaveStage:
    """Says of every publication which screens wait, by the fleet's settings and by what was released before."""

    store: ObjectStore
    anchor: Anchor
    rollout: Rollout
    labels: Labels

    def __call__(self, head: Head | None, plan: Plan, wanted: Wanted, now: datetime) -> Staging | None:
        """Divide a publication (see `Stage`).

        Raises:
            RolloutHaltedError: it holds manifests of a release that was halted.
            TrustError, StoreError, StoreConfigurationError: what was released before cannot be read.
        """
        if head is None:
            return Staging()
        before = read_standing(self.store, self.anchor, head)
        if before and before.is_open and before.commit == wanted.commit:
            return None
        self._refuse_quarantined(head, plan)
        pressing = self._emergencies(before, plan, wanted, _new)
        if before and pressing and before.note.state in _FAULTY:
            _refuse(before.begun, sorted(pressing))
        back = self._emergencies(before, plan, wanted, _good)
        at_once = pressing - back
        good = _unproven(before)
        changing = {change.screen for change in plan.changes if _may_wait(head, good, change)} - at_once - back
        watched = at_once | _carried(before, wanted)
        if not self.rollout.waves or not changing | watched:
            return Staging(halted=head.record.halted)
        alarmed = any(_EMERGENCY in wanted.screens[screen].data for screen in at_once)
        policy = policy_of(self.rollout)
        kept = replace(policy, on_halt=OnHalt.HOLD) if alarmed else policy  # a halt takes no emergency off the air
        return self._begin(head, before, wanted, _Divided(frozenset(changing), watched, at_once, kept), now)

    def _begin(self, head: Head, before: Standing | None, wanted: Wanted, divided: "_Divided", now: datetime) -> Staging:
        released = head.released
        name = rollout_id(released.sequence + 1, wanted.commit)
        screens, first = divided.changing | divided.watched, sorted(divided.watched)
        soaks, waves = assign_waves(self.rollout.waves, name, screens, self.labels, first=first)
        good = _unproven(before)
        steps = tuple(
            PlannedScreen(
                screen,
                released.screens[screen].client,
                waves[screen],
                _version(released.screens[screen]) if screen in divided.kept else _new_version(wanted, screen),
                good.get(screen) or _version(released.screens[screen]),
            )
            for screen in sorted(waves)
        )
        base = before.plan.base if before and before.note.state is not RolloutState.COMPLETE else released.commit
        made = RolloutPlan(base, soaks, divided.policy, steps)
        note = RolloutNote(None, RolloutState.RUNNING, (rfc3339(now),), plan=made)
        waiting = frozenset(step.screen for step in steps if step.wave > 1)
        return Staging(waiting, note, head.record.halted)

    def _refuse_quarantined(self, head: Head, plan: Plan) -> None:
        for ref in head.record.halted:
            bad = {planned.new.digest for planned in read_plan(self.store, self.anchor, ref).screens}
            if blocked := [change.screen for change in plan.changes if change.new in bad]:
                _refuse(ref, blocked)

    def _emergencies(
        self, before: Standing | None, plan: Plan, wanted: Wanted, version: Callable[[PlannedScreen], Version]
    ) -> frozenset[ScreenId]:
        """Screens for which only emergencies differ from a version that a rollout knows, unless that is complete."""
        if before is None or before.note.state is RolloutState.COMPLETE:
            return frozenset()
        known = {planned.screen: planned for planned in before.plan.screens}
        changes = [change.screen for change in plan.changes if change.screen in known and change.new is not None]
        manifests = read_old_manifests(self.store, [_as_released(known[name], version, before) for name in changes])
        return frozenset(
            name
            for name in changes
            if version(known[name]).digest != wanted.screens[name].digest
            and (there := manifests.get(version(known[name]).digest))
            and there.calm == calm_of(wanted.screens[name].data)
        )


def _new(planned: PlannedScreen) -> Version:
    return planned.new


def _good(planned: PlannedScreen) -> Version:
    return planned.good


def _as_released(planned: PlannedScreen, version: Callable[[PlannedScreen], Version], before: Standing) -> ReleasedScreen:
    found = version(planned)
    return ReleasedScreen(planned.screen, planned.client, found.digest, found.size, found.commit, before.begun.sequence)


def _may_wait(head: Head, good: Mapping[ScreenId, Version], change: ScreenChange) -> bool:
    """Whether a change can be rolled out: a screen that is new, goes, or goes back to what is good does not wait."""
    if change.kind is not ChangeKind.CHANGED or change.emergency_only:
        return False
    proven = good.get(change.screen)
    return head.released.screens[change.screen].client == change.client and not (proven and proven.digest == change.new)


def _unproven(before: Standing | None) -> Mapping[ScreenId, Version]:
    """The good manifests of the screens of a rollout that did not complete, whether they wait in it or not."""
    if before is None or before.note.state is RolloutState.COMPLETE:
        return {}
    return {planned.screen: planned.good for planned in before.plan.screens}


def _carried(before: Standing | None, wanted: Wanted) -> frozenset[ScreenId]:
    """Screens that keep what an unfinished rollout brought: the new rollout goes on watching them."""
    if before is None or before.note.state is RolloutState.COMPLETE:
        return frozenset()
    return frozenset(
        planned.screen
        for planned in before.touched
        if planned.screen in wanted.screens
        and wanted.screens[planned.screen].digest == planned.new.digest
        and wanted.screens[planned.screen].client == planned.client
    )


def _version(screen: ReleasedScreen) -> Version:
    return Version(screen.digest, screen.size, screen.commit)


def _new_version(wanted: Wanted, screen: ScreenId) -> Version:
    compiled = wanted.screens[screen]
    return Version(compiled.digest, compiled.size, wanted.commit)


def _refuse(ref: RecordRef, screens: list[ScreenId]) -> None:
    named = ", ".join(screens[:_NAMED]) + (", …" if len(screens) > _NAMED else "")
    raise RolloutHaltedError(
        f"{count_text(len(screens), 'screen')} would get what release {ref.sequence} was halted for: {named}",
        hint="commit a revert or a fix and publish that; `avtech retry --halted` allows this release to be tried again",
    )
