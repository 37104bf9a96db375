"""The trust anchor: public metadata signed offline and committed, `trust/N.root.json` and `trust/N.targets.json`."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from securesystemslib.signer import Key, Signer
from tuf.api.metadata import Metadata, Root, Snapshot, SuccinctRoles, Targets, Timestamp

from avtech_controller.trust._metadata import BINS, MAX_ROOT_BYTES, MAX_TARGETS_BYTES, parse, verify
from avtech_schema.errors import TrustError

TRUST_FOLDER = "trust"
_FILE = re.compile(r"([1-9][0-9]{0,8})\.(root|targets)\.json")
_HINT = "`avtech keys init` writes trust/ once; commit it"


@dataclass(frozen=True, slots=True)
class Signed:
    """One file of signed metadata: its exact bytes, and what they say."""

    data: bytes
    targets: Targets


@dataclass(frozen=True, slots=True)
class Anchor:
    """The verified chain of roots, oldest first, as bytes and as values, and every version of the targets metadata."""

    roots: tuple[bytes, ...]
    chain: tuple[Root, ...]
    delegations: Mapping[int, Signed]

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
        _verify_by_any(self.chain, role, metadata, what)

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
                hint="give the key that `avtech keys init` wrote as publish.pem",
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


def load_anchor(repo: Path) -> Anchor:
    """Read and verify `trust/` of a desired-state repository.

    Raises:
        TrustError: it is missing, has a gap, or a signature does not hold.
    """
    files = _files(repo / TRUST_FOLDER)
    roots = _root_chain({version: data for (role, version), data in files.items() if role == Root.type})
    chain = tuple(metadata.signed for metadata in roots)
    versions = sorted(version for role, version in files if role == Targets.type)
    if not versions:
        raise TrustError("trust/ has no targets metadata", hint=_HINT)
    delegations = {
        version: _delegation(chain[-1:] if version == versions[-1] else chain, version, files[Targets.type, version])
        for version in versions
    }
    return Anchor(tuple(files[Root.type, version] for version in range(1, len(roots) + 1)), chain, delegations)


def _files(folder: Path) -> dict[tuple[str, int], bytes]:
    limits = {Root.type: MAX_ROOT_BYTES, Targets.type: MAX_TARGETS_BYTES}
    found: dict[tuple[str, int], bytes] = {}
    try:
        for path in folder.iterdir():
            if match := _FILE.fullmatch(path.name):
                role = match[2]
                with path.open("rb") as stream:
                    data = stream.read(limits[role] + 1)
                if len(data) > limits[role]:
                    raise TrustError(f"{path} is too large")
                found[role, int(match[1])] = data
    except FileNotFoundError as error:
        raise TrustError(f"{folder} is missing: nobody can say whose signatures count", hint=_HINT) from error
    except OSError as error:
        raise TrustError(f"{folder} cannot be read: {error.strerror}") from error
    return found


def _root_chain(files: Mapping[int, bytes]) -> list[Metadata[Root]]:
    """Every root is signed by itself and by the one before it; none is missing."""
    if not files or set(files) != set(range(1, len(files) + 1)):
        raise TrustError("trust/ must hold 1.root.json and every version after it", hint=_HINT)
    chain: list[Metadata[Root]] = []
    for version in range(1, len(files) + 1):
        what = f"trust/{version}.root.json"
        metadata = parse(files[version], Root, what)
        if metadata.signed.version != version:
            raise TrustError(f"{what} says that it is version {metadata.signed.version}")
        for delegator in [*chain[-1:], metadata]:
            verify(delegator.signed, Root.type, metadata, what)
        chain.append(metadata)
    return chain


def _delegation(roots: Sequence[Root], version: int, data: bytes) -> Signed:
    """The newest version counts by the current root alone; an older one may be signed by the keys of its time."""
    what = f"trust/{version}.targets.json"
    metadata = parse(data, Targets, what)
    if metadata.signed.version != version:
        raise TrustError(f"{what} says that it is version {metadata.signed.version}")
    _verify_by_any(roots, Targets.type, metadata, what)
    return Signed(data, metadata.signed)


def _verify_by_any(roots: Sequence[Root], role: str, metadata: Metadata[Any], what: str) -> None:
    for root in reversed(roots[1:]):
        with suppress(TrustError):
            verify(root, role, metadata, what)
            return
    verify(roots[0], role, metadata, what)
