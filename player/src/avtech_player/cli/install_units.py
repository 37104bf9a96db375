"""`avtech-player install-units`: the player as a service of systemd."""

from pathlib import Path

import click
import orjson

from avtech_player.cli._options import FORMAT_VERSION, output_option

_NEXT = "systemctl enable --now avtech-player"


@click.command("install-units")
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path("/"),
    show_default=True,
    help="Write them below another directory, such as a mounted card, and tell systemd nothing.",
)
@output_option
def install_units(root: Path, output: str) -> None:
    """Write the units that run this very installation of the player, and the user that it runs as.

    Run again after an update, it brings them up to date; what you changed by `systemctl edit avtech-player` stays.

    \b
    Examples:
      sudo avtech-player install-units
      avtech-player install-units --root /mnt/card
    """
    from avtech_player.units import install, reload_systemd, this_program

    written = install(root, this_program())
    if root == Path("/"):
        reload_systemd()
    if output == "json":
        click.echo(orjson.dumps({"format_version": FORMAT_VERSION, "written": [str(path) for path in written]}).decode())
        return
    for path in written:
        click.echo(f"wrote {path}")
    if not written:
        click.echo("the units are up to date")
    click.echo(f"next: {_NEXT}", err=True)
