"""Players as processes: enrolled by the real command, run by the real daemon, watched from outside."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from avtech_schema.canonical import sha256_hex
from avtech_schema.envelope import open_sealed, public_key
from avtech_schema.identifiers import ScreenId
from avtech_schema.layout import report_key
from avtech_schema.report import PAYLOAD_TYPE, Report, parse_report
from tests.player.repository import ACME, LOBBY, Repository

COMMAND = [sys.executable, "-c", "from avtech_player.cli import main; main()"]
QUICK = {"AVTECH_PLAYER_POLL_SECONDS": "0.1", "AVTECH_PLAYER_REPORT_SECONDS": "0.5"}


class Device:
    """One device: its directory, its configuration, and the public half of its key."""

    def __init__(self, folder: Path, repository: Repository, *, screen: ScreenId = LOBBY, url: str = "") -> None:
        folder.mkdir(parents=True)
        self.folder, self.repository, self.screen = folder, repository, screen
        self.config, self.state_dir = folder / "player.yaml", folder / "state"
        self.entered: list[str] = []
        """What goes before the daemon's command, such as a namespace to run it in."""
        (folder / "1.root.json").write_bytes(repository.root_bytes)
        result = self.command("enroll", *self.enrolment(url or repository.url), "--output", "json")
        assert result.returncode == 0, result.stderr
        self.public_key: str = json.loads(result.stdout)["publicKey"]

    def enrolment(self, url: str) -> list[str]:
        root = str(self.folder / "1.root.json")
        return [
            *("--screen", self.screen, "--client", ACME, "--store", url, "--root", root),
            *("--state-dir", str(self.state_dir), "--engine", "simulated", "--config", str(self.config)),
        ]

    def command(self, *arguments: str, environment: Mapping[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
        """Run `avtech-player` to its end."""
        return subprocess.run(
            [*COMMAND, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, **(environment or {})},
        )

    @contextmanager
    def running(self, *more: str, environment: Mapping[str, str] | None = None) -> Iterator["subprocess.Popen[bytes]"]:
        """The daemon, killed at the end if it still runs."""
        with (self.folder / "log").open("ab") as log:
            arguments = [*self.entered, *COMMAND, "run", "--config", str(self.config), *more]
            process = subprocess.Popen(arguments, stderr=log, env={**os.environ, **QUICK, **(environment or {})})
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def report(self) -> Report | None:
        """The report in the store, its signature verified."""
        path = self.repository.path / report_key(ACME, self.screen)
        if not path.exists():
            return None
        return parse_report(open_sealed(path.read_bytes(), PAYLOAD_TYPE, [public_key(self.public_key)]))

    def reported(self, wanted: Callable[[Report], bool], *, within: float = 20.0) -> Report:
        """Wait for a report."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            report = self.report()
            if report is not None and wanted(report):
                return report
            time.sleep(0.02)
        raise AssertionError(f"no such report; the last was {self.report()}\n{(self.folder / 'log').read_text()}")

    def status(self) -> dict[str, Any]:
        """What `status` says."""
        result = self.command("status", "--config", str(self.config), "--output", "json")
        assert result.returncode == 0, result.stderr
        found: dict[str, Any] = json.loads(result.stdout)
        return found

    def clip_is_whole(self, digest: str) -> bool:
        """Whether a clip lies on the disk as it was released."""
        path = self.state_dir / "assets" / digest
        return path.exists() and sha256_hex(path.read_bytes()) == digest
