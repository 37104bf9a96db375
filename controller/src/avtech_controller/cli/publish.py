"""`avtech publish`: releases a commit, or says why not."""

import getpass
import os
import socket
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from avtech_controller.cli._desired import Compiled, chosen_store, compile_desired
from avtech_controller.cli._options import output_option, repo_option, store_option
from avtech_schema.errors import ConfigurationError
from avtech_schema.identifiers import CommitId

if TYPE_CHECKING:
    from avtech_controller.publication import Consent, Plan, Publication


@click.command()
@repo_option
@click.option(
    "--commit", "commit", default="HEAD", show_default=True, envvar="AVTECH_COMMIT", metavar="REV", help="What to release."
)
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
@click.option("--accept-changes", type=click.IntRange(min=0), metavar="N", help="Consent to exactly N changed screens.")
@click.option("--accept-removals", type=click.IntRange(min=0), metavar="N", help="Consent to exactly N removed screens.")
@click.option("--override-freeze", is_flag=True, help="Publish although a freeze of the fleet forbids it.")
@output_option
def publish(
    *,
    repo: Path,
    commit: str,
    store: str | None,
    keys_dir: Path | None,
    yes: bool,
    accept_changes: int | None,
    accept_removals: int | None,
    override_freeze: bool,
    output: str,
) -> None:
    """Release a commit: compile it, check it, sign it, and swap it in as one whole.

    Players see all of a release or nothing. A commit that does not descend from the released one is refused (exit 5);
    a change beyond the fleet's limits needs consent that names its numbers (exit 4). Without --yes the plan is shown
    and, on a terminal, asked about; elsewhere nothing is published.

    \b
    Examples:
      avtech publish                            show the plan, ask, publish HEAD
      avtech publish --yes                      in CI
      avtech publish --yes --accept-removals 3  when 3 screens are meant to go
    """
    from avtech_controller.publication import Consent

    started = time.monotonic()
    compiled = compile_desired(repo, commit)
    _note_uncommitted(repo)
    consent = Consent(accept_changes, accept_removals, override_freeze)
    if not yes and not sys.stdin.isatty():
        _only_plan(repo, store, compiled, consent, output)
        return
    done = _publish(repo, store, compiled, consent, keys_dir, ask=not yes)
    seconds = time.monotonic() - started
    click.echo(_json(done, seconds) if output == "json" else _text(done, seconds))


def _only_plan(repo: Path, store: str | None, compiled: Compiled, consent: "Consent", output: str) -> None:
    from avtech_controller.publication import (
        check_order,
        check_safety,
        descent,
        plan_json,
        plan_publication,
        plan_text,
        read_head,
    )
    from avtech_controller.trust import load_anchor

    opened = chosen_store(store, compiled.state)
    head = read_head(opened, load_anchor(repo))
    check_order(head.released if head else None, _commit_of(compiled), descent(repo))
    plan = plan_publication(opened, head, compiled.commit, compiled.screens)
    if output == "json":
        click.echo(orjson.dumps({"outcome": "planned", "plan": plan_json(plan)}, option=orjson.OPT_INDENT_2).decode())
    else:
        click.echo(plan_text(plan))
    check_safety(plan, compiled.state.fleet, consent, _now())
    click.echo("nothing was published: give --yes to publish this", err=True)


def _commit_of(compiled: Compiled) -> CommitId:
    if compiled.commit is None:
        raise ConfigurationError("only a commit can be published", hint="commit the change first")
    return compiled.commit


def _publish(
    repo: Path, store: str | None, compiled: Compiled, consent: "Consent", keys_dir: Path | None, *, ask: bool
) -> "Publication":
    from avtech_controller.cli._progress import progress_bars
    from avtech_controller.cli._secrets import publish_signer
    from avtech_controller.publication import Publisher, Wanted, descent
    from avtech_controller.trust import load_anchor

    opened = chosen_store(store, compiled.state)
    anchor = load_anchor(repo)
    signer = publish_signer(keys_dir)
    anchor.check_publisher(signer, _now())
    approve = _approval(compiled, consent, ask=ask)
    with progress_bars() as progress:
        publisher = Publisher(opened, anchor, signer, descent(repo), approve, _now, progress)
        return publisher.publish(Wanted(_commit_of(compiled), compiled.screens, publisher_name(os.environ)))


def _approval(compiled: Compiled, consent: "Consent", *, ask: bool) -> "Callable[[Plan], None]":
    """What looks at every plan before it is carried out; one that was confirmed already is not asked about again."""
    from avtech_controller.publication import check_safety, plan_text

    confirmed: list[object] = []

    def approve(plan: "Plan") -> None:
        check_safety(plan, compiled.state.fleet, consent, _now())
        if ask and plan.changes not in confirmed:
            click.echo(plan_text(plan), err=True)
            click.confirm("Publish this?", abort=True, err=True)
            confirmed.append(plan.changes)

    return approve


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
    from avtech_controller.desired import history

    if history.has_changes(repo):
        click.echo("note: the work tree has changes that are not committed; they are not published", err=True)


def _now() -> datetime:
    return datetime.now(UTC)


def _text(done: "Publication", seconds: float) -> str:
    from avtech_controller.publication import byte_text

    if done.outcome == "unchanged":
        return f"release {done.sequence} ({done.commit[:12]}) is already released; nothing was written"
    if done.outcome == "renewed":
        size = byte_text(done.bytes_written)
        return f"release {done.sequence} ({done.commit[:12]}) is already released; its signatures were renewed, {size} written"
    plan = done.plan
    what = f"{len(plan.changes)} of {max(plan.wanted_screens, plan.released_screens)} screens change"
    if not plan.changes:
        what = "no screen changes; the released commit moves on"
    again = f", after {done.attempts} attempts" if done.attempts > 1 else ""
    return (
        f"published release {done.sequence} ({done.commit[:12]}): {what}, "
        f"{byte_text(done.bytes_written)} written in {seconds:.1f} s{again}"
    )


def _json(done: "Publication", seconds: float) -> str:
    from avtech_controller.publication import ChangeKind

    value = {
        "outcome": done.outcome,
        "sequence": done.sequence,
        "commit": done.commit,
        "digest": done.digest,
        "screens": {kind.value: done.plan.count(kind) for kind in ChangeKind} | {"total": done.plan.wanted_screens},
        "bytes_written": done.bytes_written,
        "seconds": round(seconds, 3),
        "attempts": done.attempts,
    }
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
