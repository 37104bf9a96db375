"""The frame of the player's model: one life after another on one disk, and the six invariants after every rule."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta

from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant

from avtech_player.clock import BUILD_TIME
from avtech_player.outcome import OutcomeKind
from avtech_player.state import Phase
from avtech_player.statefile import read_state
from avtech_schema.canonical import sha256_hex
from avtech_schema.manifest import Asset, Manifest
from avtech_schema.report import ReleaseRef
from tests.player.repository import manifest_of
from tests.property.lossy_disk import DiedError, Kernel, Loss
from tests.property.player_device import Life, World
from tests.property.player_ghost import Ghost, worst
from tests.property.player_parts import MS, Kind, spoil


class PlayerModel(RuleBasedStateMachine):
    """One screen's life, without the rules."""

    kernel: Kernel

    @initialize()
    def begin(self) -> None:
        self.world = World(self.kernel)
        self.ghost = Ghost(self.world)
        self.offered: ReleaseRef | None = None
        self.foreign = self.replayed = False
        self.expiry = self.world.now
        self.timestamps: list[bytes] = []
        self.life = self.boot()

    # The six invariants of DESIGN section 5, after every rule; the rest of them holds while the player works.

    @invariant()
    def invariant_1_good_is_complete_verified_and_flushed(self) -> None:
        if self.alive:
            self.ghost.mended()
            self.ghost.persisted()

    @invariant()
    def invariant_2_every_step_is_on_the_disk_before_it_is_acted_on(self) -> None:
        if self.alive and "state.json" not in self.ghost.hurt and self.life.updater.troubles.disk is None:
            assert read_state(self.world.state) == self.life.state == self.ghost.safe_state()

    @invariant()
    def invariant_3_health_is_what_the_screen_shows(self) -> None:
        """Good is what was seen, quarantined what failed by its own doing: never for the network, the disk or the clock."""
        if not self.alive:
            return
        state, ghost = self.life.state, self.ghost
        for ref in filter(None, (state.good, state.previous)):
            assert ghost.kinds[ref.digest] == Kind.FINE, f"3: what {ghost.kinds[ref.digest]} is good"
            assert ref.digest in ghost.seen | self.life.screen.seen, "3: what is good was never seen"
        for entry in state.quarantine:
            blamed = ghost.kinds[entry.digest] != Kind.FINE or entry.digest in ghost.excused
            assert blamed, f"3: a release that shows is quarantined: {entry.reason}"

    @invariant()
    def invariant_4_the_floor_never_sinks_and_what_is_quarantined_stays_so(self) -> None:
        if not self.alive:
            return
        self.ghost.watch_floor()
        self.ghost.check_floor(self.life)
        self.ghost.check_copies(self.life)
        state = self.life.state
        assert state.candidate is None or state.quarantined(state.candidate) is None, "4: what is quarantined is on its way"
        for digest, sequence in self.ghost.refused.items():
            kept = [entry for entry in state.quarantine if entry.digest == digest and entry.sequence >= sequence]
            assert kept, "4: a quarantine is forgotten"

    @invariant()
    def invariant_5_what_plays_is_the_players_own(self) -> None:
        """Nothing damaged or planted leads it astray: what lies outside is untouched, and what shows was released."""
        if not self.alive:
            return
        assert self.world.outside.read_bytes() == b"not the player's"
        for clip, right in self.life.shown:
            assert clip.release is not None
            assert clip.sha256 in self.ghost.needed(clip.release)
            assert right, "5: something unverified is shown"
        self.life.shown.clear()
        state, now = self.life.state, self.life.playback.now()
        if now is not None:
            shown = self.ghost.needed(state.good, state.previous, state.candidate)
            assert now.sha256 in shown, "5: what shows belongs to no release that is kept"

    @invariant()
    def invariant_6_clips_take_no_more_than_they_may(self) -> None:
        if self.alive:
            self.ghost.check_space(self.life, None)

    @invariant()
    def time_never_falls_below_what_was_signed(self) -> None:
        if not self.alive:
            return
        reading, ghost = self.life.clock.read(), self.ghost
        assert reading.now >= BUILD_TIME
        if ghost.signed is not None:
            since = max(ghost.signed_at, self.life.began)
            assert reading.now >= ghost.signed + timedelta(seconds=self.world.passing() - since - 0.001)
        if self.world.synchronised and reading.trusted:
            assert reading.now >= self.world.system()

    # What the rules are made of.

    def check_calm(self) -> None:
        state, offered, ghost = self.life.state, self.offered, self.ghost
        assert offered is not None
        assert self.life.updater.troubles.disk is None
        refused = next((entry for entry in state.quarantine if entry.digest == offered.digest), None)
        if ghost.kinds[offered.digest] != Kind.FINE:
            assert refused, "3: what does not show is not refused"
        if refused and state.good != offered:
            assert refused.sequence >= offered.sequence, "4: a later record asks for it, and it was not tried"
        else:
            assert state.good == offered
            assert state.phase is Phase.GOOD
        if state.good is not None:
            ghost.mended()
            assert ghost.missing(state.good) == set(), "1: a calm player's release is whole"
            self.life.run(self.see_a_picture(700))
            now = self.life.playback.now()
            assert now is not None
            assert now.sha256 in ghost.needed(state.good), "what shows is not what is good"

    async def see_a_picture(self, seconds: float) -> None:
        until = self.life.loop.time() + seconds
        while self.life.playback.now() is None:
            assert self.life.loop.time() < until, "the screen stays black"
            await asyncio.sleep(0.2)

    @property
    def alive(self) -> bool:
        return hasattr(self, "life")

    def put(self, clip: bytes) -> Asset:
        return self.world.repository.put_clip(clip, duration=MS)

    def manifest(self, kinds: list[Kind], data: list[bytes]) -> Manifest:
        made = manifest_of({f"VID-{number}": self.put(clip) for number, clip in enumerate(data)})
        self.ghost.kinds[sha256_hex(made.canonical())] = worst(kinds)
        return made

    def offer(self, manifest: Manifest, *, raw: bytes | None = None, at: str | None = None, retry: bool = False) -> None:
        repository = self.world.repository
        repository.now = self.world.now
        self.offered = repository.publish(manifest, raw=raw, at=at, retry=retry)
        if raw is None:
            self.ghost.manifests[self.offered.digest] = manifest
        self.foreign = False
        self.signed(everything=True)

    def signed(self, *, everything: bool) -> None:
        self.replayed = False
        now = self.world.repository.now
        if everything:
            self.snapshot_expiry = now + timedelta(days=30)
        self.expiry = min(now + timedelta(days=7), self.snapshot_expiry)
        self.timestamps.append((self.world.repository.path / "metadata/timestamp.json").read_bytes())

    def start(self) -> Life:
        if "state.json" in self.ghost.hurt:  # What only it knew is lost.
            self.ghost.refused.clear()
            self.ghost.deaths.clear()
        self.world.boots += 1
        self.life = Life(self.world)
        self.life.start()
        return self.life

    def boot(self) -> Life:
        """A start that comes to something; what it shows first is checked before the store is asked."""
        proven = self.ghost.proven()
        rebuilt = "state.json" in self.ghost.hurt
        life = self.start()
        if rebuilt and proven:
            assert life.state.good is not None
            assert (life.state.good.sequence, life.state.good.digest) == proven[0], "5: it is not rebuilt from what is whole"
        self.ghost.hurt.discard("state.json")
        life.settle()
        good = life.state.good
        if good is not None and not (self.world.weather.blind or self.world.weather.frozen) and not self.ghost.missing(good):
            life.run(self.see_a_picture(60))
        return life

    def live(self, work: Callable[[], object], loss: Loss = Loss.NOTHING) -> None:
        """Do something; if the player dies of it, it starts again."""
        try:
            work()
        except DiedError:
            self.die_and_boot(loss)

    def bury(self, loss: Loss) -> None:
        self.life.bury()
        self.ghost.seen |= self.life.screen.seen
        self.ghost.died()
        self.world.disk.restart(loss)

    def die_and_boot(self, loss: Loss) -> None:
        self.bury(loss)
        for _ in range(20):
            try:
                self.boot()
            except DiedError:
                self.bury(loss)
            else:
                return
        raise AssertionError("5: a loop of starts does not end")

    def look_once(self, *, calm_disk: bool = True) -> OutcomeKind:
        life, ghost, world = self.life, self.ghost, self.world
        before, assets = life.state, ghost.assets()
        old = self.replayed and self.is_older_than_the_floor()
        expired = life.clock.now() >= self.expiry
        hurt = bool(ghost.hurt)
        world.downloads.clear()
        outcome = life.look()
        state = life.state
        unlearned = world.weather.down or expired or old or (self.foreign and not self.replayed)
        if unlearned:
            assert state.desired == before.desired, "nothing is learned from what is not to be believed"
            tried = world.weather.down and not expired and outcome.kind in (OutcomeKind.APPLIED, OutcomeKind.REFUSED)
            assert tried or outcome.kind is OutcomeKind.FAILED
        elif calm_disk and not hurt and not self.replayed and not world.weather.mixed_up:
            assert state.desired == self.offered
            for name in ("timestamp", "snapshot", "root"):
                assert ghost.version(name) == world.repository.versions[name], f"4: what was seen of {name} is not the floor"
        ghost.check_health(outcome, life)
        ghost.check_space(life, outcome.error)
        if calm_disk and outcome.kind is not OutcomeKind.APPLIED:
            ghost.check_removals(assets, life, before, world.limits().retention)
        return outcome.kind

    def is_older_than_the_floor(self) -> bool:
        offered = json.loads((self.world.repository.path / "metadata/timestamp.json").read_bytes())
        return int(offered["signed"]["version"]) < self.ghost.version("timestamp")

    def spoil(self, name: str, how: str) -> None:
        path = self.world.state / name
        if not path.is_file() or path.is_symlink():
            return
        with self.world.disk.unwatched():
            spoil(path, how, self.world.outside)
        self.ghost.hurt.add(name)
        self.ghost.floor_damaged()

    def teardown(self) -> None:
        if hasattr(self, "life"):
            self.life.bury()
        if hasattr(self, "world"):
            self.world.close()
