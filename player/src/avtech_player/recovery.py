"""The state to start from: a corrupt one is set aside, and rebuilt from what lies complete on the disk."""

import logging
from pathlib import Path

from avtech_player.durable import DiskError, make_directory, remove, set_aside
from avtech_player.generations import Library
from avtech_player.state import PlayerState, StateCorruptError, rebuilt
from avtech_player.statefile import read_state

_log = logging.getLogger("avtech.player.state")
_KEPT = 3


def recover_state(directory: Path, library: Library) -> PlayerState:
    """The state to start from: one that is corrupt, or that the disk does not give back, is set aside, and what passed a
    trial and is complete is good again.

    Raises:
        DiskError: the disk failed.
    """
    try:
        state = read_state(directory)
    except (StateCorruptError, DiskError) as error:
        _log.warning("the state is damaged (%s): it is set aside and rebuilt", error)
        return _rebuild(library, _try_to_set_aside(directory))
    return state if state is not None else _rebuild(library, 0)


def _rebuild(library: Library, rebuilds: int) -> PlayerState:
    proven = library.proven()
    good = proven[0] if proven else None
    return rebuilt(good, proven[1] if len(proven) > 1 else None, rebuilds=rebuilds)


def _try_to_set_aside(directory: Path) -> int:
    try:
        return _set_aside(directory)
    except DiskError as error:
        _log.warning("it stays where it is: %s", error)
        return 1


def _set_aside(directory: Path) -> int:
    """Move the damaged state away for whoever wants to know why, keeping the last few; returns how many there were."""
    folder = directory / "damaged"
    make_directory(folder, ours=True)
    names = (path.stem.partition("-")[2] for path in folder.glob("state-*.json"))
    numbers = sorted(int(name) for name in names if name.isascii() and name.isdigit())
    number = numbers[-1] + 1 if numbers else 1
    set_aside(directory / "state.json", folder / f"state-{number}.json")
    for old in numbers[: max(0, len(numbers) + 1 - _KEPT)]:
        remove(folder / f"state-{old}.json")
    return number
