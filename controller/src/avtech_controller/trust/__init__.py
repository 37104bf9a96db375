"""Trust: keys, the anchor signed offline, and The Update Framework's (TUF's) metadata, verified and signed."""

from avtech_controller.trust._anchor import TRUST_FOLDER, Anchor, load_anchor
from avtech_controller.trust._ceremony import KeySet, bin_bits, first_root, first_targets
from avtech_controller.trust._create import Created, create_repository
from avtech_controller.trust._keys import Passphrase, generate_key, load_signer, write_key
from avtech_controller.trust._metadata import BINS_LIFETIME, SNAPSHOT_LIFETIME, TIMESTAMP_LIFETIME, ReleasePointer, rfc3339
from avtech_controller.trust._reader import ReleasedMetadata, read_released
from avtech_controller.trust._signing import past_half_life, sign_bin, sign_snapshot, sign_timestamp

__all__ = [
    "BINS_LIFETIME",
    "SNAPSHOT_LIFETIME",
    "TIMESTAMP_LIFETIME",
    "TRUST_FOLDER",
    "Anchor",
    "Created",
    "KeySet",
    "Passphrase",
    "ReleasePointer",
    "ReleasedMetadata",
    "bin_bits",
    "create_repository",
    "first_root",
    "first_targets",
    "generate_key",
    "load_anchor",
    "load_signer",
    "past_half_life",
    "read_released",
    "rfc3339",
    "sign_bin",
    "sign_snapshot",
    "sign_timestamp",
    "write_key",
]
