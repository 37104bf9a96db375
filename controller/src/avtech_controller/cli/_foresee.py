"""In which waves a plan would reach screens, and what each of them would detect."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from avtech_controller.cli._desired import Compiled
from avtech_controller.cli._rollout_text import plan_json, waves_text
from avtech_controller.planning import Plan
from avtech_controller.publication import Head, Wanted
from avtech_controller.rollout import WaveStage
from avtech_controller.stores import ObjectStore
from avtech_controller.trust import Anchor
from avtech_schema.errors import RolloutHaltedError
from avtech_schema.identifiers import CommitId
from avtech_schema.rollout import RolloutPlan

_SHOWN = 10
_WORK_TREE = CommitId("0" * 40)
"""Stands for the commit that a work tree will be; which screens are drawn for a wave depends on it, their number does not."""


@dataclass(frozen=True, slots=True)
class Foresight:
    """The waves (None: all screens at once), or the halted release that stops the publication."""

    plan: RolloutPlan | None = None
    stopped: RolloutHaltedError | None = None

    @property
    def problem(self) -> str:
        """What stops it; empty if nothing does."""
        return str(self.stopped) if self.stopped else ""

    def raise_if_stopped(self) -> None:
        """Stop a publication.

        Raises:
            RolloutHaltedError: it holds what was halted.
        """
        if self.stopped:
            raise self.stopped

    def text(self) -> str:
        """For people; empty when there are no waves."""
        return waves_text(self.plan) if self.plan else ""

    def markdown(self) -> str:
        """For a comment: a list with an empty line before it; empty when there are no waves and nothing is stopped."""
        if self.stopped:
            return f"\n⛔ Publishing this would be stopped: {self.stopped}\n"
        if not self.plan:
            return ""
        waves = waves_text(self.plan).splitlines()[1:]
        left = [f"- and {len(waves) - _SHOWN} more waves"] if len(waves) > _SHOWN else []
        return "\n".join(["", "**In waves:**", "", *(f"- {line.strip()}" for line in waves[:_SHOWN]), *left, ""])

    def json(self) -> list[dict[str, Any]]:
        """For machines."""
        return plan_json(self.plan) if self.plan else []


def wave_stage(store: ObjectStore, anchor: Anchor, compiled: Compiled) -> WaveStage:
    """What divides publications of a desired state into waves."""
    return WaveStage(store, anchor, compiled.fleet.spec.rollout, compiled.labels)


def foresee(store: ObjectStore, anchor: Anchor, head: Head | None, plan: Plan, compiled: Compiled) -> Foresight:
    """Divide a plan as its publication would.

    Raises:
        TrustError, StoreError, StoreConfigurationError: what was released before cannot be read.
    """
    wanted = Wanted(compiled.commit or _WORK_TREE, compiled.screens, "", compiled.moved)
    try:
        staging = wave_stage(store, anchor, compiled)(head, plan, wanted, datetime.now(UTC))
    except RolloutHaltedError as error:
        return Foresight(stopped=error)
    return Foresight(staging.note.plan if staging and staging.note else None)
