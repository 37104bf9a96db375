"""`avtech verify`: proves that what was released is what the commits say, or names the first difference."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from avtech_controller.cli._desired import chosen_store
from avtech_controller.cli._options import output_option, repo_option, store_option
from avtech_schema.identifiers import CommitId, ScreenId, screen_id

if TYPE_CHECKING:
    from avtech_controller.compiler import CompiledScreen
    from avtech_controller.verification import Problem, Verification

_SHOWN = 50


@click.command()
@repo_option
@store_option
@click.option("--release", type=click.IntRange(min=1), metavar="N", help="The release with this number.")
@click.option("--commit", "commit", metavar="REV", help="The newest release of this commit.")
@click.option("--screen", metavar="SCR", help="This screen alone.")
@click.option("--chain", is_flag=True, help="Every release before it too, from the first on.")
@click.option("--no-assets", is_flag=True, help="Do not read and hash the clips.")
@output_option
def verify(
    *,
    repo: Path,
    store: str | None,
    release: int | None,
    commit: str | None,
    screen: str | None,
    chain: bool,
    no_assets: bool,
    output: str,
) -> int:
    """Prove that what was released is what the commits say: nothing in the store is believed unless it verifies.

    Signatures and the chain of release records are checked; every manifest is compiled anew from the commit that the
    record names and held against the released bytes; every clip is hashed; the provenance must agree with the record.
    Without --release or --commit that is done for all that is on air now. Exits with 6 when something does not hold,
    and with 1 when other tools than these made a release and its bytes do not come out here, which is no sign of tampering.

    \b
    Examples:
      avtech verify                         all that is on air now
      avtech verify --release 12            what release 12 changed
      avtech verify --commit v1.4 --screen SCR-ACME-0007
      avtech verify --chain --no-assets     every release since the first
    """
    from avtech_controller.cli._anchor import committed_anchor
    from avtech_controller.cli._progress import progress_bars
    from avtech_controller.desired import load, open_source, require_state
    from avtech_controller.desired.history import resolve_commit
    from avtech_controller.verification import Scope
    from avtech_controller.verification import verify as prove

    if release is not None and commit is not None:
        raise click.UsageError("--release and --commit exclude each other")
    scope = Scope(
        release=release,
        commit=resolve_commit(repo, commit) if commit is not None else None,
        screen=_screen(screen) if screen is not None else None,
        chain=chain,
        assets=not no_assets,
    )
    work_tree = None if store else require_state(load(open_source(repo, None)))
    opened = chosen_store(store, work_tree)

    def recompile(commit: CommitId, screens: Collection[ScreenId]) -> "Mapping[ScreenId, CompiledScreen]":
        from avtech_controller.compiler import compile_state

        return compile_state(require_state(load(open_source(repo, commit))), only=screens)

    with progress_bars() as progress:
        found = prove(opened, committed_anchor(repo), scope, recompile, progress)
    click.echo(_json(found) if output == "json" else _text(found))
    return 6 if found.failed else int(found.unproven)


def _screen(text: str) -> ScreenId:
    try:
        return screen_id(text)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _text(found: "Verification") -> str:
    from avtech_controller.planning import byte_text
    from avtech_controller.render import clean

    first, last = found.releases[-1], found.releases[0]
    what = f"release {last}" if first == last else f"releases {first} to {last}"
    told = found.origins if len(found.origins) <= _SHOWN else ()
    lines = [
        f"release {one.sequence} of {one.commit[:12]}: {one.kind.value}, {one.time}, by {clean(one.publisher)}"
        for one in reversed(told)
    ]
    lines += [f"note: {note}" for note in found.notes]
    for problem in found.problems[:_SHOWN]:
        lines += _problem(problem)
    if (more := len(found.problems) - _SHOWN) > 0:
        lines.append(f"… and {more:,} more; --output json lists all")
    gone = f" ({found.gone:,} of them not in the store any more)" if found.gone else ""
    their = "is what its commit compiles to" if found.manifests == 1 else "are what their commits compile to"
    parts = [f"{_count(found.manifests, 'manifest')} {their}{gone}"]
    if found.removals:
        parts.append(_count(found.removals, "removal"))
    if found.assets or found.assets_gone:
        gone = f" ({found.assets_gone:,} more are not in the store any more)" if found.assets_gone else ""
        parts.append(f"{_count(found.assets, 'clip')} hashed, {byte_text(found.asset_bytes)}{gone}")
    parts.append(f"provenance of {_count(found.provenance, 'release')}")
    outcome = "FAILED" if found.failed else "not proven" if found.unproven else "verified"
    return "\n".join([*lines, f"{what}: {outcome}; {'; '.join(parts)}"])


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _problem(problem: "Problem") -> list[str]:
    screen = f" {problem.screen}" if problem.screen else ""
    word = "not proven" if problem.unproven else "FAILED"
    lines = [f"{word}: release {problem.release}{screen}: {problem.message}"]
    if problem.difference:
        lines += [
            f"  at {problem.difference.path}",
            f"    expected {problem.difference.expected}",
            f"    found    {problem.difference.found}",
        ]
    return lines


def _json(found: "Verification") -> str:
    value: dict[str, Any] = {
        "format_version": 1,
        "outcome": "failed" if found.failed else "unproven" if found.unproven else "verified",
        "head": found.head,
        "releases": list(found.releases),
        "origins": [
            {
                "release": one.sequence,
                "kind": one.kind.value,
                "commit": one.commit,
                "time": one.time,
                "publisher": one.publisher,
            }
            for one in found.origins
        ],
        "manifests": {"verified": found.manifests, "gone": found.gone, "removals": found.removals},
        "assets": {"verified": found.assets, "bytes": found.asset_bytes, "gone": found.assets_gone},
        "provenance": found.provenance,
        "problems": [
            {
                "release": problem.release,
                "screen": problem.screen,
                "message": problem.message,
                "unproven": problem.unproven,
                "difference": problem.difference
                and {
                    "path": problem.difference.path,
                    "expected": problem.difference.expected,
                    "found": problem.difference.found,
                },
            }
            for problem in found.problems
        ],
        "notes": list(found.notes),
    }
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
