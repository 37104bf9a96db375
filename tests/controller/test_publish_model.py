"""Whatever publishers do and wherever they die, a player that follows along sees whole releases that only go forward."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tuf.ngclient import Updater, UpdaterConfig

from avtech_controller.stores import StoreError, open_store
from avtech_schema.errors import SupersededError
from avtech_schema.identifiers import ScreenId
from avtech_schema.layout import target_path
from tests.controller.publishing import CLIENT, Dying, StoreFetcher, commit, make_world, screens

ZONES = ("Europe/Madrid", "Asia/Tokyo", "America/New_York")


class Publishing(RuleBasedStateMachine):
    """The model is the last released commit and its screens; a client keeps its trusted metadata between the steps."""

    @initialize()
    def set_up(self) -> None:
        self.directory = tempfile.TemporaryDirectory()
        path = Path(self.directory.name)
        (path / "store").mkdir()
        (path / "client").mkdir()
        (path / "targets").mkdir()
        self.path = path
        self.world = make_world(path, open_store(f"file://{path}/store"), number=1)
        self.now = datetime.now(UTC)
        self.released: tuple[int, dict[ScreenId, Any]] | None = None

    def teardown(self) -> None:
        if hasattr(self, "directory"):
            self.directory.cleanup()

    @rule(step=st.integers(0, 2), number=st.integers(1, 4), zone=st.sampled_from(ZONES))
    def publish(self, step: int, number: int, zone: str) -> None:
        head = self.released[0] if self.released else 0
        wanted = screens(number, time_zone=zone)
        self.world.publish(max(1, head + step), wanted, now=self._tick())
        self.released = (max(1, head + step), wanted)

    @rule(step=st.integers(1, 2), number=st.integers(1, 4), zone=st.sampled_from(ZONES), writes=st.integers(0, 25))
    def publish_and_die(self, step: int, number: int, zone: str, writes: int) -> None:
        head = self.released[0] if self.released else 0
        wanted = screens(number, time_zone=zone)
        try:
            self.world.publish(head + step, wanted, now=self._tick(), store=Dying(self.world.store, writes))
        except StoreError:
            return
        self.released = (head + step, wanted)

    @precondition(lambda self: self.released is not None and self.released[0] > 1)
    @rule(zone=st.sampled_from(ZONES))
    def publish_an_older_commit(self, zone: str) -> None:
        assert self.released is not None
        try:
            self.world.publish(self.released[0] - 1, screens(2, time_zone=zone), now=self._tick())
        except SupersededError:
            return
        raise AssertionError("an older commit was released")

    @precondition(lambda self: self.released is not None)
    @rule(nights=st.integers(1, 6))
    def sleep(self, nights: int) -> None:
        """Every night the released commit is published again, which keeps its signatures fresh."""
        assert self.released is not None
        for _ in range(nights):
            self.now += timedelta(days=1)
            assert self.world.publish(*self.released, now=self.now).outcome in {"renewed", "unchanged"}

    @invariant()
    def a_player_sees_the_last_whole_release(self) -> None:
        if not getattr(self, "released", None):
            return
        assert self.released is not None
        updater = Updater(
            str(self.path / "client"),
            "store:///metadata/",
            target_base_url="store:///targets/",
            target_dir=str(self.path / "targets"),
            fetcher=StoreFetcher(self.world.store),
            config=UpdaterConfig(prefix_targets_with_hash=True),
            bootstrap=(self.world.repo / "trust/1.root.json").read_bytes(),
        )
        updater._trusted_set.reference_time = self.now
        updater.refresh()
        number, wanted = self.released
        assert self.world.head().released.commit == commit(number)
        for name in screens(5):
            info = updater.get_targetinfo(target_path(CLIENT, name))
            assert (info.hashes["sha256"] if info else None) == (wanted[name].digest if name in wanted else None)
        assert self.world.chain() == sorted(self.world.chain(), reverse=True)

    def _tick(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


TestPublishing = Publishing.TestCase
TestPublishing.settings = settings(
    max_examples=12, stateful_step_count=10, deadline=None, suppress_health_check=list(HealthCheck), derandomize=False
)
