"""Whatever is rotated, renewed and published in whatever order: a player that knows the first root alone can follow."""

import tempfile
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from securesystemslib.signer import CryptoSigner
from tuf.ngclient import Updater, UpdaterConfig

from avtech_controller.publication._heartbeat import heartbeat
from avtech_controller.publication._renewal import renew
from avtech_controller.stores import open_store
from avtech_controller.trust import (
    Duty,
    KeyChange,
    Rotation,
    begin_rotation,
    generate_key,
    keys_for,
    load_anchor,
    load_signer,
    missing_roots,
    sign_waiting,
)
from avtech_schema.errors import TrustError
from avtech_schema.layout import target_path
from tests.controller.publishing import CLIENT, StoreFetcher, make_world, screens

ROOTS = ("root-1", "root-2", "root-3")


class Ceremonies(RuleBasedStateMachine):
    """Two clients watch: one that looks after every step, and a new one that begins with the first root each time."""

    @initialize()
    def set_up(self) -> None:
        self.place = tempfile.TemporaryDirectory()
        directory = Path(self.place.name)
        (directory / "store").mkdir()
        self.world = make_world(directory, open_store(f"file://{directory / 'store'}"), number=1)
        self.first_root = (self.world.repo / "trust/1.root.json").read_bytes()
        names = (*ROOTS, "targets", "publish", "heartbeat")
        keys = {name: load_signer(str(self.world.keys / f"{name}.pem")) for name in names}
        self.keys = {keys[name].public_key.keyid: keys[name] for name in keys}
        self.now = datetime.now(UTC)
        self.commit = 1
        self.world.publish(self.commit, screens(1), now=self.now)

    def teardown(self) -> None:
        self.place.cleanup()

    def _signer(self, duty: Duty) -> CryptoSigner:
        return self.keys[keys_for(self.world.anchor.root, duty)[0].keyid]

    def _new_key(self) -> CryptoSigner:
        signer = CryptoSigner(generate_key())
        self.keys[signer.public_key.keyid] = signer
        return signer

    @rule(
        duties=st.sets(st.sampled_from(list(reversed(Duty))), max_size=3),
        renewed=st.sets(st.sampled_from([Duty.ROOT, Duty.TARGETS])),
        size=st.sampled_from([None, None, None, None, 1, 40]),
        brought=st.sampled_from(["renew", "publish", "later"]),
    )
    def rotate(self, duties: set[Duty], renewed: set[Duty], size: int | None, brought: str) -> None:
        root = self.world.anchor.root
        changes = {duty: KeyChange((self._new_key().public_key,), (keys_for(root, duty)[0].keyid,)) for duty in duties}
        rotation = Rotation(changes, frozenset((renewed or {Duty.ROOT}) - duties), size)
        begin_rotation(self.world.repo, rotation, expires=self.now + timedelta(days=365))
        unsigned = load_anchor(self.world.repo)
        assert unsigned.root == root, "what is not signed does not count"
        for signer in self.keys.values():
            try:
                sign_waiting(self.world.repo, signer)
            except TrustError:
                continue
        anchor = load_anchor(self.world.repo)
        assert not anchor.waiting
        self.world = replace(self.world, anchor=anchor)
        self.world = replace(self.world, signer=self._signer(Duty.PUBLISH))
        if brought == "publish":
            self.publish(2)
        elif brought == "renew":
            self.daily_renewal()

    @rule(duty=st.sampled_from(list(Duty)), brought=st.sampled_from(["renew", "publish"]))
    def replace_one_key(self, duty: Duty, brought: str) -> None:
        self.rotate({duty}, set(), None, brought)

    @rule(number=st.integers(1, 4))
    def publish(self, number: int) -> None:
        self.commit += 1
        self.world.anchor.check_publisher(self.world.signer, self.now)
        self.world.publish(self.commit, screens(number), now=self.now)

    @rule()
    def daily_renewal(self) -> None:
        renew(self.world.store, self.world.anchor, self.world.signer, lambda: self.now, lambda step, parts: lambda: None)

    @rule(hours=st.sampled_from([0, 4]))
    def beat(self, hours: int) -> None:
        """Refused while a rotation is not published: then it could only sign what players do not believe."""
        self.pass_time(hours)
        metadata = self.world.head().metadata
        published = metadata.snapshot_current and not missing_roots(self.world.store, self.world.anchor)
        with nullcontext() if published else pytest.raises(TrustError, match=r"do not have root version|replaced since"):
            heartbeat(self.world.store, self.world.anchor, self._signer(Duty.HEARTBEAT), lambda: self.now)

    @rule(hours=st.sampled_from([1, 30]))
    def pass_time(self, hours: int) -> None:
        """Never beyond a timestamp's life: what then happens is the heartbeat's affair, not the rotation's."""
        self.now += timedelta(hours=hours)
        if self.world.head().metadata.timestamp.expires < self.now + timedelta(days=2):
            self.daily_renewal()

    @invariant()
    def players_can_follow(self) -> None:
        released = self.world.head().released
        for name in ("steady", "new"):
            folder = Path(self.place.name) / (name if name == "steady" else f"new-{self.commit}-{self.now.timestamp()}")
            folder.mkdir(exist_ok=True)
            updater = Updater(
                str(folder),
                "store:///metadata/",
                fetcher=StoreFetcher(self.world.store),
                config=UpdaterConfig(prefix_targets_with_hash=True),
                bootstrap=self.first_root,
            )
            updater._trusted_set.reference_time = self.now  # pyright: ignore[reportPrivateUsage]
            updater.refresh()
            for screen, wanted in released.screens.items():
                info = updater.get_targetinfo(target_path(CLIENT, screen))
                assert info is not None
                assert info.hashes["sha256"] == wanted.digest


Ceremonies.TestCase.settings = settings(
    max_examples=10,
    stateful_step_count=10,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.slow
@pytest.mark.timeout(400)
class TestCeremonies(Ceremonies.TestCase):  # type: ignore[misc,valid-type]
    """Rotations, renewals, publications and heartbeats in random order."""
