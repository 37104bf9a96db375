"""One publication as `avtech publish` makes it: planned and shown, approved, released."""

import getpass
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from avtech_controller.cli._consent import consent_in_commits
from avtech_controller.cli._desired import Compiled
from avtech_controller.planning import (
    MAX_PLAN_BYTES,
    Consent,
    Plan,
    SavedPlan,
    Verdict,
    assess,
    parse_plan,
    plan_json,
    plan_text,
)
from avtech_schema.errors import AvtechError, ConfigurationError
from avtech_schema.identifiers import CommitId

if TYPE_CHECKING:
    from avtech_controller.publication import Head, Progress, Publication, Stage, Staging, Wanted
    from avtech_controller.stores import ObjectStore
    from avtech_controller.trust import Anchor, Remembered


@dataclass(frozen=True, slots=True)
class Job:
    """One publication: what of, where to, and who agreed to what."""

    repo: Path
    store: "ObjectStore"
    compiled: Compiled
    consent: Consent
    saved: SavedPlan | None
    accept_rewind: str = ""
    remembered: "Remembered | None" = None
    ask: bool = field(kw_only=True)

    def only_plan(self, output: str) -> int:
        """Show what would be published, and what would stop it; returns the exit code where that was told already."""
        from avtech_controller.cli._foresee import foresee
        from avtech_controller.cli._main import tell
        from avtech_controller.publication import check_order, descent, plan_publication, read_head
        from avtech_controller.trust import load_anchor

        anchor = load_anchor(self.repo, self._commit())
        head = read_head(self.store, anchor, self.remembered)
        released, accepted = head.released if head else None, self.accept_rewind
        check_order(released, self._commit(), descent(self.repo), accepted=accepted)
        compiled = self.compiled
        screens, moved, earlier = compiled.screens, compiled.moved, compiled.earlier
        plan = plan_publication(self.store, head, compiled.commit, screens, now=_now(), moved=moved, earlier=earlier)
        verdict = self._verdict(plan)
        foreseen = foresee(self.store, anchor, head, plan, compiled)
        if output == "json":
            value = {"format_version": 1, "outcome": "planned", "plan": plan_json(plan, verdict), "rollout": foreseen.json()}
            click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
        else:
            click.echo(plan_text(plan, titles=compiled.titles, colour="NO_COLOR" not in os.environ))
            if told := foreseen.text():
                click.echo(told)
        try:
            foreseen.raise_if_stopped()
            verdict.raise_if_stopped()
        except AvtechError as error:
            if output != "json":
                raise
            tell(error)
            return error.exit_code
        click.echo("nothing was published: give --yes to publish this", err=True)
        return 0

    def publish(self, keys_dir: Path | None, progress: "Progress") -> "Publication":
        """Release it."""
        from avtech_controller.cli._secrets import publish_signer
        from avtech_controller.provenance import builder_of
        from avtech_controller.publication import Publisher, Wanted, descent
        from avtech_controller.trust import load_anchor

        anchor = load_anchor(self.repo, self._commit())
        signer = publish_signer(keys_dir, anchor)
        anchor.check_publisher(signer, _now())
        builder = builder_of(os.environ)
        wanted = Wanted(
            commit=self._commit(),
            screens=self.compiled.screens,
            publisher=publisher_name(os.environ),
            moved=self.compiled.moved,
            builder=builder,
            accept_rewind=self.accept_rewind,
        )
        publisher = Publisher(
            store=self.store,
            anchor=anchor,
            signer=signer,
            descends=descent(self.repo),
            approve=self._approval(anchor),
            clock=_now,
            progress=progress,
            stage=self._stage(anchor),
            shown=self.ask,
            emergencies=bool(self.compiled.fleet.spec.rollout.waves or self.compiled.fleet.spec.freezes),
            remembered=self.remembered,
            earlier=self.compiled.earlier,
        )
        return publisher.publish(wanted)

    def _stage(self, anchor: "Anchor") -> "Stage":
        """What divides the publication into waves; where there are none, and no trace of any, nothing need be looked at."""

        def stage(head: "Head | None", plan: Plan, wanted: "Wanted", now: datetime) -> "Staging | None":
            from avtech_controller.publication import at_once

            traces = head and (head.record.rollout or head.record.halted)
            if not traces and not self.compiled.fleet.spec.rollout.waves:
                return at_once(head, plan, wanted, now)
            from avtech_controller.cli._foresee import wave_stage

            return wave_stage(self.store, anchor, self.compiled)(head, plan, wanted, now)

        return stage

    def _approval(self, anchor: "Anchor") -> Callable[[Plan], None]:
        """What looks at every plan before it is carried out; one that was confirmed already is not asked about again."""
        from avtech_controller.signing import check_commits

        confirmed: list[object] = []

        def approve(plan: Plan) -> None:
            check_commits(self.repo, plan.base_commit, self._commit())
            if self.saved:
                self.saved.check(plan)
            self._verdict(plan).raise_if_stopped()
            steps = [(change.screen, change.old, change.new) for change in plan.changes]
            if self.ask and steps not in confirmed:
                click.echo(plan_text(plan, titles=self.compiled.titles, colour="NO_COLOR" not in os.environ), err=True)
                if told := self._foreseen(anchor, plan):
                    click.echo(told, err=True)
                click.confirm("Publish this?", abort=True, err=True)
                confirmed.append(steps)

        return approve

    def _foreseen(self, anchor: "Anchor", plan: Plan) -> str:
        from avtech_controller.cli._foresee import foresee
        from avtech_controller.publication import read_head

        return foresee(self.store, anchor, read_head(self.store, anchor, self.remembered), plan, self.compiled).text()

    def _verdict(self, plan: Plan) -> Verdict:
        found = assess(plan, self.compiled.fleet, self.compiled.clients, self.consent, _now())
        if not found.refused:
            return found  # history need not be asked who consented to nothing
        consent = self.consent.plus(consent_in_commits(self.repo, plan.base_commit, plan.commit))
        return assess(plan, self.compiled.fleet, self.compiled.clients, consent, _now())

    def _commit(self) -> CommitId:
        if self.compiled.commit is None:
            raise ConfigurationError("only a commit can be published", hint="commit the change first")
        return self.compiled.commit


def read_plan(file: Path) -> SavedPlan:
    """Read a plan file.

    Raises:
        ConfigurationError: it cannot be read, or is no plan.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_PLAN_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f"cannot read the plan {file}: {error.strerror}") from error
    return parse_plan(data)


def publisher_name(environment: Mapping[str, str]) -> str:
    """Who publishes: the CI job and whoever started it, else user and host."""
    if environment.get("GITHUB_ACTIONS"):
        where = "/".join(environment.get(name, "") for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY"))
        return f"{environment.get('GITHUB_ACTOR', 'unknown')} via {where}/actions/runs/{environment.get('GITHUB_RUN_ID', '')}"
    if environment.get("GITLAB_CI"):
        return f"{environment.get('GITLAB_USER_LOGIN', 'unknown')} via {environment.get('CI_JOB_URL', 'GitLab')}"
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def _now() -> datetime:
    return datetime.now(UTC)
