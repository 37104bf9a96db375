"""What is released: the verified head of the chain, as values that a plan compares with."""

from collections.abc import Mapping
from dataclasses import dataclass

from avtech_schema.identifiers import ByteSize, ClientId, CommitId, ScreenId, Sha256


@dataclass(frozen=True, slots=True)
class ReleasedScreen:
    """One screen's released manifest: its digest and size, the commit it came from, the release that last changed it."""

    screen: ScreenId
    client: ClientId
    digest: Sha256
    size: ByteSize
    commit: CommitId
    release: int


@dataclass(frozen=True, slots=True)
class Released:
    """The released head: its record's sequence, commit and digest, and every screen's manifest."""

    sequence: int
    commit: CommitId
    digest: Sha256
    screens: Mapping[ScreenId, ReleasedScreen]
