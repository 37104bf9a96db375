"""Writes the metadata of a release: bins, snapshot, and last of all the timestamp, whose swap is the commit point."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import NamedTuple

from securesystemslib.signer import Signer

from avtech_controller.parallel import in_parallel
from avtech_controller.publication._released import ReleasedScreen, spell_roster
from avtech_controller.publication._resume import written_before
from avtech_controller.roster import Roster
from avtech_controller.stores import NewObject, ObjectStore, PreconditionFailedError, Stored, StoreError
from avtech_controller.trust import (
    BINS_LIFETIME,
    SNAPSHOT_LIFETIME,
    TIMESTAMP_LIFETIME,
    Anchor,
    Bin,
    Known,
    ReleasedMetadata,
    ReleasePointer,
    Remembered,
    Target,
    expiry,
    missing_roots,
    past_half_life,
    sign_bin,
    sign_snapshot,
    sign_timestamp,
)
from avtech_schema.errors import TrustError
from avtech_schema.identifiers import ScreenId
from avtech_schema.layout import TIMESTAMP_KEY, metadata_key, target_path

MAX_SKIPPED = 1000
"""Version numbers in a row that dead or slower publishers may have taken."""

MAX_METADATA_BYTES = 8_000_000

_SLOW_SIGNATURE_S = 0.02

ScreenStep = tuple[ReleasedScreen | None, ReleasedScreen | None]
"""A screen as it is and as it will be released; None where it is not."""

Progress = Callable[[str, int], Callable[[], None]]
"""Told of a step and its number of parts; returns what to call after each part."""


class Prepared(NamedTuple):
    """A release that waits for its record: its screens, roots to copy, the targets of bins, and these bins signed."""

    screens: Roster[ReleasedScreen]
    roots: tuple[int, ...]
    bins: Mapping[str, Mapping[str, Target]]
    signed: Mapping[str, bytes]


@dataclass(slots=True)
class MetadataWriter:
    """Writes one release on top of another (None: the first); counts the bytes it wrote."""

    store: ObjectStore
    anchor: Anchor
    signer: Signer
    base: ReleasedMetadata | None
    now: datetime
    before_swap: Callable[[], None] = lambda: None
    """Called when all is written and nothing is visible yet; it may still stop the release by raising."""
    remembered: Remembered | None = None
    """Told of what it released."""
    resumes: bool = True
    """Whether a run of the same release may have been interrupted after it wrote bins."""
    _sizes: list[int] = field(default_factory=list)

    def prepare(self, before: Roster[ReleasedScreen], changes: Mapping[ScreenId, ReleasedScreen | None]) -> Prepared:
        """Sign the bins of a release that differs from the base's screens by some changes, and write what is older than it.

        Needs no record yet, so it may go on while manifests are written.
        """
        screens = before.with_changes(changes)
        roots = self._write_offline()
        bins = self._bins_to_write(screens, [(before.get(name), new) for name, new in changes.items()])
        return Prepared(screens, roots, bins, self._sign_bins(bins))

    def write(self, prepared: Prepared, pointer: ReleasePointer, progress: Progress) -> int:
        """Release what was prepared, and return the number of bytes written.

        Raises:
            PreconditionFailedError: another publisher swapped the timestamp first; nothing of this release is visible.
        """
        self._write_release(prepared, pointer, progress)
        return sum(self._sizes)

    def renew(
        self, screens: Roster[ReleasedScreen], pointer: ReleasePointer, progress: Progress, *, daily: bool = False
    ) -> int:
        """Sign anew what is past half of its life, or what newer offline metadata or keys replace; releases nothing.

        `daily` signs the snapshot anew whatever its age, unless that happened today. Returns the number of bytes written,
        0 if nothing was due.

        Raises:
            PreconditionFailedError: another publisher swapped the timestamp first.
        """
        if (base := self.base) is None:
            raise ValueError("nothing is released that could be renewed")
        roots = self._write_offline()
        bins = self._bins_to_write(screens, ())
        aged = past_half_life(base.snapshot.expires, self.now, SNAPSHOT_LIFETIME) or not base.snapshot_current
        if bins or aged or (daily and base.snapshot.expires < expiry(self.now, SNAPSHOT_LIFETIME, whole_days=True)):
            self._write_release(Prepared(screens, roots, bins, self._sign_bins(bins)), pointer, progress)
        elif roots or not base.timestamp_current or past_half_life(base.timestamp.expires, self.now, TIMESTAMP_LIFETIME):
            self._swap_timestamp(base.snapshot.version, pointer, roots)
        return sum(self._sizes)

    def _write_release(self, prepared: Prepared, pointer: ReleasePointer, progress: Progress) -> None:
        done = progress("metadata", len(prepared.bins) + 2)
        versions = self._write_bins(prepared, done)
        snapshot, data = self._write_snapshot(versions, pointer)
        done()
        with ThreadPoolExecutor(1) as aside:  # what is remembered of a snapshot is true, whether it is released or not
            kept = aside.submit(self._remember, prepared, versions, data)
            self._swap_timestamp(snapshot, pointer, prepared.roots)
            kept.result()
        done()

    def _remember(self, prepared: Prepared, versions: Mapping[str, int], snapshot: bytes) -> None:
        if self.remembered is None:
            return
        known = self.base.bins if self.base and self.base.targets_version == self.anchor.newest else {}
        expires = expiry(self.now, BINS_LIFETIME, whole_days=True)
        new = {name: Bin.of(versions[name], expires, targets) for name, targets in prepared.bins.items()}
        all_known = Known({**known, **new}, spell_roster(prepared.screens))
        self.remembered.keep(self.store.url, self.anchor, self.anchor.newest, snapshot, all_known)

    def _write_offline(self) -> tuple[int, ...]:
        """Copy the targets metadata from trust/, which nobody sees yet; returns the roots that are to be copied too.

        Players look for a new root at once, and believe nothing that the keys of the old one alone signed: so roots wait
        until everything else is there.
        """
        missing = missing_roots(self.store, self.anchor)
        self._copy(metadata_key("targets", self.anchor.newest), self.anchor.delegations[self.anchor.newest].data)
        return missing

    def _copy(self, key: str, data: bytes) -> None:
        if not (self._is_stored(key, data) or self._create(key, data) or self._is_stored(key, data)):
            raise TrustError(f"{self.store.url} holds another {key} than trust/: it is another fleet's store")

    def _bins_to_write(self, screens: Roster[ReleasedScreen], steps: Sequence[ScreenStep]) -> dict[str, dict[str, Target]]:
        """The targets of every bin whose content changed, that nears its expiry, or that other keys or bins replace."""
        roles, base = self.anchor.bins(self.anchor.newest), self.base
        if base is None or base.targets_version != self.anchor.newest:
            everything: dict[str, dict[str, Target]] = {name: {} for name in roles.get_roles()}
            for screen in screens.values():
                path = _path(screen)
                everything[roles.get_role_for_target(path)][path] = screen.target()
            return everything
        wanted: dict[str, dict[str, Target]] = {
            name: held.targets for name, held in base.bins.items() if past_half_life(held.expires, self.now, BINS_LIFETIME)
        }
        gone = [(_path(old), None) for old, _ in steps if old]
        for path, replacement in [*gone, *((_path(new), new) for _, new in steps if new)]:
            name = roles.get_role_for_target(path)
            if name not in wanted:
                wanted[name] = base.bins[name].targets
            wanted[name].pop(path, None)
            if replacement is not None:
                wanted[name][path] = replacement.target()
        return wanted

    def _write_bins(self, prepared: Prepared, done: Callable[[], None]) -> dict[str, int]:
        """Write bins and return their versions: all at once, and one by one where a version number is taken."""
        bins = prepared.bins
        versions = {name: self._next_versions(name)[0] for name in sorted(bins)}
        keys = {metadata_key(name, version): name for name, version in versions.items()}
        taken = written_before(self.store, list(keys)) if self.resumes else {}
        data = {key: prepared.signed[name] for key, name in keys.items() if key not in taken}
        written = self.store.create_all([NewObject(key, partial(data.__getitem__, key)) for key in data], done=done)
        self._sizes += [len(data[key]) for key, new in zip(data, written, strict=True) if new]
        left = [*taken, *(key for key, new in zip(data, written, strict=True) if not new)]
        for name, version in in_parallel(lambda key: self._write_bin(keys[key], bins[keys[key]]), left):
            versions[name] = version
        return versions

    def _sign_bins(self, bins: Mapping[str, Mapping[str, Target]]) -> dict[str, bytes]:
        """The next versions of bins: in threads if it turns out that the key is somewhere else and takes its time."""

        def sign(name: str) -> bytes:
            return self._sign_bin(bins[name], self._next_versions(name)[0])

        signed: dict[str, bytes] = {}
        for name in bins:
            began = time.monotonic()
            signed[name] = sign(name)
            if time.monotonic() - began > _SLOW_SIGNATURE_S:
                break
        left = [name for name in bins if name not in signed]
        return signed | dict(zip(left, in_parallel(sign, left) if left else (), strict=True))

    def _sign_bin(self, targets: Mapping[str, Target], version: int) -> bytes:
        return sign_bin(targets, version, self.now, self.signer)

    def _write_bin(self, name: str, targets: Mapping[str, Target]) -> tuple[str, int]:
        return name, self._write_next(name, lambda version: self._sign_bin(targets, version))[0]

    def _write_snapshot(self, bins: Mapping[str, int], pointer: ReleasePointer) -> tuple[int, bytes]:
        versions = {name: meta.version for name, meta in self.base.snapshot.meta.items()} if self.base else {}
        versions |= {f"{name}.json": version for name, version in bins.items()}
        versions["targets.json"] = self.anchor.newest
        return self._write_next("snapshot", lambda version: sign_snapshot(versions, version, pointer, self.now, self.signer))

    def _swap_timestamp(self, snapshot: int, pointer: ReleasePointer, roots: Sequence[int]) -> None:
        for root in roots:
            self._copy(metadata_key("root", root), self.anchor.roots[root - 1])
        version = self.base.timestamp.version + 1 if self.base else 1
        data = sign_timestamp(snapshot, version, pointer, self.now, self.signer)
        self.before_swap()
        if self.base:
            self.store.replace(TIMESTAMP_KEY, data, etag=self.base.etag)
        else:
            self.store.create(TIMESTAMP_KEY, data)
        self._sizes.append(len(data))

    def _write_next(self, role: str, sign: Callable[[int], bytes]) -> tuple[int, bytes]:
        """Write a role's next version, and return it and its bytes.

        A number that a dead or slower publisher took is skipped, unless for the same bytes.
        """
        for version in self._next_versions(role):
            key, data = metadata_key(role, version), sign(version)
            if self._is_stored(key, data) or self._create(key, data) or self._is_stored(key, data):
                return version, data
        raise StoreError(f"{MAX_SKIPPED} versions of {role} in a row are taken in {self.store.url}")

    def _next_versions(self, role: str) -> range:
        released = 0
        if self.base and role == "snapshot":
            released = self.base.snapshot.version
        elif self.base and f"{role}.json" in self.base.snapshot.meta:
            released = self.base.snapshot.meta[f"{role}.json"].version
        return range(released + 1, released + 1 + MAX_SKIPPED)

    def _create(self, key: str, data: bytes) -> bool:
        try:
            self.store.create(key, data)
        except PreconditionFailedError:
            return False
        self._sizes.append(len(data))
        return True

    def _is_stored(self, key: str, data: bytes) -> bool:
        found = self.store.get(key, limit=MAX_METADATA_BYTES)
        return isinstance(found, Stored) and found.data == data


def _path(screen: ReleasedScreen) -> str:
    return target_path(screen.client, screen.screen)
