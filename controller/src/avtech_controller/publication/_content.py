"""The manifests and clips that a release stands on: what is read from the store before a plan, and checked before a write."""

from collections.abc import Iterable
from dataclasses import replace

from avtech_controller.compiler import CompiledScreen
from avtech_controller.planning import ManifestRef, OldManifest, content_of
from avtech_controller.publication._writer import Progress
from avtech_controller.stores import ObjectStore, Stored, StoreError
from avtech_schema.canonical import sha256_hex
from avtech_schema.errors import FindingsError, ManifestRejectedError
from avtech_schema.identifiers import Sha256, VideoId
from avtech_schema.layout import manifest_key
from avtech_schema.manifest import MAX_MANIFEST_BYTES, Asset, Manifest, parse_manifest

_NAMED = 10


class ContentMissingError(FindingsError):
    """Clips of the wanted manifests are not in the store."""

    hint = "upload them: avtech content add FILE… --client CLI-…"


def read_manifests(store: ObjectStore, screens: Iterable[ManifestRef]) -> dict[Sha256, Manifest]:
    """The released manifests of some screens by digest; one that is missing or damaged is left out.

    Raises:
        StoreError, StoreConfigurationError: the store failed.
    """
    return {digest: old.manifest for digest, old in read_old_manifests(store, screens).items()}


def read_old_manifests(store: ObjectStore, screens: Iterable[ManifestRef]) -> dict[Sha256, OldManifest]:
    """The same with their contents, as a plan wants them. Manifests that differ in screens' names alone are parsed once.

    Raises:
        StoreError, StoreConfigurationError: the store failed.
    """

    wanted = list(screens)
    keys = [manifest_key(screen.client, screen.screen, screen.digest) for screen in wanted]
    read = store.get_all(keys, limit=MAX_MANIFEST_BYTES, take=_bytes)
    known: dict[str, Manifest | None] = {}
    found: dict[Sha256, OldManifest] = {}
    for screen, data in zip(wanted, read, strict=True):
        if data is None or sha256_hex(data) != screen.digest:
            continue
        content = content_of(data, screen.screen)
        if content not in known:
            known[content] = _parse(data, screen)
        if (manifest := known[content]) is not None:
            found[screen.digest] = OldManifest(replace(manifest, screen=screen.screen), content)
    return found


def _bytes(found: Stored | StoreError | None) -> bytes | None:
    if isinstance(found, StoreError):
        raise found
    return found.data if found else None


def _parse(data: bytes, screen: ManifestRef) -> Manifest | None:
    try:
        manifest = parse_manifest(data)
    except ManifestRejectedError:
        return None
    return manifest if manifest.screen == screen.screen else None


def check_content(store: ObjectStore, screens: Iterable[CompiledScreen], progress: Progress) -> None:
    """Make sure that every clip of these manifests is in the store with its size.

    Raises:
        ContentMissingError: some are not; the message names them.
        StoreError, StoreConfigurationError: the store failed.
    """
    clips = clips_of(screens)
    sizes = store.sizes([asset.key for _, asset in clips], done=progress("checking clips", len(clips)))
    problems = [
        name if size is None else f"{name} ({size} bytes instead of {asset.size})"
        for (name, asset), size in zip(clips, sizes, strict=True)
        if size != asset.size
    ]
    if problems:
        more = f" and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
        noun = "1 clip is" if len(problems) == 1 else f"{len(problems)} clips are"
        raise ContentMissingError(f"{noun} not in the store: {', '.join(problems[:_NAMED])}{more}")


def clips_of(screens: Iterable[CompiledScreen]) -> list[tuple[VideoId, Asset]]:
    """Every clip that these manifests hold, once for each object."""
    by_key = {asset.key: (name, asset) for screen in screens for name, asset in screen.manifest.assets.items()}
    return sorted(by_key.values(), key=lambda entry: (entry[0], entry[1].key))


def keys_of(screens: Iterable[CompiledScreen]) -> frozenset[str]:
    """Every object that these screens stand on: their manifests, and the clips in them."""
    held = list(screens)
    manifests = {manifest_key(screen.client, screen.screen, screen.digest) for screen in held}
    return frozenset(manifests | {asset.key for _, asset in clips_of(held)})
