"""How much of the past stays, and which releases that means. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from avtech_schema.identifiers import Sha256
from avtech_schema.release import ReleaseRecord


@dataclass(frozen=True, slots=True)
class Policy:
    """The newest `releases`, and all that were released or on air in the last `days`, stay; so does what is younger."""

    releases: int
    days: int

    def cutoff(self, now: datetime) -> datetime:
        """What was written after this stays."""
        return now - timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class Kept:
    """The manifests of the kept releases, but for those on air now, and the number of these releases."""

    digests: frozenset[Sha256]
    releases: int


def kept_releases(records: Iterable[ReleaseRecord], policy: Policy, now: datetime) -> Kept:
    """What the kept releases had; `records` come from the newest on, and are read no further than it takes.

    A release was on air until the next one. What a rollout that is not over planned, or would go back to, is kept too.
    """
    cutoff = policy.cutoff(now)
    found: set[Sha256 | None] = set()
    releases, begun, replaced = 0, 0, now
    for place, record in enumerate(records):
        if place == 0 and record.rollout:
            begun = record.rollout.begun.sequence if record.rollout.begun else record.sequence
        if place < policy.releases or replaced >= cutoff:
            releases += 1
        elif record.sequence < begun or not begun:
            break
        replaced = datetime.fromisoformat(record.time)
        found |= {change.new for change in record.changes}
        if place + 1 < policy.releases or replaced >= cutoff:
            found |= {change.old for change in record.changes}
        if record.rollout and record.rollout.plan:
            found |= {digest for plan in record.rollout.plan.screens for digest in (plan.new.digest, plan.good.digest)}
    return Kept(frozenset(digest for digest in found if digest is not None), releases)
