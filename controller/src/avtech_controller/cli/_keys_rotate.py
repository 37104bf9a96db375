"""`avtech keys rotate`: writes the next root or targets metadata, for its key holders to sign."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from avtech_controller.cli._options import output_option, repo_option
from avtech_schema.errors import ConfigurationError

if TYPE_CHECKING:
    from securesystemslib.signer import Key
    from tuf.api.metadata import Root

    from avtech_controller.trust import Duty, Rotation

_DUTIES = ("root", "targets", "publish", "heartbeat")


@click.command()
@click.argument("duties", metavar="DUTY...", nargs=-1, required=True, type=click.Choice(_DUTIES))
@repo_option
@click.option(
    "--add", multiple=True, metavar="[DUTY=]FILE", help="A public key (PEM) that shall count; DUTY= when several are named."
)
@click.option("--remove", multiple=True, metavar="KEY", help="A key that shall no longer count: its name, id or .pub file.")
@click.option("--replace", is_flag=True, help="Remove every key that the named duties have now.")
@click.option("--threshold", type=click.IntRange(1, 20), help="How many root (or targets) keys must sign together.")
@click.option("--screens", type=click.IntRange(1, 1_000_000), help="With targets: size the bins for ten times as many screens.")
@click.option(
    "--expires", type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD", help="When it expires; by default in one year."
)
@output_option
def rotate(
    *,
    duties: Sequence[str],
    repo: Path,
    add: Sequence[str],
    remove: Sequence[str],
    replace: bool,
    threshold: int | None,
    screens: int | None,
    expires: datetime | None,
    output: str,
) -> None:
    """Write the next trust metadata without signatures: other keys, or, if none are named, the same for another year.

    DUTY is root, targets, publish or heartbeat. It writes trust/N.root.json, trust/N.targets.json or both. Commit them
    on a branch; each key holder adds a signature there with `avtech keys sign`. Until enough have, nothing changes.

    \b
    Examples:
      avtech keys rotate root targets                                       the same keys for another year
      avtech keys rotate publish --add publish-2.pub --replace              the publish key leaked
      avtech keys rotate root --add eve.pub --remove root-2                 another guardian
      avtech keys rotate publish heartbeat --replace --add publish=p.pub --add heartbeat=h.pub
    """
    from avtech_controller.cli._keys_text import missing_text, show_waiting, waiting_json
    from avtech_controller.trust import ROOT_LIFETIME, begin_rotation, expiry, load_anchor

    now = datetime.now(UTC)
    until = expires.replace(tzinfo=UTC) if expires else expiry(now, ROOT_LIFETIME, whole_days=True)
    if until <= now:
        raise click.BadParameter(f"{until:%Y-%m-%d} is over", param_hint="--expires")
    root = load_anchor(repo).root
    rotation = _rotation(root, duties=duties, add=add, remove=remove, threshold=threshold, screens=screens, replace=replace)
    waiting = begin_rotation(repo, rotation, expires=until)
    if output == "json":
        value = {"format_version": 1, "waiting": [waiting_json(one) for one in waiting]}
        click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
        return
    show_waiting(waiting)
    for one in waiting:
        click.echo(f"wrote {one.file}; it needs {', '.join(map(missing_text, one.quorums))}")
    click.echo("Commit it on a branch; each key holder then runs: avtech keys sign --key FILE")


def _rotation(
    root: "Root",
    *,
    duties: Sequence[str],
    add: Sequence[str],
    remove: Sequence[str],
    threshold: int | None,
    screens: int | None,
    replace: bool,
) -> "Rotation":
    from avtech_controller.trust import Duty, KeyChange, Rotation, keys_for

    wanted = tuple(dict.fromkeys(Duty(duty) for duty in duties))
    if screens and Duty.TARGETS not in wanted:
        raise click.UsageError("--screens sizes the bins: name targets")
    if threshold and len(wanted) > 1:
        raise click.UsageError("--threshold is that of one duty: name one alone")
    added = _added(add, wanted)
    gone = {duty: [key.keyid for key in keys_for(root, duty)] if replace else [] for duty in wanted}
    for text in remove:
        duty, keyid = _removed(root, text, wanted)
        gone[duty].append(keyid)
    changes: dict[Duty, KeyChange] = {}
    for duty in wanted:
        kept = {key.keyid for key in added[duty]}
        change = KeyChange(tuple(added[duty]), tuple(keyid for keyid in gone[duty] if keyid not in kept), threshold)
        if change != KeyChange():
            changes[duty] = change
    renew = frozenset(duty for duty in wanted if duty not in changes and not (screens and duty is Duty.TARGETS))
    if unchanged := sorted(renew & {Duty.PUBLISH, Duty.HEARTBEAT}):
        raise click.UsageError(f"say how the {unchanged[0]} keys change: --add, --remove, --replace")
    return Rotation(changes, renew, screens)


def _added(texts: Iterable[str], duties: "Sequence[Duty]") -> "dict[Duty, list[Key]]":
    from avtech_controller.trust import Duty, load_public_key

    found: dict[Duty, list[Key]] = {duty: [] for duty in duties}
    for text in texts:
        name, equals, file = text.partition("=")
        if not equals or name not in _DUTIES:
            name, file = duties[0], text
            if len(duties) > 1:
                raise click.UsageError(f"say for which duty {text!r:.100} is: --add DUTY=FILE")
        if (duty := Duty(name)) not in found:
            raise click.UsageError(f"--add names {name}, which is not among the duties to rotate")
        found[duty].append(load_public_key(Path(file)))
    return found


def _removed(root: "Root", text: str, duties: "Iterable[Duty]") -> "tuple[Duty, str]":
    """The key that a name, the beginning of an id, or a file of its public half means."""
    from avtech_controller.trust import keys_for, load_public_key, plain_name

    is_file = text.endswith(".pub")
    keyid = load_public_key(Path(text)).keyid if is_file else text
    found = [
        (duty, key.keyid)
        for duty in duties
        for key in keys_for(root, duty)
        if plain_name(key) == text or (len(keyid) >= 6 and key.keyid.startswith(keyid))
    ]
    if len(found) != 1:
        how = "no key" if not found else "more than one key"
        raise ConfigurationError(f"{text!r:.100} names {how} of these duties", hint="`avtech keys doctor` lists them")
    return found[0]
