"""The clips of what was proven, hashed piece by piece from the store."""

from collections.abc import Iterable
from dataclasses import dataclass

from avtech_controller.parallel import in_parallel
from avtech_controller.publication import Progress
from avtech_controller.stores import ObjectStore
from avtech_controller.verification._claims import Claim
from avtech_controller.verification._results import Problem, Tally
from avtech_schema.identifiers import ByteSize
from avtech_schema.manifest import Asset


@dataclass(frozen=True, slots=True)
class AssetCount:
    """Clips that were hashed and hold, their bytes, and how many are not in the store any more."""

    held: int
    size: ByteSize
    gone: int


def check_assets(store: ObjectStore, found: Iterable[tuple[Claim, Asset]], tally: Tally, progress: Progress) -> AssetCount:
    """Hash every clip once; one that is missing counts against what is on air alone.

    Raises:
        StoreError, StoreConfigurationError: the store failed.
    """
    assets: dict[str, tuple[Claim, Asset]] = {}
    for claim, asset in found:
        if asset.key not in assets or claim.on_air:
            assets[asset.key] = (claim, asset)
    work = [assets[key] for key in sorted(assets)]

    def check(entry: tuple[Claim, Asset]) -> Problem | ByteSize | None:
        claim, asset = entry
        size = store.size(asset.key)
        if size is None:
            return claim.problem(f"its clip {asset.key} is missing from the store") if claim.on_air else None
        if size != asset.size:
            return claim.problem(f"its clip {asset.key} has {size:,} bytes instead of {asset.size:,}")
        if (digest := store.sha256(asset.key, limit=asset.size)) != asset.sha256:
            return claim.problem(f"its clip {asset.key} is damaged: its SHA-256 is {digest}")
        return asset.size

    results = in_parallel(check, work, done=progress("clips", len(work)))
    tally.problems += [result for result in results if isinstance(result, Problem)]
    held = [result for result in results if result is not None and not isinstance(result, Problem)]
    return AssetCount(len(held), ByteSize(sum(held)), results.count(None))
