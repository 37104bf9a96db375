"""Mends a damaged store: finds what of the current release is lost or altered, and puts back what can be made again."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from avtech_controller.compiler import CompiledScreen
from avtech_controller.publication._released import ReleasedScreen
from avtech_controller.publication._writer import Progress
from avtech_controller.stores import ETag, ObjectStore, PreconditionFailedError, Stored, StoreError
from avtech_schema.canonical import sha256_hex
from avtech_schema.errors import AvtechError, ManifestRejectedError
from avtech_schema.identifiers import ClientId, CommitId, ScreenId, Sha256, VideoId
from avtech_schema.layout import manifest_key
from avtech_schema.manifest import MAX_MANIFEST_BYTES, Asset, parse_manifest

Compile = Callable[[CommitId], Mapping[ScreenId, CompiledScreen]]
"""Compiles a commit; raises an `AvtechError` when this clone or this version cannot."""
_Clip = tuple[ClientId, tuple[VideoId, Asset]]


@dataclass(frozen=True, slots=True)
class LostManifest:
    """A released manifest that cannot be put back, and why."""

    screen: ReleasedScreen
    reason: str


@dataclass(frozen=True, slots=True)
class LostClip:
    """A clip that a released manifest names, and that is not in the store with its size (None: it is not there at all)."""

    clip: VideoId
    client: ClientId
    asset: Asset
    size: int | None


@dataclass(frozen=True, slots=True)
class Repair:
    """How a repair ended."""

    checked: int
    restored: tuple[ScreenId, ...]
    lost: tuple[LostManifest, ...]
    clips: tuple[LostClip, ...]

    @property
    def whole(self) -> bool:
        """Whether the release is whole now."""
        return not self.lost and not self.clips


@dataclass(frozen=True, slots=True)
class _Found:
    """A released manifest as the store has it: whole, or altered (with the ETag of what is there), or missing."""

    screen: ReleasedScreen
    state: Literal["whole", "altered", "missing"]
    etag: ETag | None
    clips: tuple[tuple[VideoId, Asset], ...]


def repair(store: ObjectStore, screens: Iterable[ReleasedScreen], compile_commit: Compile, progress: Progress) -> Repair:
    """Check manifests by their digests, put back what is missing or altered, and check all clips.

    A manifest is made again from the commit that brought it, and written only if its digest is the released one.

    Raises:
        StoreError, StoreConfigurationError: the store failed; what was put back before stays.
    """
    wanted = list(screens)
    keys, done = [_key(one) for one in wanted], progress("checking manifests", len(wanted))
    read = store.get_all(keys, limit=MAX_MANIFEST_BYTES, take=_see, done=done)
    found = [_judge(store, screen, seen) for screen, seen in zip(wanted, read, strict=True)]
    damaged = [one for one in found if one.state != "whole"]
    restored, lost = _restore(store, damaged, compile_commit, progress)
    clips = {(one.screen.client, entry) for one in [*found, *restored] for entry in one.clips}
    missing = _missing(store, sorted(clips, key=lambda entry: (entry[0], entry[1][0], entry[1][1].key)), progress)
    return Repair(len(wanted), tuple(one.screen.screen for one in restored), tuple(lost), missing)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What lies under a manifest's key: its digest, its ETag, and the clips that it names."""

    digest: Sha256
    etag: ETag
    clips: tuple[tuple[VideoId, Asset], ...]


def _see(key: str, stored: Stored | StoreError | None) -> _Seen | StoreError | None:
    del key
    return _Seen(sha256_hex(stored.data), stored.etag, _clips(stored.data)) if isinstance(stored, Stored) else stored


def _judge(store: ObjectStore, screen: ReleasedScreen, seen: _Seen | StoreError | None) -> _Found:
    if seen is None:
        return _Found(screen, "missing", None, ())
    if isinstance(seen, StoreError):
        if (store.size(_key(screen)) or 0) <= MAX_MANIFEST_BYTES:
            raise seen
        return _Found(screen, "altered", store.etag(_key(screen)), ())
    if seen.digest != screen.digest:
        return _Found(screen, "altered", seen.etag, ())
    return _Found(screen, "whole", seen.etag, seen.clips)


def _restore(
    store: ObjectStore, damaged: list[_Found], compile_commit: Compile, progress: Progress
) -> tuple[list[_Found], list[LostManifest]]:
    restored: list[_Found] = []
    lost: list[LostManifest] = []
    done = progress("putting manifests back", len(damaged))
    for commit in sorted({one.screen.commit for one in damaged}):
        concerned = [one for one in damaged if one.screen.commit == commit]
        try:
            made = compile_commit(commit)
        except AvtechError as error:
            lost += [LostManifest(one.screen, str(error)) for one in concerned]
            continue
        for one in concerned:
            compiled = made.get(one.screen.screen)
            if compiled is None or compiled.digest != one.screen.digest:
                reason = "this version of avtech makes another manifest of that commit"
                lost.append(LostManifest(one.screen, reason))
            else:
                _put(store, one, compiled.data)
                restored.append(_Found(one.screen, "whole", None, _clips(compiled.data)))
            done()
    return restored, lost


def _put(store: ObjectStore, found: _Found, data: bytes) -> None:
    key = _key(found.screen)
    try:
        if found.etag is None:
            store.create(key, data)
        else:
            store.replace(key, data, etag=found.etag)
    except PreconditionFailedError:
        there = store.get(key, limit=MAX_MANIFEST_BYTES)
        if not isinstance(there, Stored) or there.data != data:  # somebody else mended it meanwhile, or not
            raise


def _missing(
    store: ObjectStore, clips: list[tuple[ClientId, tuple[VideoId, Asset]]], progress: Progress
) -> tuple[LostClip, ...]:
    sizes = store.sizes([asset.key for _, (_, asset) in clips], done=progress("checking clips", len(clips)))
    return tuple(
        LostClip(name, client, asset, size)
        for (client, (name, asset)), size in zip(clips, sizes, strict=True)
        if size != asset.size
    )


def _clips(data: bytes) -> tuple[tuple[VideoId, Asset], ...]:
    try:
        return tuple(parse_manifest(data).assets.items())
    except ManifestRejectedError:  # an older or newer form: its digest holds all the same
        return ()


def _key(screen: ReleasedScreen) -> str:
    return manifest_key(screen.client, screen.screen, screen.digest)
