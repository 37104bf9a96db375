"""Carries a plan out: clips into the store first, then their entries, so that none names a clip that is not there."""

import contextlib
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from avtech_controller.content._entry import entry_path, entry_text
from avtech_controller.content._picture import note_picture
from avtech_controller.content._plan import Addition, AdditionPlan
from avtech_controller.content._uploads import Upload, upload_additions
from avtech_controller.desired import Origin
from avtech_controller.durable import create_file
from avtech_controller.stores import ObjectStore
from avtech_schema.errors import EnvironmentFailedError
from avtech_schema.identifiers import ClientId, Sha256, VideoId
from avtech_schema.layout import thumbnail_key
from avtech_schema.resources import Thumbnail

_MODELINE = "# yaml-language-server:"


class IndexWriteError(EnvironmentFailedError):
    """An entry could not be written to the repository; the ones written before it were taken back."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of the clips, and what was written into the index: pictures into the entries of `noted`; those of
    `unnoted` are for people to write."""

    uploads: tuple[Upload, ...] = ()
    noted: tuple[Addition, ...] = ()
    unnoted: tuple[Addition, ...] = ()


def apply_additions(
    plan: AdditionPlan,
    store: ObjectStore,
    repo: Path,
    places: Mapping[VideoId, Origin],
    *,
    done: Callable[[], None] = lambda: None,
) -> Applied:
    """Upload what the store lacks, then write what the index lacks: new entries, and pictures.

    `done` is called after each clip that the store holds. One that could not be uploaded gets no entry; the others are
    uploaded and written all the same. An entry that is there already (`places` says where) and names no picture, or one
    that the store lacks and this ffmpeg does not make, gets the name of the picture that is uploaded now, and nothing else
    in it changes.

    Raises:
        StoreError, StoreConfigurationError: the store could not be looked at; nothing was uploaded or written.
        IndexWriteError: the repository cannot be written; it is as it was.
    """
    additions = _pictured(plan.additions, store)
    uploads = upload_additions(additions, store, done=done)
    held = [upload.addition for upload in uploads if upload.done]
    _write_entries([addition for addition in held if addition.state == "new"], repo)
    known = {addition.name: addition for addition in plan.additions}
    changed = [one for one in held if one is not known[one.name]]
    noted = [one for one in changed if _note(one, repo, places.get(one.name))]
    return Applied(uploads, tuple(noted), tuple(one for one in changed if one not in noted))


def _pictured(additions: Sequence[Addition], store: ObjectStore) -> list[Addition]:
    """Additions with the picture that was made now, but for those whose entry names it, or names one that the store holds."""
    others: dict[VideoId, str] = {}
    for one in additions:
        known = one.video.spec.thumbnail
        if known and known != _picture(one):
            others[one.name] = thumbnail_key(ClientId(one.video.spec.client), Sha256(known.sha256))
    sizes = dict(zip(others, store.sizes(list(others.values())), strict=True)) if others else {}
    return [one if _keeps(one, sizes.get(one.name)) else _with_picture(one) for one in additions]


def _keeps(addition: Addition, held: int | None) -> bool:
    known = addition.video.spec.thumbnail
    return known is not None and (known == _picture(addition) or held == known.size_bytes)


def _with_picture(addition: Addition) -> Addition:
    spec = addition.video.spec.model_copy(update={"thumbnail": _picture(addition)})
    return replace(addition, video=addition.video.model_copy(update={"spec": spec}))


def _picture(addition: Addition) -> Thumbnail:
    data = addition.offered.thumbnail
    return Thumbnail.model_validate({"sha256": hashlib.sha256(data).hexdigest(), "sizeBytes": len(data)})


def _note(addition: Addition, repo: Path, place: Origin | None) -> bool:
    try:
        return place is not None and note_picture(repo, place, addition.video)
    except OSError as error:
        raise IndexWriteError(
            f"{repo / place.file if place else repo}: its picture cannot be noted: {error.strerror}"
        ) from error


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
