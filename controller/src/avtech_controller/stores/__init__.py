"""The object store behind one small port: `file://` and `s3://`, both with conditional writes."""

from avtech_controller.stores._open import open_store
from avtech_controller.stores._port import (
    ETag,
    Listed,
    NewObject,
    NotModified,
    ObjectStore,
    PartlyDoneError,
    PreconditionFailedError,
    StoreConfigurationError,
    Stored,
    StoreError,
)

__all__ = [
    "ETag",
    "Listed",
    "NewObject",
    "NotModified",
    "ObjectStore",
    "PartlyDoneError",
    "PreconditionFailedError",
    "StoreConfigurationError",
    "StoreError",
    "Stored",
    "open_store",
]
