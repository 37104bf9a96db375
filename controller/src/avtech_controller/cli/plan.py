"""`avtech plan`: what publishing would change on which screens; writes nothing."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from avtech_controller.cli._desired import Compiled, chosen_store, compile_desired
from avtech_controller.cli._options import commit_option, output_option, repo_option, store_option
from avtech_schema.errors import SupersededError, UnsafePlanError

if TYPE_CHECKING:
    from avtech_controller.publication import Plan, Released


@click.command()
@repo_option
@commit_option
@store_option
@output_option
def plan(*, repo: Path, commit: str | None, store: str | None, output: str) -> None:
    """Show what publishing would change, on which screens, and how much their players would fetch.

    Compares the desired state (the work tree, or --commit) with what is released in the store. Writes nothing.

    \b
    Examples:
      avtech plan                          the work tree against the released head
      avtech plan --commit HEAD            what `avtech publish` would do
      avtech plan --output json            for scripts
    """
    from avtech_controller.publication import plan_json, plan_publication, plan_text, read_head
    from avtech_controller.trust import load_anchor

    compiled = compile_desired(repo, commit)
    opened = chosen_store(store, compiled.state)
    head = read_head(opened, load_anchor(repo))
    found = plan_publication(opened, head, compiled.commit, compiled.screens)
    stopped = _stopped(repo, compiled, head.released if head else None, found)
    if output == "json":
        click.echo(orjson.dumps(plan_json(found) | {"stopped_by": stopped}, option=orjson.OPT_INDENT_2).decode())
        return
    click.echo(plan_text(found))
    if stopped:
        click.echo(f"note: publishing this would be stopped: {stopped}", err=True)


def _stopped(repo: Path, compiled: Compiled, released: "Released | None", plan: "Plan") -> str | None:
    """What would stop a publication of this plan, as far as can be told now."""
    from avtech_controller.publication import Consent, check_order, check_safety, descent

    try:
        if compiled.commit:
            check_order(released, compiled.commit, descent(repo))
        check_safety(plan, compiled.state.fleet, Consent(), datetime.now(UTC))
    except (SupersededError, UnsafePlanError) as error:
        return str(error)
    return None
