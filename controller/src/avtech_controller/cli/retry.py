"""`avtech retry`: lets screens try again what failed on them."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from avtech_controller.cli._options import keys_dir_option, output_option, repo_option, store_option
from avtech_schema.identifiers import ScreenId, screen_id

if TYPE_CHECKING:
    from avtech_controller.publication import Head, Step


@click.command()
@click.argument("screens", nargs=-1, metavar="[SCR…]")
@click.option("--halted", is_flag=True, help="Let releases that were halted be published again.")
@repo_option
@store_option
@keys_dir_option()
@output_option
def retry(*, screens: tuple[str, ...], halted: bool, repo: Path, store: str | None, keys_dir: Path | None, output: str) -> None:
    """Lift a quarantine: let screens try again what they rolled back, without another commit.

    A player does not try again a manifest that failed on it, until a later release record asks for it; this publishes such
    a record for the screens named. A screen that a halted rollout took back gets that release once more, alone.
    --halted forgets that releases were halted, so that `avtech publish` may begin their rollout again.

    \b
    Examples:
      avtech retry SCR-ACME-0007                  the disk was full, and is not any more
      avtech retry SCR-ACME-0007 SCR-ACME-0008
      avtech retry --halted && avtech publish     it was the network, not the release
    """
    if halted == bool(screens):
        raise click.UsageError("name the screens that are to try again, or give --halted")
    names = sorted(set(_names(screens)))
    from avtech_controller.cli._rollout import Desk

    desk = Desk.open(repo, store)

    def step(head: "Head") -> "Step | None":
        from avtech_controller.rollout import lift, read_standing
        from avtech_controller.rollout import retry as retry_step

        standing = read_standing(desk.store, desk.anchor, head)
        return lift(head, standing) if halted else retry_step(head, standing, names)

    done = desk.amend(keys_dir, step)
    if output == "json":
        value = {
            "format_version": 1,
            "release": done.released.sequence,
            "changed": done.step is not None,
            "screens": sorted(done.step.screens) if done.step else [],
        }
        click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
    elif done.step is None:
        click.echo("no release is held back; nothing was written")
    elif halted:
        click.echo(f"halted releases may be published again (release {done.released.sequence})")
    else:
        count = "1 screen tries" if len(names) == 1 else f"{len(names)} screens try"
        click.echo(f"{count} again (release {done.released.sequence})")


def _names(screens: tuple[str, ...]) -> list[ScreenId]:
    try:
        return [screen_id(name) for name in screens]
    except ValueError as error:
        raise click.UsageError(str(error)) from error
