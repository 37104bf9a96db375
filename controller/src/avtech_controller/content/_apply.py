"""Carries a plan out: everything into the store first, then the entries, so that none names a clip that is not there."""

import contextlib
import hashlib
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from avtech_controller.content._entry import entry_path, entry_text
from avtech_controller.content._picture import note_picture
from avtech_controller.content._plan import Addition, AdditionPlan
from avtech_controller.desired import Origin
from avtech_controller.durable import create_file
from avtech_controller.media import MediaCode, MediaError, shown
from avtech_controller.retention import spare
from avtech_controller.stores import ObjectStore, StoreConfigurationError, StoreError
from avtech_schema.errors import EnvironmentFailedError
from avtech_schema.identifiers import ClientId, Sha256, VideoId
from avtech_schema.layout import content_key, thumbnail_key
from avtech_schema.resources import Thumbnail

_CHUNK = 1 << 20
_MODELINE = "# yaml-language-server:"


class IndexWriteError(EnvironmentFailedError):
    """An entry could not be written to the repository; the ones written before it were taken back."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What was written into the index: pictures into the entries of `noted`; those of `unnoted` are for people to write."""

    noted: tuple[Addition, ...] = ()
    unnoted: tuple[Addition, ...] = ()


def apply_additions(
    plan: AdditionPlan,
    store: ObjectStore,
    repo: Path,
    places: Mapping[VideoId, Origin],
    *,
    uploaded: Callable[[Addition], None],
) -> Applied:
    """Upload what the store lacks, then write what the index lacks: new entries, and pictures; `uploaded` is told of each clip.

    An entry that is there already (`places` says where) and names no picture, or one that the store lacks and this ffmpeg
    does not make, gets the name of the picture that is uploaded now, and nothing else in it changes.

    Raises:
        StoreError, StoreConfigurationError: the store failed; no entry was written.
        MediaError: a file changed since it was measured; no entry was written.
        IndexWriteError: the repository cannot be written; it is as it was.
    """
    additions = [_pictured(addition, store) for addition in plan.additions]
    upload_additions(additions, store, uploaded=uploaded)
    _write_entries([addition for addition in additions if addition.state == "new"], repo)
    changed = [one for one, known in zip(additions, plan.additions, strict=True) if one is not known]
    noted = [one for one in changed if _note(one, repo, places.get(one.name))]
    return Applied(tuple(noted), tuple(one for one in changed if one not in noted))


def upload_additions(additions: Iterable[Addition], store: ObjectStore, *, uploaded: Callable[[Addition], None]) -> None:
    """Upload what the store lacks and write nothing; `uploaded` is told of each clip.

    Uploads are content-addressed: what a failed run left in the store is found by the next.

    Raises:
        StoreError, StoreConfigurationError: the store failed.
        MediaError: a file changed since it was measured.
    """
    for addition in additions:
        try:
            _upload(addition, store)
        except (StoreError, StoreConfigurationError) as error:
            raise type(error)(f"{shown(addition.offered.path)}: {error}", hint=error.hint) from error
        uploaded(addition)


def _pictured(addition: Addition, store: ObjectStore) -> Addition:
    """The addition with the picture that was made now, unless the one its entry names is that, or is in the store."""
    data, known = addition.offered.thumbnail, addition.video.spec.thumbnail
    picture = Thumbnail.model_validate({"sha256": hashlib.sha256(data).hexdigest(), "sizeBytes": len(data)})
    if known == picture:
        return addition
    if known and store.size(thumbnail_key(ClientId(addition.video.spec.client), Sha256(known.sha256))) == known.size_bytes:
        return addition
    spec = addition.video.spec.model_copy(update={"thumbnail": picture})
    return replace(addition, video=addition.video.model_copy(update={"spec": spec}))


def _note(addition: Addition, repo: Path, place: Origin | None) -> bool:
    try:
        return place is not None and note_picture(repo, place, addition.video)
    except OSError as error:
        raise IndexWriteError(
            f"{repo / place.file if place else repo}: its picture cannot be noted: {error.strerror}"
        ) from error


def _upload(addition: Addition, store: ObjectStore) -> None:
    client, spec = ClientId(addition.video.spec.client), addition.video.spec
    ensure_object(store, content_key(client, Sha256(spec.sha256)), addition.offered.path, spec.sha256, spec.size_bytes)
    if spec.thumbnail is None:
        return
    digest = hashlib.sha256(addition.offered.thumbnail).hexdigest()
    if digest != spec.thumbnail.sha256:
        return  # the picture that another ffmpeg made of it is there
    with tempfile.TemporaryDirectory(prefix="avtech-") as folder:
        picture = Path(folder) / "thumbnail.jpg"
        picture.write_bytes(addition.offered.thumbnail)
        key = thumbnail_key(client, Sha256(digest))
        ensure_object(store, key, picture, digest, spec.thumbnail.size_bytes)


def ensure_object(store: ObjectStore, key: str, path: Path, digest: str, size: int) -> None:
    """Have the store hold a file; what is uploaded is a private copy whose digest was just checked."""
    if store.size(key) is not None:
        spare(store, [key], datetime.now(UTC), note=True)  # it is wanted again, however long nothing needed it
    found = store.size(key)
    if found is None:
        with tempfile.TemporaryDirectory(prefix="avtech-") as folder:
            copy = Path(folder) / "object"
            _copy(path, copy, digest)
            store.upload(key, copy)
        found = store.size(key)
    if found != size:
        held = "nothing" if found is None else f"{found:,} bytes"
        raise StoreError(f"{store.url}: holds {held} at {key}, expected {size:,}", hint="remove that object, and run again")


def _copy(path: Path, copy: Path, digest: str) -> None:
    hasher = hashlib.sha256()
    try:
        with path.open("rb") as source, copy.open("xb") as target:
            while chunk := source.read(_CHUNK):
                hasher.update(chunk)
                target.write(chunk)
    except OSError as error:
        raise EnvironmentFailedError(f"{shown(path)}: cannot be copied for the upload: {error.strerror}") from error
    if hasher.hexdigest() != digest:
        raise MediaError(MediaCode.UNREADABLE, f"{shown(path)}: changed since it was measured", hint="run the command again")


def _write_entries(additions: list[Addition], repo: Path) -> None:
    written: list[Path] = []
    for addition in additions:
        target = repo / entry_path(ClientId(addition.video.spec.client), addition.name)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            create_file(target, [entry_text(addition.video, heading=_modeline(target, repo)).encode()])
        except OSError as error:
            for entry in written:
                with contextlib.suppress(OSError):
                    entry.unlink()
            raise IndexWriteError(f"{target}: the entry cannot be written: {error.strerror}; the index is as it was") from error
        written.append(target)


def _modeline(target: Path, repo: Path) -> str:
    """The line that tells an editor which schema the entry has: as the neighbours have it, or where the repository keeps it."""
    for neighbour in sorted(target.parent.glob("*.yaml"))[:1]:
        with neighbour.open(encoding="utf-8", errors="replace") as stream:
            first = stream.readline(500).strip()
        return first if first.startswith(_MODELINE) else ""
    schema = repo / "schema/json/v1/video.schema.json"
    return f"{_MODELINE} $schema=../../schema/json/v1/{schema.name}" if schema.is_file() else ""
