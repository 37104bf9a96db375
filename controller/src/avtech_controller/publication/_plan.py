"""A plan: what one publication would change, whole before the first write."""

from dataclasses import dataclass
from enum import StrEnum

from avtech_schema.identifiers import ByteSize, ClientId, CommitId, ScreenId, Sha256


class ChangeKind(StrEnum):
    """What happens to a screen."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class ScreenChange:
    """One screen's step. `details` are lines such as `+ rule lobby/3`; `download` the bytes its player has to fetch."""

    kind: ChangeKind
    screen: ScreenId
    client: ClientId
    old: Sha256 | None
    new: Sha256 | None
    details: tuple[str, ...]
    download: ByteSize
    emergency_only: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What a publication of `commit` would change on top of what is released (None: nothing yet)."""

    commit: CommitId
    base_sequence: int | None
    base_commit: CommitId | None
    changes: tuple[ScreenChange, ...]
    released_screens: int
    wanted_screens: int
