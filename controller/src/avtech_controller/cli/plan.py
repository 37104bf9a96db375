"""`avtech plan`: what publishing would change on which screens; writes nothing."""

from pathlib import Path

import click
import orjson

from avtech_controller.cli._desired import chosen_store, compile_desired
from avtech_controller.cli._options import commit_option, output_option, repo_option, store_option


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
    if output == "json":
        click.echo(orjson.dumps(plan_json(found), option=orjson.OPT_INDENT_2).decode())
    else:
        click.echo(plan_text(found))
