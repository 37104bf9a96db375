"""The cast of the demo: one player with real mpv on a virtual display, and seven simulated ones in one process."""

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import orjson
import yaml

from avtech_controller.demo import _edits
from avtech_controller.demo._programs import program, running
from avtech_controller.demo._workspace import Workspace
from avtech_schema.errors import EnvironmentFailedError

POLL_SECONDS = 1
MPV_OUTPUT = "x11"
"""Drawing by plain X: a virtual display has no GPU, and mpv's GPU output drops frames on a software one."""

Row = Mapping[str, Any]


def enrol(workspace: Workspace, *, store: str, display: str) -> list[str]:
    """Make each screen's device key and configuration, and put its public key into the repository; returns the screens."""
    clients = sorted(folder.name for folder in (workspace.repo / "fleet").glob("CLI-*"))
    screens = [
        (client, screen["metadata"]["name"]) for client in clients for screen in _edits.screens_of(workspace.repo, client)
    ]
    for client, screen in screens:
        state = workspace.players / screen
        real = screen == _edits.SCREEN
        where = ["--store", store, "--root", "trust/1.root.json", "--state-dir", str(state), "--config", str(config(state))]
        who = ["--screen", screen, "--client", client, "--engine", "mpv" if real else "simulated"]
        made = workspace.player("enroll", *who, *where, "--output", "json")
        _edits.enrol(workspace.repo, screen, orjson.loads(made.stdout)["publicKey"])
        _adjust(config(state), {"kind": "mpv", "vo": MPV_OUTPUT, "display": display} if real else {"kind": "simulated"})
    return [screen for _, screen in screens]


def config(state: Path) -> Path:
    """Where a player's configuration lies."""
    return state / "player.yaml"


def _adjust(path: Path, engine: Mapping[str, object]) -> None:
    """Have the player draw on the demo's display, and look for releases more often than it would in the field."""
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(
        yaml.safe_dump({**values, "engine": engine, "pollSeconds": POLL_SECONDS}, sort_keys=False), encoding="utf-8"
    )


@contextmanager
def playing(workspace: Workspace, screens: list[str]) -> Generator[None]:
    """Run all players until the end."""
    command = [program("avtech-player", package="pip install avtech-player"), "--log-format", "json", "run"]
    simulated = [option for screen in screens if screen != _edits.SCREEN for option in _option(workspace, screen)]
    with ExitStack() as stack:
        for name, options in (("mpv", _option(workspace, _edits.SCREEN)), ("simulated", simulated)):
            log = workspace.players / f"{name}.log"
            stack.enter_context(running([*command, *options], log=log, env=workspace.env))
        yield


def _option(workspace: Workspace, screen: str) -> list[str]:
    return ["--config", str(config(workspace.players / screen))]


def await_status(workspace: Workspace, holds: Callable[[Row], bool], *, seconds: float) -> list[Row]:
    """Ask `avtech status` until something holds for every screen; returns the last answer.

    Raises:
        EnvironmentFailedError: it did not hold in time; the message says for which screens.
    """
    deadline = time.monotonic() + seconds
    while True:
        rows: list[Row] = workspace.avtech_json("status")["screens"]
        others = [row for row in rows if not holds(row)]
        if rows and not others:
            return rows
        if time.monotonic() > deadline:
            left = ", ".join(f"{row['screen']} is {row['state']} ({row['reason']})" for row in others)
            raise EnvironmentFailedError(f"after {seconds:g} s: {left}", hint=f"logs lie in {workspace.players}")
        time.sleep(0.2)
