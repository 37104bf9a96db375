"""The manifests and clips that a release stands on: what is read from the store before a plan, and checked before a write."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import orjson

from avtech_controller.compiler import CompiledScreen
from avtech_controller.planning import OldManifest, Sketch, Sketcher, content_of
from avtech_controller.publication._writer import Progress
from avtech_controller.roster import ManifestRef
from avtech_controller.stores import ObjectStore, Stored, StoreError
from avtech_schema.canonical import sha256_hex
from avtech_schema.errors import FindingsError, ManifestRejectedError
from avtech_schema.identifiers import ByteSize, ScreenId, Sha256, VideoId
from avtech_schema.layout import manifest_key
from avtech_schema.manifest import MAX_MANIFEST_BYTES, parse_manifest

R = TypeVar("R")
_NAMED = 10


class ContentMissingError(FindingsError):
    """Clips of the wanted manifests are not in the store."""

    hint = "upload them: avtech content add FILE… --client CLI-…"


Earlier = Callable[[ManifestRef], bytes | None]
"""The bytes of a released manifest, surely those of its digest, if they are known without asking the store."""


def read_old_manifests(
    store: ObjectStore, screens: Iterable[ManifestRef], earlier: Earlier | None = None
) -> dict[Sha256, OldManifest]:
    """The released manifests of some screens by digest, as a plan wants them; one that is missing or damaged is left out.

    Manifests that differ in screens' names alone are parsed once; what is known from earlier is not read.

    Raises:
        StoreError, StoreConfigurationError: the store failed.
    """
    known: dict[str, OldManifest | None] = {}

    def take(data: bytes, screen: ScreenId) -> OldManifest | None:
        content = content_of(data, screen)
        if content not in known:
            known[content] = _parse(data, screen)
        found = known[content]
        return found and found.named(screen)

    return _read_old(store, screens, take, earlier)


def read_sketches(
    store: ObjectStore, screens: Iterable[ManifestRef], sketcher: Sketcher, earlier: Earlier | None = None
) -> dict[Sha256, Sketch]:
    """The same, as an outline of a plan wants them.

    Raises:
        StoreError, StoreConfigurationError: the store failed.
    """
    return _read_old(store, screens, sketcher.sketch, earlier)


def _read_old(
    store: ObjectStore,
    screens: Iterable[ManifestRef],
    take: Callable[[bytes, ScreenId], R | None],
    earlier: Earlier | None,
) -> dict[Sha256, R]:
    """What `take` makes of manifests by their digests; their bytes are not held together."""
    found: dict[Sha256, R | None] = {}
    wanted: dict[str, ManifestRef] = {}
    for screen in screens:
        if earlier and (data := earlier(screen)) is not None:
            found[screen.digest] = take(data, screen.screen)
        else:
            wanted[manifest_key(screen.client, screen.screen, screen.digest)] = screen

    def read(key: str, found: Stored | StoreError | None) -> R | None:
        data, screen = _bytes(key, found), wanted[key]
        return None if data is None or sha256_hex(data) != screen.digest else take(data, screen.screen)

    read_all = store.get_all(list(wanted), limit=MAX_MANIFEST_BYTES, take=read) if wanted else []
    found |= {screen.digest: taken for screen, taken in zip(wanted.values(), read_all, strict=True)}
    return {digest: taken for digest, taken in found.items() if taken is not None}


def _bytes(key: str, found: Stored | StoreError | None) -> bytes | None:
    del key
    if isinstance(found, StoreError):
        raise found
    return found.data if found else None


def _parse(data: bytes, screen: ScreenId) -> OldManifest | None:
    try:
        manifest = parse_manifest(data)
    except ManifestRejectedError:
        return None
    return OldManifest.of(data, manifest) if manifest.screen == screen else None


class Clip(NamedTuple):
    """A clip as a manifest names it."""

    name: VideoId
    key: str
    size: ByteSize


def check_content(store: ObjectStore, clips: Sequence[Clip], progress: Progress) -> None:
    """Make sure that clips are in the store with their sizes.

    Raises:
        ContentMissingError: some are not; the message names them.
        StoreError, StoreConfigurationError: the store failed.
    """
    sizes = store.sizes([clip.key for clip in clips], done=progress("checking clips", len(clips)))
    problems = [
        clip.name if size is None else f"{clip.name} ({size} bytes instead of {clip.size})"
        for clip, size in zip(clips, sizes, strict=True)
        if size != clip.size
    ]
    if problems:
        more = f" and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
        noun = "1 clip is" if len(problems) == 1 else f"{len(problems)} clips are"
        raise ContentMissingError(f"{noun} not in the store: {', '.join(problems[:_NAMED])}{more}")


def check_manifests(store: ObjectStore, screens: Sequence[ManifestRef], progress: Progress) -> list[Clip]:
    """Make sure that manifests are in the store as they were written; returns the clips that they hold.

    Raises:
        StoreError, StoreConfigurationError: one is not, or the store failed.
    """
    clips: dict[str, Clip] = {}

    def look(key: str, found: Stored | StoreError | None) -> Sha256 | None:
        if (data := _bytes(key, found)) is None:
            return None
        clips.update(_clips(data))
        return sha256_hex(data)

    keys = [manifest_key(screen.client, screen.screen, screen.digest) for screen in screens]
    done = progress("checking manifests", len(keys))
    digests = store.get_all(keys, limit=MAX_MANIFEST_BYTES, take=look, done=done)
    if missing := [one.screen for one, digest in zip(screens, digests, strict=True) if digest != one.digest]:
        raise StoreError(
            f"the manifests of {len(missing)} screens are gone from {store.url}, or altered, among them that of {missing[0]}",
            hint="`avtech publish --repair` puts back what can be made again; or publish a newer commit",
        )
    return sorted(clips.values())


def clips_of(screens: Iterable[CompiledScreen]) -> list[Clip]:
    """Every clip that these manifests hold, once for each object; of very many manifests none is kept in memory."""
    spelt: set[bytes] = set()
    for screen in screens:
        spelt.update(screen.assets)
    found = (_clip(*next(iter(orjson.loads(b"{%b}" % one).items()))) for one in spelt)
    return sorted({clip.key: clip for clip in found}.values())


def _clips(data: bytes) -> dict[str, Clip]:
    """The clips of a manifest by key; none of what is no manifest."""
    try:
        return {asset["key"]: _clip(name, asset) for name, asset in orjson.loads(data)["assets"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _clip(name: VideoId, asset: Mapping[str, Any]) -> Clip:
    return Clip(name, asset["key"], asset["size"])


def keys_of(screens: Iterable[CompiledScreen], clips: Iterable[Clip]) -> frozenset[str]:
    """Every object that these screens stand on: their manifests, and the clips in them."""
    manifests = {manifest_key(screen.client, screen.screen, screen.digest) for screen in screens}
    return frozenset(manifests | {clip.key for clip in clips})
