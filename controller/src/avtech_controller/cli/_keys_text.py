"""How offline metadata that waits for signatures is shown, to people and to machines."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from avtech_controller.trust import Quorum, Waiting


def show_waiting(waiting: "Sequence[Waiting]") -> None:
    """Say on stderr what waits for signatures, and what it would change."""
    for one in waiting:
        click.echo(f"{one.file}", err=True)
        for change in one.changes:
            click.echo(f"  {change}", err=True)


def missing_text(quorum: "Quorum") -> str:
    """How many signatures a quorum still lacks, and whose."""
    return f"{quorum.missing} signature{'' if quorum.missing == 1 else 's'} of {quorum.of}"


def waiting_json(one: "Waiting") -> dict[str, Any]:
    """A file that is not in force, for machines."""
    quorums = [
        {
            "of": quorum.of,
            "threshold": quorum.threshold,
            "signed": [key.keyid for key in quorum.signed],
            "unsigned": [key.keyid for key in quorum.unsigned],
        }
        for quorum in one.quorums
    ]
    return {"file": one.file, "changes": list(one.changes), "quorums": quorums}
