"""A saved plan: the file that `publish` carries out exactly, or refuses as stale."""

from dataclasses import dataclass

import orjson

from avtech_controller.compiler import COMPILER
from avtech_controller.planning._plan import ChangeKind, Plan, ScreenChange
from avtech_controller.planning._safety import Loss, count_losses
from avtech_schema.errors import ConfigurationError, SupersededError
from avtech_schema.fields import Fields, FieldsError
from avtech_schema.identifiers import ClientId, CommitId, ScreenId, Sha256, client_id, commit_id, screen_id, sha256

FORMAT_VERSION = 1
MAX_PLAN_BYTES = 64_000_000
"""A larger file is not read."""
_TOLD = 3


class StalePlanError(SupersededError):
    """A saved plan is not what publishing would do now."""

    hint = "plan again, look at it, and publish that"


@dataclass(frozen=True, slots=True)
class Step:
    """One screen of a saved plan: the digests before and after, and its old name if it is moved."""

    kind: ChangeKind
    screen: ScreenId
    client: ClientId
    old: Sha256 | None
    new: Sha256 | None
    moved_from: ScreenId | None


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """What a plan file promises: a commit, the release below it (None: it is the first), and every screen's step.

    `base` is the sequence, commit and record digest of that release.
    """

    commit: CommitId
    base: tuple[int, CommitId, Sha256] | None
    compiler: str
    steps: tuple[Step, ...]

    def check(self, plan: Plan) -> None:
        """Make sure that what would be published now is what was saved.

        Raises:
            StalePlanError: it is not; the message says what differs.
        """
        if plan.commit != self.commit:
            raise StalePlanError(f"the plan is of commit {self.commit[:12]}, not of {(plan.commit or 'a work tree')[:12]}")
        if (now := _base(plan)) != self.base:
            raise StalePlanError(f"the plan stands on {_release(self.base)}, but {_release(now)} is released now")
        saved = {step.screen: step for step in self.steps}
        found = {change.screen: _step(change) for change in plan.changes}
        differing = sorted(name for name in saved.keys() | found.keys() if saved.get(name) != found.get(name))
        if differing:
            more = f" and {len(differing) - _TOLD} more" if len(differing) > _TOLD else ""
            compiler = f" (it was made by {self.compiler[:80]}, this is {COMPILER})" if self.compiler != COMPILER else ""
            names = ", ".join(differing[:_TOLD])
            raise StalePlanError(f"the plan and the compiled commit differ in {names}{more}{compiler}")


def save_plan(plan: Plan) -> bytes:
    """The bytes of a plan file.

    Raises:
        ConfigurationError: the plan is of a work tree, or stands on a commit instead of a release: nobody can publish it.
    """
    if plan.commit is None:
        raise ConfigurationError("a plan of the work tree cannot be published", hint="save the plan of a commit: --commit HEAD")
    if plan.base_commit is not None and plan.base_sequence is None:
        raise ConfigurationError("a plan against a commit cannot be published", hint="leave --base out")
    value = {
        "format_version": FORMAT_VERSION,
        "kind": "avtech-plan",
        "commit": plan.commit,
        "compiler": COMPILER,
        "base": (base := _base(plan)) and {"sequence": base[0], "commit": base[1], "digest": base[2]},
        "consent": {loss.value: count for loss, count in count_losses(plan.changes).items()},
        "screens": [
            {
                "kind": change.kind.value,
                "screen": change.screen,
                "client": change.client,
                "old": change.old,
                "new": change.new,
                "moved_from": change.moved_from,
            }
            for change in plan.changes
        ],
    }
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)


def parse_plan(data: bytes) -> SavedPlan:
    """Read a plan file.

    Raises:
        ConfigurationError: it is no such file, or too large.
    """
    if len(data) > MAX_PLAN_BYTES:
        raise ConfigurationError(f"the plan has more than {MAX_PLAN_BYTES} bytes")
    try:
        fields = Fields.parse(data, "plan")
        fields.constant("kind", "avtech-plan")
        if (version := fields.integer("format_version")) != FORMAT_VERSION:
            raise FieldsError(f"plan: its format is {version}; this avtech reads {FORMAT_VERSION}")
        steps = tuple(_parse_step(step) for step in fields.objects("screens"))
        if len({step.screen for step in steps}) != len(steps):
            raise FieldsError("plan: a screen stands in it twice")
        consent = fields.object("consent")
        for loss in Loss:
            consent.integer(loss.value)
        consent.finish()
        saved = SavedPlan(fields.one("commit", commit_id), _parse_base(fields), fields.text("compiler", limit=200), steps)
        fields.finish()
    except FieldsError as error:
        raise ConfigurationError(
            f"this is no plan that can be published: {error}", hint="make one with `avtech plan --commit HEAD -o plan.json`"
        ) from error
    return saved


def _parse_base(fields: Fields) -> tuple[int, CommitId, Sha256] | None:
    base = fields.optional_object("base")
    if base is None:
        return None
    found = base.integer("sequence", low=1), base.one("commit", commit_id), base.one("digest", sha256)
    base.finish()
    return found


def _parse_step(fields: Fields) -> Step:
    step = Step(
        kind=fields.one("kind", ChangeKind),
        screen=fields.one("screen", screen_id),
        client=fields.one("client", client_id),
        old=fields.optional("old", sha256),
        new=fields.optional("new", sha256),
        moved_from=fields.optional("moved_from", screen_id),
    )
    fields.finish()
    return step


def _base(plan: Plan) -> tuple[int, CommitId, Sha256] | None:
    if plan.base_sequence is None or plan.base_commit is None or plan.base_digest is None:
        return None
    return plan.base_sequence, plan.base_commit, plan.base_digest


def _release(base: tuple[int, CommitId, Sha256] | None) -> str:
    return f"release {base[0]} ({base[1][:12]}, record {base[2][:12]})" if base else "nothing"


def _step(change: ScreenChange) -> Step:
    return Step(change.kind, change.screen, change.client, change.old, change.new, change.moved_from)
