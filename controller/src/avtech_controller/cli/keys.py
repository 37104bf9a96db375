"""`avtech keys`: the keys that releases are signed with, and the public metadata that says so."""

from datetime import UTC, datetime
from pathlib import Path

import click
import orjson

from avtech_controller.cli._options import output_option, repo_option


@click.group()
def keys() -> None:
    """Make the keys that releases are signed with."""


@keys.command()
@repo_option
@click.option(
    "--keys-dir",
    type=click.Path(path_type=Path),
    required=True,
    envvar="AVTECH_KEYS_DIR",
    show_envvar=True,
    metavar="DIR",
    help="Where the private keys go: outside of the repository.",
)
@click.option(
    "--root-keys",
    type=click.IntRange(1, 20),
    default=3,
    show_default=True,
    help="Root keys, one for each person who guards one.",
)
@click.option(
    "--root-threshold", type=click.IntRange(1, 20), default=2, show_default=True, help="Root keys that must sign together."
)
@click.option(
    "--screens",
    type=click.IntRange(1, 1_000_000),
    default=100,
    show_default=True,
    help="Screens today; sizes the metadata for ten times as many.",
)
@click.option("--no-passphrase", is_flag=True, help="Leave the offline keys unencrypted: for demos and tests only.")
@output_option
def init(
    *, repo: Path, keys_dir: Path, root_keys: int, root_threshold: int, screens: int, no_passphrase: bool, output: str
) -> None:
    """Create all keys and the first trust metadata; nothing that exists is overwritten.

    Writes private keys to the keys directory (readable by you alone) and trust/1.root.json and trust/1.targets.json
    to the repository, to be committed. The passphrase comes from AVTECH_KEY_PASSPHRASE or is asked for.

    \b
    Examples:
      avtech keys init --keys-dir ~/avtech-keys
      avtech keys init --keys-dir keys --root-keys 1 --root-threshold 1 --no-passphrase   for a demo
    """
    from avtech_controller.cli._secrets import new_passphrase
    from avtech_controller.trust import create_repository

    secret = None if no_passphrase else new_passphrase()
    created = create_repository(
        repo, keys_dir, roots=root_keys, threshold=root_threshold, screens=screens, passphrase=secret, now=datetime.now(UTC)
    )
    if output == "json":
        value = {
            "keys": [str(path) for path in created.keys],
            "trust": [str(path) for path in created.trust],
            "bins": created.bins,
        }
        click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
        return
    for path in created.keys:
        click.echo(f"wrote {path}")
    for path in created.trust:
        click.echo(f"wrote {path}")
    click.echo(_ADVICE.format(keys=keys_dir))


_ADVICE = """
What goes where:
  root-*.pem, targets.pem   offline, each root key with another person; they are not needed to publish
  publish.pem               the secret variable AVTECH_PUBLISH_KEY of the CI job that publishes
  heartbeat.pem             a job of its own that renews the timestamp; it cannot change what plays
  trust/                    commit it; players start from trust/1.root.json
Move the offline keys away from {keys} now, and keep a copy of each."""
