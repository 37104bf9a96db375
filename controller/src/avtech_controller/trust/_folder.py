"""Reads `trust/` of a desired-state repository: which metadata has all signatures that it needs, and which still waits."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuf.api.metadata import Metadata, Root, Targets

from avtech_controller.desired.history import folder_at
from avtech_controller.trust._metadata import MAX_ROOT_BYTES, MAX_TARGETS_BYTES, parse, verify
from avtech_schema.errors import ConfigurationError, TrustError
from avtech_schema.identifiers import CommitId

TRUST_FOLDER = "trust"
_FILE = re.compile(r"([1-9][0-9]{0,8})\.(root|targets)\.json")
_LIMITS = {Root.type: MAX_ROOT_BYTES, Targets.type: MAX_TARGETS_BYTES}
_HINT = "`avtech keys init` writes trust/ once; commit it"


def trust_file(role: str, version: int) -> str:
    """The name of a file in a repository, for example `trust/2.root.json`."""
    return f"{TRUST_FOLDER}/{version}.{role}.json"


@dataclass(frozen=True, slots=True)
class Signed:
    """One file of signed metadata: its exact bytes, and what they say."""

    data: bytes
    targets: Targets


@dataclass(frozen=True, slots=True)
class Folder:
    """What `trust/` holds: the roots in force, oldest first, the targets metadata by version, and what waits for signatures.

    A root that is signed waits all the same until there is targets metadata that its keys signed: players who know that
    root would believe no other.
    """

    data: Mapping[tuple[str, int], bytes]
    roots: tuple[Metadata[Root], ...]
    delegations: Mapping[int, Signed]
    waiting_root: Metadata[Root] | None
    waiting_targets: Metadata[Targets] | None

    @property
    def waiting(self) -> tuple[str, ...]:
        """The files that are not in force yet."""
        found = ((Root.type, self.waiting_root), (Targets.type, self.waiting_targets))
        return tuple(trust_file(role, metadata.signed.version) for role, metadata in found if metadata is not None)


def read_folder(repo: Path, commit: CommitId | None = None) -> Folder:
    """Read and verify `trust/` of the work tree, or that of a commit.

    Raises:
        ConfigurationError: it is missing, cannot be read, or lies outside of the repository by a symbolic link.
        TrustError: it has a gap, or a signature does not hold where it must.
    """
    data = _files(repo) if commit is None else _committed_files(repo, commit)
    roots, waiting_root = _root_chain({version: found for (role, version), found in data.items() if role == Root.type})
    parsed = {version: _targets(version, found) for (role, version), found in sorted(data.items()) if role == Targets.type}
    if not parsed:
        raise TrustError("trust/ has no targets metadata", hint=_HINT)
    newest = max(parsed)
    while True:
        waiting_targets = None if _holds(roots[-1].signed, parsed[newest]) else parsed[newest]
        in_force = [version for version in parsed if version != newest or waiting_targets is None]
        if in_force and _holds(roots[-1].signed, parsed[in_force[-1]]):
            break
        if len(roots) == 1 or waiting_root is not None:
            verify(roots[-1].signed, Targets.type, parsed[newest], trust_file(Targets.type, newest))
        waiting_root = roots.pop()
    chain = tuple(metadata.signed for metadata in roots)
    delegations: dict[int, Signed] = {}
    for version in in_force:
        verify_by_any(chain, Targets.type, parsed[version], trust_file(Targets.type, version))
        delegations[version] = Signed(data[Targets.type, version], parsed[version].signed)
    return Folder(data, tuple(roots), delegations, waiting_root, waiting_targets)


def verify_by_any(roots: Sequence[Root], role: str, metadata: Metadata[Any], what: str) -> None:
    """Check that the keys of one of some roots signed, the newest first.

    Raises:
        TrustError: those of none did.
    """
    for root in reversed(roots[1:]):
        with suppress(TrustError):
            verify(root, role, metadata, what)
            return
    verify(roots[0], role, metadata, what)


def _files(repo: Path) -> dict[tuple[str, int], bytes]:
    folder, found = repo / TRUST_FOLDER, dict[tuple[str, int], bytes]()
    try:
        home = repo.resolve()
        for path in folder.iterdir():
            if match := _FILE.fullmatch(path.name):
                if not path.resolve().is_relative_to(home):
                    raise ConfigurationError(f"{path} lies outside of the repository by a symbolic link", hint=_HINT)
                with path.open("rb") as stream:
                    found[match[2], int(match[1])] = stream.read(_LIMITS[match[2]] + 1)
    except FileNotFoundError as error:
        raise ConfigurationError(f"{folder} is missing: nobody can say whose signatures count", hint=_HINT) from error
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be read: {error.strerror}", hint=_HINT) from error
    return _within_limits(found)


def _committed_files(repo: Path, commit: CommitId) -> dict[tuple[str, int], bytes]:
    found = folder_at(repo, commit, TRUST_FOLDER, limit=max(_LIMITS.values()))
    if found is None:
        raise ConfigurationError(
            f"commit {commit[:12]} has no trust/: nobody can say whose signatures count",
            hint="commit trust/, which `avtech keys init` writes",
        )
    matches = ((_FILE.fullmatch(name), data) for name, data in found.items())
    return _within_limits({(match[2], int(match[1])): data for match, data in matches if match})


def _within_limits(found: dict[tuple[str, int], bytes]) -> dict[tuple[str, int], bytes]:
    for (role, version), data in found.items():
        if len(data) > _LIMITS[role]:
            raise TrustError(f"{trust_file(role, version)} is too large")
    return found


def _root_chain(files: Mapping[int, bytes]) -> tuple[list[Metadata[Root]], Metadata[Root] | None]:
    """Every root is signed by itself and by the one before it, none is missing; only the newest may still lack signatures."""
    if not files or set(files) != set(range(1, len(files) + 1)):
        raise TrustError("trust/ must hold 1.root.json and every version after it", hint=_HINT)
    chain: list[Metadata[Root]] = []
    for version in range(1, len(files) + 1):
        what = trust_file(Root.type, version)
        metadata = parse(files[version], Root, what)
        _check_version(metadata, version, what)
        delegators = [*chain[-1:], metadata]
        if version == len(files) > 1 and not all(_holds(delegator.signed, metadata) for delegator in delegators):
            return chain, metadata
        for delegator in delegators:
            verify(delegator.signed, Root.type, metadata, what)
        chain.append(metadata)
    return chain, None


def _targets(version: int, data: bytes) -> Metadata[Targets]:
    what = trust_file(Targets.type, version)
    metadata = parse(data, Targets, what)
    _check_version(metadata, version, what)
    return metadata


def _check_version(metadata: Metadata[Any], version: int, what: str) -> None:
    if metadata.signed.version != version:
        raise TrustError(f"{what} says that it is version {metadata.signed.version}")


def _holds(delegator: Root, metadata: Metadata[Any]) -> bool:
    role = metadata.signed.type
    try:
        verify(delegator, role, metadata, role)
    except TrustError:
        return False
    return True
