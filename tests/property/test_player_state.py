"""The player against everything at once: releases, crashes at any step, damage, restarts, and DESIGN's six invariants.

The real updater runs on a real disk and a real signed repository; only the screen is the simplest stage there is. A crash
is a `BaseException` out of the n-th write, rename or removal, so that nothing after it is persisted.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from avtech_player import durable
from avtech_player.floor import load_floor
from avtech_player.generations import Library
from avtech_player.ports import Generation, TrialResult
from avtech_player.state import MAX_TRIALS, Phase
from avtech_player.statefile import read_state
from avtech_player.sync import OutcomeKind
from avtech_schema.canonical import sha256_hex
from avtech_schema.report import ReleaseRef
from tests.player.repository import Repository, manifest_of
from tests.player.rig import RecordingStage, Rig

CLIPS = [f"clip {number}".encode() for number in range(4)]
BAD = b"clip that does not decode"
STEPS = ("replace_atomically", "publish_file", "remove")


class PowerCutError(BaseException):
    """The process is gone."""


class Fuse:
    """Cuts the power before or after the n-th durable step."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.after = False

    def wrap(self, step: Callable[..., None]) -> Callable[..., None]:
        def fused(*arguments: Any, **more: Any) -> None:
            if self.left is None:
                step(*arguments, **more)
                return
            self.left -= 1
            if self.left < 0:
                self.left = 0
                if self.after:
                    self.after = False
                    step(*arguments, **more)
                raise PowerCutError
            step(*arguments, **more)

        return fused


def verdict(generation: Generation) -> TrialResult:
    bad = any(path.read_bytes() == BAD for path in generation.files.values())
    return TrialResult(good=not bad, reason="it does not decode" if bad else "")


class PlayerMachine(RuleBasedStateMachine):
    """One screen's life."""

    fuse: Fuse

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="avtech-"))
        self.repository = Repository(self.folder / "store")
        self.bad: set[str] = set()
        self.released: ReleaseRef | None = None
        self.floor = load_floor(self.folder)
        self.rig = self.make()
        self.rig.start()

    def make(self) -> Rig:
        stage = RecordingStage(verdict)
        return Rig(self.folder / "state", self.repository.url, self.repository.root_bytes, stage=stage)

    @rule(clips=st.sets(st.sampled_from(CLIPS), min_size=1), bad=st.booleans(), retry=st.booleans())
    def publish(self, clips: set[bytes], bad: bool, retry: bool) -> None:
        chosen = [*sorted(clips), *([BAD] if bad else [])]
        assets = {f"VID-{number}": self.repository.put_clip(clip) for number, clip in enumerate(chosen)}
        self.released = self.repository.publish(manifest_of(assets), retry=retry)
        if bad:
            self.bad.add(self.released.digest)

    @precondition(lambda self: self.released is not None)
    @rule()
    def renew(self) -> None:
        self.repository.sign_timestamp()

    @precondition(lambda self: self.released is not None)
    @rule()
    def look(self) -> None:
        self.rig.step()

    @rule()
    def restart(self) -> None:
        self.rig = self.make()
        self.rig.start()
        asyncio.run(self.rig.updater.settle())

    @rule(steps=st.integers(0, 12), after=st.booleans())
    def power_cut(self, steps: int, after: bool) -> None:
        """The power goes after some writes of a look or of a start, and comes back."""
        self.fuse.left, self.fuse.after = steps, after
        try:
            self.rig.step()
            self.make().start()
        except PowerCutError:
            pass
        finally:
            self.fuse.left = None
        self.restart()

    @rule(name=st.sampled_from(["state.json", "verified.json", "floor-a.json"]), junk=st.sampled_from([b"", b"{}", b"\0" * 64]))
    def damage_a_record(self, name: str, junk: bytes) -> None:
        if (self.folder / "state" / name).exists():
            (self.folder / "state" / name).write_bytes(junk)
        self.restart()

    @rule(clip=st.sampled_from(CLIPS))
    def damage_a_clip(self, clip: bytes) -> None:
        path = self.folder / "state" / "assets" / sha256_hex(clip)
        if path.exists():
            path.write_bytes(b"X" + clip[1:])
        self.restart()

    @precondition(lambda self: self.released is not None)
    @rule()
    def calm(self) -> None:
        """Left alone, the player ends with the release on the screen, or with what was good and the bad one quarantined."""
        for _ in range(4):
            outcome = self.rig.step()
        state, released = self.rig.state, self.released
        assert released is not None
        assert outcome.kind is OutcomeKind.UNCHANGED
        if released.digest in self.bad:
            assert state.quarantined(released) is not None
            assert state.phase in (Phase.ROLLED_BACK, Phase.SAFE)
        else:
            assert state.good == released
            assert self.rig.stage.showing is not None
            assert self.rig.stage.showing.ref.digest == released.digest
            assert len(self.rig.stage.showing.files) == len(self.rig.stage.showing.manifest.assets)

    @invariant()
    def good_is_what_passed_and_is_shown(self) -> None:
        """Invariants 2 to 4: good is no release that fails its trial; what shows is good, the one before, or the slate."""
        if not hasattr(self, "rig"):
            return
        state, showing = self.rig.state, self.rig.stage.showing
        assert state.good is None or state.good.digest not in self.bad
        if showing is not None:
            assert showing.ref.digest in {ref.digest for ref in (state.good, state.previous) if ref}

    @invariant()
    def what_is_persisted_is_what_is_known(self) -> None:
        """Invariant 2: every step is on the disk before it is acted on."""
        if not hasattr(self, "rig"):
            return
        assert read_state(self.folder / "state") == self.rig.state

    @invariant()
    def a_quarantined_release_is_never_on_its_way(self) -> None:
        """Invariant 4: it is not tried again until a later record asks for it; a trial has three attempts."""
        if not hasattr(self, "rig"):
            return
        state = self.rig.state
        assert state.candidate is None or state.quarantined(state.candidate) is None
        assert state.attempts <= MAX_TRIALS

    @invariant()
    def the_floor_never_sinks(self) -> None:
        """Invariants 4 and 5: neither a roll-back nor corruption lowers the floor."""
        if not hasattr(self, "rig"):
            return
        floor = load_floor(self.folder / "state")
        for name, role in self.floor.roles.items():
            assert floor.roles[name].version >= role.version
        if self.floor.signed is not None:
            assert floor.signed is not None
            assert floor.signed >= self.floor.signed
        self.floor = floor

    @invariant()
    def good_keeps_all_that_it_needs(self) -> None:
        """Invariants 1 and 6: nothing but damage takes a clip of the good release away; the next look brings it back."""
        if not hasattr(self, "rig") or self.rig.state.good is None:
            return
        assert Library(self.folder / "state").salvage(self.rig.state.good) is not None

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)


@pytest.fixture
def fuse(monkeypatch: pytest.MonkeyPatch) -> Fuse:
    """Every module of the player that took a durable step by name gets the fused one."""
    import avtech_player.download
    import avtech_player.floor
    import avtech_player.generations
    import avtech_player.recovery
    import avtech_player.statefile

    fuse = Fuse()
    for step in STEPS:
        fused = fuse.wrap(getattr(durable, step))
        for module in (
            avtech_player.download,
            avtech_player.floor,
            avtech_player.generations,
            avtech_player.recovery,
            avtech_player.statefile,
        ):
            if hasattr(module, step):
                monkeypatch.setattr(module, step, fused)
    return fuse


def run(fuse: Fuse, examples: int, steps: int) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    PlayerMachine.fuse = fuse
    run_state_machine_as_test(
        PlayerMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_whatever_happens_the_screen_shows_what_passed(fuse: Fuse) -> None:
    run(fuse, 12, 12)


@pytest.mark.slow
def test_whatever_happens_the_screen_shows_what_passed_for_long(fuse: Fuse) -> None:
    run(fuse, 25, 25)
