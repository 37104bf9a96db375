"""`avtech keys`: the keys that releases are signed with, and the public metadata that says so."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import click
import orjson

from avtech_controller.cli._keys_doctor import doctor
from avtech_controller.cli._keys_rotate import rotate
from avtech_controller.cli._options import keys_dir_option, output_option, repo_option
from avtech_schema.errors import ConfigurationError


@click.group()
def keys() -> None:
    """Make, rotate, sign with and examine the keys that say what players show."""


keys.add_command(rotate)
keys.add_command(doctor)


@keys.command()
@repo_option
@keys_dir_option("Where the private keys go: outside of the repository.", required=True)
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

    if not (repo / "fleet/fleet.yaml").is_file():
        raise ConfigurationError(
            f"{repo.absolute()} is not a desired-state repository: it has no fleet/fleet.yaml",
            hint="name it with --repo DIR; `avtech init DIR` makes one",
        )
    secret = None if no_passphrase else new_passphrase()
    created = create_repository(
        repo, keys_dir, roots=root_keys, threshold=root_threshold, screens=screens, passphrase=secret, now=datetime.now(UTC)
    )
    if output == "json":
        value = {
            "format_version": 1,
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


@keys.command()
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE.pem")
@click.option("--no-passphrase", is_flag=True, help="For keys that CI holds as its secrets: publish and heartbeat.")
@output_option
def new(*, file: Path, no_passphrase: bool, output: str) -> None:
    """Make one key: FILE.pem, for its holder alone, and FILE.pub, which `avtech keys rotate --add` takes.

    \b
    Examples:
      avtech keys new ~/keys/ada.pem                        a root key for Ada; asks for a passphrase
      avtech keys new ~/keys/publish-2.pem --no-passphrase  for CI
    """
    from avtech_controller.cli._secrets import new_passphrase
    from avtech_controller.trust import create_key

    created = create_key(file, passphrase=None if no_passphrase else new_passphrase())
    if output == "json":
        value = {"format_version": 1, "key": str(file), "public": str(created.public), "keyid": created.keyid}
        click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
        return
    click.echo(f"wrote {file}, which nobody else may see\nwrote {created.public}, which anybody may\nkey id {created.keyid}")


@keys.command()
@repo_option
@click.option(
    "--key", required=True, envvar="AVTECH_SIGNING_KEY", show_envvar=True, metavar="KEY", help="A PEM file, or a signer's URI."
)
@click.option("--yes", "-y", is_flag=True, help="Sign without asking.")
@output_option
def sign(*, repo: Path, key: str, yes: bool, output: str) -> None:
    """Add your signature to what waits for it in trust/, after showing what it changes. Then commit it.

    The passphrase comes from AVTECH_KEY_PASSPHRASE or is asked for. A signature that is there already is no error, nor is
    one that comes when enough others have signed.

    \b
    Examples:
      avtech keys sign --key /media/usb/root-1.pem
      avtech keys sign --key awskms:arn:aws:kms:eu-west-1:123456789012:key/0a1b --yes
    """
    from avtech_controller.cli._keys_text import show_waiting, waiting_json
    from avtech_controller.cli._secrets import passphrase
    from avtech_controller.trust import open_signer, read_folder, sign_waiting, waiting_files

    waiting = waiting_files(read_folder(repo))
    if not yes:
        show_waiting(waiting)
        if waiting and not sys.stdin.isatty():
            raise click.UsageError("nobody is there to be asked: look at what it changes, then say --yes")
        if waiting:
            click.confirm("Sign this?", abort=True, err=True)
    candidates = [holder for one in waiting for quorum in one.quorums for holder in (*quorum.unsigned, *quorum.signed)]
    signed = sign_waiting(repo, open_signer(key, passphrase, candidates)) if waiting else ()
    left = waiting_files(read_folder(repo))
    if output == "json":
        value = {"format_version": 1, "signed": list(signed), "waiting": [waiting_json(one) for one in left]}
        click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
        return
    for file in signed:
        click.echo(f"signed {file}")
    if not signed:
        click.echo("this key has signed everything already" if waiting else "nothing waits for signatures")
        if not waiting:
            return
    for one in left:
        for quorum in one.quorums:
            click.echo(f"{one.file}: {len(quorum.signed)} of {quorum.threshold} signatures of {quorum.of}")
    click.echo(
        "commit trust/; " + ("others still have to sign" if left else "everything is signed: publishing brings it to players")
    )


_ADVICE = """
What goes where:
  root-*.pem, targets.pem   offline, each root key with another person; they are not needed to publish
  publish.pem               the secret variable AVTECH_PUBLISH_KEY of the CI job that publishes
  heartbeat.pem             a job of its own that renews the timestamp; it cannot change what plays
  trust/                    commit it; players start from trust/1.root.json
Move the offline keys away from {keys} now, and keep a copy of each."""
