"""`avtech-player enroll`: a device key, a configuration, and the lines for the pull request that admits the screen."""

import os
from dataclasses import dataclass
from pathlib import Path

import click
import orjson
import yaml

from avtech_player.cli._options import FORMAT_VERSION, output_option
from avtech_player.cli._owner import give_to_owner
from avtech_player.config import Config, load_config, parse_config
from avtech_player.device_key import ensure_device_key
from avtech_player.durable import make_directory, read_bounded, replace_atomically
from avtech_schema.envelope import public_key_text
from avtech_schema.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the command line says of a new player."""

    screen: str | None
    client: str | None
    store: str | None
    report_store: str | None
    root: Path | None
    state_dir: Path | None
    engine: str


@click.command()
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="AVTECH_PLAYER_CONFIG",
    help="The configuration to read, or, with the options below, to write.  [default: STATE-DIR/player.yaml]",
)
@click.option("--screen", help="The screen's name, SCR-….")
@click.option("--client", help="Its client's name, CLI-….")
@click.option("--store", help="Where releases are: s3://bucket/prefix, https://host/path or file:///dir.")
@click.option("--report-store", help="Where reports go, if not there.")
@click.option("--root", type=click.Path(path_type=Path, dir_okay=False), help="The fleet's trust/1.root.json.")
@click.option("--state-dir", type=click.Path(path_type=Path, file_okay=False), help="Where the player keeps everything.")
@click.option("--engine", type=click.Choice(["mpv", "simulated"]), default="mpv", show_default=True, help="What draws.")
@output_option
def enroll(
    *,
    config_path: Path | None,
    screen: str | None,
    client: str | None,
    store: str | None,
    report_store: str | None,
    root: Path | None,
    state_dir: Path | None,
    engine: str,
    output: str,
) -> None:
    """Make the device key, and print what the screen's resource must say of it.

    Run again, it prints the same: a key or a configuration that exists is never overwritten.

    \b
    Examples:
      avtech-player enroll --screen SCR-ACME-0001 --client CLI-ACME --store s3://bucket/fleet \\
          --root 1.root.json --state-dir /var/lib/avtech-player --config player.yaml
      avtech-player enroll --config player.yaml     print the key's public half again
    """
    wanted = _Wanted(screen, client, store, report_store, root, state_dir, engine)
    if any((screen, client, store, report_store, root, state_dir)):
        path, config = _written(wanted, config_path)
    elif config_path is not None:
        path, config = config_path, load_config(config_path, os.environ)
    else:
        raise ConfigurationError(
            "say which player", hint="either --config FILE, or --screen, --client, --store, --root and --state-dir"
        )
    key, made = ensure_device_key(config.device_key)
    give_to_owner(config.device_key, config.device_key.parent)
    text = public_key_text(key.public_key())
    if output == "json":
        result = {
            "format_version": FORMAT_VERSION,
            "screen": config.screen,
            "publicKey": text,
            "config": str(path),
            "keyMade": made,
        }
        click.echo(orjson.dumps(result).decode())
        return
    if not made:
        click.echo(f"# The device key was there already, and stays: {config.device_key}", err=True)
    click.echo(f"# {config.screen}: put this into its Screen resource, under spec, and open a pull request.", err=True)
    click.echo(f"device:\n  publicKey: {text}")


def _written(wanted: _Wanted, config_path: Path | None) -> tuple[Path, Config]:
    """Write the configuration, unless it stands there already as wanted."""
    if wanted.state_dir is None:
        raise ConfigurationError("--state-dir is missing", hint="for example /var/lib/avtech-player")
    path = config_path or wanted.state_dir / "player.yaml"
    values = {
        "screen": wanted.screen,
        "client": wanted.client,
        "store": wanted.store,
        "reportStore": wanted.report_store,
        "stateDir": str(wanted.state_dir.resolve()),
        "root": str(wanted.root.resolve()) if wanted.root else None,
        "engine": {"kind": wanted.engine},
    }
    values = {name: value for name, value in values.items() if value is not None}
    data = yaml.safe_dump(values, sort_keys=False).encode()
    config = parse_config(data, where="the command line", base=Path.cwd(), environment={})
    before = read_bounded(path, limit=64_000)
    if before is None:
        make_directory(path.absolute().parent)
        replace_atomically(path.absolute(), data)
    elif load_config(path, {}) != config:
        raise ConfigurationError(f"{path} exists and says something else", hint="change it by hand, or name another file")
    return path, config
