"""Plans a rollout: which screens are in which wave. Pure; labels first, then by a hash that differs from rollout to rollout."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from hashlib import sha256

from avtech_schema.identifiers import CommitId, ScreenId
from avtech_schema.resources import Rollout, Wave
from avtech_schema.rollout import OnHalt, RolloutPolicy, parse_allowance

Labels = Mapping[ScreenId, Mapping[str, str]]
"""The labels of each screen."""


def policy_of(rollout: Rollout) -> RolloutPolicy:
    """What a fleet's settings ask of a rollout."""
    return RolloutPolicy(
        min_reporting=rollout.min_reporting,
        min_samples=rollout.min_samples,
        max_failed=parse_allowance(rollout.max_failed),
        max_lost=parse_allowance(rollout.max_lost),
        lost_minutes=rollout.lost_minutes,
        deadline_minutes=rollout.deadline_minutes,
        on_halt=OnHalt(rollout.on_halt),
    )


def rollout_id(sequence: int, commit: CommitId) -> str:
    """What a rollout is called, and what its waves are drawn by."""
    return f"{sequence}-{commit[:12]}"


def draw_order(name: str, screens: Collection[ScreenId]) -> list[ScreenId]:
    """The order in which a rollout takes screens: by the hash of its name and theirs."""
    return sorted(screens, key=lambda screen: (sha256(f"{name}/{screen}".encode()).digest(), screen))


def assign_waves(
    waves: Sequence[Wave], name: str, screens: Collection[ScreenId], labels: Labels, *, first: Collection[ScreenId] = ()
) -> tuple[tuple[int, ...], dict[ScreenId, int]]:
    """The soak times of the waves that have screens, in minutes, and the wave of each screen, from 1.

    Screens in `first` have the release already and are in the first wave. Screens that no wave takes are in a last one.
    """
    already = set(first)
    left = [screen for screen in draw_order(name, screens) if screen not in already]
    drawn: list[tuple[int, list[ScreenId]]] = []
    taken = len(first)
    for wave in waves:
        chosen = [screen for screen in left if wave.match_labels and _matches(labels.get(screen, {}), wave.match_labels)]
        if wave.percent is not None:
            picked = set(chosen)
            wanted = -(-len(screens) * wave.percent // 100) - taken - len(chosen)
            chosen += [screen for screen in left if screen not in picked][: max(0, wanted)]
        picked = set(chosen)
        left = [screen for screen in left if screen not in picked]
        taken += len(chosen)
        drawn.append((wave.soak_minutes, chosen))
    if left:
        drawn.append((waves[-1].soak_minutes if waves else 0, left))
    if first:
        drawn = [(drawn[0][0], [*first, *drawn[0][1]]), *drawn[1:]]
    held = [(soak, chosen) for soak, chosen in drawn if chosen]
    return tuple(soak for soak, _ in held), dict(_numbered(held))


def _numbered(waves: Sequence[tuple[int, list[ScreenId]]]) -> Iterator[tuple[ScreenId, int]]:
    for number, (_, chosen) in enumerate(waves, 1):
        for screen in chosen:
            yield screen, number


def _matches(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(labels.get(key) == value for key, value in wanted.items())
