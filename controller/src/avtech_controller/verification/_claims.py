"""A claim of a release, that a commit compiles to a manifest with a certain digest, held against Git and the store."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version

from avtech_controller.compiler import COMPILER, CompiledScreen
from avtech_controller.parallel import in_parallel
from avtech_controller.publication import Progress
from avtech_controller.stores import ObjectStore, Stored, StoreError
from avtech_controller.verification._difference import compare
from avtech_controller.verification._results import Problem, Tally
from avtech_schema.canonical import sha256_hex
from avtech_schema.errors import FindingsError
from avtech_schema.identifiers import ClientId, CommitId, ScreenId, Sha256
from avtech_schema.layout import manifest_key
from avtech_schema.manifest import MAX_MANIFEST_BYTES, Asset
from avtech_schema.release import ReleaseRecord, ScreenChange

Recompile = Callable[[CommitId, Collection[ScreenId]], Mapping[ScreenId, CompiledScreen]]
"""Compiles some screens of a commit; raises FindingsError when its desired state has errors, SourceError without it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a release says of a screen: this commit compiles to this manifest (None: it does not have the screen)."""

    release: int
    screen: ScreenId
    client: ClientId
    commit: CommitId
    digest: Sha256 | None
    on_air: bool
    """Whether the head of the releases still has it: then its objects must be in the store."""
    made_by: tuple[str, str]
    """Compiler and tzdata of the release."""

    @property
    def same_tools(self) -> bool:
        """Whether this installation is what made the release."""
        return self.made_by == tools()

    def problem(self, message: str) -> Problem:
        """Something wrong with this claim."""
        return Problem(self.release, message, self.screen)


def tools() -> tuple[str, str]:
    """Compiler and tzdata of this installation."""
    return COMPILER, version("tzdata")


def claim(record: ReleaseRecord, change: ScreenChange, *, on_air: bool) -> Claim:
    """What a record says of a screen that it changed."""
    made_by = (record.compiler, record.tzdata)
    return Claim(record.sequence, change.screen, change.client, change.commit, change.new, on_air, made_by)


@dataclass(frozen=True, slots=True)
class _Judged:
    """`certain`: the problem is one whatever tools made the release, as its own digest does not hold."""

    claim: Claim
    problem: Problem | None = None
    gone: bool = False
    assets: Mapping[str, Asset] | None = None
    certain: bool = False


def check_claims(
    store: ObjectStore, claims: Iterable[Claim], recompile: Recompile, tally: Tally, progress: Progress
) -> Iterator[tuple[Claim, Asset]]:
    """Recompile every claim's commit, once each, and compare; yields the clips of the claims that hold.

    Raises:
        SourceError: this clone does not have a commit.
        StoreError, StoreConfigurationError: the store failed.
    """
    by_commit: dict[CommitId, list[Claim]] = {}
    for entry in claims:
        by_commit.setdefault(entry.commit, []).append(entry)
    done = progress("manifests", sum(map(len, by_commit.values())))
    for commit, group in by_commit.items():
        for judged in _judge_commit(store, commit, group, recompile, done):
            if judged.problem:
                tally.problems.append(judged.problem)
                continue
            tally.gone += judged.gone
            if judged.assets is None:
                tally.removals += 1
                continue
            tally.manifests += 1
            if not judged.claim.same_tools:
                tally.note([_made_elsewhere(judged.claim)])
            for asset in judged.assets.values():
                yield judged.claim, asset


def _judge_commit(
    store: ObjectStore, commit: CommitId, claims: list[Claim], recompile: Recompile, done: Callable[[], None]
) -> list[_Judged]:
    try:
        compiled = recompile(commit, {claim.screen for claim in claims})
    except FindingsError as error:
        message = f"commit {commit[:12]} does not compile here: {error}"
        return [_excused(_Judged(claim, claim.problem(message))) for claim in claims]
    return in_parallel(lambda claim: _excused(_judge(store, claim, compiled.get(claim.screen))), claims, done=done)


def _judge(store: ObjectStore, claim: Claim, compiled: CompiledScreen | None) -> _Judged:
    if claim.digest is None:
        if compiled is None:
            return _Judged(claim)
        return _Judged(claim, claim.problem(f"it was removed, but commit {claim.commit[:12]} has it"))
    if compiled is None:
        return _Judged(claim, claim.problem(f"it was released, but commit {claim.commit[:12]} does not have it"))
    stored = _stored(store, manifest_key(claim.client, claim.screen, claim.digest))
    if stored is not None and sha256_hex(stored) != claim.digest:
        problem = claim.problem("the manifest in the store is not the one that was released")
        return _Judged(claim, replace(problem, difference=compare(compiled.data, stored)), certain=True)
    if compiled.digest != claim.digest or compiled.client != claim.client:
        problem = claim.problem(f"the released manifest is not what commit {claim.commit[:12]} compiles to")
        return _Judged(claim, replace(problem, difference=compare(compiled.data, stored) if stored else None))
    if stored is None and claim.on_air:
        return _Judged(claim, claim.problem("the released manifest is missing from the store"), certain=True)
    return _Judged(claim, gone=stored is None, assets={asset.key: asset for asset in compiled.manifest.assets.values()})


def _stored(store: ObjectStore, key: str) -> bytes | None:
    try:
        found = store.get(key, limit=MAX_MANIFEST_BYTES)
    except StoreError:
        if (store.size(key) or 0) > MAX_MANIFEST_BYTES:
            return b""  # surely not the one that was released, and not worth reading
        raise
    return found.data if isinstance(found, Stored) else None


def _excused(judged: _Judged) -> _Judged:
    """What other tools made may differ without anybody having tampered; a stored object under a wrong digest may not."""
    problem = judged.problem
    if problem is None or judged.claim.same_tools or judged.certain:
        return judged
    made, here = (f"{compiler} with tzdata {tzdata}" for compiler, tzdata in (judged.claim.made_by, tools()))
    message = f"{problem.message}; but {made} made it and this is {here}: install those to tell"
    return replace(judged, problem=replace(problem, message=message, unproven=True))


def _made_elsewhere(claim: Claim) -> str:
    compiler, tzdata = claim.made_by
    return f"release {claim.release} was made by {compiler} with tzdata {tzdata}; the same bytes come out here"
