"""Compiling in proportion to the change: part by part, with a cache of what is known from earlier times."""

from avtech_controller.incremental._cache import Cache
from avtech_controller.incremental._compilation import Compilation
from avtech_controller.incremental._compile import compile_source
from avtech_controller.incremental._open import open_cache
from avtech_controller.incremental._output import Notes, Written, notes_from, write_manifests
from avtech_controller.incremental._seal import derive
from avtech_controller.incremental._shelf import Directory, Shelf

__all__ = [
    "Cache",
    "Compilation",
    "Directory",
    "Notes",
    "Shelf",
    "Written",
    "compile_source",
    "derive",
    "notes_from",
    "open_cache",
    "write_manifests",
]
