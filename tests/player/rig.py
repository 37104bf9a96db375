"""A player without an engine: real trust, store, disk and state, and a stage that records what it is told to show."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from avtech_player.clock import TrustedClock
from avtech_player.generations import Library, free_bytes
from avtech_player.outcome import Outcome
from avtech_player.parts import Parts
from avtech_player.ports import Generation, TrialResult
from avtech_player.space import Limits
from avtech_player.state import PlayerState
from avtech_player.store import Store, open_store
from avtech_player.sync import Updater
from avtech_player.trust import Trust
from avtech_schema.canonical import sha256_hex
from avtech_schema.report import EngineHealth, NowPlaying
from tests.player.repository import ACME, LOBBY

Verdict = Callable[[Generation], TrialResult]
GOOD = TrialResult(good=True)


class RecordingStage:
    """The simplest stage: shows what it is told, and judges as it is told."""

    def __init__(self, verdict: Verdict = lambda _: GOOD) -> None:
        self.verdict = verdict
        self.blind = ""
        self.showing: Generation | None = None
        self.shown: list[str | None] = []
        self.trials: list[str] = []

    async def trial(self, generation: Generation) -> TrialResult:
        self._show(generation)
        self.trials.append(generation.ref.digest)
        return self.verdict(generation)

    async def play(self, generation: Generation | None) -> None:
        self._show(generation)

    def now(self) -> NowPlaying | None:
        return None

    def health(self) -> EngineHealth:
        return EngineHealth("recording", "1", "playing" if self.showing else "slate", 0)

    def blindness(self) -> str:
        return self.blind

    def _show(self, generation: Generation | None) -> None:
        """Nothing unverified is ever shown: every file is what the manifest says."""
        for video, path in (generation.files if generation else {}).items():
            assert generation is not None
            assert sha256_hex(path.read_bytes()) == generation.manifest.assets[video].sha256
        self.showing = generation
        self.shown.append(generation.ref.digest if generation else None)


class Rig:
    """One process' life of a player: make another on the same directory to restart it."""

    def __init__(
        self,
        directory: Path,
        url: str,
        root: bytes,
        *,
        stage: RecordingStage | None = None,
        now: Callable[[], datetime] | None = None,
        free: Callable[[Path], int] = free_bytes,
        store: Store | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.directory = directory
        self.stage = stage or RecordingStage()
        self.clock = TrustedClock(system=now or (lambda: datetime.now(UTC)), synchronised=lambda: True)
        self.library = Library(directory, limits=limits, free=free)
        self.store = store or open_store(url, {})
        self.trust = Trust(directory, self.store, self.clock, root=root, client=ACME, screen=LOBBY)
        parts = Parts(directory, ACME, LOBBY, self.trust, self.store, self.library, self.clock)
        self.updater = Updater(parts, self.stage)

    def start(self) -> None:
        asyncio.run(self.updater.start())

    def step(self) -> Outcome:
        return asyncio.run(self.updater.step())

    @property
    def state(self) -> PlayerState:
        return self.updater.state
