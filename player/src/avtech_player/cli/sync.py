"""`avtech-player sync`: one look for a release, now."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from pathlib import Path

import click
import orjson

from avtech_player.cli._options import FORMAT_VERSION, config_option, output_option
from avtech_player.cli._owner import become_owner
from avtech_player.config import Config, load_config
from avtech_player.durable import AlreadyRunningError, read_bounded
from avtech_player.ports import Generation, TrialResult
from avtech_player.secrets_file import with_secrets
from avtech_schema.errors import AvtechError, EnvironmentFailedError
from avtech_schema.report import EngineHealth, NowPlaying


@click.command()
@config_option
@output_option
def sync(config_path: Path, output: str) -> int:
    """Look for a release now.

    While the player runs, it is told to look, and this command returns at once. Otherwise the release is verified and
    fetched to the disk; its trial on the screen comes when the player runs.

    \b
    Examples:
      avtech-player sync --config player.yaml
      avtech-player sync --config player.yaml --output json
    """
    from avtech_player.assembly import lock_state

    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # Another `sync` may take this one for the player.
    config = load_config(config_path, os.environ)
    environment = with_secrets(config.secrets, os.environ)
    become_owner(config.state_dir)
    try:
        lock = lock_state(config)
    except AlreadyRunningError:
        return _tell({"outcome": "asked", "pid": _ask(config.state_dir)}, output)
    with lock:
        return asyncio.run(_sync(config, environment, output))


async def _sync(config: Config, environment: Mapping[str, str], output: str) -> int:
    from avtech_player.assembly import make_parts, make_updater
    from avtech_player.outcome import OutcomeKind
    from avtech_player.state import ref_json

    updater = make_updater(make_parts(config, environment), _NoScreen())
    await updater.load()
    outcome = await updater.prepare()
    error, kind = outcome.error, outcome.kind
    if error is None and kind is OutcomeKind.UNCHANGED and outcome.ref is None:
        kind, error = OutcomeKind.FAILED, _unnamed(config)
    result = {
        "outcome": kind.value,
        "release": ref_json(outcome.ref),
        "phase": updater.state.phase.value,
        "error": None if error is None else str(error),
    }
    _tell(result, output)
    if error is not None and error.hint and output == "text":
        click.echo(f"  help: {error.hint}", err=True)
    return 0 if error is None else error.exit_code


def _unnamed(config: Config) -> AvtechError:
    return AvtechError(
        f"no release names the screen {config.screen} of {config.client}",
        hint="compare `screen` and `client` with the Screen resource; a new screen is released by the next publication",
    )


def _ask(directory: Path) -> int:
    """Tell the process that holds a state directory to look now."""
    data = read_bounded(directory / "pid", limit=32)
    pid = int(data) if data and data.strip().isdigit() else 0
    if pid <= 1:
        raise EnvironmentFailedError(f"a player holds {directory}, but does not say which process it is")
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGUSR1)
    return pid


def _tell(result: Mapping[str, object], output: str) -> int:
    if output == "json":
        click.echo(orjson.dumps({"format_version": FORMAT_VERSION, **result}).decode())
        return 0
    match result["outcome"]:
        case "asked":
            text = f"the running player (process {result['pid']}) looks for a release now"
        case "unchanged":
            text = "nothing to do"
        case "staged":
            text = f"fetched release {_release(result)}; its trial comes when the player runs"
            if result["error"]:
                text += ", but whether there is a newer one is not known"
        case "refused":
            text = f"refused release {_release(result)}"
        case _:
            text = "failed"
    click.echo(f"{text}: {result['error']}" if result.get("error") else text)
    return 0


def _release(result: Mapping[str, object]) -> str:
    release = result["release"]
    return f"{release['sequence']} (commit {str(release['commit'])[:12]})" if isinstance(release, dict) else "?"


class _NoScreen:
    """The stage while the player does not run: nothing is shown, so nothing can be tried."""

    async def trial(self, generation: Generation) -> TrialResult:
        """Nothing shows, so nothing is good."""
        return TrialResult(good=False, reason=f"no screen for {generation.ref.digest}")

    async def play(self, generation: Generation | None) -> None:
        """There is no screen."""

    def now(self) -> NowPlaying | None:
        """Nothing."""
        return None

    def health(self) -> EngineHealth:
        """Stopped."""
        return EngineHealth("none", "", "stopped", 0)

    def blindness(self) -> str:
        """Nothing is meant to be shown."""
        return ""
