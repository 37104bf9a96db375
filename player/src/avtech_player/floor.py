"""The floor below which nothing is accepted: the highest metadata versions and signed time seen, in two copies."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from avtech_player.clock import parse_instant, spell
from avtech_player.durable import DiskError, NotAFileError, TooLargeError, read_bounded, replace_atomically
from avtech_schema.canonical import canonical_bytes, sha256_hex
from avtech_schema.errors import TrustError
from avtech_schema.fields import Fields, FieldsError
from avtech_schema.identifiers import sha256

MAX_FLOOR_BYTES = 256_000
_COPIES = ("floor-a.json", "floor-b.json")


class RollbackError(TrustError):
    """The store offers metadata older than what this player has seen: a replay, or a store restored from a backup."""

    hint = "publish again; versions only rise"


@dataclass(frozen=True, slots=True)
class Role:
    """A metadata role: its version, and the keys that may sign it (sorted key ids)."""

    version: int
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Floor:
    """The highest versions seen by role, the highest signed time, and when the last timestamp expires.

    `count` rises with every change and tells the newer of two copies.
    """

    roles: Mapping[str, Role] = field(default_factory=dict)
    signed: datetime | None = None
    expiry: datetime | None = None
    count: int = 0

    def accept(self, roles: Mapping[str, Role], *, signed: datetime | None, expiry: datetime) -> "Floor":
        """Raise the floor to verified metadata; a role whose keys a verified new root rotated starts anew.

        With the snapshot's keys all versions start anew that only a snapshot vouched for: those of targets and of bins.
        That is how a repository recovers whose snapshot key was stolen and made versions leap (TUF 5.3.11).

        Raises:
            RollbackError: a version is lower than one that was seen.
        """
        kept = dict(self.roles)
        recovers = "snapshot" in kept and "snapshot" in roles and kept["snapshot"].keys != roles["snapshot"].keys
        for name, role in roles.items():
            seen = kept.get(name)
            holds = seen is not None and role.keys == seen.keys and not (recovers and name not in ("root", "timestamp"))
            if seen is not None and holds and role.version < seen.version:
                raise RollbackError(f"the store offers {name} version {role.version}; version {seen.version} was seen")
            kept[name] = role
        times = [at for at in (self.signed, signed) if at is not None]
        return Floor(kept, max(times, default=None), expiry, self.count + 1)


def load_floor(directory: Path) -> Floor:
    """Read the floor: the newer of the two copies that are whole, so that one damaged copy does not lower it.

    Raises:
        DiskError: a copy cannot be read, and there is no other: what was seen is not known.
    """
    floor = Floor()
    unread: DiskError | None = None
    for name in _COPIES:
        try:
            data = read_bounded(directory / name, limit=MAX_FLOOR_BYTES)
            copy = floor if data is None else _parse(data)
        except (FieldsError, TooLargeError, NotAFileError):
            continue
        except DiskError as error:
            unread = error
            continue
        if copy.count > floor.count:
            floor = copy
    if unread is not None and floor.count == 0:
        raise unread
    return floor


def save_floor(directory: Path, floor: Floor) -> None:
    """Write both copies, one after the other.

    Raises:
        DiskError: the disk refused; one copy at least is whole.
    """
    data = _floor_bytes(floor)
    for name in _COPIES:
        replace_atomically(directory / name, data, ours=True)


def mend_floor(directory: Path) -> Floor:
    """Read the floor, and write anew a copy that is damaged or older, as far as the disk allows: two are one in reserve.

    Raises:
        DiskError: the disk cannot be read.
    """
    floor = load_floor(directory)
    data = _floor_bytes(floor)
    for name in _COPIES if floor.count else ():
        with contextlib.suppress(TooLargeError, DiskError):
            if read_bounded(directory / name, limit=MAX_FLOOR_BYTES) == data:
                continue
        with contextlib.suppress(DiskError):
            replace_atomically(directory / name, data, ours=True)
    return floor


def _floor_bytes(floor: Floor) -> bytes:
    body = canonical_bytes(
        {
            "count": floor.count,
            "roles": {name: {"version": role.version, "keys": list(role.keys)} for name, role in floor.roles.items()},
            "signed": spell(floor.signed) if floor.signed else None,
            "expiry": spell(floor.expiry) if floor.expiry else None,
        }
    )
    return b'{"checksum":"' + sha256_hex(body).encode() + b'","floor":' + body + b"}\n"


def _parse(data: bytes) -> Floor:
    fields = Fields.parse(data, "floor")
    checksum = fields.one("checksum", sha256)
    body = fields.take("floor")
    try:
        matches = sha256_hex(canonical_bytes(body)) == checksum
    except ValueError as error:
        raise FieldsError(f"floor: {error}") from error
    if not matches:
        raise FieldsError("floor: the checksum does not fit")
    inner = Fields(body, "floor")
    roles: dict[str, Role] = {}
    for name, value in inner.mapping("roles").items():
        role = Fields(value, f"floor: {name}")
        roles[name] = Role(role.integer("version", low=1), role.texts("keys", str))
    floor = Floor(
        roles,
        signed=inner.optional("signed", parse_instant),
        expiry=inner.optional("expiry", parse_instant),
        count=inner.integer("count", low=1),
    )
    inner.finish()
    return floor
