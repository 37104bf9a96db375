"""`avtech keys doctor`: what is wrong, or soon will be, with keys and signatures."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from avtech_controller.cli._options import keys_dir_option, output_option, repo_option, store_option

if TYPE_CHECKING:
    from avtech_controller.trust import Ailment, Diagnosis


@click.command()
@repo_option
@keys_dir_option("Also look at the private keys in this directory.")
@store_option
@output_option
def doctor(*, repo: Path, keys_dir: Path | None, store: str | None, output: str) -> None:
    """Find what is wrong, or soon will be, with keys and signatures; exit with 1 if there is anything.

    It fails when anything has less than 30 % of its life left, when signatures are missing, when a key has two duties
    that must be apart, when others can read a key, and when trust/ is not what the store holds. Needs no secret. Run it
    every day from CI. Without a store what is released is not looked at.

    \b
    Examples:
      avtech keys doctor --store s3://signage/acme
      avtech keys doctor --keys-dir ~/keys --output json
    """
    from avtech_controller.findings import Severity
    from avtech_controller.stores import open_store
    from avtech_controller.trust import examine

    url = store or _own_store(repo)
    found = examine(repo, keys_dir=keys_dir, store=open_store(url) if url else None, now=datetime.now(UTC))
    if output == "json":
        click.echo(orjson.dumps(_json(found), option=orjson.OPT_INDENT_2).decode())
    else:
        _show(found, looked=bool(url))
    if any(ailment.severity is Severity.ERROR for ailment in found.ailments):
        click.get_current_context().exit(1)


def _own_store(repo: Path) -> str | None:
    """The store that fleet.yaml names; None where it names none, or the desired state has errors."""
    from avtech_controller.desired import SourceError, load, open_source

    try:
        state = load(open_source(repo, None)).state
    except SourceError:
        return None
    return state.fleet.spec.store if state else None


def _show(found: "Diagnosis", *, looked: bool) -> None:
    for ailment in found.ailments:
        click.echo(_lines(ailment))
    if found.anchor is not None:
        click.echo("KEYS")
        for row in _keys(found):
            click.echo(f"  {row['duty']:9}  {row['key']}")
        click.echo("EXPIRES")
        for expiry in found.expiries:
            click.echo(f"  {expiry.what:9}  {expiry.expires:%Y-%m-%d %H:%M} UTC  {expiry.where}")
    if not looked:
        click.echo("note: neither --store nor a valid fleet.yaml names a store: what is released was not looked at", err=True)


def _lines(ailment: "Ailment") -> str:
    lines = [f"{ailment.severity.value}[{ailment.code}]: {ailment.message}", f" --> {ailment.where}"]
    if ailment.help:
        lines.append(f"  = help: {ailment.help}")
    return "\n".join(lines) + "\n"


def _keys(found: "Diagnosis") -> list[dict[str, Any]]:
    from avtech_controller.trust import Duty, key_name, keys_for

    if found.anchor is None:
        return []
    return [
        {"duty": duty.value, "key": key_name(key), "keyid": key.keyid}
        for duty in Duty
        for key in keys_for(found.anchor.root, duty)
    ]


def _json(found: "Diagnosis") -> dict[str, Any]:
    from avtech_controller.cli._keys_text import waiting_json

    return {
        "format_version": 1,
        "ailments": [
            {
                "code": ailment.code,
                "severity": ailment.severity.value,
                "message": ailment.message,
                "where": ailment.where,
                "help": ailment.help,
            }
            for ailment in found.ailments
        ],
        "keys": _keys(found),
        "expires": [
            {"what": expiry.what, "at": expiry.expires.isoformat().replace("+00:00", "Z"), "where": expiry.where}
            for expiry in found.expiries
        ],
        "waiting": [waiting_json(one) for one in found.waiting],
    }
