"""The working copy of a demo: a real git repository, and the real commands run in it as a person would."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from avtech_controller.demo._programs import program
from avtech_schema.errors import ConfigurationError, EnvironmentFailedError

COPIED = ("fleet", "content-index", "clips")
COMMAND_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Done:
    """A command that was run: its exit code and what it printed."""

    code: int
    stdout: str
    stderr: str

    def last_line(self) -> str:
        """The last line it printed, wherever."""
        return next((line.strip() for line in reversed((self.stdout + self.stderr).splitlines()) if line.strip()), "")


@dataclass(slots=True)
class Workspace:
    """A directory with `repo/` (the desired state), `players/`, `store/` and `pictures/`; `env` is added to every command."""

    root: Path
    env: dict[str, str] = field(default_factory=dict)

    @property
    def repo(self) -> Path:
        """The desired-state repository."""
        return self.root / "repo"

    @property
    def players(self) -> Path:
        """One directory for each player: its configuration, key and state."""
        return self.root / "players"

    @property
    def pictures(self) -> Path:
        """Screenshots."""
        return self.root / "pictures"

    def avtech(self, *arguments: str, check: bool = True) -> Done:
        """Run `avtech` in the repository."""
        return self.run([program("avtech", package="pip install avtech-controller"), *arguments], check=check)

    def avtech_json(self, *arguments: str) -> Any:
        """Run `avtech … --output json` in the repository and read what it prints."""
        return orjson.loads(self.avtech(*arguments, "--output", "json").stdout)

    def player(self, *arguments: str) -> Done:
        """Run `avtech-player` in the repository."""
        return self.run([program("avtech-player", package="pip install avtech-player"), *arguments])

    def git(self, *arguments: str) -> str:
        """Run git in the repository; returns what it prints."""
        return self.run([program("git", package="sudo apt-get install git"), *arguments]).stdout.strip()

    def commit(self, message: str) -> str:
        """Commit everything; returns the short commit id."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "--short", "HEAD")

    def run(self, command: list[str], *, check: bool = True) -> Done:
        """Run a command in the repository.

        Raises:
            EnvironmentFailedError: it took two minutes, or failed and `check` is set.
        """
        try:
            done = subprocess.run(
                command,
                cwd=self.repo,
                env=os.environ | self.env,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=COMMAND_SECONDS,
            )
        except subprocess.TimeoutExpired as error:
            raise EnvironmentFailedError(f"`{_shown(command)}` took longer than {COMMAND_SECONDS} s") from error
        if check and done.returncode:
            complaint = " / ".join(line.strip() for line in (done.stderr or done.stdout).splitlines()[-6:] if line.strip())
            raise EnvironmentFailedError(f"`{_shown(command)}` ended with {done.returncode}: {complaint[:600]}")
        return Done(done.returncode, done.stdout, done.stderr)


def create(root: Path, *, source: Path, env: Mapping[str, str]) -> Workspace:
    """Make a workspace anew, with a git repository of the example fleet that lies in `source`.

    Raises:
        ConfigurationError: `source` holds no example fleet, or `root` is a directory that no demo made.
    """
    if missing := [name for name in COPIED if not (source / name).is_dir()]:
        raise ConfigurationError(
            f"there is no example fleet in {source}: {', '.join(missing)} missing",
            hint="run the demo in a clone of the AVTech repository, or pass --source",
        )
    marker = root / ".avtech-demo"
    if root.exists() and any(root.iterdir()) and not marker.exists():
        raise ConfigurationError(f"{root} is not empty and was not made by a demo", hint="choose another --dir")
    shutil.rmtree(root, ignore_errors=True)
    workspace = Workspace(root, dict(env))
    for directory in (workspace.repo, workspace.players, workspace.pictures):
        directory.mkdir(parents=True)
    marker.touch()
    for name in COPIED:
        shutil.copytree(source / name, workspace.repo / name)
    workspace.git("init", "--quiet", "--initial-branch", "main")
    for key, value in (("user.name", "AVTech demo"), ("user.email", "demo@example.org"), ("commit.gpgsign", "false")):
        workspace.git("config", key, value)
    return workspace


def _shown(command: list[str]) -> str:
    return " ".join([Path(command[0]).name, *command[1:]])[:200]
