"""`avtech-player status`: what the player on this device knows and last said."""

import os
from pathlib import Path
from typing import Any

import click
import orjson

from avtech_player.cli._options import FORMAT_VERSION, config_option, output_option
from avtech_player.config import load_config
from avtech_player.last_report import last_report
from avtech_player.state import PlayerState, StateCorruptError, sync_state
from avtech_player.statefile import read_state
from avtech_player.summary import Live, summary
from avtech_schema.errors import ConfigurationError
from avtech_schema.report import Report

_DAMAGED = "the state is damaged: the next run sets it aside and rebuilds it from what lies complete on the disk"
_UNNAMED = "none: no release that was seen names this screen of this client"


@click.command()
@config_option
@output_option
def status(config_path: Path, output: str) -> int:
    """What plays, what should, and why not: from the state on this device's disk, without the network.

    \b
    Examples:
      avtech-player status --config player.yaml
      avtech-player status --config player.yaml --output json
    """
    config = load_config(config_path, os.environ)
    try:
        state = read_state(config.state_dir)
    except StateCorruptError as error:
        return _tell_damage(config.screen, error, output)
    if state is None:
        raise ConfigurationError(
            f"no player has run in {config.state_dir}", hint="start it with `avtech-player run`, or check stateDir"
        )
    found = _found(config.screen, state, last_report(config.state_dir))
    click.echo(orjson.dumps({"format_version": FORMAT_VERSION, **found}).decode() if output == "json" else _text(found))
    return 0


def _tell_damage(screen: str, error: StateCorruptError, output: str) -> int:
    """What can be said when the state cannot be read; 1, for a start must mend it."""
    told = f"{_DAMAGED} ({error})"
    if output == "json":
        click.echo(
            orjson.dumps({"format_version": FORMAT_VERSION, "screen": screen, "state": "damaged", "lastError": told}).decode()
        )
    else:
        click.echo(f"{'screen':<12} {screen}\n{'state':<12} damaged\n{'last error':<12} {told}")
    return 1


def _found(screen: str, state: PlayerState, report: Report | None) -> dict[str, Any]:
    """What is known; what only a running player knows is from its last report."""
    if report is None:
        return summary(screen, state, Live(sync_state(state, None), None, None, None, None, None))
    live = Live(report.state, report.last_error, report.now_playing, report.engine, report.clock_trusted, report.time)
    return summary(screen, state, live)


def _text(found: dict[str, Any]) -> str:
    lines = [
        ("screen", found["screen"]),
        ("state", f"{found['state']} ({found['phase']})"),
        ("desired", _release(found["desired"]) if found["desired"] else _UNNAMED),
        ("applied", _release(found["applied"])),
    ]
    if found["candidate"]:
        lines.append(("on its way", _release(found["candidate"])))
    if now := found["nowPlaying"]:
        lines.append(("playing", f"{now['clip']} by {now['rule'] or 'the fallback'} since {now['since']}"))
    if engine := found["engine"]:
        lines.append(("engine", f"{engine['kind']}, {engine['state']}, {engine['restarts']} restarts"))
    if found["lastError"]:
        lines.append(("last error", found["lastError"]))
    lines += [("quarantined", f"{_release(entry)}: {entry['reason']}") for entry in found["quarantine"]]
    if found["clockTrusted"] is False:
        lines.append(("clock", "not to be trusted"))
    lines.append(("reported", found["reported"] or "never"))
    return "\n".join(f"{name:<12} {value}" for name, value in lines)


def _release(ref: dict[str, Any] | None) -> str:
    return "none" if ref is None else f"release {ref['sequence']}, commit {ref['commit'][:12]}, manifest {ref['digest'][:12]}"
