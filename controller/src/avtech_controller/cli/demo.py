"""`avtech demo`: the main story on this machine, with real clips, a real store and a real screen."""

import json
from pathlib import Path

import click

from avtech_controller.cli._options import output_option


@click.command()
@click.option(
    "--store-kind",
    type=click.Choice(["file", "s3"]),
    default="file",
    show_default=True,
    help="Where released objects go: a directory, or a real S3 server that is started on this machine.",
)
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("build/demo"),
    show_default=True,
    help="Where the demo works; made anew at each run.",
)
@click.option(
    "--source",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path(),
    show_default="the current directory",
    help="Where fleet/, content-index/ and clips/ lie.",
)
@output_option
def demo(*, store_kind: str, directory: Path, source: Path, output: str) -> None:
    """Tell the main story with real parts, and show the evidence.

    A commit becomes pictures on a screen; an edit follows within seconds; a clip that will not decode is rolled back
    by the players themselves; `git revert` heals the fleet. At the end there is one HTML page of it all.

    \b
    Examples:
      avtech demo
      avtech demo --store-kind s3
      avtech demo --dir /tmp/avtech-demo
      avtech demo --output json     facts and screens on stdout, the story on stderr
    """
    from avtech_controller.demo import tell_story

    told = tell_story(directory.absolute(), source=source.absolute(), store_kind=store_kind, err=output == "json")
    if output != "json":
        click.echo(f"\nThe whole story as one page: {told.page}")
        return
    facts = [{"value": fact.value, "label": fact.label} for fact in told.facts]
    value = {"format_version": 1, "page": str(told.page), "facts": facts, "screens": list(told.screens)}
    click.echo(json.dumps(value, indent=2))
