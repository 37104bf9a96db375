"""`avtech publish`: releases a commit, or says why not."""

import getpass
import os
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from avtech_controller.cli._consent import consent_in_commits, consent_of, consent_options
from avtech_controller.cli._desired import Compiled, chosen_store, compile_desired
from avtech_controller.cli._options import output_option, repo_option, store_option
from avtech_controller.cli._renewal import renewal_options
from avtech_controller.cli._wait import Waiting, wait_for_release, wait_options
from avtech_controller.desired import history
from avtech_controller.desired.history import resolve_commit
from avtech_controller.planning import (
    MAX_PLAN_BYTES,
    ChangeKind,
    Consent,
    Plan,
    SavedPlan,
    Verdict,
    assess,
    byte_text,
    parse_plan,
    plan_json,
    plan_text,
)
from avtech_schema.errors import AvtechError, ConfigurationError
from avtech_schema.identifiers import CommitId

if TYPE_CHECKING:
    from avtech_controller.publication import Publication, Stage
    from avtech_controller.stores import ObjectStore


@click.command()
@click.argument("file", metavar="[PLAN]", type=click.Path(path_type=Path, dir_okay=False), required=False)
@repo_option
@click.option("--commit", "commit", envvar="AVTECH_COMMIT", metavar="REV", help="What to release; HEAD if missing.")
@store_option
@click.option(
    "--keys-dir",
    type=click.Path(path_type=Path),
    envvar="AVTECH_KEYS_DIR",
    show_envvar=True,
    metavar="DIR",
    help="The directory of publish.pem, unless AVTECH_PUBLISH_KEY holds the key.",
)
@click.option("--yes", "-y", is_flag=True, help="Publish without asking.")
@consent_options
@click.option("--override-freeze", is_flag=True, help="Publish although a freeze of the fleet forbids it.")
@wait_options
@output_option
@renewal_options
def publish(
    *,
    file: Path | None,
    repo: Path,
    commit: str | None,
    store: str | None,
    keys_dir: Path | None,
    yes: bool,
    accept_changes: int | None,
    accept_removals: int | None,
    accept_emptied: int | None,
    override_freeze: bool,
    wait: bool,
    timeout: int,
    poll: int,
    report_store: str | None,
    output: str,
) -> int:
    """Release a commit: compile it, check it, sign it, and swap it in as one whole.

    Players see all of a release or nothing. A commit that does not descend from the released one is refused (exit 5);
    a change beyond a limit needs consent that names its numbers (exit 4), by options or by a line in the message of a
    commit, `AVTech-Accept: removed=3`. Without --yes the plan is shown and, on a terminal, asked about; elsewhere
    nothing is published. PLAN is a file of `avtech plan -o`: exactly that is published, or refused as stale (exit 5).
    With waves in spec.rollout, the first wave gets it, and `avtech rollout tick` (or --wait) moves it on; what was halted
    is not released again (exit 7).

    \b
    Examples:
      avtech publish                            show the plan, ask, publish HEAD
      avtech publish --yes                      in CI
      avtech publish plan.json                  what was planned and looked at, or nothing
      avtech publish --yes --accept-removals 3  when 3 screens are meant to go
      avtech publish --heartbeat --store URL    sign the timestamp anew, every 6 to 12 hours
      avtech publish --renew --store URL        sign anew what ages, every day
      avtech publish --repair                   mend a store that lost or altered objects
      avtech publish --yes --wait               and stay until every screen has it
    """
    started = time.monotonic()
    saved = _read_plan(file) if file else None
    if saved and commit is not None and resolve_commit(repo, commit) != saved.commit:
        raise click.UsageError("the plan is of another commit than --commit; give the one or the other")
    compiled = compile_desired(repo, saved.commit if saved else commit or "HEAD")
    _note_uncommitted(repo)
    consent = consent_of(accept_changes, accept_removals, accept_emptied, override_freeze=override_freeze)
    job = _Job(repo, chosen_store(store, compiled.state), compiled, consent, saved, ask=not yes and saved is None)
    if job.ask and not sys.stdin.isatty():
        return job.only_plan(output)
    done = job.publish(keys_dir)
    value, text = _value(done, time.monotonic() - started), _text(done, time.monotonic() - started)
    code = 0
    if wait:
        from avtech_controller.cli._rollout import Desk

        click.echo(text, err=output == "json")
        code, ended = wait_for_release(Desk.open(repo, store, report_store), keys_dir, Waiting(timeout * 60, poll))
        value |= {"waited": ended}
    if output == "json":
        click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
    elif not wait:
        click.echo(text)
    return code


@dataclass(frozen=True, slots=True)
class _Job:
    """One publication: what of, where to, and who agreed to what."""

    repo: Path
    store: "ObjectStore"
    compiled: Compiled
    consent: Consent
    saved: SavedPlan | None
    ask: bool = field(kw_only=True)

    def only_plan(self, output: str) -> int:
        """Show what would be published, and what would stop it; returns the exit code where that was told already."""
        from avtech_controller.cli._foresee import foresee
        from avtech_controller.cli._main import tell
        from avtech_controller.publication import check_order, descent, plan_publication, read_head
        from avtech_controller.trust import load_anchor

        anchor = load_anchor(self.repo, self._commit())
        head = read_head(self.store, anchor)
        check_order(head.released if head else None, self._commit(), descent(self.repo))
        compiled = self.compiled
        plan = plan_publication(self.store, head, compiled.commit, compiled.screens, now=_now(), moved=compiled.moved)
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

    def publish(self, keys_dir: Path | None) -> "Publication":
        """Release it."""
        from avtech_controller.cli._progress import progress_bars
        from avtech_controller.cli._secrets import publish_signer
        from avtech_controller.provenance import builder_of
        from avtech_controller.publication import Publisher, Wanted, descent
        from avtech_controller.trust import load_anchor

        anchor = load_anchor(self.repo, self._commit())
        signer = publish_signer(keys_dir, anchor)
        anchor.check_publisher(signer, _now())
        builder = builder_of(os.environ)
        wanted = Wanted(self._commit(), self.compiled.screens, publisher_name(os.environ), self.compiled.moved, builder)
        with progress_bars() as progress:
            publisher = Publisher(
                self.store, anchor, signer, descent(self.repo), self._approval(), _now, progress, self._stage()
            )
            return publisher.publish(wanted)

    def _approval(self) -> Callable[[Plan], None]:
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
                if told := self._foreseen(plan):
                    click.echo(told, err=True)
                click.confirm("Publish this?", abort=True, err=True)
                confirmed.append(steps)

        return approve

    def _stage(self) -> "Stage":
        from avtech_controller.cli._foresee import wave_stage
        from avtech_controller.trust import load_anchor

        return wave_stage(self.store, load_anchor(self.repo, self._commit()), self.compiled)

    def _foreseen(self, plan: Plan) -> str:
        from avtech_controller.cli._foresee import foresee
        from avtech_controller.publication import read_head
        from avtech_controller.trust import load_anchor

        anchor = load_anchor(self.repo, self._commit())
        return foresee(self.store, anchor, read_head(self.store, anchor), plan, self.compiled).text()

    def _verdict(self, plan: Plan) -> Verdict:
        state = self.compiled.state
        consent = self.consent.plus(consent_in_commits(self.repo, plan.base_commit, plan.commit))
        return assess(plan, state.fleet, state.clients, consent, _now())

    def _commit(self) -> CommitId:
        if self.compiled.commit is None:
            raise ConfigurationError("only a commit can be published", hint="commit the change first")
        return self.compiled.commit


def _read_plan(file: Path) -> SavedPlan:
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


def _note_uncommitted(repo: Path) -> None:
    if history.has_changes(repo):
        click.echo("note: the work tree has changes that are not committed; they are not published", err=True)


def _now() -> datetime:
    return datetime.now(UTC)


def _text(done: "Publication", seconds: float) -> str:
    if done.plan.changes and done.outcome != "published":
        return (
            f"release {done.sequence} ({done.commit[:12]}) is on its way: {len(done.plan.changes)} screens wait for their wave"
        )
    if done.outcome == "unchanged":
        return f"release {done.sequence} ({done.commit[:12]}) is already released; nothing was written"
    if done.outcome == "renewed":
        size = byte_text(done.bytes_written)
        return f"release {done.sequence} ({done.commit[:12]}) is already released; its signatures were renewed, {size} written"
    from avtech_controller.cli._rollout_text import waves_text

    plan = done.plan
    what = f"{len(plan.changes)} of {max(plan.wanted_screens, plan.released_screens)} screens change"
    if not plan.changes:
        what = "no screen changes; the released commit moves on"
    again = f", after {done.attempts} attempts" if done.attempts > 1 else ""
    waves = f"\n{waves_text(done.rollout.plan)}" if done.rollout and done.rollout.plan else ""
    return (
        f"published release {done.sequence} ({done.commit[:12]}): {what}, "
        f"{byte_text(done.bytes_written)} written in {seconds:.1f} s{again}{waves}"
    )


def _value(done: "Publication", seconds: float) -> dict[str, Any]:
    from avtech_controller.cli._rollout_text import plan_json as rollout_json

    rollout = done.rollout.plan if done.rollout else None
    return {
        "format_version": 1,
        "outcome": done.outcome,
        "sequence": done.sequence,
        "commit": done.commit,
        "digest": done.digest,
        "screens": {kind.value: done.plan.count(kind) for kind in ChangeKind} | {"total": done.plan.wanted_screens},
        "bytes_written": done.bytes_written,
        "seconds": round(seconds, 3),
        "attempts": done.attempts,
        "rollout": rollout_json(rollout) if rollout else None,
    }
