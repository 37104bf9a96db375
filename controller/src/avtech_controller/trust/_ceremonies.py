"""Writes the next root and targets metadata into `trust/`, unsigned, and adds signatures; nothing in force is touched."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from securesystemslib.signer import Signer
from tuf.api.metadata import Root, Targets

from avtech_controller import durable
from avtech_controller.trust._ceremony import bin_bits
from avtech_controller.trust._collect import Waiting, add_signature, waiting_files
from avtech_controller.trust._folder import read_folder, trust_file
from avtech_controller.trust._metadata import parse
from avtech_controller.trust._rotation import Duty, KeyChange, keys_for, next_root, next_targets
from avtech_schema.errors import ConfigurationError, EnvironmentFailedError, TrustError


@dataclass(frozen=True, slots=True)
class Rotation:
    """What is to change: keys by duty, what is signed anew for another year, and how many screens the bins are sized for."""

    changes: Mapping[Duty, KeyChange]
    renew: frozenset[Duty] = frozenset()
    screens: int | None = None

    @property
    def needs_root(self) -> bool:
        """Whether a new root says it."""
        return bool(self.changes) or Duty.ROOT in self.renew

    @property
    def needs_targets(self) -> bool:
        """Whether new targets metadata says it: it names the publish keys, and its own keys sign it."""
        return bool({Duty.PUBLISH, Duty.TARGETS} & self.changes.keys()) or Duty.TARGETS in self.renew or bool(self.screens)


def begin_rotation(repo: Path, rotation: Rotation, *, expires: datetime) -> tuple[Waiting, ...]:
    """Write the next metadata without signatures; returns what then waits for them.

    Raises:
        ConfigurationError: the change makes no sense, or an earlier one still waits.
        TrustError: trust/ does not hold.
        EnvironmentFailedError: a file cannot be written.
    """
    folder = read_folder(repo)
    if folder.waiting:
        raise ConfigurationError(
            f"{folder.waiting[0]} still waits for signatures",
            hint="finish it with `avtech keys sign`, or delete the file to give it up",
        )
    root = folder.roots[-1].signed
    files: dict[str, bytes] = {}
    if rotation.needs_root:
        data = next_root(root, rotation.changes, expires=expires)
        files[trust_file(Root.type, root.version + 1)] = data
        root = parse(data, Root, "the next root").signed
    if rotation.needs_targets:
        version = max(folder.delegations)
        files[trust_file(Targets.type, version + 1)] = next_targets(
            folder.delegations[version].targets,
            keys_for(root, Duty.PUBLISH),
            version=version + 1,
            expires=expires,
            bits=bin_bits(rotation.screens) if rotation.screens else None,
        )
    for name, data in files.items():
        with _written(repo / name) as path:
            durable.create_file(path, [data])
    return waiting_files(read_folder(repo))


def sign_waiting(repo: Path, signer: Signer) -> tuple[str, ...]:
    """Add a key's signature to everything in `trust/` that waits for it; returns these files, none if nothing waits for it
    any more.

    Raises:
        TrustError: the key's signature counts nowhere here, or it failed.
        EnvironmentFailedError: a file cannot be written.
    """
    waiting = waiting_files(read_folder(repo))
    keyid = signer.public_key.keyid
    wanted = [one for one in waiting if keyid in {key.keyid for key in one.holders}]
    if waiting and not wanted and not any(one.is_signed_by(keyid) for one in waiting):
        what = ", ".join(one.file for one in waiting)
        raise TrustError(
            f"this key's signature does not count for {what}", hint="`avtech keys doctor` lists the keys and what they may do"
        )
    for one in wanted:
        data = add_signature(one, signer)
        with _written(repo / one.file) as path:
            durable.replace_file(path, data)
    return tuple(one.file for one in wanted)


@contextmanager
def _written(path: Path) -> Generator[Path, None, None]:
    try:
        yield path
    except FileExistsError as error:
        raise ConfigurationError(f"{path} exists already; trust is never overwritten") from error
    except OSError as error:
        raise EnvironmentFailedError(f"{path} cannot be written: {error.strerror}") from error
