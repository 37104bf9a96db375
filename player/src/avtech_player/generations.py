"""What lies on the disk: releases by their manifest's digest, clips by theirs, each complete, verified and flushed."""

import contextlib
import logging
import os
import shutil
import threading
from collections.abc import Callable, Collection
from datetime import datetime
from functools import partial
from pathlib import Path

from avtech_player._listing import files, is_no_file, last_used, size_taken
from avtech_player._stamps import Stamps
from avtech_player.beside import Beside
from avtech_player.download import digest_of, fetch_asset, size_of
from avtech_player.durable import (
    DiskError,
    TooLargeError,
    flush_names,
    make_directory,
    mark_used,
    publish_file,
    read_bounded,
    remove,
    remove_directory,
    remove_leftovers,
    replace_atomically,
)
from avtech_player.ports import Generation
from avtech_player.space import Idle, Limits, Room, choose_removals
from avtech_player.state import parse_ref, ref_json
from avtech_player.store import Store
from avtech_schema.canonical import canonical_bytes, sha256_hex
from avtech_schema.errors import EnvironmentFailedError, ManifestRejectedError
from avtech_schema.fields import Fields, FieldsError
from avtech_schema.identifiers import Sha256, VideoId, sha256
from avtech_schema.manifest import MAX_MANIFEST_BYTES, Asset, Manifest, parse_manifest
from avtech_schema.report import ReleaseRef

_MAX_RECORD_BYTES = 4096
_log = logging.getLogger("avtech.player.disk")


class IncompleteError(EnvironmentFailedError):
    """A release does not lie complete on the disk."""


def free_bytes(path: Path) -> int:
    """The space that is free for us on a path's file system."""
    return shutil.disk_usage(path).free


class Library:
    """The releases and clips below a state directory. Not for two threads at once."""

    def __init__(self, directory: Path, *, limits: Limits | None = None, free: Callable[[Path], int] = free_bytes) -> None:
        self._limits = limits or Limits()
        self._assets = directory / "assets"
        self._partial = directory / "partial"
        self._generations = directory / "generations"
        self._free = free
        with contextlib.suppress(DiskError):  # What cannot be made is told by whoever needs it.
            make_directory(directory)
            for folder in (self._assets, self._partial, self._generations):
                make_directory(folder, ours=True)
            held = (folder for folder in files(self._generations) if not folder.is_symlink())
            for folder in (directory, self._assets, self._partial, self._generations, *held):
                remove_leftovers(folder)
        self._stamps = Stamps(directory / "verified.json")

    def manifest(self, digest: Sha256) -> Manifest | None:
        """A held release's manifest, checked against its digest; None when it is not there, damaged, or unreadable."""
        try:
            data = read_bounded(self._generations / digest / "manifest.json", limit=MAX_MANIFEST_BYTES)
            return None if data is None or sha256_hex(data) != digest else parse_manifest(data)
        except (ManifestRejectedError, TooLargeError, DiskError):
            return None

    def hold(self, ref: ReleaseRef, data: bytes) -> None:
        """Keep a verified manifest; its clips are fetched afterwards.

        Raises:
            DiskError: the disk refused.
        """
        folder = self._generations / ref.digest
        make_directory(folder, ours=True)
        replace_atomically(folder / "manifest.json", data, ours=True)

    def prove(self, ref: ReleaseRef) -> None:
        """Note that a release passed its trial, for the day the state is lost.

        Raises:
            DiskError: the disk refused.
        """
        replace_atomically(self._generations / ref.digest / "proven.json", canonical_bytes(ref_json(ref)), ours=True)

    def proven(self) -> list[ReleaseRef]:
        """The releases that passed a trial and lie complete on the disk, the newest first.

        Raises:
            DiskError: the disk cannot be read.
        """
        refs: list[ReleaseRef] = []
        for digest in self._held():
            try:
                data = read_bounded(self._generations / digest / "proven.json", limit=_MAX_RECORD_BYTES)
                ref = parse_ref(Fields.parse(data, "proven")) if data else None
            except (FieldsError, TooLargeError, DiskError):
                continue
            if ref is not None and ref.digest == digest and self._is_complete(ref):
                refs.append(ref)
        return sorted(refs, key=lambda ref: ref.sequence, reverse=True)

    def generation(self, ref: ReleaseRef) -> Generation:
        """A release, complete and verified.

        Raises:
            IncompleteError: something of it is missing or damaged; what is damaged is gone now.
            DiskError: the disk cannot be read.
        """
        generation = self.salvage(ref)
        if generation is None or len(generation.files) < len(generation.manifest.assets):
            raise IncompleteError(f"the release {ref.digest[:12]} does not lie complete on the disk")
        return generation

    def salvage(self, ref: ReleaseRef) -> Generation | None:
        """What is left of a release: its manifest, and those of its clips that are whole; None when that is nothing.

        Raises:
            DiskError: the disk cannot be read.
        """
        manifest = self.manifest(ref.digest)
        if manifest is None:
            return None
        files = {video: self._assets / asset.sha256 for video, asset in manifest.assets.items() if self._is_whole(asset)}
        with contextlib.suppress(DiskError):  # Without stamps the next start reads the files again; that is all.
            self._stamps.save()
        return Generation(ref, manifest, files) if files else None

    def distrust(self, asset: Asset) -> bool:
        """Read a clip anew, whatever is known of it; one that is damaged is removed. Says whether it was.

        Raises:
            DiskError: the disk cannot be read.
        """
        self._stamps.forget(asset.sha256)
        return not self._is_whole(asset)

    def fetch(
        self,
        manifest: Manifest,
        store: Store,
        *,
        keep: Collection[Sha256],
        stop: threading.Event,
        spare: Collection[Sha256] = (),
    ) -> None:
        """Fetch the clips that a manifest needs and the disk lacks.

        `keep` are the digests of releases not to touch; clips of those in `spare` go when there is no other way.

        Raises:
            NoSpaceError: they do not fit, even without what no kept release needs.
            StoreError, DigestMismatchError, StoppedError, DiskError: as for `fetch_asset`.
        """
        missing = [asset for asset in fetch_order(manifest) if not self._is_whole(asset)]
        needed = sum(asset.size - min(asset.size, size_of(self._partial / asset.sha256)) for asset in missing)
        kept = self._needed(keep)
        wanted = None if kept is None else kept | {asset.sha256 for asset in manifest.assets.values()}
        self._make_room(needed, wanted, (self._needed(spare) or set()) - (wanted or set()))
        try:
            with Beside() as beside:
                for asset in missing:
                    self._fetch(asset, store, stop)
                    beside.do(partial(self._give_name, asset))
        finally:
            for folder in (self._assets, self._partial) if missing else (self._assets,):
                flush_names(folder)
        self._stamps.save()

    def clean(self, keep: Collection[Sha256], *, now: datetime) -> None:
        """Remove releases other than those kept, their unfinished downloads, and clips that none needed for long.

        Raises:
            DiskError: the disk refused.
        """
        for digest in self._held():
            if digest not in keep:
                remove_directory(self._generations / digest)
        if (needed := self._needed(keep)) is None:
            return
        for path in files(self._partial):
            if path.name not in needed:
                remove(path)
        for path in files(self._assets):
            if path.name in needed:
                mark_used(path, now.timestamp())
        self.remove_idle(keep, unused_since=now - self._limits.retention)

    def remove_idle(self, keep: Collection[Sha256], *, unused_since: datetime, only_tell: bool = False) -> list[Idle]:
        """Remove the clips that no kept release needs, nor any did since an instant; with `only_tell` they stay.

        Raises:
            DiskError: the disk refused.
        """
        old = [idle for idle in self.idle(keep) if idle.used < unused_since.timestamp()]
        for idle in old if not only_tell else ():
            self._discard(idle.name)
        return old

    def relieve(self, keep: Collection[Sha256]) -> bool:
        """Make the room that must stay free, on a disk that something else filled, from clips that no kept release needs.

        Says whether there was anything to remove.

        Raises:
            DiskError: the disk refused.
        """
        removed = False
        for file in self.idle(keep):
            if self.room().free >= self._limits.min_free:
                break
            self._discard(file.name)
            removed = True
        return removed

    def idle(self, keep: Collection[Sha256]) -> list[Idle]:
        """The clips, whole or not, that no kept release needs, the longest unused first.

        While a kept release's manifest is damaged, nobody knows what it needs, and none is idle.

        Raises:
            DiskError: the disk cannot be read.
        """
        return self._idle(self._needed(keep))

    def room(self) -> Room:
        """The disk as it is.

        Raises:
            DiskError: the disk cannot be read.
        """
        try:
            return Room(self._free(self._assets), self.content_bytes())
        except OSError as error:
            raise DiskError(f"{self._assets}: {error.strerror or error}") from error

    def path(self, asset: Asset) -> Path:
        """Where a clip lies, if it does."""
        return self._assets / asset.sha256

    def content_bytes(self) -> int:
        """How much of the disk the clips take, finished or not.

        Raises:
            DiskError: the disk cannot be read.
        """
        return sum(size_taken(path) for folder in (self._assets, self._partial) for path in files(folder))

    def _fetch(self, asset: Asset, store: Store, stop: threading.Event) -> None:
        path = self._partial / asset.sha256
        if is_no_file(path):
            remove(path)
        try:
            fetch_asset(store, asset, partial=path, stop=stop)
        except DiskError:
            with contextlib.suppress(DiskError, OSError):
                if size_of(path) == asset.size and not _is_readable(path):
                    remove(path)  # It came whole to a bad place on the disk.
            raise

    def _give_name(self, asset: Asset) -> None:
        """Flush a clip that came whole, and put it where it belongs: beside the next one's fetch."""
        target = self._assets / asset.sha256
        if is_no_file(target):
            remove(target)
        publish_file(self._partial / asset.sha256, target)
        self._stamps.note(asset.sha256, target)

    def _make_room(self, needed: int, wanted: Collection[str] | None, spare: Collection[str]) -> None:
        """Remove what is idle, the longest unused first, then spare clips, until what is needed fits."""
        if needed == 0:
            return
        idle = self._idle(wanted)
        ordered = [file for file in idle if file.name not in spare] + [file for file in idle if file.name in spare]
        choose_removals(needed, self.room(), self._limits, ordered)
        for file in ordered:  # By what the disk really frees, which its blocks decide.
            if self.room().for_more(self._limits) >= needed:
                return
            self._discard(file.name)

    def _idle(self, needed: Collection[str] | None) -> list[Idle]:
        """The clips, whole or not, that are not needed, the longest unused first; none while nobody knows what is."""
        if needed is None:
            return []
        paths = [path for folder in (self._partial, self._assets) for path in files(folder) if path.name not in needed]
        found = [Idle(path.name, size_taken(path), last_used(path)) for path in paths]
        return sorted(found, key=lambda idle: (idle.used, idle.name))

    def _discard(self, name: str) -> None:
        remove(self._partial / name)
        remove(self._assets / name)
        self._stamps.forget(name)

    def _needed(self, digests: Collection[Sha256]) -> set[str] | None:
        """The clips of releases; None when a manifest lies there damaged, so that nobody knows."""
        found: set[str] = set()
        for digest in digests:
            manifest = self.manifest(digest)
            if manifest is None and os.path.lexists(self._generations / digest / "manifest.json"):
                return None
            found |= {asset.sha256 for asset in manifest.assets.values()} if manifest else set()
        return found

    def _is_complete(self, ref: ReleaseRef) -> bool:
        try:
            self.generation(ref)
        except IncompleteError:
            return False
        return True

    def _is_whole(self, asset: Asset) -> bool:
        """Whether a clip is what was released.

        One that is damaged is removed; one that cannot be read now stays until another takes its place: it may be readable
        again, and there is no other.
        """
        path = self._assets / asset.sha256
        try:
            size = 0 if is_no_file(path) else size_of(path)
            if size == asset.size and (self._stamps.holds(asset.sha256, path) or digest_of(path) == asset.sha256):
                self._stamps.note(asset.sha256, path)
                return True
            if size:
                remove(path)
        except DiskError as error:  # On a read-only disk a damaged one stays as well, and is not shown all the same.
            _log.warning("the clip %s cannot be used: %s", asset.sha256[:12], error)
        self._stamps.forget(asset.sha256)
        return False

    def _held(self) -> list[Sha256]:
        held: list[Sha256] = []
        for path in files(self._generations):
            try:
                held.append(sha256(path.name))
            except ValueError:
                continue
        return held


def fetch_order(manifest: Manifest) -> list[Asset]:
    """A manifest's clips, each once: those of emergencies first, then by name."""
    urgent: set[VideoId] = set()
    pending = [rule.playlist for rule in manifest.rules if rule.emergency]
    seen = set(pending)
    while pending:
        for item in manifest.playlists[pending.pop()]:
            if item.clip is not None:
                urgent.add(item.clip)
            elif item.playlist is not None and item.playlist not in seen:
                seen.add(item.playlist)
                pending.append(item.playlist)
    ordered = sorted(manifest.assets, key=lambda video: (video not in urgent, video))
    return list({manifest.assets[video].sha256: manifest.assets[video] for video in ordered}.values())


def _is_readable(path: Path) -> bool:
    try:
        digest_of(path)
    except DiskError:
        return False
    return True
