"""Trust: keys, the anchor signed offline, and The Update Framework's (TUF's) metadata, verified and signed."""

from avtech_controller.trust._anchor import TRUST_FOLDER, Anchor, load_anchor
from avtech_controller.trust._ceremony import KeySet, bin_bits, first_root, first_targets
from avtech_controller.trust._create import Created, create_repository
from avtech_controller.trust._keys import Passphrase, generate_key, load_signer, open_signer, write_key
from avtech_controller.trust._metadata import (
    BINS_LIFETIME,
    SIGNED_FIELD,
    SNAPSHOT_LIFETIME,
    TIMESTAMP_LIFETIME,
    ReleasePointer,
    expiry,
    rfc3339,
)
from avtech_controller.trust._reader import ReleasedHead, ReleasedMetadata, read_released, read_released_head
from avtech_controller.trust._signing import past_half_life, sign_bin, sign_snapshot, sign_timestamp
from avtech_controller.trust._stored import missing_roots

__all__ = [
    "BINS_LIFETIME",
    "SIGNED_FIELD",
    "SNAPSHOT_LIFETIME",
    "TIMESTAMP_LIFETIME",
    "TRUST_FOLDER",
    "Anchor",
    "Created",
    "KeySet",
    "Passphrase",
    "ReleasePointer",
    "ReleasedHead",
    "ReleasedMetadata",
    "bin_bits",
    "create_repository",
    "expiry",
    "first_root",
    "first_targets",
    "generate_key",
    "load_anchor",
    "load_signer",
    "missing_roots",
    "open_signer",
    "past_half_life",
    "read_released",
    "read_released_head",
    "rfc3339",
    "sign_bin",
    "sign_snapshot",
    "sign_timestamp",
    "write_key",
]
