"""How one look for a release ended, and what fails until it succeeds."""

from dataclasses import dataclass
from enum import StrEnum

from avtech_schema.errors import AvtechError, EnvironmentFailedError
from avtech_schema.report import ReleaseRef


class UnseenError(EnvironmentFailedError):
    """A release could not be tried, for want of a display; it waits until there are pictures."""


class OutcomeKind(StrEnum):
    """How one look for a release ended, and what fails until it succeeds."""

    UNCHANGED = "unchanged"
    """There is nothing to do."""
    STAGED = "staged"
    """A release lies on the disk; its trial comes when the player runs."""
    APPLIED = "applied"
    """A release passed its trial and plays."""
    REFUSED = "refused"
    """A release failed and is quarantined; what played before plays."""
    FAILED = "failed"
    """The store, the network, the disk or a signature failed; it will be tried again."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a look for a release; `error` is what failed, `ref` the release that it was about."""

    kind: OutcomeKind
    ref: ReleaseRef | None = None
    error: AvtechError | None = None


@dataclass(slots=True)
class Troubles:
    """What failed last and has not succeeded since, by what it was about; each a line for a human, or None."""

    release: str | None = None
    disk: str | None = None
    signing: str | None = None
    doubt: str | None = None
    clip: str | None = None
    stage: str | None = None

    def hindering(self, blindness: str) -> str | None:
        """What keeps the player from doing its work; `blindness` is why nothing can be shown."""
        return self.release or self.disk or blindness or self.signing

    def last(self, blindness: str) -> str | None:
        """What to tell of, all in all."""
        return self.hindering(blindness) or self.doubt or self.stage or self.clip
