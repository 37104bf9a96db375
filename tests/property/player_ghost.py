"""What the model of the player knows, apart from the player, and holds against it: DESIGN's six invariants of section 5."""

import json
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from avtech_player.clock import parse_instant
from avtech_player.outcome import Outcome, OutcomeKind
from avtech_player.ports import Generation, TrialResult
from avtech_player.space import NoSpaceError
from avtech_player.state import MAX_TRIALS, Phase, PlayerState, StateCorruptError, parse_state
from avtech_schema.canonical import canonical_bytes, sha256_hex
from avtech_schema.errors import AvtechError
from avtech_schema.identifiers import Sha256
from avtech_schema.manifest import Manifest
from avtech_schema.report import ReleaseRef
from tests.property.player_device import MIN_FREE, Life, World
from tests.property.player_parts import Kind

COPIES = ("floor-a.json", "floor-b.json")
MALFORMED = "is no manifest"


@dataclass
class Ghost:
    """Holds the player's disk, screen and words against what was released, what was damaged, and what went before."""

    world: World
    manifests: dict[Sha256, Manifest | None] = field(default_factory=dict)
    """Everything that was released; None for what is no manifest."""
    kinds: dict[Sha256, str] = field(default_factory=dict)
    """What each release does to a screen, by its worst clip."""
    excused: set[Sha256] = field(default_factory=set)
    """Releases that the device, not their clips, kept from the screen in a trial."""
    hurt: set[str] = field(default_factory=set)
    """What was damaged on the disk, and not mended since."""
    seen: set[Sha256] = field(default_factory=set)
    refused: dict[Sha256, int] = field(default_factory=dict)
    deaths: Counter[Sha256] = field(default_factory=Counter)
    on_trial: ReleaseRef | None = None
    good: ReleaseRef | None = None
    candidate: ReleaseRef | None = None
    count: int = 0
    roles: dict[str, dict[str, Any]] = field(default_factory=dict)
    signed: datetime | None = None
    signed_at: float = 0.0

    def __post_init__(self) -> None:
        self.world.disk.flushed = lambda path: self.persisted() if path == self.world.state else None
        self.world.trial_begins, self.world.trial_ended = self.trial_begins, self.trial_ended

    # What the player does while it does it.

    def persisted(self) -> None:
        """The state on the disk, as the worst power cut would leave it, holds at every instant (invariants 1 and 2)."""
        self.watch_floor()
        state = self.safe_state()
        if state is None:
            return
        self.hurt.discard("state.json")
        if state.good != self.good and self.good is not None and self._is_lost(self.good) and state.good is not None:
            self.hurt |= self.missing(state.good)  # It fell back to one that need not be whole.
        self.good = state.good
        if state.candidate is None or self.candidate is None or state.candidate.digest != self.candidate.digest:
            self.deaths.clear()
        self.candidate = state.candidate
        if state.good is not None:
            assert self.missing(state.good) <= self.hurt, "1: good names a generation that is not complete and flushed"
        if state.candidate is not None and state.phase in (Phase.STAGED, Phase.TRIAL):
            assert self.missing(state.candidate) <= self.hurt, "1: what is staged is not complete and flushed"
        assert state.attempts <= MAX_TRIALS, "2: a trial too many"

    def trial_begins(self, generation: Generation) -> None:
        """A candidate is about to be put on the screen."""
        ref, state = generation.ref, self.safe_state()
        assert state is not None or "state.json" in self.hurt
        if state is not None:
            assert state.phase is Phase.TRIAL, "2: a trial began that is not written down"
            assert state.candidate == ref, "2: a trial began of another release than is written down"
            assert state.attempts > self.deaths[ref.digest], "2: the attempt is not counted before it is made"
        assert self.deaths[ref.digest] < MAX_TRIALS, "2: three crashed trials are a failure"
        assert self.refused.get(ref.digest, 0) < ref.sequence, "4: what is quarantined is tried again"
        manifest = self.manifests[ref.digest]
        assert manifest is not None
        assert generation.files.keys() == manifest.assets.keys(), "1: a generation on trial lacks clips"
        self.on_trial = ref

    def trial_ended(self, generation: Generation, result: TrialResult) -> None:
        """A trial came to a result."""
        self.on_trial = None
        if not result.good and not result.unseen and self.world.weather.frozen:
            self.excused.add(generation.ref.digest)

    def died(self) -> None:
        """The process is gone; in a trial that counts against the candidate."""
        if self.on_trial is not None:
            ref, self.on_trial = self.on_trial, None
            self.deaths[ref.digest] += 1
            if self.deaths[ref.digest] >= MAX_TRIALS:
                self.excused.add(ref.digest)
                self.refused[ref.digest] = ref.sequence

    # What the disk is worth.

    def safe_state(self) -> PlayerState | None:
        """The state that a power cut would leave; None if damage took it, or there was none yet."""
        data = self.world.disk.safe("state.json")
        if data is None:
            return None
        try:
            return parse_state(data)
        except StateCorruptError:
            assert "state.json" in self.hurt, "2: the state is torn"
            return None

    def missing(self, ref: ReleaseRef) -> set[str]:
        """What a release lacks on the disk, counting what is not flushed as lost."""
        manifest = self.manifests[ref.digest]
        assert manifest is not None
        paths = {f"generations/{ref.digest}/manifest.json": ref.digest}
        paths |= {f"assets/{asset.sha256}": asset.sha256 for asset in manifest.assets.values()}
        return {path for path, digest in paths.items() if sha256_hex(self.world.disk.safe(path) or b"") != digest}

    def needed(self, *refs: ReleaseRef | None) -> set[str]:
        """The clips that releases need, by digest."""
        manifests = [self.manifests.get(ref.digest) for ref in refs if ref is not None]
        return {asset.sha256 for manifest in manifests if manifest for asset in manifest.assets.values()}

    def proven(self) -> list[tuple[int, str]]:
        """The releases that passed a trial and lie whole on the disk, by sequence, read without the player's help."""
        found: list[tuple[int, str]] = []
        for path in sorted((self.world.state / "generations").glob("*/proven.json")):
            try:
                record = json.loads(path.read_bytes())
                ref = ReleaseRef(record["sequence"], record["commit"], record["digest"])
                if path.parent.name == ref.digest and not self.missing(ref):
                    found.append((ref.sequence, ref.digest))
            except (OSError, ValueError, KeyError, TypeError):
                continue
        return sorted(found, reverse=True)

    def _is_lost(self, ref: ReleaseRef) -> bool:
        """Whether nothing of a release can be shown any more, because of damage."""
        manifest, lacks = self.manifests[ref.digest], self.missing(ref)
        assert manifest is not None
        clips = {f"assets/{asset.sha256}" for asset in manifest.assets.values()}
        return bool(lacks & self.hurt) and (f"generations/{ref.digest}/manifest.json" in lacks or clips <= lacks)

    def mended(self) -> None:
        """What is whole again is damaged no more."""
        for path in [path for path in self.hurt if path.startswith("assets/")]:
            if sha256_hex(self.world.disk.safe(path) or b"") == path.removeprefix("assets/"):
                self.hurt.discard(path)
        self.hurt -= {name for name in COPIES if self._floor(name)}
        for path in [path for path in self.hurt if path.startswith("generations/") and path.endswith("manifest.json")]:
            if sha256_hex(self.world.disk.safe(path) or b"") == path.split("/")[1]:
                self.hurt.discard(path)

    # The floor, which nothing lowers but damage to both of its copies.

    def watch_floor(self) -> None:
        """Invariants 4 and 5: neither a roll-back nor a restart nor corruption lowers the floor."""
        floor = self._floor()
        assert floor.get("count", 0) >= self.count, "4: the floor on the disk is an older one"
        for name, role in self.roles.items():
            assert floor["roles"].get(name, {}).get("version", 0) >= role["version"], f"4: the floor of {name} sank"
        signed = parse_instant(floor["signed"]) if floor.get("signed") else None
        assert self.signed is None or (signed is not None and signed >= self.signed), "4: the signed time sank"
        if signed != self.signed:
            self.signed, self.signed_at = signed, self.world.passing()
        self.count, self.roles = floor.get("count", 0), floor.get("roles", {})

    def check_floor(self, life: Life) -> None:
        """What the player goes by is no lower than what lies on the disk."""
        known = life.trust.floor.roles
        for name, role in self.roles.items():
            assert name in known, f"4: the player forgot {name}"
            assert known[name].version >= role["version"], f"4: the player goes by an older {name}"

    def check_copies(self, life: Life) -> None:
        """Two copies are one in reserve: what damage or a refusing disk did to one is mended by the next start or look."""
        known = [self._floor(name) for name in COPIES if name not in self.hurt]
        assert life.updater.troubles.disk is not None or known in ([], known[:1] * len(known)), "4: the floor's copies differ"

    def floor_damaged(self) -> None:
        """One copy is enough; without both, the player cannot know what it saw."""
        if self._floor().get("count", 0) < self.count:
            self.count, self.roles, self.signed = 0, {}, None

    def version(self, name: str) -> int:
        """The highest version of a role that was accepted."""
        return int(self.roles.get(name, {}).get("version", 0))

    def _floor(self, *names: str) -> dict[str, Any]:
        """The newer whole copy of the floor that a power cut would leave, read without the player's help."""
        found: list[dict[str, Any]] = [{}]
        for name in names or COPIES:
            with suppress(ValueError, TypeError, KeyError):
                copy = json.loads(self.world.disk.safe(name) or b"")
                if sha256_hex(canonical_bytes(copy["floor"])) == copy["checksum"]:
                    found.append(copy["floor"])
        return max(found, key=lambda floor: int(floor.get("count", 0)))

    # What came of a look.

    def check_space(self, life: Life, error: AvtechError | None) -> None:
        """Invariant 6: there is room for a whole release before its first byte is fetched; else it is refused, with numbers."""
        world = self.world
        for length, free, content in world.downloads:
            assert free - length >= MIN_FREE, "6: a download took what must stay free"
            assert life.max_bytes is None or content + length <= life.max_bytes, "6: clips take more than they may"
        if not isinstance(error, NoSpaceError):
            return
        assert not world.downloads, "6: the space was not checked before the fetch"
        assert "bytes more on the disk" in (life.updater.last_error or ""), "6: a refusal is told with its numbers"
        candidate = life.state.candidate
        if candidate is None or self.hurt:
            return
        manifest = self.manifests[candidate.digest]
        assert manifest is not None
        whole = {path.name: path.stat().st_size for path in (world.state / "assets").iterdir()}
        lacking = sum({a.sha256: a.size for a in manifest.assets.values() if a.sha256 not in whole}.values())
        wanted = self.needed(candidate, life.state.good)
        content = sum(size for name, size in whole.items() if name in wanted)
        part = sum(path.stat().st_size for path in (world.state / "partial").iterdir() if path.name in wanted)
        room = world.free() + world.content() - content - part - MIN_FREE
        most = None if life.max_bytes is None else life.max_bytes - content - part
        assert lacking - part > (room if most is None else min(room, most)), "6: what fits was refused"

    def check_removals(self, before: dict[str, float], life: Life, state: PlayerState, retention: timedelta) -> None:
        """Invariant 6: what goes is what nothing needs, the longest unused first, and what the last release needs at last."""
        left = self.assets()
        wanted = (state.good, state.candidate, life.state.candidate, life.state.desired)
        vital, spare = self.needed(*wanted), self.needed(state.previous)
        old = life.clock.now().timestamp() - retention.total_seconds()
        gone = {name: used for name, used in before.items() if name not in left and used >= old}
        if self.hurt or not gone:
            return
        assert not gone.keys() & self.needed(life.state.good), "6: a clip that plays was removed"
        idle = [used for name, used in before.items() if name in left and name not in vital | spare]
        for name, used in gone.items():
            assert name not in spare or not idle, "6: a clip of the previous release went before one that nothing needs"
            assert name in spare or all(used <= other for other in idle), "6: a clip went before one unused for longer"

    def assets(self) -> dict[str, float]:
        """The clips on the disk, and when each was last needed."""
        folder = self.world.state / "assets"
        found = {path.name: path.lstat() for path in folder.iterdir()} if folder.is_dir() else {}
        return {name: max(stat.st_atime, stat.st_mtime) for name, stat in found.items()}

    def check_health(self, outcome: Outcome, life: Life) -> None:
        """Invariant 3: what became good was on the screen; what became quarantined failed there, by its own doing."""
        self.seen |= life.screen.seen
        state = life.state
        if outcome.kind is OutcomeKind.APPLIED:
            assert state.good is not None
            assert state.good.digest in life.screen.seen, "3: a release is good of which no frame was seen"
            self.refused.pop(state.good.digest, None)
        if outcome.kind is OutcomeKind.REFUSED:
            assert outcome.ref is not None
            entry = next((q for q in state.quarantine if q.digest == outcome.ref.digest), None)
            assert entry is not None, "4: what is refused is not quarantined"
            assert entry.sequence >= outcome.ref.sequence, "4: it is quarantined as another release"
            if life.updater.troubles.disk is None:
                self.refused[entry.digest] = entry.sequence


def worst(kinds: list[Kind]) -> str:
    """What the worst of some clips does to a release."""
    return next((kind for kind in kinds if kind is not Kind.FINE), Kind.FINE)
