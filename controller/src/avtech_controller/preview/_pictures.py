"""Small pictures of clips: from the store, or made of clip files that lie beside the repository; never silently none."""

import hashlib
import io
from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from avtech_controller.media import MediaError, ToolError, thumbnail
from avtech_controller.parallel import in_parallel
from avtech_controller.stores import ObjectStore, StoreConfigurationError, Stored, StoreError
from avtech_schema.identifiers import ClientId, DurationMs, Sha256, VideoId
from avtech_schema.layout import thumbnail_key
from avtech_schema.resources import Video

WIDTH = 160
"""Pixels; the height follows the clip's shape, up to as much."""
MAX_PICTURES = 400
MAX_THUMBNAIL_BYTES = 2_000_000
_MAX_PIXELS = 4096 * 4096
CLIPS = "clips"
"""The directory beside fleet/ in which clip files may lie, as CLIENT/NAME or as NAME."""

Cache = MutableMapping[str, bytes]
"""Finished pictures by the SHA-256 of the clip."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures (JPEG) by clip, and what is to be said about those that are missing."""

    found: dict[VideoId, bytes]
    notes: tuple[str, ...] = ()


def gather_pictures(videos: Iterable[Video], store: ObjectStore | None, repo: Path, cache: Cache) -> Pictures:
    """Find a picture for each clip; a store that fails is said in a note, and colours stand in for its pictures."""
    wanted = list(videos)
    notes = [f"only the first {MAX_PICTURES} clips have pictures here"] if len(wanted) > MAX_PICTURES else []
    wanted = wanted[:MAX_PICTURES]
    missing = [video for video in wanted if video.spec.sha256 not in cache]
    trouble = ""
    if store is not None and missing:
        try:
            _from_store(missing, store, cache)
        except (StoreError, StoreConfigurationError) as error:
            trouble = f"the store could not be read ({error})"
    missing = [video for video in missing if video.spec.sha256 not in cache]
    try:
        made = in_parallel(lambda video: _from_file(video, repo), missing)
        cache.update({video.spec.sha256: picture for video, picture in zip(missing, made, strict=True) if picture})
    except ToolError as error:
        notes.append(f"no pictures can be made of the files in {CLIPS}/: {error}")
    found = {VideoId(v.metadata.name): cache[v.spec.sha256] for v in wanted if v.spec.sha256 in cache}
    if len(found) < len(wanted):
        trouble = trouble or ("no store is named" if store is None else "the store does not hold them")
        notes.append(f"{len(wanted) - len(found)} of {len(wanted)} clips are shown without a picture: {trouble}")
    elif trouble:
        notes.append(f"{trouble}; the pictures are made of the files in {CLIPS}/")
    return Pictures(found, tuple(notes))


def shrink(data: bytes) -> bytes | None:
    """A picture as a small JPEG without anything else in it; None if it is not one that can be read."""
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
            if image.width * image.height > _MAX_PIXELS:
                return None
            image.draft("RGB", (WIDTH * 2, WIDTH * 2))
            small = image.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    small.thumbnail((WIDTH, WIDTH))
    out = io.BytesIO()
    small.save(out, "JPEG", quality=74, optimize=True)
    return out.getvalue()


def _from_store(videos: list[Video], store: ObjectStore, cache: Cache) -> None:
    def read(video: Video) -> bytes | None:
        if video.spec.thumbnail is None:
            return None
        digest = Sha256(video.spec.thumbnail.sha256)
        stored = store.get(thumbnail_key(ClientId(video.spec.client), digest), limit=MAX_THUMBNAIL_BYTES)
        if not isinstance(stored, Stored) or hashlib.sha256(stored.data).hexdigest() != digest:
            return None
        return shrink(stored.data)

    for video, picture in zip(videos, in_parallel(read, videos), strict=True):
        if picture:
            cache[video.spec.sha256] = picture


def _from_file(video: Video, repo: Path) -> bytes | None:
    """The picture of a clip's own file, if it lies beside the repository with the bytes that the index speaks of."""
    spec = video.spec
    if spec.original_name != Path(spec.original_name).name:
        return None
    places = (repo / CLIPS / spec.client / spec.original_name, repo / CLIPS / spec.original_name)
    return next((picture for path in places if (picture := _picture_of(path, video))), None)


def _picture_of(path: Path, video: Video) -> bytes | None:
    spec = video.spec
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size != spec.size_bytes:
            return None
        with path.open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != spec.sha256:
                return None
        return shrink(thumbnail(path, DurationMs(spec.duration_ms)))
    except (OSError, ValueError, MediaError):
        return None
