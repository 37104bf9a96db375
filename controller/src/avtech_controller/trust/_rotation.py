"""The next root and targets metadata: other keys, other thresholds, or a later expiry. Pure; nothing is signed here."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from securesystemslib.signer import Key
from tuf.api.metadata import Delegations, Metadata, Root, Snapshot, SuccinctRoles, Targets, Timestamp

from avtech_controller.trust._metadata import BINS, key_name, to_bytes
from avtech_schema.errors import ConfigurationError


class Duty(StrEnum):
    """What a key is for: each is held apart from the others."""

    ROOT = "root"
    TARGETS = "targets"
    PUBLISH = "publish"
    HEARTBEAT = "heartbeat"


@dataclass(frozen=True, slots=True)
class KeyChange:
    """What changes for one duty: keys that come, key ids that go, and the number of keys that must sign together."""

    add: tuple[Key, ...] = ()
    remove: tuple[str, ...] = ()
    threshold: int | None = None


_ROLES = {
    Duty.ROOT: (Root.type,),
    Duty.TARGETS: (Targets.type,),
    Duty.PUBLISH: (Snapshot.type, Timestamp.type),
    Duty.HEARTBEAT: (Timestamp.type,),
}


def keys_for(root: Root, duty: Duty) -> tuple[Key, ...]:
    """The keys that a root gives a duty."""
    ids = root.roles[_ROLES[duty][0]].keyids
    if duty is Duty.HEARTBEAT:
        ids = [keyid for keyid in ids if keyid not in root.roles[Snapshot.type].keyids]
    return tuple(root.keys[keyid] for keyid in ids)


def next_root(current: Root, changes: Mapping[Duty, KeyChange], *, expires: datetime) -> bytes:
    """The next version of the root, without signatures.

    Raises:
        ConfigurationError: it would leave a duty without enough keys, or give one key two duties.
    """
    root = deepcopy(current)
    root.version += 1
    root.expires = expires
    for duty, change in changes.items():
        for role in _ROLES[duty]:
            for keyid in change.remove:
                if keyid not in root.roles[role].keyids:
                    raise ConfigurationError(
                        f"key {keyid[:12]} is not a {duty} key", hint="`avtech keys doctor` lists the keys"
                    )
                root.revoke_key(keyid, role)
            for key in change.add:
                root.add_key(key, role)
        if change.threshold is not None:
            if duty not in (Duty.ROOT, Duty.TARGETS):
                raise ConfigurationError(f"one {duty} key signs alone: it has no threshold")
            root.roles[_ROLES[duty][0]].threshold = change.threshold
    if problems := root_problems(root):
        raise ConfigurationError(problems[0])
    return to_bytes(Metadata(root))


def next_targets(
    current: Targets, publishers: Iterable[Key], *, version: int, expires: datetime, bits: int | None = None
) -> bytes:
    """The next version of the targets metadata, without signatures: it delegates to bins of the publish keys."""
    delegations = current.delegations
    if delegations is None or delegations.succinct_roles is None:
        raise ConfigurationError("the targets metadata in trust/ does not delegate to bins")
    keys = {key.keyid: key for key in publishers}
    bins = SuccinctRoles(list(keys), 1, bits or delegations.succinct_roles.bit_length, BINS)
    return to_bytes(Metadata(Targets(version, expires=expires, delegations=Delegations(keys, succinct_roles=bins))))


def root_problems(root: Root) -> list[str]:
    """What is wrong with who may sign what: too few keys for a threshold, or a key with two duties."""
    problems: list[str] = []
    duties: dict[str, Duty] = {}
    for duty in Duty:
        keys = keys_for(root, duty)
        needed = root.roles[_ROLES[duty][0]].threshold
        if len(keys) < needed:
            problems.append(f"{len(keys)} {duty} keys cannot sign where {needed} must")
        for key in keys:
            if (other := duties.setdefault(key.keyid, duty)) is not duty:
                problems.append(f"key {key_name(key)} would be both a {other} key and a {duty} key; they must be apart")
    return problems
