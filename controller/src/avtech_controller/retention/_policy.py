"""How much of the past stays, and which releases that means. Pure."""

from collections.abc import Iterable, Iterator
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


def kept_records(records: Iterable[ReleaseRecord], policy: Policy, now: datetime) -> Iterator[ReleaseRecord]:
    """The records of the kept releases, from the newest on, as far as the one that began the newest's rollout at least."""
    cutoff = policy.cutoff(now)
    begun = 0
    for place, record in enumerate(records):
        if place == 0 and record.rollout and record.rollout.begun:
            begun = record.rollout.begun.sequence
        by_number, by_time = place < policy.releases, datetime.fromisoformat(record.time) >= cutoff
        if not (by_number or by_time or record.sequence >= begun > 0):
            return
        yield record


def kept_digests(records: Iterable[ReleaseRecord]) -> frozenset[Sha256]:
    """The manifests that kept releases brought or planned, and those that they replaced or would go back to."""
    found: set[Sha256 | None] = set()
    for record in records:
        for change in record.changes:
            found |= {change.old, change.new}
        if record.rollout and record.rollout.plan:
            for planned in record.rollout.plan.screens:
                found |= {planned.new.digest, planned.good.digest}
    return frozenset(digest for digest in found if digest is not None)
