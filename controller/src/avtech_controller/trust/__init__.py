"""Trust: keys, the anchor signed offline, and The Update Framework's (TUF's) metadata, verified and signed."""

from avtech_controller.trust._ailments import Ailment
from avtech_controller.trust._anchor import Anchor, load_anchor
from avtech_controller.trust._bins import Bin, Target, sign_bin
from avtech_controller.trust._ceremonies import Rotation, begin_rotation, sign_waiting
from avtech_controller.trust._ceremony import KeySet, bin_bits, first_root, first_targets
from avtech_controller.trust._collect import Quorum, Waiting, waiting_files
from avtech_controller.trust._create import Created, CreatedKey, check_outside, create_key, create_repository
from avtech_controller.trust._doctor import Diagnosis, Expiry, examine
from avtech_controller.trust._folder import TRUST_FOLDER, read_folder
from avtech_controller.trust._key_files import is_exposed
from avtech_controller.trust._keys import (
    Passphrase,
    generate_key,
    load_public_key,
    load_signer,
    open_signer,
    public_pem,
    write_key,
)
from avtech_controller.trust._metadata import (
    BINS_LIFETIME,
    ROOT_LIFETIME,
    SIGNED_FIELD,
    SNAPSHOT_LIFETIME,
    TIMESTAMP_LIFETIME,
    ReleasePointer,
    expiry,
    key_name,
    plain_name,
    rfc3339,
)
from avtech_controller.trust._reader import ReleasedHead, ReleasedMetadata, read_pointer, read_released, read_released_head
from avtech_controller.trust._remembered import Known, Remembered
from avtech_controller.trust._rotation import Duty, KeyChange, keys_for
from avtech_controller.trust._signing import past_half_life, sign_snapshot, sign_timestamp
from avtech_controller.trust._stored import has_history, missing_roots

__all__ = [
    "BINS_LIFETIME",
    "ROOT_LIFETIME",
    "SIGNED_FIELD",
    "SNAPSHOT_LIFETIME",
    "TIMESTAMP_LIFETIME",
    "TRUST_FOLDER",
    "Ailment",
    "Anchor",
    "Bin",
    "Created",
    "CreatedKey",
    "Diagnosis",
    "Duty",
    "Expiry",
    "KeyChange",
    "KeySet",
    "Known",
    "Passphrase",
    "Quorum",
    "ReleasePointer",
    "ReleasedHead",
    "ReleasedMetadata",
    "Remembered",
    "Rotation",
    "Target",
    "Waiting",
    "begin_rotation",
    "bin_bits",
    "check_outside",
    "create_key",
    "create_repository",
    "examine",
    "expiry",
    "first_root",
    "first_targets",
    "generate_key",
    "has_history",
    "is_exposed",
    "key_name",
    "keys_for",
    "load_anchor",
    "load_public_key",
    "load_signer",
    "missing_roots",
    "open_signer",
    "past_half_life",
    "plain_name",
    "public_pem",
    "read_folder",
    "read_pointer",
    "read_released",
    "read_released_head",
    "rfc3339",
    "sign_bin",
    "sign_snapshot",
    "sign_timestamp",
    "sign_waiting",
    "waiting_files",
    "write_key",
]
