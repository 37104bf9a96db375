"""Verifies releases: signatures and chain, manifests against a fresh compilation, clips by their hash, provenance."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from avtech_controller.provenance import differences, read_provenance
from avtech_controller.publication import Head, Progress, read_head, release_chain
from avtech_controller.stores import ObjectStore
from avtech_controller.trust import Anchor
from avtech_controller.verification._assets import AssetCount, check_assets
from avtech_controller.verification._chain import check_head, replay
from avtech_controller.verification._claims import Claim, Recompile, check_claims, claim
from avtech_controller.verification._results import Problem, Tally, Verification
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
        raise ConfigurationError(f"nothing is released in {store.url}")
    links = _links(store, anchor, head, scope, progress)
    chosen = _chosen(links, scope)
    tally = Tally()
    tally.problems += check_head(links[0].record, head.released)
    if scope.chain:
        ends_in_head = chosen[0].record.sequence == head.released.sequence
        tally.problems += replay([link.record for link in reversed(chosen)], head.released if ends_in_head else None)
    whole = scope.release is None and scope.commit is None and not scope.chain
    claims = list(_on_air(links, head) if whole else _changes(chosen, head))
    if scope.screen is not None:
        claims = [entry for entry in claims if entry.screen == scope.screen]
        if not claims:
            raise ConfigurationError(f"{scope.screen} does not change in {_name(chosen)}", hint="leave --screen out to see all")
    clips = check_claims(store, claims, recompile, tally, progress)
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
    )


def _links(store: ObjectStore, anchor: Anchor, head: Head, scope: Scope, progress: Progress) -> list[_Link]:
    """The records that are needed, newest first; each is verified by the one after it."""
    released = head.released
    if scope.chain:
        last = 1
    elif scope.release is not None:
        last = scope.release
    elif scope.commit is not None:
        last = 1  # read until the commit is met
    else:
        last = min((screen.release for screen in released.screens.values()), default=released.sequence)
    if not 1 <= last <= released.sequence or (scope.release or 1) > released.sequence:
        raise ConfigurationError(f"there is no release {scope.release or last}; the newest is {released.sequence}")
    done = progress("release records", released.sequence - last + 1)
    links: list[_Link] = []
    for digest, record in release_chain(store, head.metadata.pointer, anchor.publishers):
        links.append(_Link(digest, record))
        done()
        met = scope.commit is not None and record.commit == scope.commit and not scope.chain
        if met or record.sequence <= last:
            break
    return links


def _chosen(links: list[_Link], scope: Scope) -> list[_Link]:
    """The releases that are looked at as such, newest first."""
    first = 0
    if scope.release is not None:
        first = links[0].record.sequence - scope.release
    elif scope.commit is not None:
        found = [place for place, link in enumerate(links) if link.record.commit == scope.commit]
        if not found:
            raise ConfigurationError(f"commit {scope.commit[:12]} was never released", hint="`avtech status` names what is")
        first = found[0]
    return links[first:] if scope.chain else links[first : first + 1]


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
