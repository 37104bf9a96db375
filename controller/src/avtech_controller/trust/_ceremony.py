"""The first root and targets metadata: who may sign what. Pure; the keys come in, bytes go out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Delegations, Metadata, Root, Snapshot, SuccinctRoles, Targets, Timestamp

from avtech_controller.trust._metadata import (
    BINS,
    ROOT_LIFETIME,
    TARGETS_LIFETIME,
    expiry,
    to_bytes,
)

MAX_BIT_LENGTH = 14


@dataclass(frozen=True, slots=True)
class KeySet:
    """The signers of a new repository: root and targets stay offline, publish and heartbeat go to CI."""

    roots: Sequence[CryptoSigner]
    targets: CryptoSigner
    publish: CryptoSigner
    heartbeat: CryptoSigner


def bin_bits(screens: int) -> int:
    """The bins' bit length for a fleet of so many screens today: about 2·√N bins for ten times as many, a power of two.

    64 bins for 100 screens, 256 for 1,000, 1,024 for 10,000; never fewer than 16.
    """
    wanted = 2 * (max(screens, 1) * 10) ** 0.5
    bits = 4
    while 2**bits < wanted and bits < MAX_BIT_LENGTH:
        bits += 1
    return bits


def first_root(keys: KeySet, *, threshold: int, now: datetime) -> bytes:
    """The first root metadata, signed by all root keys: publish signs snapshot and timestamp, heartbeat the timestamp too."""
    root = Root(version=1, expires=expiry(now, ROOT_LIFETIME), consistent_snapshot=True)
    for signer in keys.roots:
        root.add_key(signer.public_key, Root.type)
    root.roles[Root.type].threshold = threshold
    root.add_key(keys.targets.public_key, Targets.type)
    root.add_key(keys.publish.public_key, Snapshot.type)
    root.add_key(keys.publish.public_key, Timestamp.type)
    root.add_key(keys.heartbeat.public_key, Timestamp.type)
    metadata = Metadata(root)
    for signer in keys.roots:
        metadata.sign(signer, append=True)
    return to_bytes(metadata)


def first_targets(keys: KeySet, *, bits: int, now: datetime) -> bytes:
    """The first targets metadata: it holds no target and delegates everything to 2^bits bins of the publish key."""
    publish = keys.publish.public_key
    bins = SuccinctRoles([publish.keyid], 1, bits, BINS)
    delegations = Delegations({publish.keyid: publish}, succinct_roles=bins)
    metadata = Metadata(Targets(version=1, expires=expiry(now, TARGETS_LIFETIME), delegations=delegations))
    metadata.sign(keys.targets)
    return to_bytes(metadata)
