"""What `avtech publish --heartbeat`, `--renew` and `--repair` do: they sign anew or mend, and release nothing."""

import functools
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson
from click.core import ParameterSource

_HEARTBEAT = "Only sign the timestamp anew, with the heartbeat key; needs trust/ and --store alone."
_RENEW = "Only sign anew the snapshot and what is past half of its life; needs trust/ and --store alone."
_REPAIR = "Only check every manifest and clip of the current release in the store, and put back what can be made again."
_SHARED = {"repo", "store", "keys_dir", "output", "yes", "heartbeat", "renew", "repair"}


def renewal_options(command: Callable[..., int]) -> Callable[..., int]:
    """Add `--heartbeat`, `--renew` and `--repair` to a command; with one, that is done instead of what the command does."""

    @click.option("--heartbeat", is_flag=True, help=_HEARTBEAT)
    @click.option("--renew", is_flag=True, help=_RENEW)
    @click.option("--repair", is_flag=True, help=_REPAIR)
    @functools.wraps(command)
    def wrapped(*, heartbeat: bool, renew: bool, repair: bool, **options: Any) -> int:
        flags = {"--heartbeat": heartbeat, "--renew": renew, "--repair": repair}
        chosen = [flag for flag, given in flags.items() if given]
        if not chosen:
            return command(**options)
        _check_alone(click.get_current_context(), chosen[0])
        if len(chosen) > 1:
            raise click.UsageError(f"{' and '.join(chosen)} exclude each other")
        if repair:
            from avtech_controller.cli._repair import run_repair

            return run_repair(options["repo"], options["store"], options["keys_dir"], options["output"], yes=options["yes"])
        run = run_heartbeat if heartbeat else run_renewal
        run(options["repo"], options["store"], options["keys_dir"], options["output"])
        return 0

    return wrapped


def _check_alone(context: click.Context, flag: str) -> None:
    """Refuse options that speak of a commit's publication: nothing is published."""
    for parameter in context.command.params:
        name = parameter.name or ""
        if name not in _SHARED and context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{parameter.opts[0]} has no meaning with {flag}, which publishes nothing")


def run_heartbeat(repo: Path, store: str | None, keys_dir: Path | None, output: str) -> None:
    """Sign the timestamp anew with the heartbeat key and say so."""
    from avtech_controller.cli._anchor import committed_anchor
    from avtech_controller.cli._desired import chosen_store
    from avtech_controller.cli._secrets import heartbeat_signer
    from avtech_controller.publication._heartbeat import heartbeat

    anchor = committed_anchor(repo)
    beat = heartbeat(chosen_store(store, None), anchor, heartbeat_signer(keys_dir, anchor), _now)
    if output == "json":
        value = {
            "format_version": 1,
            "outcome": beat.outcome,
            "sequence": beat.sequence,
            "commit": beat.commit,
            "timestamp": beat.version,
            "expires": beat.expires.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "bytes_written": beat.bytes_written,
        }
        click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
        return
    what = "signed anew" if beat.outcome == "renewed" else "signed lately; nothing was written"
    holds = f"it holds until {beat.expires:%Y-%m-%d %H:%M} UTC"
    click.echo(f"release {beat.sequence} ({beat.commit[:12]}): the timestamp is {what}; {holds}")


def run_renewal(repo: Path, store: str | None, keys_dir: Path | None, output: str) -> None:
    """Sign anew what ages with the publish key and say so."""
    from avtech_controller.cli._anchor import committed_anchor
    from avtech_controller.cli._desired import chosen_store
    from avtech_controller.cli._progress import progress_bars
    from avtech_controller.cli._secrets import publish_signer
    from avtech_controller.planning import byte_text
    from avtech_controller.publication._renewal import renew

    anchor = committed_anchor(repo)
    signer = publish_signer(keys_dir, anchor)
    with progress_bars() as progress:
        done = renew(chosen_store(store, None), anchor, signer, _now, progress)
    if output == "json":
        value = {
            "format_version": 1,
            "outcome": done.outcome,
            "sequence": done.sequence,
            "commit": done.commit,
            "bytes_written": done.bytes_written,
        }
        click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
        return
    what = f"renewed, {byte_text(done.bytes_written)} written" if done.bytes_written else "fresh; nothing was written"
    click.echo(f"release {done.sequence} ({done.commit[:12]}): its signatures are {what}")


def _now() -> datetime:
    return datetime.now(UTC)
