"""The object store behind one small port: `file://` and `s3://`, both with conditional writes."""

from avtech_controller.stores._port import (
    ETag,
    NotModified,
    ObjectStore,
    PreconditionFailedError,
    Stored,
    StoreError,
)

__all__ = ["ETag", "NotModified", "ObjectStore", "PreconditionFailedError", "StoreError", "Stored"]
