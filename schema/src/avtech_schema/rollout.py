"""What release records say of a rollout: its plan, which is fixed when it begins, and where it stands since."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from avtech_schema.fields import Fields, FieldsError
from avtech_schema.identifiers import (
    ByteSize,
    ClientId,
    CommitId,
    ScreenId,
    Sha256,
    client_id,
    commit_id,
    screen_id,
    sha256,
)
from avtech_schema.localtime import utc_time

MAX_WAVES = 100
MAX_SOAK = 100_000
"""In minutes."""
MAX_REASON = 1000
ALLOWANCE_PATTERN = r"^(100|[1-9]?[0-9])%$"
MAX_ALLOWANCE = 1_000_000
_ALLOWANCE = re.compile(r"(100|[1-9]?[0-9])%|[0-9]{1,7}")


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many screens may do badly: a number, or a share in percent, which is rounded up."""

    amount: int
    is_percent: bool = False

    def of(self, screens: int) -> int:
        """The number among so many screens."""
        return -(-self.amount * screens // 100) if self.is_percent else self.amount

    def __str__(self) -> str:
        return f"{self.amount}%" if self.is_percent else str(self.amount)


def parse_allowance(value: str | int) -> Allowance:
    """Read `3` or `5%`.

    Raises:
        ValueError: it is neither.
    """
    text = str(value)
    if isinstance(value, bool) or not _ALLOWANCE.fullmatch(text):
        raise ValueError(f"{text[:80]!r} is neither a number of screens nor a share such as 5%")
    found = Allowance(int(text.removesuffix("%")), text.endswith("%"))
    if found.amount > MAX_ALLOWANCE:
        raise ValueError(f"{text} screens are more than {MAX_ALLOWANCE:,}")
    return found


class OnHalt(StrEnum):
    """What happens to the screens already touched when a rollout halts."""

    REVERT = "revert"
    HOLD = "hold"


class RolloutState(StrEnum):
    """Where a rollout stands, as far as records tell."""

    RUNNING = "running"
    PAUSED = "paused"
    HALTED = "halted"
    """It found a fault; the screens that had it went back, or (`onHalt: hold`) keep it."""
    REVERTED = "reverted"
    """Somebody ended it, and the screens that had it went back."""
    COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class RolloutPolicy:
    """What a rollout is judged by. `min_reporting` is in percent; without a deadline it waits for as long as it takes."""

    min_reporting: int
    min_samples: int
    max_failed: Allowance
    max_lost: Allowance
    lost_minutes: int
    deadline_minutes: int | None
    on_halt: OnHalt


@dataclass(frozen=True, slots=True)
class Version:
    """One manifest of a screen: its digest and size, and the commit that brought it."""

    digest: Sha256
    size: ByteSize
    commit: CommitId


@dataclass(frozen=True, slots=True)
class PlannedScreen:
    """One screen's step: in which wave (from 1), to which manifest, and which one is known to be good."""

    screen: ScreenId
    client: ClientId
    wave: int
    new: Version
    good: Version


@dataclass(frozen=True, slots=True)
class RolloutPlan:
    """The waves by their soak times in minutes, the policy, and every screen that takes part.

    `base` is the commit that stands for what is known to be good: what a revert goes back to.
    """

    base: CommitId
    soaks: tuple[int, ...]
    policy: RolloutPolicy
    screens: tuple[PlannedScreen, ...]


@dataclass(frozen=True, slots=True)
class RecordRef:
    """A release record: its sequence, and the digest of its object."""

    sequence: int
    digest: Sha256


@dataclass(frozen=True, slots=True)
class RolloutNote:
    """Where a rollout stands with a record. `begun` names the record that began it, which alone holds the plan.

    `waves` holds the instant at which each wave that has begun did so, in UTC, RFC 3339; `reason` says why it was
    paused, halted or ended.
    """

    begun: RecordRef | None
    state: RolloutState
    waves: tuple[str, ...]
    reason: str = ""
    plan: RolloutPlan | None = None

    def json(self) -> dict[str, Any]:
        """As the record spells it."""
        return {
            "begun": self.begun and ref_json(self.begun),
            "state": self.state.value,
            "waves": list(self.waves),
            "reason": self.reason,
            "plan": self.plan and _plan_json(self.plan),
        }


def ref_json(ref: RecordRef) -> dict[str, Any]:
    """A record's reference as records spell it."""
    return {"sequence": ref.sequence, "digest": ref.digest}


def parse_ref(fields: Fields) -> RecordRef:
    """Read what `ref_json` wrote.

    Raises:
        FieldsError: it is not that.
    """
    ref = RecordRef(fields.integer("sequence", low=1), fields.one("digest", sha256))
    fields.finish()
    return ref


def parse_note(fields: Fields) -> RolloutNote:
    """Read what `RolloutNote.json` wrote.

    Raises:
        FieldsError: it is not that, or contradicts itself.
    """
    begun, plan = fields.optional_object("begun"), fields.optional_object("plan")
    note = RolloutNote(
        begun=parse_ref(begun) if begun else None,
        state=fields.one("state", RolloutState),
        waves=fields.texts("waves", utc_time),
        reason=fields.text("reason", limit=MAX_REASON),
        plan=_plan(plan) if plan else None,
    )
    fields.finish()
    if (note.begun is None) == (note.plan is None):
        raise FieldsError(f"{fields.where}: the record that begins a rollout, and no other, holds its plan")
    if not 1 <= len(note.waves) <= (len(note.plan.soaks) if note.plan else MAX_WAVES):
        raise FieldsError(f"{fields.where}: {len(note.waves)} waves have begun, which cannot be")
    return note


def _plan_json(plan: RolloutPlan) -> dict[str, Any]:
    """The plan; screens name commits by their place in a list, which makes it a quarter smaller."""
    policy = plan.policy
    commits = sorted({version.commit for planned in plan.screens for version in (planned.new, planned.good)})
    places = {commit: place for place, commit in enumerate(commits)}
    return {
        "base": plan.base,
        "commits": commits,
        "soakMinutes": list(plan.soaks),
        "policy": {
            "minReporting": policy.min_reporting,
            "minSamples": policy.min_samples,
            "maxFailed": str(policy.max_failed),
            "maxLost": str(policy.max_lost),
            "lostMinutes": policy.lost_minutes,
            "deadlineMinutes": policy.deadline_minutes,
            "onHalt": policy.on_halt.value,
        },
        "screens": [
            {
                "screen": planned.screen,
                "client": planned.client,
                "wave": planned.wave,
                "new": _version_json(planned.new, places),
                "good": _version_json(planned.good, places),
            }
            for planned in plan.screens
        ],
    }


def _version_json(version: Version, places: dict[CommitId, int]) -> dict[str, Any]:
    return {"digest": version.digest, "size": version.size, "commit": places[version.commit]}


def _plan(fields: Fields) -> RolloutPlan:
    soaks = fields.sequence("soakMinutes", limit=MAX_WAVES)
    if not soaks or any(type(soak) is not int or not 0 <= soak <= MAX_SOAK for soak in soaks):
        raise FieldsError(f"{fields.where}: soakMinutes must be whole numbers, one for each wave")
    commits = fields.texts("commits", commit_id)
    plan = RolloutPlan(
        base=fields.one("base", commit_id),
        soaks=tuple(soaks),
        policy=_policy(fields.object("policy")),
        screens=tuple(_planned(inner, len(soaks), commits) for inner in fields.objects("screens")),
    )
    fields.finish()
    if len({planned.screen for planned in plan.screens}) != len(plan.screens):
        raise FieldsError(f"{fields.where}: a screen is planned twice")
    return plan


def _policy(fields: Fields) -> RolloutPolicy:
    policy = RolloutPolicy(
        min_reporting=fields.integer("minReporting", high=100),
        min_samples=fields.integer("minSamples", low=1),
        max_failed=fields.one("maxFailed", parse_allowance),
        max_lost=fields.one("maxLost", parse_allowance),
        lost_minutes=fields.integer("lostMinutes", low=1),
        deadline_minutes=fields.optional_integer("deadlineMinutes", low=1),
        on_halt=fields.one("onHalt", OnHalt),
    )
    fields.finish()
    return policy


def _planned(fields: Fields, waves: int, commits: tuple[CommitId, ...]) -> PlannedScreen:
    planned = PlannedScreen(
        screen=fields.one("screen", screen_id),
        client=fields.one("client", client_id),
        wave=fields.integer("wave", low=1, high=waves),
        new=_version(fields.object("new"), commits),
        good=_version(fields.object("good"), commits),
    )
    fields.finish()
    return planned


def _version(fields: Fields, commits: tuple[CommitId, ...]) -> Version:
    digest, size = fields.one("digest", sha256), ByteSize(fields.integer("size", low=1))
    version = Version(digest, size, commits[fields.integer("commit", high=len(commits) - 1)])
    fields.finish()
    return version
