"""What is needed: every object that a kept release, a player, or the index of clips still leads to."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from avtech_controller.desired import DesiredState
from avtech_controller.publication import Head, Progress
from avtech_controller.stores import ObjectStore, Stored, StoreError
from avtech_schema.canonical import sha256_hex
from avtech_schema.identifiers import ClientId, ScreenId, Sha256, client_id, screen_id, sha256
from avtech_schema.layout import TARGETS, content_key, manifest_key, metadata_key, thumbnail_key
from avtech_schema.manifest import MAX_MANIFEST_BYTES


@dataclass(frozen=True, slots=True)
class StoredManifest:
    """A manifest as its key names it."""

    key: str
    screen: ScreenId
    digest: Sha256


@dataclass(frozen=True, slots=True)
class Needs:
    """Keys that stay."""

    keys: frozenset[str]
    versions: Mapping[str, int] = field(default_factory=dict)
    """The released version of every metadata role; later ones are somebody's work in progress."""


def manifests_in(keys: Iterable[str]) -> list[StoredManifest]:
    """The manifests among some keys; keys that are spelt otherwise are not ours."""
    return [found for found in map(_manifest, keys) if found]


def _manifest(key: str) -> StoredManifest | None:
    """`targets/CLIENT/DIGEST.SCREEN.json`."""
    try:
        client, name = key.removeprefix(TARGETS).split("/")
        digest, screen, suffix = name.split(".")
        found = StoredManifest(key, screen_id(screen), sha256(digest))
        return found if suffix == "json" and manifest_key(client_id(client), found.screen, found.digest) == key else None
    except ValueError:
        return None


def needs(
    store: ObjectStore,
    head: Head,
    listed: Collection[str],
    *,
    digests: Collection[Sha256],
    screens: Collection[ScreenId],
    state: DesiredState,
    progress: Progress,
) -> Needs:
    """Everything that stays; `digests` are those of kept releases and reports, `screens` those that keep all they have.

    Raises:
        StoreError: the listing lacks what is released, a manifest that is needed cannot be read, or the store failed.
    """
    released = frozenset(manifest_key(screen.client, screen.screen, screen.digest) for screen in head.released.screens.values())
    wanted = {screen.digest for screen in head.released.screens.values()} | set(digests)
    kept = [entry for entry in manifests_in(listed) if entry.digest in wanted or entry.screen in screens]
    if missing := released - {entry.key for entry in kept}:
        raise StoreError(f"listing {store.url}: {min(missing)} is released but not listed; nothing is removed")
    done = progress("reading manifests", len(kept))
    clips: set[str] = set()
    read = store.get_all([entry.key for entry in kept], limit=MAX_MANIFEST_BYTES, take=_assets, done=done)
    for entry, (digest, held) in zip(kept, read, strict=True):
        found = _clips(store, entry, digest, held)
        clips |= found
        if entry.key in released and (missing := found.difference(listed)):
            raise StoreError(f"listing {store.url}: {min(missing)} is on air but not listed; nothing is removed")
    metadata, versions = _metadata(head)
    return Needs(frozenset({entry.key for entry in kept} | clips | set(_indexed(state)) | metadata), versions)


def _assets(key: str, stored: Stored | StoreError | None) -> tuple[Sha256 | None, Any]:
    """The digest of a manifest and what it says of clips, whatever version of this program wrote it."""
    del key
    if isinstance(stored, StoreError):
        raise stored
    if stored is None:
        return None, None
    try:
        return sha256_hex(stored.data), orjson.loads(stored.data)["assets"]
    except (ValueError, KeyError, TypeError):
        return sha256_hex(stored.data), None


def _clips(store: ObjectStore, entry: StoredManifest, digest: Sha256 | None, assets: Any) -> frozenset[str]:
    """The keys of a manifest's clips."""
    try:
        if digest != entry.digest:
            raise ValueError("it is missing or damaged")
        keys = [asset["key"] for asset in assets.values()]
        if not all(isinstance(key, str) for key in keys):
            raise ValueError("a clip's key is not a text")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(
            f"{entry.key} in {store.url} does not say which clips it needs ({error}); nothing is removed",
            hint="`avtech verify` tells more; a damaged manifest that nothing releases may be removed by hand",
        ) from error
    return frozenset(keys)


def _indexed(state: DesiredState) -> Iterator[str]:
    """Clips that the index offers, released or not, and the pictures of all that it names."""
    for video in state.videos.values():
        client = ClientId(video.spec.client)
        if video.spec.state == "active":
            yield content_key(client, Sha256(video.spec.sha256))
        if video.spec.thumbnail is not None:
            yield thumbnail_key(client, Sha256(video.spec.thumbnail.sha256))


def _metadata(head: Head) -> tuple[set[str], dict[str, int]]:
    snapshot = head.metadata.snapshot
    versions = {name.removesuffix(".json"): meta.version for name, meta in snapshot.meta.items()}
    versions["snapshot"] = snapshot.version
    return {metadata_key(role, version) for role, version in versions.items()}, versions
