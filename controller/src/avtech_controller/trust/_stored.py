"""What a store holds of earlier days: its roots, held against those of trust/, and whether it ever held a release."""

from avtech_controller.stores import ObjectStore, Stored
from avtech_controller.trust._anchor import Anchor
from avtech_controller.trust._metadata import MAX_ROOT_BYTES
from avtech_schema.errors import TrustError
from avtech_schema.layout import RELEASES, metadata_key


def missing_roots(store: ObjectStore, anchor: Anchor) -> tuple[int, ...]:
    """The versions of trust/'s roots that the store lacks, which the next publication brings.

    Raises:
        TrustError: the store holds another root under one of their numbers, or a newer one.
        StoreError, StoreConfigurationError: the store failed.
    """
    missing: list[int] = []
    for version, data in enumerate(anchor.roots, 1):
        stored = store.get(metadata_key("root", version), limit=MAX_ROOT_BYTES)
        if not isinstance(stored, Stored):
            missing.append(version)
        elif stored.data != data:
            raise TrustError(
                f"{store.url} holds another {metadata_key('root', version)} than trust/: it is another fleet's store",
                hint="check --store and this checkout; nothing was written",
            )
    if store.size(metadata_key("root", len(anchor.roots) + 1)) is not None:
        raise TrustError(
            f"players trust root version {len(anchor.roots) + 1}, which trust/ of this checkout does not have",
            hint="update this checkout: git pull",
        )
    return tuple(missing)


def has_history(store: ObjectStore) -> bool:
    """Whether records of a second or later release lie in the store: then it cannot be new."""
    return any(not key.startswith(f"{RELEASES}00000001-") for key in store.keys(RELEASES))
