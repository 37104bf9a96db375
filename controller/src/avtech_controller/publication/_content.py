"""The manifests and clips that a release stands on: what is read from the store before a plan, and checked before a write."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from avtech_controller.compiler import CompiledScreen
from avtech_controller.parallel import in_parallel
from avtech_controller.planning import ManifestRef, OldManifest, content_of
from avtech_controller.stores import ObjectStore, Stored
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

    def read(screen: ManifestRef) -> bytes | None:
        key = manifest_key(screen.client, screen.screen, screen.digest)
        stored = store.get(key, limit=MAX_MANIFEST_BYTES)
        return stored.data if isinstance(stored, Stored) and sha256_hex(stored.data) == screen.digest else None

    wanted = list(screens)
    known: dict[str, Manifest | None] = {}
    found: dict[Sha256, OldManifest] = {}
    for screen, data in zip(wanted, in_parallel(read, wanted), strict=True):
        if data is None:
            continue
        content = content_of(data, screen.screen)
        if content not in known:
            known[content] = _parse(data, screen)
        if (manifest := known[content]) is not None:
            found[screen.digest] = OldManifest(replace(manifest, screen=screen.screen), content)
    return found


def _parse(data: bytes, screen: ManifestRef) -> Manifest | None:
    try:
        manifest = parse_manifest(data)
    except ManifestRejectedError:
        return None
    return manifest if manifest.screen == screen.screen else None


def check_content(store: ObjectStore, screens: Iterable[CompiledScreen], *, done: Callable[[], None]) -> None:
    """Make sure that every clip of these manifests is in the store with its size.

    Raises:
        ContentMissingError: some are not; the message names them.
        StoreError, StoreConfigurationError: the store failed.
    """
    assets = clips_of(screens)

    def problem(entry: tuple[VideoId, Asset]) -> str | None:
        name, asset = entry
        size = store.size(asset.key)
        if size is None:
            return name
        return None if size == asset.size else f"{name} ({size} bytes instead of {asset.size})"

    problems = [found for found in in_parallel(problem, assets, done=done) if found]
    if problems:
        more = f" and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
        clips = "1 clip is" if len(problems) == 1 else f"{len(problems)} clips are"
        raise ContentMissingError(f"{clips} not in the store: {', '.join(problems[:_NAMED])}{more}")


def clips_of(screens: Iterable[CompiledScreen]) -> list[tuple[VideoId, Asset]]:
    """Every clip that these manifests hold, once for each object."""
    by_key = {asset.key: (name, asset) for screen in screens for name, asset in screen.manifest.assets.items()}
    return sorted(by_key.values(), key=lambda entry: (entry[0], entry[1].key))


def keys_of(screens: Iterable[CompiledScreen]) -> frozenset[str]:
    """Every object that these screens stand on: their manifests, and the clips in them."""
    held = list(screens)
    manifests = {manifest_key(screen.client, screen.screen, screen.digest) for screen in held}
    return frozenset(manifests | {asset.key for _, asset in clips_of(held)})
