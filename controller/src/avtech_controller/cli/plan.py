"""`avtech plan`: what publishing would change on which screens, and for whose air; writes nothing but a plan file."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from avtech_controller import durable
from avtech_controller.cli._cache import cache_options, chosen_cache, remembered, sealing_key_option
from avtech_controller.cli._consent import consent_in_commits, consent_of, consent_options
from avtech_controller.cli._desired import Compiled, chosen_store, compile_desired, compile_loaded
from avtech_controller.cli._options import commit_option, repo_option, store_option
from avtech_controller.compiler import compile_state
from avtech_controller.desired import SourceError, history, load, open_source
from avtech_controller.render import render_full
from avtech_schema.errors import AvtechError, ConfigurationError, EnvironmentFailedError, FindingsError, SupersededError
from avtech_schema.identifiers import VideoId

if TYPE_CHECKING:
    from avtech_controller.cli._foresee import Foresight
    from avtech_controller.incremental import Cache
    from avtech_controller.planning import Consent, Plan, Verdict
    from avtech_controller.publication import Released

CHANGES = 10
"""What `--detailed-exitcode` ends with when there are changes."""


@click.command()
@repo_option
@commit_option
@store_option
@click.option("--base", metavar="REV", help="Compare with this commit instead of what is released; needs no store.")
@click.option(
    "--to",
    "-o",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Save the plan for `publish FILE`.",
)
@consent_options
@cache_options
@sealing_key_option
@click.option(
    "--detailed-exitcode", is_flag=True, help=f"End with {CHANGES} when screens change, and with 0 only when none does."
)
@click.option(
    "--output",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    envvar=["AVTECH_PLAN_OUTPUT", "AVTECH_OUTPUT"],
    show_default=True,
    show_envvar=True,
    help="How the plan is written on stdout; markdown is one comment for a pull request.",
)
def plan(
    *,
    repo: Path,
    commit: str | None,
    store: str | None,
    base: str | None,
    file: Path | None,
    accept_changes: int | None,
    accept_removals: int | None,
    accept_emptied: int | None,
    cache: str | None,
    no_cache: bool,
    keys_dir: Path | None,
    detailed_exitcode: bool,
    output: str,
) -> int:
    """Show what publishing would change: on which screens, in whose airtime, and how much players would fetch.

    Compares the desired state (the work tree, or --commit) with what is released in the store, or with the commit of
    --base. Airtime is that of the next 7 days, and of the week of the next clock change where it differs. Says what
    would stop the publication, and which numbers consent has to name. Writes nothing but the file of -o.

    \b
    Examples:
      avtech plan                            the work tree against what is released
      avtech plan --commit HEAD -o plan.json keep it, then: avtech publish plan.json
      avtech plan --base origin/main         against a commit, without a store
      avtech plan --output markdown          a comment for a pull request
      avtech plan --output json              for scripts
    """
    from avtech_controller.planning import save_plan

    if file and base:
        raise click.UsageError("-o saves a plan on top of what is released; --base compares with a commit")
    consent = consent_of(accept_changes, accept_removals, accept_emptied)
    known = chosen_cache(cache, no_cache=no_cache, keys_dir=keys_dir)
    compiled = _compiled(repo, commit, output, known, saved=file is not None)
    found = _planned(repo, store, base, compiled, consent, cache=known)
    if file:
        _write(file, save_plan(found.plan))
    _show(found, compiled, output)
    if compiled.commit is None:
        _note_uncommitted(repo)
    if compiled.errors:
        return 1
    return CHANGES if detailed_exitcode and found.plan.changes else 0


_WITHOUT = "`avtech plan --base origin/main` compares with a commit, and needs neither a store nor keys"


@dataclass(frozen=True, slots=True)
class _Planned:
    plan: "Plan"
    verdict: "Verdict"
    order: str
    """Why the commit's place in the history would stop a publication; empty if it would not."""
    titles: Mapping[VideoId, str]
    foreseen: "Foresight"
    """The waves in which it would reach screens."""


def _compiled(repo: Path, commit: str | None, output: str, cache: "Cache | None", *, saved: bool) -> Compiled:
    """The desired state, also one that only breaks promises; when there is no plan, a comment says so, lest an old one stays.

    Raises:
        FindingsError: it cannot be compiled, or has errors and the plan is to be saved.
    """
    from avtech_controller.planning import findings_markdown

    with suppress(FindingsError):
        return compile_desired(repo, commit, cache)
    source = open_source(repo, commit)
    loaded = load(source)
    drawable = None if saved else loaded.drawable
    if drawable is None:
        if output == "markdown" and loaded.state is None:
            click.echo(findings_markdown(loaded.findings), nl=False)
        return compile_loaded(source.commit, loaded)
    compiled = Compiled(source.commit, drawable, compile_state(drawable), loaded.findings)
    if compiled.errors:
        click.echo(render_full(loaded.findings, loaded.texts), err=True)
        click.echo(f"note: publishing this would be stopped: {compiled.trouble}", err=True)
    return compiled


def _planned(
    repo: Path, store: str | None, base: str | None, compiled: Compiled, consent: "Consent", *, cache: "Cache | None"
) -> _Planned:
    from avtech_controller.cli._foresee import Foresight, foresee
    from avtech_controller.planning import CommitBase, assess, make_plan
    from avtech_controller.publication import plan_publication, read_head
    from avtech_controller.trust import load_anchor

    now = datetime.now(UTC)
    titles, order, foreseen = compiled.titles, "", Foresight()
    if base is not None:
        old = compile_desired(repo, base, cache)
        if old.commit is None:
            raise ConfigurationError("--base names no commit")
        standing = CommitBase(old.commit, old.screens)
        manifests = standing.manifests(compiled.screens)
        made = make_plan(compiled.commit, standing, compiled.screens, manifests, now=now, moved=compiled.moved)
        titles = {**old.titles, **titles}
    else:
        try:
            opened = chosen_store(store, compiled)
            anchor = load_anchor(repo, compiled.commit)
        except ConfigurationError as error:
            error.hint = "; ".join(filter(None, (error.hint, _WITHOUT)))
            raise
        head = read_head(opened, anchor, remembered(cache))
        screens, moved, earlier = compiled.screens, compiled.moved, compiled.earlier
        made = plan_publication(opened, head, compiled.commit, screens, now=now, moved=moved, earlier=earlier)
        foreseen = foresee(opened, anchor, head, made, compiled)
        order = _order_problem(repo, compiled, head.released if head else None)
    consent = consent.plus(consent_in_commits(repo, made.base_commit, compiled.commit))
    verdict = assess(made, compiled.fleet, compiled.clients, consent, now)
    return _Planned(made, verdict, order, titles, foreseen)


def _order_problem(repo: Path, compiled: Compiled, released: "Released | None") -> str:
    """Why the order of commits stops the publication; of a work tree, that of a commit on top of HEAD."""
    from avtech_controller.publication import check_order, descent

    try:
        check_order(released, compiled.commit or history.resolve_commit(repo, "HEAD"), descent(repo))
    except SupersededError as error:
        return str(error)
    except SourceError:
        if compiled.commit:
            raise
    return ""


def _show(found: _Planned, compiled: Compiled, output: str) -> None:
    from avtech_controller.planning import plan_json, plan_markdown, plan_text

    if output == "json":
        stopped = (
            "; ".join(filter(None, (compiled.trouble, found.order, found.foreseen.problem, found.verdict.problem))) or None
        )
        value = plan_json(found.plan, found.verdict) | {"stopped_by": stopped, "rollout": found.foreseen.json()}
        click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
        return
    if output == "markdown":
        text = plan_markdown(found.plan, found.verdict, findings=compiled.findings, titles=found.titles)
        click.echo(text + found.foreseen.markdown(), nl=False)
    else:
        click.echo(plan_text(found.plan, found.verdict, titles=found.titles, colour="NO_COLOR" not in os.environ))
        if told := found.foreseen.text():
            click.echo(told)
    if found.foreseen.problem:
        click.echo(f"note: publishing this would be stopped: {found.foreseen.problem}", err=True)
    if found.order:
        click.echo(f"note: publishing this would be stopped: {found.order}", err=True)


def _write(file: Path, data: bytes) -> None:
    try:
        durable.replace_file(file, data)
    except OSError as error:
        if error.errno in (2, 13, 20, 21):
            raise ConfigurationError(f"cannot write {file}: {error.strerror}") from error
        raise EnvironmentFailedError(f"cannot write {file}: {error.strerror}") from error


def _note_uncommitted(repo: Path) -> None:
    try:
        changed = history.has_changes(repo)
    except AvtechError:
        return
    if changed:
        click.echo("note: this is a plan of the work tree, which has changes that are not committed", err=True)
