"""`avtech publish`: releases a commit, or says why not."""

import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from avtech_controller.cli._cache import cache_options, chosen_cache, remembered
from avtech_controller.cli._consent import consent_of, consent_options
from avtech_controller.cli._desired import chosen_store, compile_desired
from avtech_controller.cli._options import keys_dir_option, output_option, repo_option, store_option
from avtech_controller.cli._publication import Job, read_plan
from avtech_controller.cli._publication_text import published_json, published_text
from avtech_controller.cli._renewal import renewal_options
from avtech_controller.cli._wait import Waiting, wait_for_release, wait_options
from avtech_controller.desired import history
from avtech_controller.desired.history import resolve_commit

if TYPE_CHECKING:
    from avtech_controller.planning import Consent

_HEXADECIMAL = re.compile(r"[0-9a-fA-F]{12,40}")


@click.command()
@click.argument("file", metavar="[PLAN]", type=click.Path(path_type=Path, dir_okay=False), required=False)
@repo_option
@click.option("--commit", "commit", envvar="AVTECH_COMMIT", metavar="REV", help="What to release; HEAD if missing.")
@store_option
@keys_dir_option()
@click.option("--yes", "-y", is_flag=True, help="Publish without asking.")
@consent_options
@click.option(
    "--accept-rewind",
    default="",
    metavar="REV",
    help="Go on from a history that was rewritten; REV is the released commit that is left behind.",
)
@click.option("--override-freeze", is_flag=True, help="Publish although a freeze of the fleet forbids it.")
@wait_options
@cache_options
@output_option
@renewal_options
def publish(**options: Any) -> int:
    """Release a commit: compile it, check it, sign it, and swap it in as one whole.

    Players see all of a release or nothing. A commit that does not descend from the released one is refused (exit 5);
    a change beyond a limit needs consent that names its numbers (exit 4), by options or by a line in the message of a
    commit, `AVTech-Accept: removed=3`. Without --yes the plan is shown and, on a terminal, asked about; elsewhere
    nothing is published. PLAN is a file of `avtech plan -o`: exactly that is published, or refused as stale (exit 5).
    After a force push, --accept-rewind names the released commit that the branch does not have any more.
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
    return _publish(_Options(**options))


@dataclass(frozen=True, slots=True)
class _Options:
    """The options as they were given."""

    file: Path | None
    repo: Path
    commit: str | None
    store: str | None
    keys_dir: Path | None
    yes: bool
    accept_changes: int | None
    accept_removals: int | None
    accept_emptied: int | None
    accept_rewind: str
    override_freeze: bool
    wait: bool
    timeout: int
    poll: int
    report_store: str | None
    cache: str | None
    no_cache: bool
    output: str

    def consent(self) -> "Consent":
        """What was agreed to."""
        numbers = (self.accept_changes, self.accept_removals, self.accept_emptied)
        return consent_of(*numbers, override_freeze=self.override_freeze)


def _publish(options: _Options) -> int:
    from avtech_controller.cli._progress import Stopwatch, progress_bars

    started = time.monotonic()
    if options.wait and not options.yes and options.file is None and not sys.stdin.isatty():
        raise click.UsageError("--wait needs --yes here: nobody can be asked, and without a release nothing can be waited for")
    job = _job(options)
    if job.ask and not sys.stdin.isatty():
        return job.only_plan(options.output)
    compiled = time.monotonic() - started
    with progress_bars() as bars:
        watch = Stopwatch(bars)
        done = job.publish(options.keys_dir, watch)
    seconds = time.monotonic() - started
    value = published_json(done, seconds, {"compile": compiled, **watch.parts()})
    text = published_text(done, seconds)
    code = 0
    if options.wait:
        from avtech_controller.cli._rollout import Desk

        click.echo(text, err=options.output == "json")
        desk = Desk.open(options.repo, options.store, options.report_store)
        code, ended = wait_for_release(desk, options.keys_dir, Waiting(options.timeout * 60, options.poll))
        value |= {"waited": ended}
    if options.output == "json":
        click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
    elif not options.wait:
        click.echo(text)
    return code


def _job(options: _Options) -> "Job":
    saved = read_plan(options.file) if options.file else None
    if saved and options.commit is not None and resolve_commit(options.repo, options.commit) != saved.commit:
        raise click.UsageError("the plan is of another commit than --commit; give the one or the other")
    cache = chosen_cache(options.cache, no_cache=options.no_cache, keys_dir=options.keys_dir)
    with ThreadPoolExecutor(1) as aside:  # git looks at every file of the work tree: meanwhile, the commit is compiled
        changes = aside.submit(history.has_changes, options.repo)
        compiled = compile_desired(options.repo, saved.commit if saved else options.commit or "HEAD", cache)
    if changes.result():
        click.echo("note: the work tree has changes that are not committed; they are not published", err=True)
    store = chosen_store(options.store, compiled)
    accepted = _named_commit(options.repo, options.accept_rewind)
    ask = not options.yes and saved is None
    return Job(options.repo, store, compiled, options.consent(), saved, accepted, remembered(cache), ask=ask)


def _named_commit(repo: Path, revision: str) -> str:
    """The commit that --accept-rewind names; after a force push, no clone need have it."""
    if not revision or _HEXADECIMAL.fullmatch(revision):
        return revision.lower()
    return resolve_commit(repo, revision)
