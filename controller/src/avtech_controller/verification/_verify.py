"""Verifies releases: signatures and chain, manifests against a fresh compilation, clips by their hash, provenance."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from avtech_controller.provenance import differences, read_provenance
from avtech_controller.publication import Head, Progress, read_head, release_chain
from avtech_controller.stores import ObjectStore
from avtech_controller.trust import Anchor
from avtech_controller.verification._assets import AssetCount, check_assets
from avtech_controller.verification._chain import check_head, replay
from avtech_controller.verification._claims import Claim, Recompile, check_claims, claim
from avtech_controller.verification._results import Origin, Problem, Tally, Verification
from avtech_schema.errors import ConfigurationError, TrustError
from avtech_schema.identifiers import ByteSize, CommitId, ScreenId, Sha256
from avtech_schema.release import ReleaseRecord


@dataclass(frozen=True, slots=True)
class Scope:
    """What to verify: a release by number or commit (neither: what is on air now), one screen of it, all before it too.

    `assets` says whether clips are hashed.
    """

    release: int | None = None
    commit: CommitId | None = None
    screen: ScreenId | None = None
    chain: bool = False
    assets: bool = True


@dataclass(frozen=True, slots=True)
class _Link:
    digest: Sha256
    record: ReleaseRecord


class _Chain:
    """The records, newest first, read as far back as somebody needs; each is verified by the one after it."""

    def __init__(self, store: ObjectStore, anchor: Anchor, head: Head, done: Callable[[], None]) -> None:
        self.links: list[_Link] = []
        self._rest = release_chain(store, head.metadata.pointer, anchor.publishers)
        self._done = done

    def read_while(self, wanted: Callable[[ReleaseRecord], bool]) -> None:
        """Read on until a record is not wanted; that one is read too."""
        for digest, record in self._rest:
            self.links.append(_Link(digest, record))
            self._done()
            if not wanted(record):
                return

    def tools(self, commit: CommitId) -> tuple[str, str] | None:
        """Compiler and tzdata that made a commit's manifests: those of the first release of it that was read."""
        return next(((link.record.compiler, link.record.tzdata) for link in self.links if link.record.commit == commit), None)


def verify(store: ObjectStore, anchor: Anchor, scope: Scope, recompile: Recompile, progress: Progress) -> Verification:
    """Verify what the scope names; every problem is listed.

    Raises:
        ConfigurationError: nothing is released, or not what the scope names.
        SourceError: this clone does not have a commit that is needed.
        TrustError: the metadata does not verify, or the chain is broken.
        StoreError, StoreConfigurationError: the store failed.
    """
    head = read_head(store, anchor)
    if head is None:
        raise ConfigurationError(f"nothing is released in {store.url}", hint="is it the store that is meant? --store names it")
    chain = _Chain(store, anchor, head, progress("release records", head.released.sequence))
    _read(chain, head, scope)
    chosen = _chosen(chain.links, scope)
    tally = Tally()
    tally.problems += check_head(head.record, head.released)
    tally.note(_rewinds(chosen))
    if scope.chain:
        ends_in_head = chosen[0].record.sequence == head.released.sequence
        tally.problems += replay([link.record for link in reversed(chosen)], head.released if ends_in_head else None)
    clips = check_claims(store, _claims(chain, chosen, head, scope), recompile, tally, progress)
    counted = check_assets(store, clips, tally, progress) if scope.assets else _uncounted(clips)
    _check_provenance(store, anchor, chosen, tally)
    return Verification(
        head=head.released.sequence,
        releases=tuple(link.record.sequence for link in chosen),
        manifests=tally.manifests,
        gone=tally.gone,
        removals=tally.removals,
        assets=counted.held,
        asset_bytes=counted.size,
        assets_gone=counted.gone,
        provenance=tally.provenance,
        problems=tuple(tally.problems),
        notes=tuple(tally.notes),
        origins=tuple(_origin(link.record) for link in chosen),
    )


def _origin(record: ReleaseRecord) -> Origin:
    return Origin(record.sequence, record.kind, record.commit, record.time, record.publisher)


def _rewinds(chosen: Iterable[_Link]) -> list[str]:
    """Releases that left the history of what was released before: somebody said so, and answers for it."""
    records = [link.record for link in chosen if link.record.rewound]
    return [
        f"release {record.sequence} of {record.commit[:12]} left the history of {(record.rewound or '')[:12]}; "
        f"accepted by {record.publisher}"
        for record in records
    ]


def _read(chain: _Chain, head: Head, scope: Scope) -> None:
    """Read the records that the scope needs."""
    newest = head.released.sequence
    if scope.release is not None and scope.release > newest:
        raise ConfigurationError(f"there is no release {scope.release}; the newest is {newest}")
    if scope.chain:
        chain.read_while(lambda record: record.sequence > 1)
    elif scope.commit is not None:
        chain.read_while(lambda record: record.commit != scope.commit)
        chain.read_while(lambda record: record.commit == scope.commit)
    else:
        oldest = min((screen.release for screen in head.released.screens.values()), default=newest)
        last = scope.release or oldest
        chain.read_while(lambda record: record.sequence > last)


def _chosen(links: list[_Link], scope: Scope) -> list[_Link]:
    """The releases that are looked at as such, newest first: of a commit, its publication and the steps of its rollout."""
    first, after = 0, 1
    if scope.release is not None:
        first = links[0].record.sequence - scope.release
        after = first + 1
    elif scope.commit is not None:
        found = [place for place, link in enumerate(links) if link.record.commit == scope.commit]
        if not found:
            raise ConfigurationError(f"commit {scope.commit[:12]} was never released", hint="`avtech status` names what is")
        first, after = found[0], found[-1] + 1
    return links[first:] if scope.chain else links[first:after]


def _claims(chain: _Chain, chosen: list[_Link], head: Head, scope: Scope) -> list[Claim]:
    """What is to be proven; a manifest that an older commit brought was made by the tools of that commit's release."""
    whole = scope.release is None and scope.commit is None and not scope.chain
    found = list(_on_air(chain.links, head) if whole else _changes(chosen, head))
    if scope.screen is not None:
        found = [entry for entry in found if entry.screen == scope.screen]
        if not found:
            raise ConfigurationError(f"{scope.screen} does not change in {_name(chosen)}", hint="leave --screen out to see all")
    for commit in {entry.commit for entry in found}:
        if chain.tools(commit) is None:
            chain.read_while(partial(_is_of_another, commit))
    return [replace(entry, made_by=chain.tools(entry.commit) or entry.made_by) for entry in found]


def _is_of_another(commit: CommitId, record: ReleaseRecord) -> bool:
    return record.commit != commit


def _on_air(links: list[_Link], head: Head) -> Iterator[Claim]:
    """One claim for every released screen, by the release that last changed it."""
    changes = {(link.record.sequence, change.screen): (link.record, change) for link in links for change in link.record.changes}
    for screen in head.released.screens.values():
        record, change = changes.get((screen.release, screen.screen), (None, None))
        released = (screen.digest, screen.client, screen.commit)
        if record is None or change is None or (change.new, change.client, change.commit) != released:
            raise TrustError(f"{screen.screen}: the metadata names release {screen.release}, whose record does not release it")
        yield claim(record, change, on_air=True)


def _changes(chosen: Iterable[_Link], head: Head) -> Iterator[Claim]:
    on_air = {(name, screen.digest) for name, screen in head.released.screens.items()}
    for link in chosen:
        for change in link.record.changes:
            yield claim(link.record, change, on_air=(change.screen, change.new) in on_air)


def _check_provenance(store: ObjectStore, anchor: Anchor, chosen: Iterable[_Link], tally: Tally) -> None:
    for link in chosen:
        record = link.record
        try:
            statement = read_provenance(store, record.sequence, link.digest, anchor.publishers)
            wrong = [] if statement is None else differences(statement, record, link.digest)
        except TrustError as error:
            tally.problems.append(Problem(record.sequence, f"its provenance: {error}"))
            continue
        if statement is None:
            tally.note([f"release {record.sequence} has no provenance"])
        elif wrong:
            tally.problems.append(Problem(record.sequence, f"its provenance differs from its record in {', '.join(wrong)}"))
        else:
            tally.provenance += 1


def _uncounted(clips: Iterable[object]) -> AssetCount:
    for _ in clips:
        pass
    return AssetCount(0, ByteSize(0), 0)


def _name(chosen: list[_Link]) -> str:
    numbers = [link.record.sequence for link in chosen]
    return f"release {numbers[0]}" if len(numbers) == 1 else f"the releases {numbers[-1]} to {numbers[0]}"
