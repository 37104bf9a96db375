"""The player against everything at once: releases, faults, restarts, time and damage, and DESIGN's six invariants.

The player's own updater, trust, library, playback, clock and scrub run on a real directory and a real signed repository.
A model beside them (`player_ghost`) knows what was released, what was spoilt and what went before, and holds what the
player does against it: at every instant at which the state is flushed, whenever a trial begins, and after every rule.

Time is the model's, and leaps; the power may fail at any call that changes the disk. What hypothesis finds is printed as
the rules to call. The gate tries the same lives every time; `AVTECH_MODEL_EXAMPLES=500` tries others, and as many, each of
`AVTECH_MODEL_STEPS` rules.
"""

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    precondition,
    rule,
    run_state_machine_as_test,
)

from avtech_player.outcome import OutcomeKind
from avtech_schema.canonical import sha256_hex
from avtech_schema.identifiers import Slug, VideoId
from avtech_schema.layout import target_path
from avtech_schema.manifest import Item, Manifest
from tests.player.material import rule as airtime_rule
from tests.player.repository import ACME, LOBBY, OTHER, manifest_of, signer
from tests.property.leaping_loop import submit_at_once
from tests.property.lossy_disk import DiedError, Kernel, Loss
from tests.property.player_device import BEGIN, CAPACITY
from tests.property.player_ghost import COPIES, MALFORMED
from tests.property.player_model import PlayerModel
from tests.property.player_parts import SPOILT, Kind, clips, patient_check

pytestmark = pytest.mark.media
FINE = st.sets(st.sampled_from(range(6)), min_size=1, max_size=3)
LOSS = st.sampled_from(list(Loss))
LONGEST = timedelta(days=250)
"""The keys of the model's repository sign for a year."""


class PlayerMachine(PlayerModel):
    """One screen's life."""

    # Releases.

    @rule(chosen=FINE, looks=st.booleans())
    def release(self, chosen: set[int], looks: bool = False) -> None:
        self.offer(self.manifest([Kind.FINE] * len(chosen), [clips(Kind.FINE)[number] for number in sorted(chosen)]))
        if looks:
            self.look()

    @rule(chosen=FINE)
    def release_what_does_not_decode(self, chosen: set[int]) -> None:
        """One clip among others that do."""
        fine = [clips(Kind.FINE)[number] for number in sorted(chosen)]
        self.offer(self.manifest([Kind.BROKEN, *[Kind.FINE] * len(fine)], [*clips(Kind.BROKEN), *fine]))
        self.look()

    @rule()
    def release_what_brings_no_frames(self) -> None:
        self.release_alone(Kind.DARK)

    @rule()
    def release_what_kills_mpv(self) -> None:
        self.release_alone(Kind.CRASHING)

    @rule()
    def release_what_kills_the_player(self) -> None:
        self.release_alone(Kind.DEADLY)

    def release_alone(self, kind: Kind) -> None:
        self.offer(self.manifest([kind], [*clips(kind)]))
        self.look()

    @precondition(lambda self: self.offered is not None)
    @rule(retry=st.booleans())
    def release_the_same_again(self, retry: bool) -> None:
        """By another commit, which changes nothing here, or by a record that asks for another try."""
        assert self.offered is not None
        manifest = self.ghost.manifests[self.offered.digest]
        if manifest is None:
            self.release_what_is_no_manifest()
        else:
            self.offer(manifest, retry=retry)

    @precondition(lambda self: self.offered is not None)
    @rule(clip=st.sampled_from(range(6)))
    def release_an_emergency(self, clip: int) -> None:
        """A clip cuts in until tomorrow, whatever else plays."""
        manifest = self.manifest([Kind.FINE] * 2, [clips(Kind.FINE)[clip], clips(Kind.FINE)[(clip + 1) % 6]])
        until = f"{self.world.now + timedelta(days=1):%Y-%m-%d}"
        urgent = airtime_rule("fire", "fire", emergency=True, valid_until=until)
        playlists = {**manifest.playlists, Slug("fire"): (Item(VideoId("VID-0"), None),)}
        changed = Manifest(
            screen=manifest.screen,
            client=manifest.client,
            time_zone=manifest.time_zone,
            display=manifest.display,
            rules=(urgent,),
            playlists=playlists,
            fallback=manifest.fallback,
            assets=manifest.assets,
        )
        self.ghost.kinds[sha256_hex(changed.canonical())] = Kind.FINE
        self.offer(changed)

    @rule()
    def release_what_is_no_manifest(self) -> None:
        data = b'{"absurd":true}'
        self.ghost.manifests[sha256_hex(data)], self.ghost.kinds[sha256_hex(data)] = None, MALFORMED
        self.offer(self.manifest([Kind.FINE], [clips(Kind.FINE)[0]]), raw=data)

    @rule()
    def release_another_screens_manifest(self) -> None:
        """Signed, but for another screen: a publisher's mistake, or a thief's."""
        manifest = manifest_of({"VID-0": self.put(clips(Kind.FINE)[0])}, screen=OTHER)
        offered = self.offered
        self.offer(manifest, at=target_path(ACME, LOBBY))
        self.offered, self.foreign = offered, True

    @precondition(lambda self: self.timestamps)
    @rule(everything=st.booleans())
    def renew(self, everything: bool) -> None:
        """Sign anew what was released, or the timestamp alone."""
        repository = self.world.repository
        repository.now = self.world.now
        if everything:
            repository.sign()
        else:
            repository.sign_timestamp()
        self.signed(everything=everything)

    @precondition(lambda self: len(self.timestamps) > 1)
    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        """An older timestamp is put back, with the signatures that it has."""
        self.world.repository.write("metadata/timestamp.json", data.draw(st.sampled_from(self.timestamps[:-1])))
        self.replayed = True

    @precondition(lambda self: len(self.timestamps) > 1)
    @rule(data=st.data())
    def replay_to_a_device_that_lost_its_metadata(self, data: st.DataObject) -> None:
        """The floor remembers what was seen when nothing else does."""
        state = self.world.state
        self.look()
        for path in sorted((state / "trust").rglob("*")):
            self.spoil(str(path.relative_to(state)), "deleted")
        self.die_and_boot(Loss.NOTHING)
        self.replay(data)
        self.look()

    @rule(chosen=FINE)
    def release_what_the_device_wrongs_and_ask_for_it_again(self, chosen: set[int]) -> None:
        """A screen that stands still speaks against a release; a record of its own has it tried again."""
        self.world.weather.frozen = True
        self.release(chosen, looks=True)
        self.world.weather.frozen = False
        self.release_the_same_again(retry=True)
        self.calm()

    @precondition(lambda self: self.timestamps)
    @rule()
    def rotate_a_key(self) -> None:
        self.world.repository.now = self.world.now
        self.world.repository.rotate(timestamp=signer())
        self.renew(everything=True)

    # Faults.

    @rule(what=st.sampled_from(["down", "garbled", "mixed_up", "blind", "frozen", "cut", "clear"]), after=st.integers(0, 3000))
    def the_weather_changes(self, what: str, after: int) -> None:
        """The store is down or lies, the display gone, mpv stuck, downloads break off; or everything works again."""
        if what == "clear":
            self.world.weather.clear()
        else:
            setattr(self.world.weather, what, after if what == "cut" else True)

    @rule()
    def mpv_crashes(self) -> None:
        self.live(lambda: self.life.run(self.life.screen.crash()))

    @rule(error=st.sampled_from([errno.ENOSPC, errno.EROFS]), then_dies=st.booleans())
    def the_disk_refuses_during_a_look(self, error: int, then_dies: bool) -> None:
        """It takes nothing; what is known by then holds, and is written down once it takes something."""
        self.world.disk.refusal = error
        try:
            self.look(calm_disk=False)
        finally:
            self.world.disk.refusal = 0
        if then_dies:
            self.die_and_boot(Loss.NOTHING)

    # Looking, which is what the player does all the time.

    @precondition(lambda self: self.timestamps)
    @rule()
    def look(self, *, calm_disk: bool = True) -> None:
        """Ask for a release, and do what it takes; then see what the six invariants say of that."""
        self.live(lambda: self.look_once(calm_disk=calm_disk))

    @precondition(lambda self: self.timestamps)
    @rule()
    def prepare_and_lose_the_store(self) -> None:
        """What lies on the disk is tried without the network, which is no part of its health."""

        def prepare() -> None:
            outcome = self.life.run(self.life.updater.prepare())
            self.ghost.check_health(outcome, self.life)

        self.live(prepare)
        self.world.weather.down = True
        self.look()
        self.world.weather.down = False

    # Restarts.

    @rule()
    def restart(self) -> None:
        """As an operator does it."""
        self.live(self.life.stop)
        self.die_and_boot(Loss.NOTHING)

    @precondition(lambda self: self.timestamps)
    @rule(calls=st.integers(0, 70), loss=LOSS)
    def dies_in_a_look(self, calls: int, loss: Loss) -> None:
        """At any call that changes the disk: a write, a flush, a new name, a removal."""
        self.world.disk.left = calls
        self.live(self.life.look, loss)
        self.die_and_boot(loss)

    @rule(calls=st.integers(0, 30), loss=LOSS)
    def dies_in_a_start(self, calls: int, loss: Loss) -> None:
        self.bury(loss)
        self.world.disk.left = calls
        with suppress(DiedError):
            self.start().settle()
        self.die_and_boot(loss)

    @precondition(lambda self: self.timestamps)
    @rule(tenths=st.integers(1, 20), loss=LOSS)
    def dies_in_a_trial(self, tenths: int, loss: Loss) -> None:
        """Killed by the clock, while nothing is written; a trial takes a second."""
        self.live(lambda: self.life.killed_during(self.life.updater.step(), tenths / 10), loss)
        self.die_and_boot(loss)

    @rule(times=st.integers(1, 12), loss=LOSS)
    def dies_again_and_again_before_a_picture(self, times: int, loss: Loss) -> None:
        """A loop of starts ends with something on the screen."""
        for _ in range(times):
            self.bury(loss)
            self.start()
        self.die_and_boot(loss)

    # Time.

    @precondition(lambda self: self.world.now - BEGIN < LONGEST)
    @rule(hours=st.sampled_from([1, 25, 8 * 24, 35 * 24]))
    def time_passes(self, hours: int) -> None:
        """The player sleeps through it."""
        self.world.passing.seconds += hours * 3600

    @rule(days=st.sampled_from([-20_000, -400, -1, 0, 1, 9, 400, 5_000]), synchronised=st.booleans())
    def the_clock_leaps(self, days: int, synchronised: bool) -> None:
        """And somebody vouches for it, or not."""
        self.world.skew, self.world.synchronised = timedelta(days=days), synchronised

    @rule(seconds=st.sampled_from([1, 40]))
    def it_plays(self, seconds: int) -> None:
        self.live(lambda: self.life.rest(seconds))

    # Damage, and a disk that others fill.

    @rule(
        names=st.sampled_from(
            ["state.json", "verified.json", "history.json", "floor-a.json", "floor-b.json", " ".join(COPIES)]
        ),
        how=st.sampled_from(SPOILT),
    )
    def a_record_is_damaged(self, names: str, how: str) -> None:
        """Or both copies of the floor."""
        for name in names.split():
            self.spoil(name, how)

    @precondition(lambda self: self.life.state.good is not None)
    @rule(data=st.data(), how=st.sampled_from(SPOILT))
    def a_clip_that_plays_is_damaged(self, data: st.DataObject, how: str) -> None:
        self.spoil(f"assets/{data.draw(st.sampled_from(sorted(self.ghost.needed(self.life.state.good))))}", how)

    @rule(data=st.data(), how=st.sampled_from(SPOILT))
    def anything_is_damaged(self, data: st.DataObject, how: str) -> None:
        """A manifest, a note of what passed, trusted metadata, a partial download."""
        state = self.world.state
        names = sorted(
            str(path.relative_to(state)) for path in state.rglob("*") if path.is_file() and "damaged/" not in str(path)
        )
        if names:
            self.spoil(data.draw(st.sampled_from(names)), how)

    @rule(
        place=st.sampled_from([".", "assets", "partial", "generations", "trust", "damaged"]),
        kind=st.sampled_from(["file", "link", "pipe"]),
    )
    def something_strange_lies_there(self, place: str, kind: str) -> None:
        with self.world.disk.unwatched():
            folder = self.world.state / place
            path = folder / "0-stray"
            if not folder.is_dir() or os.path.lexists(path):
                return
            if kind == "link":
                path.symlink_to(self.world.outside)
            elif kind == "pipe":
                os.mkfifo(path)
            else:
                path.write_bytes(b"stray")

    @rule(left=st.sampled_from([0, 3_000, 5_000, 8_000, 12_000, CAPACITY]), chosen=FINE)
    def others_fill_the_disk(self, left: int, chosen: set[int]) -> None:
        """So that so many bytes are free when a release comes."""
        self.world.ballast = max(0, CAPACITY - self.world.content() - left)
        self.release(chosen, looks=True)

    @rule(most=st.sampled_from([5_000, 8_000, 11_000]), chosen=FINE)
    def clips_may_take_less(self, most: int, chosen: set[int]) -> None:
        """`maxBytes` is set, for which the player is restarted; then a release comes."""
        self.world.max_bytes = most
        self.restart()
        self.release(chosen, looks=True)

    @rule(tidies=st.booleans())
    def it_looks_after_its_clips(self, tidies: bool) -> None:
        """The scrub reads everything, or what was not needed for long is removed."""
        self.live(lambda: self.life.run(self.life.updater.tidy() if tidies else self.life.upkeep.reconcile()))

    # What ends well.

    @precondition(lambda self: self.offered is not None)
    @rule(starts=st.booleans())
    def calm(self, starts: bool = False) -> None:
        """Left alone, the player ends with the release on the screen, whole; or with what was good, and it quarantined."""
        world = self.world
        world.weather.clear()
        world.ballast, world.skew, world.synchronised = 0, timedelta(0), True
        if world.max_bytes is not None:
            world.max_bytes = None
            self.restart()
        if self.foreign:
            self.release({0, 1})
        self.renew(everything=True)
        kinds: list[OutcomeKind] = []
        while kinds[-2:] != [OutcomeKind.UNCHANGED] * 2:
            self.live(lambda: kinds.append(self.look_once()))
            assert len(kinds) < 12, f"it does not come to rest: {kinds}"
        if starts:  # Damage is found by a start and mended by the looks after it, or else by the scrub.
            self.die_and_boot(Loss.NOTHING)
            self.look()
            self.look()
        else:
            self.live(lambda: self.life.run(self.life.upkeep.reconcile()))
        self.live(lambda: self.life.rest(1.0))
        self.live(self.check_calm)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    """Every call of this process that changes a file passes by, one after another."""
    patient_check()
    monkeypatch.setattr(ThreadPoolExecutor, "submit", submit_at_once)
    return Kernel(monkeypatch)


def run(kernel: Kernel, examples: int, steps: int) -> None:
    """The same examples every time; with `AVTECH_MODEL_EXAMPLES` others, and as many as that."""
    PlayerMachine.kernel = kernel
    more = int(os.environ.get("AVTECH_MODEL_EXAMPLES", "0"))
    run_state_machine_as_test(
        PlayerMachine,
        settings=settings(
            max_examples=more or examples,
            stateful_step_count=int(os.environ.get("AVTECH_MODEL_STEPS", steps)),
            derandomize=not more,
            database=None,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
        ),
    )


def test_whatever_happens_the_screen_shows_what_passed(kernel: Kernel) -> None:
    run(kernel, 40, 20)
