"""`avtech-player cleanup`: removing clips that nothing needs any more, by hand."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import orjson

from avtech_player.cli._options import FORMAT_VERSION, config_option, output_option
from avtech_player.cli._owner import become_owner
from avtech_player.config import Config, load_config
from avtech_player.durable import AlreadyRunningError


@click.command()
@config_option
@click.option(
    "--days-old", type=click.FloatRange(0, 36_500), default=15, show_default=True, help="Not needed for so many days."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@output_option
def cleanup(config_path: Path, *, days_old: float, dry_run: bool, output: str) -> None:
    """Remove clips that no kept release needs and none did for some days.

    What plays, what is on trial and what the player would go back to always stay. A running player does it itself, asked by
    its local API; the player cleans up on its own too, after `retentionDays` or when a release needs the space.

    \b
    Examples:
      avtech-player cleanup --config player.yaml --days-old 15 --dry-run
      avtech-player cleanup --config player.yaml --days-old 0
    """
    config = load_config(config_path, os.environ)
    found = _cleaned(config, days_old, only_tell=dry_run)
    if output == "json":
        click.echo(orjson.dumps({"format_version": FORMAT_VERSION, **found}).decode())
        return
    for file in found["removed"]:
        click.echo(f"{file['name']}  {file['size']} bytes, last needed {file['used']}")
    click.echo(f"{'would free' if dry_run else 'freed'} {found['bytes']} bytes in {len(found['removed'])} clips")


def _cleaned(config: Config, days: float, *, only_tell: bool) -> dict[str, Any]:
    from avtech_player.api_client import ApiClient
    from avtech_player.assembly import lock_state

    become_owner(config.state_dir)
    try:
        lock = lock_state(config)
    except AlreadyRunningError:
        wish = {"daysOld": days, "dryRun": only_tell}
        found: dict[str, Any] = ApiClient(config).ask("POST", "/v1/assets/cleanup", wish).json()
        return found
    with lock:
        return _clean_here(config, days, only_tell=only_tell)


def _clean_here(config: Config, days: float, *, only_tell: bool) -> dict[str, Any]:
    from avtech_player.clock import system_now
    from avtech_player.generations import Library
    from avtech_player.recovery import recover_state
    from avtech_player.space import removals_json

    library = Library(config.state_dir)
    state = recover_state(config.state_dir, library)
    keep = {ref.digest for ref in (state.good, state.previous, state.candidate) if ref is not None}
    files = library.remove_idle(keep, unused_since=system_now() - timedelta(days=days), only_tell=only_tell)
    return removals_json(files, only_tell=only_tell)
