"""Writes the manifests of a release: all at once, and none that an interrupted run wrote already."""

from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

from avtech_controller.compiler import CompiledScreen
from avtech_controller.publication._resume import written_before
from avtech_controller.publication._writer import Progress
from avtech_controller.stores import NewObject, ObjectStore, StoreError
from avtech_schema.identifiers import ByteSize
from avtech_schema.layout import manifest_key


class Wrote(NamedTuple):
    """How many manifests were there already, how many were written, and their bytes."""

    met: int
    new: int
    size: ByteSize


def write_manifests(store: ObjectStore, screens: Iterable[CompiledScreen], progress: Progress) -> Wrote:
    """Create manifests; one that is there already, under its digest, is the same.

    Raises:
        PartlyDoneError: some could not be written; the error names them.
        StoreError: an object under a manifest's digest has another size.
    """
    by_key = {manifest_key(screen.client, screen.screen, screen.digest): screen for screen in screens}
    keys = sorted(by_key)
    done = progress("manifests", len(keys))
    there: dict[str, int | None] = dict(written_before(store, keys))
    for _ in there:
        done()
    todo = [key for key in keys if key not in there]
    written = store.create_all([NewObject(key, partial(_data, by_key[key])) for key in todo], done=done)
    met = [key for key, new in zip(todo, written, strict=True) if not new]
    there |= dict(zip(met, store.sizes(met), strict=True))
    if damaged := sorted(key for key, size in there.items() if size != by_key[key].size):
        raise StoreError(
            f"{damaged[0]} in {store.url} is damaged", hint="remove that object, or restore it from the bucket's versions"
        )
    sizes = [by_key[key].size for key, new in zip(todo, written, strict=True) if new]
    return Wrote(len(there), len(sizes), ByteSize(sum(sizes)))


def _data(screen: CompiledScreen) -> bytes:
    return screen.data
