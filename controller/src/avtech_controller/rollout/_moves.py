"""The records that move a rollout: what each of them changes on screens. Pure."""

from collections.abc import Collection
from datetime import datetime

from avtech_controller.publication import Head, Step
from avtech_controller.rollout._decide import Action, Decision
from avtech_controller.rollout._standing import Standing
from avtech_controller.trust import rfc3339
from avtech_schema.errors import ConfigurationError, RolloutHaltedError
from avtech_schema.identifiers import ScreenId
from avtech_schema.release import ReleaseKind
from avtech_schema.rollout import MAX_REASON, OnHalt, RecordRef, RolloutState, Version

MAX_HALTED = 8
"""So many halted releases are remembered; older ones may be released again."""


def step_of(standing: Standing, decision: Decision, now: datetime) -> Step | None:
    """The record that a decision asks for; None if it asks for none."""
    match decision.action:
        case Action.ADVANCE:
            return advance(standing, now)
        case Action.COMPLETE:
            return Step(ReleaseKind.COMPLETE, {}, standing.noted(RolloutState.COMPLETE), standing.halted)
        case Action.HALT:
            back = _back(standing) if standing.plan.policy.on_halt is OnHalt.REVERT else {}
            note = standing.noted(RolloutState.HALTED, decision.reason[:MAX_REASON])
            return Step(ReleaseKind.HALT, back, note, _quarantine(standing))
        case Action.HOLD | Action.NONE:
            return None


def advance(standing: Standing, now: datetime) -> Step:
    """Begin the next wave; screens that went meanwhile, or have something else, are left out.

    Raises:
        ConfigurationError: there is no further wave.
    """
    if standing.wave >= standing.waves:
        raise ConfigurationError(f"wave {standing.wave} is the last one of rollout {standing.begun.sequence}")
    wave = standing.wave + 1
    screens = {
        planned.screen: planned.new
        for planned in standing.in_wave(wave)
        if (found := standing.released.get(planned.screen)) and found.client == planned.client
    }
    note = standing.noted(RolloutState.RUNNING, waves=(*standing.note.waves, rfc3339(now)))
    return Step(ReleaseKind.WAVE, screens, note, standing.halted)


def pause(standing: Standing, reason: str) -> Step | None:
    """Let a rollout wait; None if it does already.

    Raises:
        ConfigurationError: it has ended.
    """
    _need_open(standing)
    if standing.note.state is RolloutState.PAUSED:
        return None
    return Step(ReleaseKind.PAUSE, {}, standing.noted(RolloutState.PAUSED, reason[:MAX_REASON]), standing.halted)


def resume(standing: Standing) -> Step | None:
    """Let a paused rollout go on; None if it does already.

    Raises:
        ConfigurationError: it has ended.
    """
    _need_open(standing)
    if standing.note.state is RolloutState.RUNNING:
        return None
    return Step(ReleaseKind.RESUME, {}, standing.noted(RolloutState.RUNNING), standing.halted)


def abort(standing: Standing, reason: str) -> Step | None:
    """End a rollout and take its screens back to what was good; None if that is so already.

    Raises:
        ConfigurationError: it is complete.
    """
    if standing.note.state is RolloutState.COMPLETE:
        raise ConfigurationError(
            f"rollout {standing.begun.sequence} is complete", hint="to go back, commit a revert (git revert) and publish that"
        )
    back = _back(standing)
    if not standing.is_open and not back:
        return None
    note = standing.noted(RolloutState.REVERTED, reason[:MAX_REASON])
    return Step(ReleaseKind.REVERT, back, note, _quarantine(standing))


def retry(head: Head, standing: Standing | None, screens: Collection[ScreenId]) -> Step:
    """Let screens try again what failed on them: what is released for them, or what a halt took from them.

    Raises:
        ConfigurationError: a screen is not released.
    """
    ended = standing is not None and not standing.is_open and standing.note.state is not RolloutState.COMPLETE
    tried = standing.plan.screens if standing and ended else ()
    taken = {planned.screen: planned for planned in tried if standing and planned.wave <= standing.wave}
    found: dict[ScreenId, Version] = {}
    for name in screens:
        if (released := head.released.screens.get(name)) is None:
            raise ConfigurationError(f"{name} is not released", hint="`avtech status` lists the screens that are")
        if name in taken and released.digest == taken[name].good.digest:
            found[name] = taken[name].new
        else:
            found[name] = Version(released.digest, released.size, released.commit)
    note = standing.noted(standing.note.state, standing.note.reason) if standing else None
    return Step(ReleaseKind.RETRY, found, note, head.record.halted)


def lift(head: Head, standing: Standing | None) -> Step | None:
    """Let halted releases be published again; None if there are none.

    Raises:
        RolloutHaltedError: screens still have one of them.
    """
    if not head.record.halted:
        return None
    ended = standing is not None and not standing.is_open and standing.note.state is not RolloutState.COMPLETE
    if standing and ended and (back := _back(standing)):
        raise RolloutHaltedError(
            f"{len(back)} screens still have what was halted", hint="take them back first: avtech rollout abort"
        )
    note = standing.noted(standing.note.state, standing.note.reason) if standing and standing.is_open else None
    return Step(ReleaseKind.RETRY, {}, note, ())


def _back(standing: Standing) -> dict[ScreenId, Version]:
    """Every screen of the plan that has something else than what was good before, and that.

    Among them are screens that wait and have what an unfinished rollout brought, which this one superseded.
    """
    found = standing.released
    return {
        planned.screen: planned.good
        for planned in standing.plan.screens
        if planned.screen in found
        and found[planned.screen].digest != planned.good.digest
        and found[planned.screen].client == planned.client
    }


def _quarantine(standing: Standing) -> tuple[RecordRef, ...]:
    others = tuple(ref for ref in standing.halted if ref != standing.begun)
    return (*others, standing.begun)[-MAX_HALTED:]


def _need_open(standing: Standing) -> None:
    if not standing.is_open:
        raise ConfigurationError(f"rollout {standing.begun.sequence} has ended: it is {standing.note.state}")
