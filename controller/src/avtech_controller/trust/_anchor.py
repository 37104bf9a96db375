"""The trust anchor: public metadata signed offline and committed, `trust/N.root.json` and `trust/N.targets.json`."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from securesystemslib.signer import Key, Signer
from tuf.api.metadata import Metadata, Root, Snapshot, SuccinctRoles, Timestamp

from avtech_controller.trust._folder import Folder, Signed, read_folder, verify_by_any
from avtech_controller.trust._metadata import BINS, verify
from avtech_schema.errors import TrustError
from avtech_schema.identifiers import CommitId

_LOG = logging.getLogger("avtech.trust")


@dataclass(frozen=True, slots=True)
class Anchor:
    """The verified chain of roots, oldest first, as bytes and as values, and every version of the targets metadata."""

    roots: tuple[bytes, ...]
    chain: tuple[Root, ...]
    delegations: Mapping[int, Signed]
    waiting: tuple[str, ...] = ()
    """Files in trust/ that are not in force: they lack signatures."""

    @property
    def root(self) -> Root:
        """The root that says whose signatures count now."""
        return self.chain[-1]

    @property
    def publishers(self) -> list[Key]:
        """The keys that may sign a release record, or might when it was made: those of the snapshot."""
        return [root.keys[keyid] for root in reversed(self.chain) for keyid in root.roles[Snapshot.type].keyids]

    def keys_of(self, role: str) -> tuple[Key, ...]:
        """The keys that may sign a role of the current root."""
        return tuple(self.root.keys[keyid] for keyid in self.root.roles[role].keyids)

    @property
    def newest(self) -> int:
        """The version of the targets metadata to publish."""
        return max(self.delegations)

    def bins(self, version: int) -> SuccinctRoles:
        """The bins to which a version of the targets metadata delegates.

        Raises:
            TrustError: this checkout does not have that version.
        """
        if version not in self.delegations:
            raise TrustError(
                f"the store uses version {version} of the targets metadata, which trust/ does not have",
                hint="update this checkout: git pull",
            )
        delegations = self.delegations[version].targets.delegations
        if delegations is None or delegations.succinct_roles is None or delegations.succinct_roles.name_prefix != BINS:
            raise TrustError(f"trust/{version}.targets.json does not delegate to bins")
        return delegations.succinct_roles

    def verify_released(self, role: str, metadata: Metadata[Any], what: str) -> None:
        """Check that the keys of the current root signed, or those of an earlier one: after a rotation, what is released
        was still signed by the old keys, and the next publication has to stand on it.

        Raises:
            TrustError: none of the roots' keys signed.
        """
        verify_by_any(self.chain, role, metadata, what)

    def is_current(self, role: str, metadata: Metadata[Any]) -> bool:
        """Whether the keys of the current root signed, so that players who know that root accept it."""
        try:
            verify(self.root, role, metadata, role)
        except TrustError:
            return False
        return True

    def check_heartbeat(self, signer: Signer, now: datetime) -> None:
        """Make sure, before anything is written, that a key may sign the timestamp, and that the root still holds.

        Raises:
            TrustError: it may not, or the root has expired.
        """
        if signer.public_key.keyid not in self.root.roles[Timestamp.type].keyids:
            raise TrustError(
                "this key may not sign the timestamp: it is not the heartbeat key of this repository's root",
                hint="give the key that `avtech keys init` wrote as heartbeat.pem, or `avtech keys rotate heartbeat` since",
            )
        self._check_holds("root", self.root.expires, now)

    def check_publisher(self, signer: Signer, now: datetime) -> None:
        """Make sure, before anything is written, that a key may publish, and that what was signed offline still holds.

        Raises:
            TrustError: the key may not sign bins, snapshot and timestamp, or root or targets have expired.
        """
        keyid = signer.public_key.keyid
        missing = [role for role in (Snapshot.type, Timestamp.type) if keyid not in self.root.roles[role].keyids]
        if keyid not in self.bins(self.newest).keyids:
            missing.append("the bins")
        if missing:
            raise TrustError(
                f"this key may not sign {', '.join(missing)}: it is not the publish key of this repository's root",
                hint="give the key that `avtech keys init` wrote as publish.pem, or `avtech keys rotate publish` since",
            )
        self._check_holds("root", self.root.expires, now)
        self._check_holds("targets", self.delegations[self.newest].targets.expires, now)

    @staticmethod
    def _check_holds(what: str, expires: datetime, now: datetime) -> None:
        if expires <= now:
            raise TrustError(
                f"the {what} metadata in trust/ expired at {expires:%Y-%m-%d}",
                hint=f"`avtech keys rotate {what}` writes it anew for its key holders to sign",
            )


def load_anchor(repo: Path, commit: CommitId | None = None) -> Anchor:
    """Read and verify `trust/` of a desired-state repository, as the work tree or as a commit has it; what still lacks
    signatures is not used yet.

    Raises:
        ConfigurationError: it is missing, or cannot be read.
        TrustError: it has a gap, or a signature does not hold.
    """
    anchor = anchor_of(read_folder(repo, commit))
    for file in anchor.waiting:
        _LOG.warning("%s does not count yet: it waits for signatures (`avtech keys doctor`)", file)
    return anchor


def anchor_of(folder: Folder) -> Anchor:
    """The anchor that a folder holds: what is in force of it."""
    chain = tuple(metadata.signed for metadata in folder.roots)
    roots = tuple(folder.data[Root.type, root.version] for root in chain)
    return Anchor(roots, chain, folder.delegations, folder.waiting)
