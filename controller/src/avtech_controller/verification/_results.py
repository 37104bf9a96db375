"""What a verification found."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from avtech_controller.verification._difference import Difference
from avtech_schema.identifiers import ByteSize, CommitId, ScreenId
from avtech_schema.release import ReleaseKind


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that does not hold (`unproven`: that cannot be told here), in which release, and on which screen."""

    release: int
    message: str
    screen: ScreenId | None = None
    difference: Difference | None = None
    unproven: bool = False


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a release comes from, as its signed record says: what, of which commit, when (RFC 3339, UTC), by whom."""

    sequence: int
    kind: ReleaseKind
    commit: CommitId
    time: str
    publisher: str


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome: which releases were looked at and where they come from, how much was proven, and every problem.

    `manifests` were recompiled and found to be the released bytes; of these, `gone` are not in the store any more, which
    retention allows for what is not on air. `assets` were hashed; `assets_gone` likewise are not there any more.
    """

    head: int
    releases: tuple[int, ...]
    manifests: int = 0
    gone: int = 0
    removals: int = 0
    assets: int = 0
    asset_bytes: ByteSize = ByteSize(0)
    assets_gone: int = 0
    provenance: int = 0
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    origins: tuple[Origin, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether something does not hold."""
        return any(not problem.unproven for problem in self.problems)

    @property
    def unproven(self) -> bool:
        """Whether something could neither be proven nor refuted."""
        return any(problem.unproven for problem in self.problems)


@dataclass(slots=True)
class Tally:
    """A verification in the making."""

    manifests: int = 0
    gone: int = 0
    removals: int = 0
    provenance: int = 0
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def note(self, notes: Iterable[str]) -> None:
        """Add notes that were not made yet."""
        self.notes += [note for note in notes if note not in self.notes]
