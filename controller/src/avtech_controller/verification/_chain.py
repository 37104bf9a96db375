"""The chain of releases, replayed: every step must start from what the steps before left, and end in what is released."""

from collections.abc import Iterable, Iterator

from avtech_controller.publication import Released
from avtech_controller.verification._results import Problem
from avtech_schema.identifiers import ScreenId, Sha256
from avtech_schema.release import ReleaseRecord


def replay(records: Iterable[ReleaseRecord], released: Released | None) -> Iterator[Problem]:
    """Problems of a chain given from its first record on; `released` is what the head's metadata says, if it ends there."""
    now: dict[ScreenId, tuple[Sha256, int]] = {}
    for record in records:
        for change in record.changes:
            before = now.get(change.screen)
            if change.old != (before[0] if before else None):
                yield Problem(record.sequence, f"it starts from {_name(change.old)}, not from what was released", change.screen)
            if change.new is None:
                now.pop(change.screen, None)
            else:
                now[change.screen] = (change.new, record.sequence)
    if released is not None:
        yield from _compare(now, released)


def check_head(record: ReleaseRecord, released: Released) -> Iterator[Problem]:
    """Problems between the newest record and the signed metadata that players follow."""
    for change in record.changes:
        found = released.screens.get(change.screen)
        if (found.digest if found else None) != change.new:
            yield Problem(record.sequence, "players are told of another manifest than the release record", change.screen)


def _compare(now: dict[ScreenId, tuple[Sha256, int]], released: Released) -> Iterator[Problem]:
    for screen in sorted(now.keys() | released.screens.keys()):
        found = released.screens.get(screen)
        said = (found.digest, found.release) if found else None
        if said != now.get(screen):
            yield Problem(released.sequence, "players are told of another manifest than the chain of releases leads to", screen)


def _name(digest: Sha256 | None) -> str:
    return "nothing" if digest is None else f"the manifest {digest[:12]}"
