"""Uploads clips and their pictures, many at once; one that fails takes no other with it, and nothing is uploaded twice."""

import contextlib
import hashlib
import tempfile
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from avtech_controller.content._plan import Addition
from avtech_controller.media import MediaCode, MediaError, shown
from avtech_controller.parallel import in_parallel
from avtech_controller.retention import SweepUnderwayError, spare
from avtech_controller.stores import ObjectStore, PreconditionFailedError, StoreConfigurationError, StoreError
from avtech_schema.errors import AvtechError, EnvironmentFailedError
from avtech_schema.identifiers import ClientId, Sha256
from avtech_schema.layout import content_key, thumbnail_key

AT_ONCE = 8
"""Clips in flight; each takes a private copy on the disk for temporary files, and no memory to speak of."""
MAX_FAILURES = 20
"""After so many failures nothing further is begun: it is the store that fails, not a clip."""
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Upload:
    """What came of one clip: `there` was in the store already; `untried` ones were not begun, as the store fails."""

    addition: Addition
    state: Literal["uploaded", "there", "failed", "untried"]
    error: AvtechError | None = None
    """Why it failed."""

    @property
    def done(self) -> bool:
        """Whether the store holds the clip and its picture."""
        return self.state in ("uploaded", "there")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One object that the store is to hold: a file, or bytes."""

    key: str
    sha256: str
    size: int
    source: Path | bytes


def upload_additions(
    additions: Sequence[Addition], store: ObjectStore, *, done: Callable[[], None] = lambda: None
) -> tuple[Upload, ...]:
    """Upload what the store lacks and write nothing else; tells what came of each clip, in order. `done` is called after each
    that the store holds.

    Uploads are content-addressed: what an earlier run left in the store is found, and kept from collection.

    Raises:
        StoreError, StoreConfigurationError: the store could not be looked at; nothing was uploaded.
    """
    wanted = [_objects(addition) for addition in additions]
    held, swept = _look([one for objects in wanted for one in objects], store)
    stopped = threading.Event()
    failures: list[AvtechError] = []

    def upload(turn: int) -> Upload:
        addition = additions[turn]
        if stopped.is_set():
            return Upload(addition, "untried")
        try:
            written = [_ensure(one, held, swept, store, addition) for one in wanted[turn]]
        except (EnvironmentFailedError, StoreConfigurationError, MediaError) as error:
            failures.append(error)
            if isinstance(error, StoreConfigurationError) or len(failures) >= MAX_FAILURES:
                stopped.set()
            return Upload(addition, "failed", _named(error, addition))
        done()
        return Upload(addition, "uploaded" if any(written) else "there")

    return tuple(in_parallel(upload, range(len(additions)), threads=AT_ONCE))


def raise_if_failed(uploads: Sequence[Upload]) -> None:
    """Raise what the first failed clip failed by, for those who want all or nothing.

    Raises:
        StoreError, StoreConfigurationError, MediaError, EnvironmentFailedError: a clip could not be uploaded.
    """
    for upload in uploads:
        if upload.error:
            raise upload.error


def _named(error: AvtechError, addition: Addition) -> AvtechError:
    """The error with the file's name before it, as a store knows only keys."""
    if not isinstance(error, StoreError | StoreConfigurationError):
        return error
    named = type(error)(f"{shown(addition.offered.path)}: {error}", hint=error.hint)
    named.__cause__ = error
    return named


def _objects(addition: Addition) -> tuple[_Wanted, ...]:
    client, spec, picture = ClientId(addition.video.spec.client), addition.video.spec, addition.offered.thumbnail
    clip = _Wanted(content_key(client, Sha256(spec.sha256)), spec.sha256, spec.size_bytes, addition.offered.path)
    digest = Sha256(hashlib.sha256(picture).hexdigest())
    if spec.thumbnail is None or spec.thumbnail.sha256 != digest:
        return (clip,)  # the picture that another ffmpeg made of it is there
    return clip, _Wanted(thumbnail_key(client, digest), digest, len(picture), picture)


def _look(wanted: Sequence[_Wanted], store: ObjectStore) -> tuple[Mapping[str, int | None], Mapping[str, StoreError]]:
    """The sizes of what is there, kept from collection now, and what cannot be kept as it is being removed."""
    keys = list(dict.fromkeys(one.key for one in wanted))
    found = dict(zip(keys, store.sizes(keys), strict=True))
    there = [key for key, size in found.items() if size is not None]
    if not there:
        return found, {}
    swept = _keep(there, store)  # they are wanted again, however long nothing needed them
    return found | dict(zip(there, store.sizes(there), strict=True)), swept


def _keep(keys: Sequence[str], store: ObjectStore) -> dict[str, StoreError]:
    now = datetime.now(UTC)
    with contextlib.suppress(SweepUnderwayError):
        spare(store, keys, now, note=True)
        return {}
    swept: dict[str, StoreError] = {}
    for key in keys:
        try:
            spare(store, [key], now, note=True)
        except SweepUnderwayError as error:
            swept[key] = error
    return swept


def _ensure(
    wanted: _Wanted,
    held: Mapping[str, int | None],
    swept: Mapping[str, StoreError],
    store: ObjectStore,
    addition: Addition,
) -> bool:
    """Have the store hold an object; whether it was uploaded now."""
    if wanted.key in swept:
        raise swept[wanted.key]
    size = held[wanted.key]
    if absent := size is None:
        _put(wanted, store, addition)
        size = store.size(wanted.key)
    if size != wanted.size:
        there = "nothing" if size is None else f"{size:,} bytes"
        raise StoreError(
            f"{store.url}: holds {there} at {wanted.key}, expected {wanted.size:,}", hint="remove that object, and run again"
        )
    return absent


def _put(wanted: _Wanted, store: ObjectStore, addition: Addition) -> None:
    if isinstance(wanted.source, bytes):
        with contextlib.suppress(PreconditionFailedError):  # somebody else was faster
            store.create(wanted.key, wanted.source)
        return
    with _private_copy(wanted.source, wanted.sha256, shown(addition.offered.path)) as copy:
        store.upload(wanted.key, copy)


@contextlib.contextmanager
def _private_copy(path: Path, digest: str, name: str) -> Generator[Path, None, None]:
    """A copy that nobody else can change, whose digest was just checked."""
    hasher = hashlib.sha256()
    try:
        folder = tempfile.TemporaryDirectory(prefix="avtech-")
    except OSError as error:
        raise EnvironmentFailedError(f"{name}: cannot be copied for the upload: {error.strerror}") from error
    with folder:
        copy = Path(folder.name) / "object"
        try:
            with path.open("rb") as source, copy.open("xb") as target:
                while chunk := source.read(_CHUNK):
                    hasher.update(chunk)
                    target.write(chunk)
        except OSError as error:
            raise EnvironmentFailedError(f"{name}: cannot be copied for the upload: {error.strerror}") from error
        if hasher.hexdigest() != digest:
            raise MediaError(MediaCode.UNREADABLE, f"{name}: changed since it was measured", hint="run the command again")
        yield copy
