"""The collection: finds what nothing needs, marks it in one run, and removes in a later one what is marked long enough."""

import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from avtech_controller.desired import DesiredState
from avtech_controller.parallel import in_parallel
from avtech_controller.publication import Head, Progress, read_head, release_chain
from avtech_controller.retention._candidates import PREFIXES, candidates
from avtech_controller.retention._mark import LEASE, MAX_MARK_BYTES, MAX_MARKED, Claim, Mark, Marked, parse_mark
from avtech_controller.retention._needs import needs
from avtech_controller.retention._policy import Policy, kept_releases
from avtech_controller.retention._reports import Reported, read_reported
from avtech_controller.retention._spare import read_mark, write_mark
from avtech_controller.stores import ETag, Listed, NotModified, ObjectStore, PreconditionFailedError, StoreError
from avtech_controller.trust import Anchor
from avtech_schema.errors import AvtechError, ConfigurationError
from avtech_schema.identifiers import ByteSize, ScreenId
from avtech_schema.layout import MARK_KEY

__all__ = ["Collected", "Collector", "Found", "Policy"]

_BATCH = 64
_ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class Found:
    """What a look at the store found: all that is not needed, and of that what is marked long enough to be removed now."""

    unneeded: tuple[Listed, ...]
    due: frozenset[str]
    kept_releases: int
    listed: int
    reports: int
    doubtful: Mapping[ScreenId, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Collected:
    """What a run did: objects and bytes removed, objects marked now, and those that changed or were wanted meanwhile."""

    found: Found
    removed: int = 0
    removed_bytes: ByteSize = ByteSize(0)
    marked: int = 0
    skipped: int = 0
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Collector:
    """Everything that a collection stands on. `state` is the desired state of a commit that includes what is released.

    `device_keys` verify reports; `clock` gives the time in UTC; `check_order` raises when the state is older than the head.
    """

    store: ObjectStore
    report_store: ObjectStore
    anchor: Anchor
    state: DesiredState
    device_keys: Mapping[ScreenId, str]
    policy: Policy
    grace: timedelta
    check_order: Callable[[Head], None]
    clock: Callable[[], datetime]
    progress: Progress
    without_reports: bool = False

    def look(self) -> Found:
        """Find what is not needed; nothing is written.

        Raises:
            ConfigurationError: nothing is released.
            TrustError: something does not verify.
            StoreError, StoreConfigurationError: the store failed, or its answers cannot be whole.
        """
        mark, _ = read_mark(self.store)
        return self._look(mark)

    def run(self) -> Collected:
        """Remove what is marked long enough and still not needed, then mark what is not needed now.

        Raises:
            ConfigurationError: nothing is released, or nobody ever reported here.
            TrustError, StoreError, StoreConfigurationError: as for `look`; or another run is removing.
        """
        mark, etag = self._claim(*read_mark(self.store))
        claim = mark.claim
        try:
            found = self._look(mark)
            if found.reports == 0 and not self.without_reports:
                raise ConfigurationError(
                    "no screen has ever reported to this store, so nobody knows what the screens show",
                    hint="give --report-store URL if they report elsewhere, or --without-reports if none does",
                )
        except AvtechError:
            with suppress(AvtechError):
                self._give_back(mark, etag)
            raise
        work = [mark.objects[entry.key] for entry in found.unneeded if claim and entry.key in claim.keys]
        sweep = _Sweep(self.store, claim, etag, self.clock)
        sweep.remove(work, self.progress)
        left = [entry for entry in found.unneeded if entry.key not in sweep.removed]
        marked = self._mark(left, claim)
        size = sum(entry.size for entry in work if entry.key in sweep.removed)
        return Collected(found, len(sweep.removed), ByteSize(size), marked, len(work) - len(sweep.removed), sweep.stopped)

    def _look(self, mark: Mark) -> Found:
        """The mark is read before the head: what is released after it cannot be in what was claimed."""
        now = self.clock()
        head = read_head(self.store, self.anchor)
        if head is None:
            raise ConfigurationError(f"nothing is released in {self.store.url}: there is nothing to compare with")
        self.check_order(head)
        chain = (record for _, record in release_chain(self.store, head.metadata.pointer, self.anchor.publishers))
        kept = kept_releases(chain, self.policy, now)
        reported = self._reported(head)
        listed = [entry for prefix in PREFIXES for entry in self.store.listing(prefix)]
        needed = needs(
            self.store,
            head,
            {entry.key for entry in listed},
            digests=kept.digests | reported.digests,
            screens=frozenset(reported.doubtful),
            state=self.state,
            progress=self.progress,
        )
        cutoff = self.policy.cutoff(now)
        wanted = {key for key, time in mark.spared.items() if time >= cutoff}
        unneeded = tuple(entry for entry in candidates(listed, needed, cutoff=cutoff) if entry.key not in wanted)
        due = frozenset(_due(mark, now, self.grace)).intersection(entry.key for entry in unneeded)
        return Found(unneeded, due, kept.releases, len(listed), reported.reports, reported.doubtful)

    def _reported(self, head: Head) -> Reported:
        screens = [(screen.client, screen.screen) for screen in head.released.screens.values()]
        return read_reported(self.report_store, screens, self.device_keys)

    def _claim(self, mark: Mark, etag: ETag | None) -> tuple[Mark, ETag | None]:
        """Claim what is due, so that no writer reuses it from now on."""
        for _ in range(_ATTEMPTS):
            now = self.clock()
            if mark.claim and now - mark.claim.time < LEASE:
                raise StoreError(
                    f"another run has been removing objects from {self.store.url} since {mark.claim.time:%Y-%m-%d %H:%M} UTC",
                    hint="run again when it is done, or an hour after it died",
                )
            unfinished = mark.claim.keys if mark.claim else frozenset[str]()
            due = frozenset(_due(mark, now, self.grace)) | (unfinished & mark.objects.keys())
            if not due and mark.claim is None:
                return mark, etag
            claimed = replace(mark, claim=Claim(secrets.token_hex(16), now, due) if due else None)
            try:
                return claimed, write_mark(self.store, claimed, etag)
            except PreconditionFailedError:
                mark, etag = read_mark(self.store)
        raise StoreError(f"the mark in {self.store.url} changed {_ATTEMPTS} times meanwhile")

    def _give_back(self, mark: Mark, etag: ETag | None) -> None:
        """Give a claim up with nothing removed, unless somebody changed the mark since."""
        if mark.claim:
            write_mark(self.store, replace(mark, claim=None), etag)

    def _mark(self, unneeded: Iterable[Listed], claim: Claim | None) -> int:
        """Write what is not needed as the new mark; what was marked before and still is keeps its time."""
        chosen = list(unneeded)[:MAX_MARKED]
        etags = dict(zip([entry.key for entry in chosen], self._etags(chosen), strict=True))
        for _ in range(_ATTEMPTS):
            mark, etag = read_mark(self.store)
            if mark.claim and (claim is None or mark.claim.token != claim.token):
                return 0  # another run took over, and marks when it is done
            now = self.clock()
            spared = {key: time for key, time in mark.spared.items() if time >= self.policy.cutoff(now)}
            fresh = Mark(dict(_marks(mark, [entry for entry in chosen if entry.key not in spared], etags, now)), spared)
            if fresh == mark:
                return 0
            try:
                write_mark(self.store, fresh, etag)
            except PreconditionFailedError:
                continue
            return len(fresh.objects.keys() - mark.objects.keys())
        raise StoreError(f"the mark in {self.store.url} changed {_ATTEMPTS} times meanwhile")

    def _etags(self, entries: Collection[Listed]) -> list[ETag | None]:
        return self.store.etags([entry.key for entry in entries], done=self.progress("marking", len(entries)))


@dataclass(slots=True)
class _Sweep:
    """Removes claimed objects for as long as the claim is surely its own."""

    store: ObjectStore
    claim: Claim | None
    seen: ETag | None
    """The mark that holds the claim, as it was last seen."""
    clock: Callable[[], datetime]
    removed: set[str] = field(default_factory=set)
    stopped: bool = False

    def remove(self, work: list[Marked], progress: Progress) -> None:
        done = progress("removing", len(work))
        for start in range(0, len(work), _BATCH):
            if not self._still_ours():
                self.stopped = True
                return
            batch = work[start : start + _BATCH]
            gone = in_parallel(self._remove, batch, done=done)
            self.removed |= {entry.key for entry, was in zip(batch, gone, strict=True) if was}

    def _remove(self, entry: Marked) -> bool:
        if not self._in_time():
            self.stopped = True
            return False
        try:
            return self.store.delete(entry.key, etag=entry.etag)
        except PreconditionFailedError:
            return False

    def _in_time(self) -> bool:
        return self.claim is not None and self.clock() - self.claim.time < LEASE / 2

    def _still_ours(self) -> bool:
        if self.claim is None or not self._in_time():
            return False
        found = self.store.get(MARK_KEY, limit=MAX_MARK_BYTES, if_none_match=self.seen)
        if isinstance(found, NotModified):
            return True
        if found is None:
            return False
        mark, self.seen = parse_mark(found.data), found.etag
        return mark.claim is not None and mark.claim.token == self.claim.token


def _marks(
    mark: Mark, unneeded: Iterable[Listed], etags: Mapping[str, ETag | None], now: datetime
) -> Iterator[tuple[str, Marked]]:
    for entry in unneeded:
        etag, before = etags[entry.key], mark.objects.get(entry.key)
        if etag is not None:
            since = before.since if before and before.etag == etag else now
            yield entry.key, Marked(entry.key, etag, entry.size, since)


def _due(mark: Mark, now: datetime, grace: timedelta) -> Iterable[str]:
    return (key for key, entry in mark.objects.items() if now - entry.since >= grace)
