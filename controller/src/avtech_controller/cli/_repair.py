"""What `avtech publish --repair` does: it checks the current release in the store, and puts back what can be made again."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from avtech_controller.cli._anchor import committed_anchor
from avtech_controller.cli._desired import chosen_store, compile_desired
from avtech_controller.cli._progress import progress_bars
from avtech_controller.desired import load, open_source, require_state
from avtech_controller.publication import read_head
from avtech_controller.publication._repair import LostClip, Repair, repair
from avtech_controller.publication._timestamp import is_lost, last_snapshot, restore_timestamp
from avtech_controller.trust import has_history
from avtech_schema.errors import ConfigurationError, TrustError

if TYPE_CHECKING:
    from avtech_controller.publication import Head, Released, ReleasedScreen
    from avtech_controller.stores import ObjectStore
    from avtech_controller.trust import Anchor


def run_repair(repo: Path, store: str | None, keys_dir: Path | None, output: str, *, yes: bool) -> int:
    """Mend the store and say what was done; 1 when something is still missing that only its owner can bring back."""
    opened = chosen_store(store, None if store else require_state(load(open_source(repo, None))))
    anchor = committed_anchor(repo)
    restored = is_lost(opened) and has_history(opened)
    if restored:
        _restore_timestamp(opened, anchor, keys_dir, yes=yes)
    if (head := read_head(opened, anchor)) is None:
        raise ConfigurationError(f"nothing is released in {opened.url}", hint="the first `avtech publish` comes before")
    wanted = {_key(screen): screen for screen in (*head.released.screens.values(), *_stakes(opened, anchor, head))}
    with progress_bars() as progress:
        done = repair(opened, wanted.values(), lambda commit: compile_desired(repo, commit).screens, progress)
    if output == "json":
        click.echo(orjson.dumps(_value(head.released, done, timestamp=restored), option=orjson.OPT_INDENT_2).decode())
    else:
        click.echo(_text(head.released, done))
    _tell(done)
    return 0 if done.whole else 1


def _key(screen: "ReleasedScreen") -> tuple[str, str]:
    return screen.screen, screen.digest


def _stakes(store: "ObjectStore", anchor: "Anchor", head: "Head") -> "tuple[ReleasedScreen, ...]":
    """What the rollout under way may still give to screens."""
    from avtech_controller.rollout import read_standing

    try:
        standing = read_standing(store, anchor, head)
    except TrustError as error:
        click.echo(f"note: only what is on air is checked, not what waits for its wave: {error}", err=True)
        return ()
    return standing.stakes if standing else ()


def _restore_timestamp(store: "ObjectStore", anchor: "Anchor", keys_dir: Path | None, *, yes: bool) -> None:
    from avtech_controller.cli._secrets import publish_signer

    last = last_snapshot(store, anchor)
    what = f"release {last.pointer.sequence} ({last.pointer.commit[:12]})"
    click.echo(f"metadata/timestamp.json is gone; the newest release in {store.url} that verifies is {what}", err=True)
    if not yes and not sys.stdin.isatty():
        raise ConfigurationError(
            "nobody is there to be asked whether that release is to be on air again",
            hint="--yes puts it back; restoring the object from the bucket's versions is better where there are any",
        )
    if not yes:
        click.confirm("Put it on air again?", abort=True, err=True)
    signer, now = publish_signer(keys_dir, anchor), datetime.now(UTC)
    anchor.check_publisher(signer, now)
    version = restore_timestamp(store, last, signer, now)
    click.echo(f"metadata/timestamp.json was signed anew for {what}, as version {version}", err=True)


def _text(released: "Released", done: Repair) -> str:
    counts = [f"{done.checked} {'manifest' if done.checked == 1 else 'manifests'} checked", f"{len(done.restored)} put back"]
    if done.lost:
        counts.append(f"{len(done.lost)} lost")
    if done.clips:
        counts.append(f"{len(done.clips)} {'clip' if len(done.clips) == 1 else 'clips'} missing or damaged")
    return f"release {released.sequence} ({released.commit[:12]}): {', '.join(counts)}"


def _tell(done: Repair) -> None:
    for lost in done.lost:
        click.echo(f"error: the manifest of {lost.screen.screen} cannot be put back: {lost.reason}", err=True)
    if done.lost:
        click.echo("  help: publish a newer commit with any change for these screens; it makes new manifests", err=True)
    for clip in done.clips:
        click.echo(f"error: {clip.clip} of {clip.client}: {_problem(clip)} ({clip.asset.key})", err=True)
    if done.clips:
        click.echo(
            "  help: `avtech content add FILE --client CLI-…` with the same file uploads a missing clip; "
            "remove a damaged object first, or restore it from the bucket's versions",
            err=True,
        )


def _problem(clip: LostClip) -> str:
    if clip.size is None:
        return "the clip is not in the store"
    return f"the store holds {clip.size:,} bytes instead of {clip.asset.size:,}"


def _value(released: "Released", done: Repair, *, timestamp: bool) -> dict[str, Any]:
    return {
        "format_version": 1,
        "outcome": "whole" if done.whole else "incomplete",
        "sequence": released.sequence,
        "commit": released.commit,
        "checked": done.checked,
        "timestamp_restored": timestamp,
        "restored": list(done.restored),
        "lost": [{"screen": one.screen.screen, "commit": one.screen.commit, "reason": one.reason} for one in done.lost],
        "clips": [
            {
                "clip": one.clip,
                "client": one.client,
                "key": one.asset.key,
                "sha256": one.asset.sha256,
                "size_bytes": one.asset.size,
                "stored_bytes": one.size,
            }
            for one in done.clips
        ],
    }
