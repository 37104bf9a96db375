"""Holds the store against the index: is every active clip there, and is it what the index says?"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from avtech_controller.content._errors import ContentCode, ContentError
from avtech_controller.stores import ObjectStore, Stored
from avtech_schema.identifiers import ClientId, Sha256
from avtech_schema.layout import content_key, thumbnail_key
from avtech_schema.resources import Video

_WORKERS = 16
_DEEP_WORKERS = 4
"""Reading whole clips costs memory: at most this many at a time."""


def check_store(
    videos: Iterable[Video], store: ObjectStore, *, deep: bool, checked: Callable[[Video], None]
) -> tuple[ContentError, ...]:
    """Every clip or thumbnail that is missing or different, in the order of `videos`; `checked` is told of each clip.

    Raises:
        StoreError, StoreConfigurationError: the store did not answer: nothing is concluded.
    """
    problems: list[ContentError] = []
    with ThreadPoolExecutor(_DEEP_WORKERS if deep else _WORKERS) as pool:
        wanted = list(videos)
        for video, found in zip(wanted, pool.map(lambda one: _check(one, store, deep=deep), wanted), strict=True):
            problems += found
            checked(video)
    return tuple(problems)


@dataclass(frozen=True, slots=True)
class _Expected:
    """One object that the index speaks of."""

    what: str
    key: str
    sha256: str
    size: int


def _check(video: Video, store: ObjectStore, *, deep: bool) -> list[ContentError]:
    return [problem for expected in _objects(video) if (problem := _object(expected, store, deep=deep))]


def _objects(video: Video) -> Iterator[_Expected]:
    client, name, spec = ClientId(video.spec.client), video.metadata.name, video.spec
    yield _Expected(name, content_key(client, Sha256(spec.sha256)), spec.sha256, spec.size_bytes)
    if picture := spec.thumbnail:
        key = thumbnail_key(client, Sha256(picture.sha256))
        yield _Expected(f"{name} (thumbnail)", key, picture.sha256, picture.size_bytes)


def _object(expected: _Expected, store: ObjectStore, *, deep: bool) -> ContentError | None:
    found = store.size(expected.key)
    if found is None:
        hint = "add the file again (`avtech content add`), which uploads it"
        return ContentError(ContentCode.MISSING, f"{expected.what}: not in the store ({expected.key})", hint=hint)
    different = f"the store holds {found:,} bytes, the index says {expected.size:,}" if found != expected.size else ""
    if deep and not different:
        stored = store.get(expected.key, limit=expected.size)
        if not isinstance(stored, Stored) or hashlib.sha256(stored.data).hexdigest() != expected.sha256:
            different = "the store holds other bytes than the index says"
    if not different:
        return None
    hint = "the store is damaged, or it is another one: docs/runbooks/store-damaged.md says how to put the right clip there"
    return ContentError(ContentCode.DIFFERENT, f"{expected.what}: {different} ({expected.key})", hint=hint)
