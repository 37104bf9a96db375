"""Collects the signatures that offline metadata still lacks, one key holder after another, and says what they would sign."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from securesystemslib.signer import Key, Signer
from tuf.api.metadata import Metadata, Root, Targets

from avtech_controller.trust._folder import Folder, trust_file
from avtech_controller.trust._metadata import key_name, to_bytes
from avtech_schema.errors import TrustError


@dataclass(frozen=True, slots=True)
class Quorum:
    """Whose signatures a file needs: `threshold` of some keys, of which some signed."""

    of: str
    threshold: int
    signed: tuple[Key, ...]
    unsigned: tuple[Key, ...]

    @property
    def missing(self) -> int:
        """How many signatures are still to come."""
        return max(0, self.threshold - len(self.signed))


@dataclass(frozen=True, slots=True)
class Waiting:
    """A file in trust/ that is not in force, the quorums that it needs, and what it would change, a line for each change."""

    file: str
    metadata: Metadata[Any]
    quorums: tuple[Quorum, ...]
    changes: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether it has all signatures, and waits only for another file."""
        return not any(quorum.missing for quorum in self.quorums)

    @property
    def holders(self) -> tuple[Key, ...]:
        """The keys whose signatures count here and are not there yet."""
        return tuple({key.keyid: key for quorum in self.quorums for key in quorum.unsigned}.values())

    def is_signed_by(self, keyid: str) -> bool:
        """Whether a key has signed already."""
        return any(key.keyid == keyid for quorum in self.quorums for key in quorum.signed)


def waiting_files(folder: Folder) -> tuple[Waiting, ...]:
    """What waits for signatures in `trust/`, the root first."""
    current = folder.roots[-1].signed
    found: list[Waiting] = []
    if (root := folder.waiting_root) is not None:
        of = {f"the keys of {trust_file(Root.type, current.version)}": current, "its own keys": root.signed}
        quorums = tuple(_quorum(text, delegator, root) for text, delegator in of.items())
        changes = tuple(_root_changes(current, root.signed))
        found.append(Waiting(trust_file(Root.type, root.signed.version), root, quorums, changes))
    if (targets := folder.waiting_targets) is not None:
        delegator = root.signed if root is not None else current
        text = f"the targets keys of {trust_file(Root.type, delegator.version)}"
        before = folder.delegations[max(folder.delegations)].targets
        changes = tuple(_targets_changes(before, targets.signed))
        found.append(
            Waiting(trust_file(Targets.type, targets.signed.version), targets, (_quorum(text, delegator, targets),), changes)
        )
    return tuple(found)


def add_signature(waiting: Waiting, signer: Signer) -> bytes:
    """The file with one signature more; those that are there stay.

    Raises:
        TrustError: this key's signature does not count here, or the key failed.
    """
    key = signer.public_key
    if key.keyid not in {holder.keyid for holder in waiting.holders}:
        raise TrustError(f"{key_name(key)} is none of the keys that {waiting.file} waits for")
    try:
        waiting.metadata.sign(signer, append=True)
    except Exception as error:
        raise TrustError(f"{key_name(key)} cannot sign: {' '.join(str(error).split())[:200]}") from error
    return to_bytes(waiting.metadata)


def _quorum(of: str, delegator: Root, metadata: Metadata[Any]) -> Quorum:
    role = metadata.signed.type
    result = delegator.get_verification_result(role, metadata.signed_bytes, metadata.signatures)
    return Quorum(of, result.threshold, tuple(result.signed.values()), tuple(result.unsigned.values()))


def _root_changes(old: Root, new: Root) -> Iterator[str]:
    yield f"version {old.version} -> {new.version}"
    yield f"expires {old.expires:%Y-%m-%d} -> {new.expires:%Y-%m-%d}"
    for role in sorted(new.roles.keys() | old.roles.keys()):
        before, after = old.roles[role], new.roles[role]
        for keyid in before.keyids:
            if keyid not in after.keyids:
                yield f"- {role} key {key_name(old.keys[keyid])}"
        for keyid in after.keyids:
            if keyid not in before.keyids:
                yield f"+ {role} key {key_name(new.keys[keyid])}"
        if before.threshold != after.threshold:
            yield f"{role} threshold {before.threshold} -> {after.threshold}"
    for keyid in old.keys.keys() & new.keys.keys():
        if old.keys[keyid] != new.keys[keyid]:
            yield f"! key {keyid[:12]} is described in another way"
    if old.consistent_snapshot != new.consistent_snapshot:
        yield f"! consistent snapshots: {old.consistent_snapshot} -> {new.consistent_snapshot}"


def _targets_changes(old: Targets, new: Targets) -> Iterator[str]:
    yield f"version {old.version} -> {new.version}"
    yield f"expires {old.expires:%Y-%m-%d} -> {new.expires:%Y-%m-%d}"
    if new.targets:
        yield f"! it releases {len(new.targets)} targets itself"
    before, after = old.delegations, new.delegations
    if after is None or after.succinct_roles is None or before is None or before.succinct_roles is None:
        yield "! it does not delegate to bins"
        return
    for keyid in sorted(before.keys.keys() - after.keys.keys()):
        yield f"- bins key {key_name(before.keys[keyid])}"
    for keyid in sorted(after.keys.keys() - before.keys.keys()):
        yield f"+ bins key {key_name(after.keys[keyid])}"
    for what in ("number_of_bins", "threshold", "name_prefix", "keyids"):
        one, two = (getattr(roles, what) for roles in (before.succinct_roles, after.succinct_roles))
        if one != two and what != "keyids":
            yield f"bins' {what.replace('_', ' ')} {one} -> {two}"
